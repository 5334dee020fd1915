/**
 * Keeps a run within a time budget. One evaluation is timed before the run, and the number of steps is chosen to fit. If
 * the run is late nevertheless, it continues in fewer steps from the noise it has reached, so that the remaining masks
 * are spread over the evaluations that still fit. Every change is reported. It equals `sedd.resume` with another number
 * of `steps`, except if the denoiser came immediately, in the first half.
 */

/** Factor by which an evaluation may be slower than those before it; the first ones are the slowest. */
const RESERVE = 1.1;
/** Weight of the latest evaluation in the pace, so that a single slow one does not decide. */
const WEIGHT = 0.2;

export class Budget {
  /** @param {number} budgetMs @param {() => number} now */
  constructor(budgetMs, now = () => performance.now()) {
    this.budgetMs = budgetMs;
    this.now = now;
    this.begin = now();
    this.noted = this.begin;
    this.pace = 0; // recent ms per evaluation
    /** @type {{askedMs: number, kept: boolean, changes?: {after: number, steps: number}[], reason?: string}} changes: the step after which the run continued, and its new total number of steps */
    this.report = { askedMs: budgetMs, kept: true };
  }

  get left() {
    return this.budgetMs - (this.now() - this.begin);
  }

  /** Records the time of an evaluation. @param {number} ms */
  note(ms) {
    this.pace += (this.pace ? WEIGHT : 1) * (ms - this.pace);
    this.noted = this.now();
  }

  /** Records the time since the last record as one evaluation. */
  lap() {
    this.note(this.now() - this.noted);
  }

  /** Returns the number of evaluations that fit, at least one. */
  get fitting() {
    return Math.max(1, Math.floor(this.left / (this.pace * RESERVE)));
  }

  /**
   * Returns the number of steps that fit, at most the requested number. The denoiser takes one more evaluation.
   * @param {number} asked @param {boolean} denoise
   */
  steps(asked, denoise) {
    const steps = Math.max(1, Math.min(asked, this.fitting - (denoise ? 1 : 0)));
    if (steps < asked)
      this.report.reason = `One evaluation takes ${this.pace.toFixed(1)} ms here, so ${steps} of the ${asked} steps fit.`;
    return steps;
  }

  /** Returns true if the evaluations ahead no longer fit. @param {number} ahead */
  behind(ahead) {
    return ahead > 1 && this.left < ahead * this.pace;
  }

  /** @param {number} after number of the last step @param {number} steps new total number of steps */
  change(after, steps) {
    (this.report.changes ??= []).push({ after, steps });
    this.report.reason = `Fewer steps after step ${after}.`;
  }

  finish() {
    const took = this.now() - this.begin;
    this.report.kept = took <= this.budgetMs;
    if (!this.report.kept)
      this.report.reason = `The run took ${took.toFixed(0)} ms; one evaluation takes ${this.pace.toFixed(1)} ms here.`;
    return this.report;
  }
}

/**
 * Returns the shorter run that has the same noise as this one at its current step, with `evaluations` left. With `denoise`, one of them is the denoiser.
 * @param {{steps: number, position: number}} run @param {number} evaluations @param {boolean} denoise
 */
export function thinned({ steps, position }, evaluations, denoise) {
  const ahead = evaluations - (denoise ? 1 : 0);
  if (ahead === 0) return { steps: 1, position: 1 };
  const fewer = Math.round((ahead * steps) / (steps - position));
  return { steps: fewer, position: fewer - ahead };
}
