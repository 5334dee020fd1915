/**
 * Keeping a run inside a time budget. Before the run one evaluation is timed and the steps are chosen that
 * fit; when the run falls behind nevertheless, the denoiser (which opens every mask) comes early. What was
 * done is reported, and a run with the reported steps and seed writes the same text.
 */

/** An evaluation may take this much longer than the one that was timed: the first ones are the slowest. */
const RESERVE = 1.1;

export class Budget {
  /** @param {number} budgetMs @param {() => number} now */
  constructor(budgetMs, now = () => performance.now()) {
    this.budgetMs = budgetMs;
    this.now = now;
    this.begin = now();
    this.slowest = 0;
    /** @type {{askedMs: number, kept: boolean, cutAfter?: number, reason?: string}} cutAfter: the step after which the denoiser came early */
    this.report = { askedMs: budgetMs, kept: true };
  }

  get left() { return this.budgetMs - (this.now() - this.begin); }

  /** Notes what an evaluation took. @param {number} ms */
  note(ms) { this.slowest = Math.max(ms, 0.5 * this.slowest); }

  /**
   * The steps that fit, at most the asked ones; the denoiser takes one evaluation more.
   * @param {number} asked @param {boolean} denoise
   */
  steps(asked, denoise) {
    const evaluations = Math.floor(this.left / (this.slowest * RESERVE));
    const steps = Math.max(1, Math.min(asked, evaluations - (denoise ? 1 : 0)));
    if (steps < asked) this.report.reason = `One evaluation takes ${this.slowest.toFixed(1)} ms here, so ${steps} of the ${asked} steps fit.`;
    return steps;
  }

  /** Must the denoiser come now, with `ahead` evaluations still planned? @param {number} ahead */
  late(ahead) { return ahead > 1 && this.left < 2 * this.slowest * RESERVE; }

  /** @param {number} step @param {number} steps */
  cut(step, steps) {
    this.report.cutAfter = step;
    this.report.reason = `Steps became slower (${this.slowest.toFixed(1)} ms), so the denoiser came after step ${step} of ${steps}.`;
  }

  finish() {
    const took = this.now() - this.begin;
    this.report.kept = took <= this.budgetMs;
    if (!this.report.kept) this.report.reason = `The run took ${took.toFixed(0)} ms, although it made as few evaluations as it can: one takes ${this.slowest.toFixed(1)} ms here.`;
    return this.report;
  }
}
