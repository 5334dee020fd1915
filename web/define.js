/** Defines both elements: <sedd-player> and <sedd-demo>. */
export { SeddPlayer } from './player-element.js';
export { SeddDemo } from './demo-element.js';
