// Shows one line with the current work and the remaining time. On a terminal it rewrites the line in place.
const clock = (seconds) =>
  seconds < 90
    ? `${Math.ceil(seconds)} s`
    : seconds < 5400
      ? `${Math.ceil(seconds / 60)} min`
      : `${(seconds / 3600).toFixed(1)} h`;

export class Progress {
  /** @param {{isTTY?: boolean, write: (text: string) => void}} [out] null prints nothing */
  constructor(out = process.stderr) {
    this.out = out;
  }

  /** Writes a permanent line. */
  say(line) {
    this.out?.write(`${line}\n`);
  }

  start(label, total, done = 0) {
    const begin = performance.now();
    const first = done;
    let said = 0;
    const say = (end) => {
      const seconds = (performance.now() - begin) / 1000;
      const left =
        done > first && !end
          ? `, ${clock((seconds / (done - first)) * (total - done))} left`
          : end && done > first
            ? `, ${seconds.toFixed(1)} s`
            : '';
      const line = `${label}  ${done}/${total}${first ? ` (${first} known)` : ''}${left}`;
      this.out?.write(this.out.isTTY ? `\r\x1b[K${line}${end ? '\n' : ''}` : `${line}\n`);
      said = performance.now();
    };
    return {
      step: () => {
        done++;
        if (done < total && performance.now() - said > (this.out?.isTTY ? 200 : 15000)) say(false);
      },
      end: () => say(true),
    };
  }
}
