/**
 * The look of the parts: one constructable stylesheet for shadow roots and the document. Colours and fonts are
 * the `--sedd-*` tokens of the page, or the values here. Marks never rely on colour alone: a mask is a rule on the
 * baseline, a new token is underlined, a given one is italic, a selected one is inverted.
 */
const CSS = `
:host, .sedd-cells, .sedd-timeline, .sedd-sheet {
  --_paper: var(--sedd-paper, light-dark(#fbfaf7, #16171a));
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
    --_paper: Canvas; --_ink: CanvasText; --_quiet: CanvasText; --_line: GrayText; --_accent: Highlight;
    --_new: Highlight; --_held: CanvasText; --_mask: GrayText;
  }
}

.sedd-cells { font: 1.125rem/1.85 var(--_text); color: var(--_ink); white-space: pre-wrap; overflow-wrap: anywhere; --side: left; }
.sedd-cells[dir='rtl'] { --side: right; }
.sedd-cell {
  position: relative; border-radius: 1px; --gap: 0.1em; --rule: var(--_mask); --at: 86%; --thick: 0;
  background: linear-gradient(var(--rule) 0 0) var(--side) var(--gap) top var(--at) / calc(100% - var(--gap)) var(--thick) no-repeat;
}
.sedd-cell.word { --gap: 0.27em; }
.sedd-cell.mask { --thick: 1px; }
.sedd-cell.mask::before { content: attr(data-ghost); visibility: hidden; }
.sedd-cell.break::before { content: '\\b6'; color: var(--_quiet); }
.sedd-cell.held { font-style: italic; color: var(--_held); }
.sedd-cell.recent, .sedd-cell.new { --rule: var(--_new); --thick: 1px; --at: 92%; }
.sedd-cell.new { --thick: 2px; color: var(--_new); }
@media (prefers-reduced-motion: no-preference) {
  .sedd-cell.new { animation: sedd-open 0.32s ease-out; }
}
@keyframes sedd-open { from { opacity: 0; } }
.sedd-cell.meter { --rule: var(--_accent); --thick: 0.16em; --at: 96%; background-size: calc((100% - var(--gap)) * var(--value)) var(--thick); }
@media (forced-colors: active) {
  .sedd-cell { forced-color-adjust: none; color: CanvasText; }
}

.sedd-timeline {
  container-type: inline-size; margin: 0.75rem 0; font: 0.875rem/1.4 var(--_ui); color: var(--_quiet);
  :focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
  button, select { font: inherit; color: var(--_ink); background: none; border: 0; margin: 0; min-width: 2.25rem; min-height: 2.25rem; padding: 0; cursor: pointer; }
  button { display: inline-grid; place-items: center; }
  select { appearance: none; min-width: 2.75rem; text-align: center; text-decoration: underline dotted 1px; text-underline-offset: 0.3em; }
  button:hover:enabled, select:hover { color: var(--_accent); }
  button:disabled { color: var(--_mask); cursor: default; }
  svg { display: block; fill: currentColor; }
  &:dir(rtl) svg { transform: scaleX(-1); }
  .count { min-width: 11ch; font-variant-numeric: tabular-nums; white-space: nowrap; text-align: end; direction: ltr; }
}
.sedd-row { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.5rem; }
.sedd-track {
  position: relative; flex: 1 1 12rem; min-width: 0;
  svg { position: absolute; inset: 0 0.4375rem 50%; width: calc(100% - 0.875rem); height: 50%; fill: var(--_mask); pointer-events: none; }
  input { appearance: none; display: block; width: 100%; height: 2.25rem; margin: 0; background: none; cursor: pointer; position: relative; }
  input::-webkit-slider-runnable-track { height: 1px; background: var(--_ink); }
  input::-moz-range-track { height: 1px; background: var(--_ink); }
  input::-webkit-slider-thumb { appearance: none; width: 0.875rem; height: 0.875rem; margin-top: -0.4rem; border: 0; border-radius: 50%; background: var(--_accent); forced-color-adjust: none; }
  input::-moz-range-thumb { width: 0.875rem; height: 0.875rem; border: 0; border-radius: 50%; background: var(--_accent); forced-color-adjust: none; }
}
@container (max-width: 30rem) {
  .sedd-row .sedd-track { order: -1; flex-basis: 100%; }
  .sedd-row .count { margin-inline-start: auto; }
}

.sedd-sheet {
  position: relative; padding-inline-start: 1.6em; font: 0.8125rem/1.4 var(--_ui); color: var(--_quiet); margin: 0;
  &::before { content: attr(data-places); }
  &::after { content: attr(data-steps); position: absolute; top: 1.4em; inset-inline-start: 0; writing-mode: vertical-rl; }
  svg { display: block; width: 100%; height: auto; max-height: 20rem; overflow: visible; cursor: ns-resize; touch-action: pan-y; shape-rendering: crispEdges; }
  path { forced-color-adjust: none; }
  .mask { fill: var(--_line); opacity: 0.45; }
  .kept { fill: var(--_ink); opacity: 0.3; }
  .held { fill: var(--_held); }
  .new { fill: var(--_new); }
  .now { stroke: var(--_accent); stroke-width: 2px; vector-effect: non-scaling-stroke; }
  ul { display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; margin: 0.5rem 0 0; padding: 0; list-style: none; }
  li { display: flex; align-items: center; gap: 0.4rem; }
  li svg { width: 0.75rem; cursor: inherit; }
}
@media (forced-colors: active) { .sedd-sheet .mask { fill: none; } }

.sedd-said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;

/** A constructable stylesheet, made when it is first needed. @param {string} css */
export const lazySheet = (css) => {
  let sheet;
  return () => {
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
    }
    return sheet;
  };
};

const shared = [lazySheet(CSS)];

/** Adds a part's own rules to what `adopt` brings. @param {string} css */
export const addStyle = (css) => shared.push(lazySheet(css));

/**
 * Lets a document or a shadow root show the parts that have been imported; twice is once.
 * @param {Document|ShadowRoot} root
 * @param {...CSSStyleSheet} more sheets that go above the shared ones
 */
export function adopt(root, ...more) {
  const missing = [...shared.map((make) => make()), ...more].filter((one) => !root.adoptedStyleSheets.includes(one));
  if (missing.length) root.adoptedStyleSheets = [...root.adoptedStyleSheets, ...missing];
}

/** An element with a class, attributes and children; strings become text, never markup. */
export function make(name, attributes = {}, ...children) {
  const element =
    name === 'svg' || name === 'path'
      ? document.createElementNS('http://www.w3.org/2000/svg', name)
      : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
