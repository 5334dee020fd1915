/**
 * The look of the parts: one constructable stylesheet for shadow roots and the document. Colours and fonts are
 * the `--sedd-*` tokens of the page, or the values here. Marks never rely on colour alone: a mask is a rule on the
 * baseline, a new token is underlined, a given one is italic, a selected one is inverted.
 */
const CSS = `
:host, .sedd-cells, .sedd-timeline, .sedd-sheet {
  --_paper: var(--sedd-paper, light-dark(#fbfaf7, #16171a));
  --_raised: var(--sedd-raised, light-dark(#fff, #1f2024));
  --_ink: var(--sedd-ink, light-dark(#1c1c1a, #ecebe6));
  --_quiet: var(--sedd-quiet, light-dark(#5d5c57, #a3a29c));
  --_line: var(--sedd-line, light-dark(#d9d6cc, #35363b));
  --_accent: var(--sedd-accent, light-dark(#14597e, #7fc1e8));
  --_new: var(--sedd-new, var(--_accent));
  --_held: var(--sedd-held, var(--_quiet));
  --_mask: var(--sedd-mask, light-dark(#918c7e, #74757d));
  --_text: var(--sedd-font-text, Charter, 'Bitstream Charter', Georgia, 'Times New Roman', serif);
  --_ui: var(--sedd-font-ui, system-ui, sans-serif);
}
@media (forced-colors: active) {
  :host, .sedd-cells, .sedd-timeline, .sedd-sheet {
    --_paper: Canvas; --_raised: Canvas; --_ink: CanvasText; --_quiet: CanvasText; --_line: GrayText; --_accent: Highlight;
    --_new: Highlight; --_held: CanvasText; --_mask: GrayText;
  }
}

.sedd-timeline { margin: 0.75rem 0; }
.sedd-cells { font: 1.125rem/1.85 var(--_text); color: var(--_ink); --edge: 100%; }
.sedd-cells[dir='rtl'] { --edge: 0%; }
.sedd-cells[data-layout='text'] { white-space: pre-wrap; overflow-wrap: anywhere; }
.sedd-cells[data-layout='lines'] { white-space: pre; }
.sedd-cells[data-layout='grid'] { display: grid; grid-template-columns: repeat(auto-fill, minmax(4.4em, 1fr)); column-gap: 0.35em; font-size: 1rem; white-space: pre; }
.sedd-line { display: flex; min-height: 1.85em; font-size: calc(1em * var(--fit, 1)); line-height: calc(1.85 / var(--fit, 1)); }
.sedd-line .sedd-cell { flex: none; }
.sedd-line .sedd-cell.mask { flex: 1 1 1.6em; max-width: 3em; }

[data-layout='grid'] .sedd-cell { overflow: clip; overflow-clip-margin: 3px; text-overflow: ellipsis; min-width: 0; }
[data-layout='grid'] .sedd-cell.long { font-size: 0.8em; line-height: 2.3; }
.sedd-cell {
  position: relative; border-radius: 1px; --gap: 0.1em; --rule: var(--_mask); --at: 86%; --thick: 0;
  background: linear-gradient(var(--rule) 0 0) var(--edge) var(--at) / calc(100% - var(--gap)) var(--thick) no-repeat;
}
.sedd-cell.word { --gap: 0.27em; }
.sedd-cell.mask { --thick: 0.075em; }
.sedd-cell.mask::before { content: attr(data-ghost); visibility: hidden; }
.sedd-cell.hole { --thick: 0.36em; --at: 80%; }
.sedd-cell.break::before { content: '\\b6'; color: var(--_quiet); }
.sedd-cell.held { font-style: italic; color: var(--_held); }
.sedd-cell.recent { --rule: var(--_new); --thick: 1px; --at: 92%; }
.sedd-cell.new { --rule: var(--_new); --thick: 2px; --at: 92%; color: var(--_new); }
@media (prefers-reduced-motion: no-preference) {
  .sedd-cell.new { animation: sedd-open 0.32s ease-out; }
}
@keyframes sedd-open { from { opacity: 0; } }
.sedd-cell.meter { --rule: var(--_accent); --thick: 0.16em; --at: 96%; background-size: calc((100% - var(--gap)) * var(--value)) var(--thick); background-position: calc(100% - var(--edge)) var(--at); }
.sedd-cells[role='listbox'] .sedd-cell { cursor: pointer; }
.sedd-cells[role='listbox'] .sedd-cell:hover { outline: 1px solid var(--_line); }
.sedd-cell[aria-selected='true'] { outline: 2px solid var(--_ink); outline-offset: 1px; }
.sedd-cell[aria-selected='true']:not(.mask) { color: var(--_paper); background-color: var(--_ink); }
.sedd-cell:focus-visible { outline: 2px solid var(--_accent) !important; outline-offset: 2px; }
@media (forced-colors: active) {
  .sedd-cell { forced-color-adjust: none; color: CanvasText; }
  .sedd-cell[aria-selected='true']:not(.mask) { color: HighlightText; background-color: Highlight; }
}

.sedd-timeline { container-type: inline-size; font: 0.875rem/1.4 var(--_ui); color: var(--_quiet); }
.sedd-row { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.5rem; }
@container (max-width: 30rem) {
  .sedd-row .sedd-track { order: -1; flex-basis: 100%; }
  .sedd-row .count { margin-inline-start: auto; }
}
.sedd-timeline button, .sedd-timeline select {
  font: inherit; color: var(--_ink); background: none; border: 0; border-radius: 0.25rem; margin: 0; min-width: 2.25rem; min-height: 2.25rem; padding: 0 0.3rem; cursor: pointer;
}
.sedd-timeline select { min-width: 3.5rem; padding: 0; }
.sedd-timeline select option { color: var(--_ink); background: var(--_raised); }
.sedd-timeline button { display: inline-grid; place-items: center; padding: 0; }
.sedd-timeline button:hover:enabled, .sedd-timeline select:hover { color: var(--_accent); }
.sedd-timeline button:disabled { color: var(--_mask); cursor: default; }
.sedd-timeline svg { display: block; fill: currentColor; }
.sedd-timeline .count { font-variant-numeric: tabular-nums; white-space: nowrap; text-align: end; }
.sedd-track { position: relative; flex: 1 1 12rem; min-width: 0; }
.sedd-track svg { position: absolute; inset: 0 0.4375rem 50%; width: calc(100% - 0.875rem); height: 50%; fill: var(--_mask); pointer-events: none; }
.sedd-track input { appearance: none; display: block; width: 100%; height: 2.25rem; margin: 0; background: none; cursor: pointer; position: relative; }
.sedd-track input::-webkit-slider-runnable-track { height: 1px; background: var(--_ink); }
.sedd-track input::-moz-range-track { height: 1px; background: var(--_ink); }
.sedd-track input::-webkit-slider-thumb { appearance: none; width: 0.875rem; height: 0.875rem; margin-top: -0.4rem; border: 0; border-radius: 50%; background: var(--_accent); forced-color-adjust: none; }
.sedd-track input::-moz-range-thumb { width: 0.875rem; height: 0.875rem; border: 0; border-radius: 50%; background: var(--_accent); forced-color-adjust: none; }
.sedd-timeline :focus-visible, .sedd-sheet :focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }

.sedd-sheet { font: 0.8125rem/1.4 var(--_ui); color: var(--_quiet); margin: 0; }
.sedd-sheet svg { display: block; width: 100%; height: auto; max-height: 20rem; overflow: visible; cursor: ns-resize; touch-action: pan-x; shape-rendering: crispEdges; }
.sedd-sheet path { forced-color-adjust: none; }
.sedd-sheet .mask { fill: var(--_line); opacity: 0.45; }
.sedd-sheet .kept { fill: var(--_ink); opacity: 0.3; }
.sedd-sheet .held { fill: none; stroke: var(--_held); stroke-width: 1px; vector-effect: non-scaling-stroke; }
@media (forced-colors: active) { .sedd-sheet .mask { fill: none; } }
.sedd-sheet .new { fill: var(--_new); }
.sedd-sheet .now { stroke: var(--_accent); stroke-width: 2px; vector-effect: non-scaling-stroke; }
.sedd-sheet .legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; margin: 0.5rem 0 0; padding: 0; list-style: none; }
.sedd-sheet .legend li { display: flex; align-items: center; gap: 0.4rem; }
.sedd-sheet .legend svg { width: 0.75rem; height: 0.75rem; cursor: inherit; }

.sedd-said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;

let made;
const sheet = () => {
  if (!made) {
    made = new CSSStyleSheet();
    made.replaceSync(CSS);
  }
  return made;
};

/** Lets a document or a shadow root show the parts; twice is once. @param {Document|ShadowRoot} root */
export function adopt(root, ...more) {
  for (const one of [sheet(), ...more]) {
    if (!root.adoptedStyleSheets.includes(one)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, one];
  }
}

/** An element with a class, attributes and children; strings become text, never markup. */
export function make(name, attributes = {}, ...children) {
  const element = name === 'svg' || name === 'path'
    ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
