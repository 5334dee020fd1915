/**
 * The timeline of a run that may still be computed. While the run is shown as it comes, and at its last state, the play
 * button continues and pauses the run, and the forward button asks for one more step; before it they move through the
 * steps that are there.
 */
import { Timeline } from '../view/timeline.js';

export class LiveTimeline extends Timeline {
  /** Computes the run that is shown; null once it is over. @type {import('./writer.js').Writer|null} */
  writer = null;

  /** @param {{showing: () => boolean} & ConstructorParameters<typeof Timeline>[0]} options `showing`: the run is shown as it comes */
  constructor({ showing, ...options }) {
    super(options);
    this.showing = showing;
  }

  /** Whether the buttons act on the run. The constructor of the base asks before there is a writer. */
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
