/**
 * The timeline of a run that may still be computed. At the run's last state the play button continues and pauses the
 * computation, and the forward button asks for one more step; before it they move through the steps that are there.
 */
import { Timeline } from '../view/timeline.js';

export class LiveTimeline extends Timeline {
  /** Computes the run that is shown; null once it is over. @type {import('./writer.js').Writer|null} */
  writer = null;

  /** Whether the buttons act on the computation. The constructor of the base asks before there is a writer. */
  get computing() {
    return Boolean(this.writer) && this.index >= this.playback.last;
  }

  get playing() {
    return super.playing || (this.computing && !this.writer.paused);
  }

  get more() {
    return super.more || (this.computing && this.writer.paused);
  }

  update() {
    super.update();
    if (this.writer) this.play.disabled = false;
  }

  toggle() {
    if (this.computing) this.writer.togglePause();
    else super.toggle();
  }

  stepBy(count) {
    if (count > 0 && this.computing) this.writer.step();
    else super.stepBy(count);
  }
}
