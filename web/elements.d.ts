/**
 * The types of the two elements (define.js, player-element.js). README.md describes each attribute and part. What an
 * element passes on has the type that the module gives it; tests/web/element-types.test.mjs compares the rest with the code.
 */

import type {
  Changes,
  LoadProgress,
  ModelInfo,
  Sample,
  SampleOptions,
  SeddError,
  StepEvent,
  Trace,
} from '../types/client.js';
import type { State } from '../types/view/history.js';

export type { ModelInfo, Trace };

/** The progress of a load. Before a model's own, a demo fetches the engine; a player fetches its trace. */
export type Progress = LoadProgress | { loaded: number; total: number; phase: 'trace' | 'engine' };

/** The state that a player shows. */
export interface PlayerStep extends Pick<State, 'index' | 'step' | 'sigma' | 'masked'> {
  /** steps of the run */
  total: number;
  /** the positions that the step changed */
  positions: number[];
}

interface CommonEventMap {
  'sedd-progress': CustomEvent<Progress>;
  'sedd-error': CustomEvent<{ error: SeddError }>;
}

export interface SeddPlayerEventMap extends CommonEventMap {
  'sedd-ready': CustomEvent<{ trace: Trace }>;
  'sedd-step': CustomEvent<PlayerStep>;
  'sedd-done': CustomEvent<{ text: string }>;
}

export interface SeddDemoEventMap extends CommonEventMap {
  'sedd-ready': CustomEvent<{ model: ModelInfo; compare: ModelInfo | null }>;
  'sedd-step': CustomEvent<StepEvent>;
  'sedd-done': CustomEvent<{ sample: Sample }>;
  'sedd-select': CustomEvent<{ position: number; text: string | null }>;
}

/** The events as an ancestor of the elements receives them; `detail` is that of one of the two. */
export type SeddEventMap = {
  [Name in keyof SeddPlayerEventMap & keyof SeddDemoEventMap]: SeddPlayerEventMap[Name] | SeddDemoEventMap[Name];
} & Pick<SeddDemoEventMap, 'sedd-select'>;

/** All events of an element. Its own events replace general ones of the same name. */
type Events<Own> = Own & Omit<HTMLElementEventMap, keyof Own>;

/** <sedd-player> replays a recorded run without a model. */
export class SeddPlayer extends HTMLElement {
  get src(): string | null;
  set src(value: string | null);
  loading: 'lazy' | 'eager';
  autoplay: boolean;
  loop: boolean;
  speed: number;
  get step(): number | null;
  set step(value: number | null);
  sheet: boolean;
  meter: 'none' | 'age' | 'confidence';
  get trace(): Trace | null;
  set trace(value: Trace | string | null);
  readonly index: number;
  readonly text: string;
  readonly playing: boolean;
  load(): Promise<Trace>;
  play(): void;
  pause(): void;
  seek(index: number): void;
  addEventListener<Name extends keyof Events<SeddPlayerEventMap>>(
    type: Name,
    listener: (this: SeddPlayer, event: Events<SeddPlayerEventMap>[Name]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Name extends keyof Events<SeddPlayerEventMap>>(
    type: Name,
    listener: (this: SeddPlayer, event: Events<SeddPlayerEventMap>[Name]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** <sedd-demo> runs a model in the reader's browser. */
export class SeddDemo extends HTMLElement {
  model: string | null;
  compare: string | null;
  prompt: string;
  steps: number;
  length: number | null;
  seed: number | bigint | null;
  temperature: number | null;
  topP: number | null;
  topK: number | null;
  positions: SampleOptions['positions'] | null;
  order: SampleOptions['order'] | null;
  grid: SampleOptions['grid'] | null;
  context: SampleOptions['context'] | null;
  device: 'wasm' | 'webgpu' | 'auto';
  loading: 'lazy' | 'eager';
  reveal: 'interaction' | 'auto' | 'manual';
  layout: 'lines' | 'text' | 'grid';
  meter: 'none' | 'age' | 'confidence';
  sheet: boolean;
  controls: 'full' | 'buttons';
  disabled: boolean;
  readonly sample: Sample | null;
  load(): Promise<void>;
  run(changes?: SampleOptions): Promise<Sample>;
  pause(): void;
  continue(): void;
  stop(): void;
  seekTo(index: number): void;
  branch(index?: number, changes?: Changes): Promise<Sample>;
  exportTrace(): string;
  copyReport(format?: 'markdown' | 'json' | 'csv'): Promise<string>;
  dispose(): void;
  addEventListener<Name extends keyof Events<SeddDemoEventMap>>(
    type: Name,
    listener: (this: SeddDemo, event: Events<SeddDemoEventMap>[Name]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Name extends keyof Events<SeddDemoEventMap>>(
    type: Name,
    listener: (this: SeddDemo, event: Events<SeddDemoEventMap>[Name]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'sedd-player': SeddPlayer;
    'sedd-demo': SeddDemo;
  }
  interface HTMLElementEventMap extends SeddEventMap {}
  interface DocumentEventMap extends SeddEventMap {}
  interface WindowEventMap extends SeddEventMap {}
}
