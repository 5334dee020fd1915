/**
 * The timeline of a run that may still be in progress. While it shows the newest state, the play button continues and
 * pauses the run, and the forward button requests one more step. At earlier states, they move through the existing
 * steps.
 */
import { Timeline } from '../view/timeline.js';

export class LiveTimeline extends Timeline {
  /** Computes the shown run; null once it has ended. @type {import('./writer.js').Writer|null} */
  writer = null;

  /** @param {{showing: () => boolean} & ConstructorParameters<typeof Timeline>[0]} options `showing`: true while the run is shown as it is computed */
  constructor({ showing, ...options }) {
    super(options);
    this.showing = showing;
  }

  /** True if the buttons act on the run. The constructor of the base class asks before the writer is set. */
  get computing() {
    return Boolean(this.writer) && (this.showing() || this.index >= this.playback.last);
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
