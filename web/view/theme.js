/**
 * The styles of the parts: one constructable stylesheet for shadow roots and the document. Colours and fonts are
 * the `--sedd-*` custom properties of the page. Without them, every colour is mixed from the text colour around the
 * element, so it suits light and dark pages, with or without a declared colour scheme. `currentColor` is resolved
 * where a colour is used, so only elements without coloured children may have a mixed colour. No state relies on
 * colour alone: a mask is a line on the baseline, a new token is underlined, a given one is italic, and a selected one
 * has a frame.
 */
const CSS = `
:host, .sedd-cells, .sedd-timeline, .sedd-sheet {
  --_ink: var(--sedd-ink, currentColor);
  --_quiet: var(--sedd-quiet, color-mix(in srgb, var(--_ink) 72%, transparent));
  --_line: var(--sedd-line, color-mix(in srgb, var(--_ink) 16%, transparent));
  --_accent: var(--sedd-accent, color-mix(in srgb, #0c99e7 49%, var(--_ink)));
  --_new: var(--sedd-new, var(--_accent));
  --_held: var(--sedd-held, var(--_quiet));
  --_mask: var(--sedd-mask, color-mix(in srgb, var(--_ink) 48%, transparent));
  --_text: var(--sedd-font-text, Charter, 'Bitstream Charter', Georgia, 'Times New Roman', serif);
  --_ui: var(--sedd-font-ui, system-ui, sans-serif);
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
.sedd-cell.recent { --rule: var(--_new); --thick: 1px; --at: 92%; }
.sedd-cell.new { --rule: currentColor; --thick: 2px; --at: 92%; color: var(--_new); }
@media (prefers-reduced-motion: no-preference) {
  .sedd-cell.new { animation: sedd-open 0.32s ease-out; }
}
@keyframes sedd-open { from { opacity: 0; } }
.sedd-cell.meter { --rule: var(--_accent); --thick: 0.16em; --at: 96%; background-size: calc((100% - var(--gap)) * var(--value)) var(--thick); }

.sedd-timeline {
  container-type: inline-size; margin: 0.75rem 0; font: 0.875rem/1.4 var(--_ui);
  :focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
  button, select { font: inherit; color: var(--_ink); background: none; border: 0; margin: 0; min-width: 2.25rem; min-height: 2.25rem; padding: 0; cursor: pointer; }
  button { display: inline-grid; place-items: center; }
  select { appearance: none; min-width: 2.75rem; text-align: center; text-decoration: underline dotted 1px; text-underline-offset: 0.3em; }
  button:hover:enabled, select:hover { color: var(--_accent); }
  button:disabled { color: var(--_mask); cursor: default; }
  svg { display: block; fill: currentColor; }
  &:dir(rtl) svg { transform: scaleX(-1); }
  .count { min-width: 11ch; color: var(--_quiet); font-variant-numeric: tabular-nums; white-space: nowrap; text-align: end; direction: ltr; }
}
.sedd-row { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.5rem; }
.sedd-track {
  position: relative; flex: 1 1 12rem; min-width: 0;
  svg { position: absolute; inset: 0 0.4375rem 50%; width: calc(100% - 0.875rem); height: 50%; fill: var(--_mask); pointer-events: none; }
  input { appearance: none; color: var(--_ink); display: block; width: 100%; height: 2.25rem; margin: 0; background: none; cursor: pointer; position: relative; }
  input::-webkit-slider-runnable-track { height: 1px; background: var(--_ink); }
  input::-moz-range-track { height: 1px; background: var(--_ink); }
  input::-webkit-slider-thumb { appearance: none; width: 0.875rem; height: 0.875rem; margin-top: -0.4rem; border: 0; border-radius: 50%; background: var(--_accent); forced-color-adjust: none; }
  input::-moz-range-thumb { width: 0.875rem; height: 0.875rem; border: 0; border-radius: 50%; background: var(--_accent); forced-color-adjust: none; }
}
@container (max-width: 30rem) {
  .sedd-row .sedd-track { order: -1; flex-basis: 100%; }
  .sedd-row .count { margin-inline-start: auto; }
}

@media (forced-colors: active) {
  :host, .sedd-cells, .sedd-timeline, .sedd-sheet {
    --_ink: CanvasText; --_quiet: CanvasText; --_line: GrayText; --_accent: Highlight;
    --_new: Highlight; --_held: CanvasText; --_mask: GrayText;
  }
  .sedd-cell { forced-color-adjust: none; color: CanvasText; }
}

.sedd-said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;

/** Returns a constructable stylesheet, which is made on its first use. @param {string} css */
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

/** Adds a part's own rules to those of `adopt`. @param {string} css */
export const addStyle = (css) => shared.push(lazySheet(css));

/**
 * Adds the styles of all imported parts to a document or a shadow root. A second call has no effect.
 * @param {Document|ShadowRoot} root
 * @param {...CSSStyleSheet} more sheets that go above the shared ones
 */
export function adopt(root, ...more) {
  const missing = [...shared.map((make) => make()), ...more].filter((one) => !root.adoptedStyleSheets.includes(one));
  if (missing.length) root.adoptedStyleSheets = [...root.adoptedStyleSheets, ...missing];
}

/** Makes an element with a class, attributes and children. Strings become text, never markup. */
export function make(name, attributes = {}, ...children) {
  const element = /svg|path/.test(name)
    ? document.createElementNS('http://www.w3.org/2000/svg', name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
