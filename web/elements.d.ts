/** Types of the two elements (define.js, player-element.js); README.md says what each attribute and part is for. */

import type { Changes, Sample, SampleOptions } from '../types/client.js';

export interface Trace {
  format: 'sedd-trace';
  version: 1;
  length: number;
  steps: number;
  seed: string;
  sampler: string;
  temperature: number;
  topK: number;
  topP: number;
  maskId: number;
  initial: number[];
  events: {
    step: number;
    sigma: number;
    masked: number;
    changed: number[];
    ids: number[];
    ms?: number;
    confidence?: number[];
  }[];
  texts: Record<string, string>;
  model?: { name: string; sha256?: string };
  held?: number[];
}

/** <sedd-player>: replays a recorded run without a model. */
export class SeddPlayer extends HTMLElement {
  src: string;
  loading: 'lazy' | 'eager';
  autoplay: boolean;
  loop: boolean;
  speed: number;
  step: number;
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
}

/** <sedd-demo>: a model that writes in the reader's browser. */
export class SeddDemo extends HTMLElement {
  model: string;
  compare: string;
  prompt: string;
  steps: number;
  length: number;
  seed: number | bigint;
  temperature: number;
  topP: number;
  topK: number;
  positions: SampleOptions['positions'] | null;
  order: SampleOptions['order'] | null;
  grid: SampleOptions['grid'] | null;
  context: SampleOptions['context'] | null;
  loading: 'lazy' | 'eager';
  reveal: 'interaction' | 'auto' | 'manual';
  layout: 'lines' | 'text' | 'grid';
  meter: 'none' | 'age' | 'confidence';
  sheet: boolean;
  controls: 'full' | 'buttons';
  disabled: boolean;
  readonly sample: Sample | null;
  load(): Promise<unknown>;
  run(changes?: SampleOptions): Promise<Sample>;
  pause(): void;
  continue(): void;
  stop(): void;
  seekTo(index: number): void;
  branch(index?: number, changes?: Changes): Promise<Sample>;
  exportTrace(): string;
  copyReport(format?: 'markdown' | 'json' | 'csv'): Promise<string>;
  dispose(): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'sedd-player': SeddPlayer;
    'sedd-demo': SeddDemo;
  }
}
