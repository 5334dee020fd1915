/**
 * A clock over the states 0 to `last`: plays, pauses, seeks and loops. It runs on animation frames, so it stops in a
 * hidden tab. For readers who prefer reduced motion, it takes a few large steps instead of many small ones.
 */
const RUN_MS = 7000; // a whole run at speed 1, within the bounds of a step
const STEP_MS = [45, 450];
const STRIDES = 8;
const STRIDE_MS = 1200;
const REST_MS = 2500; // time for which the finished text stays before a loop starts again

export class Playback {
  #frame = 0;

  /** @param {{onShow: (index: number) => void, onChange?: () => void}} options `onChange`: called when playing starts or stops */
  constructor({ onShow, onChange = () => {} }) {
    this.last = 0;
    /** Returns the index of the shown state; `seek` changes it. */
    this.index = 0;
    this.speed = 1;
    this.loop = false;
    this.onShow = onShow;
    this.onChange = onChange;
  }

  get playing() {
    return this.#frame !== 0;
  }

  #pace() {
    if (globalThis.matchMedia?.('(prefers-reduced-motion: reduce)').matches)
      return { ms: STRIDE_MS, stride: Math.ceil(this.last / STRIDES) };
    return { ms: Math.min(Math.max(RUN_MS / Math.max(this.last, 1), STEP_MS[0]), STEP_MS[1]), stride: 1 };
  }

  seek(index) {
    this.index = Math.min(Math.max(Math.round(index) || 0, 0), this.last);
    this.onShow(this.index);
  }

  play() {
    if (this.playing || this.last === 0) return;
    if (this.index >= this.last) this.seek(0);
    let before = performance.now();
    const tick = (now) => {
      const { ms, stride } = this.#pace();
      const passed = now - before;
      const ended = this.index >= this.last;
      const steps = Math.floor((passed * this.speed) / ms);
      if (ended ? passed >= REST_MS : steps >= 1) {
        before = now;
        this.seek(ended ? 0 : this.index + Math.min(steps, 4) * stride);
      }
      if (this.index >= this.last && !this.loop) this.pause();
      else if (this.#frame) this.#frame = requestAnimationFrame(tick);
    };
    this.#frame = requestAnimationFrame(tick);
    this.onChange();
  }

  pause() {
    if (!this.playing) return;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.onChange();
  }
}
