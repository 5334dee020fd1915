/**
 * Keeping a run inside a time budget. Before the run one evaluation is timed and the steps are chosen that
 * fit; when the run falls behind nevertheless, it goes on in fewer steps from the noise it has reached, so
 * that the masks that are left are spread over the evaluations that fit. What was done is reported: each change is
 * what `sedd.resume` does with other `steps` (but where the denoiser came at once in the first half).
 */

/** An evaluation may take this much longer than the ones before: the first are the slowest. */
const RESERVE = 1.1;
/** How much of the pace an evaluation makes: one alone that is slow shall not decide. */
const WEIGHT = 0.2;

export class Budget {
  /** @param {number} budgetMs @param {() => number} now */
  constructor(budgetMs, now = () => performance.now()) {
    this.budgetMs = budgetMs;
    this.now = now;
    this.begin = now();
    this.noted = this.begin;
    this.pace = 0; // ms an evaluation, of late
    /** @type {{askedMs: number, kept: boolean, changes?: {after: number, steps: number}[], reason?: string}} changes: after which step it went on in how many in all */
    this.report = { askedMs: budgetMs, kept: true };
  }

  get left() {
    return this.budgetMs - (this.now() - this.begin);
  }

  /** Notes what an evaluation took. @param {number} ms */
  note(ms) {
    this.pace += (this.pace ? WEIGHT : 1) * (ms - this.pace);
    this.noted = this.now();
  }

  /** Notes the time since the last note: an evaluation with all that goes with it. */
  lap() {
    this.note(this.now() - this.noted);
  }

  /** Evaluations that fit, at least one. */
  get fitting() {
    return Math.max(1, Math.floor(this.left / (this.pace * RESERVE)));
  }

  /**
   * The steps that fit, at most the asked ones; the denoiser takes one evaluation more.
   * @param {number} asked @param {boolean} denoise
   */
  steps(asked, denoise) {
    const steps = Math.max(1, Math.min(asked, this.fitting - (denoise ? 1 : 0)));
    if (steps < asked)
      this.report.reason = `One evaluation takes ${this.pace.toFixed(1)} ms here, so ${steps} of the ${asked} steps fit.`;
    return steps;
  }

  /** Would the evaluations ahead not fit any more? @param {number} ahead */
  behind(ahead) {
    return ahead > 1 && this.left < ahead * this.pace;
  }

  /** @param {number} after the step done, as the run counts them @param {number} steps that it goes on in, in all */
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
 * The run in fewer steps that has the same noise where this one stands, with `evaluations` to go; with `denoise` one of them is the denoiser.
 * @param {{steps: number, position: number}} run @param {number} evaluations @param {boolean} denoise
 */
export function thinned({ steps, position }, evaluations, denoise) {
  const ahead = evaluations - (denoise ? 1 : 0);
  if (ahead === 0) return { steps: 1, position: 1 };
  const fewer = Math.round((ahead * steps) / (steps - position));
  return { steps: fewer, position: fewer - ahead };
}
