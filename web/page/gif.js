/** Writes a run as a GIF, in which every mask has its token's width. It uses gifenc, which is fetched on first use from this host. */
import { download } from './dom.js';

const WIDTH = 720;
const MARGIN = 36;
const SIZE = 22;
const LINE = 38;
const FRAMES = 90;
const FRAME_MS = 70;
const LAST_MS = 3500;
const COLOURS = 32;
const FOOT = 28; // height of the line with the step and the origin of the picture
const PROJECT = 'sedd-web';

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--sedd-${name}`).trim();

/** Returns the place of each token. */
function lay(context, texts) {
  const places = [];
  let [x, y] = [MARGIN, MARGIN + SIZE];
  for (const text of texts.map((one) => one ?? '   ')) {
    const lines = text.split('\n');
    const width = context.measureText(lines[0]).width;
    if (x + width > WIDTH - MARGIN && x > MARGIN) [x, y] = [MARGIN, y + LINE];
    places.push({ x, y, width, text: lines[0] });
    x += width;
    if (lines.length > 1) [x, y] = [MARGIN + context.measureText(lines.at(-1)).width, y + LINE * (lines.length - 1)];
  }
  return { places, height: y + MARGIN + FOOT };
}

/**
 * Saves a run as a GIF.
 * @param {import('./runs.js').Run} run
 * @param {{onProgress: (share: number) => void, step: (index: number) => string}} given `step` says a step in words
 * @returns {Promise<string>} the name of the file
 */
export async function saveGif(run, { onProgress, step }) {
  const { GIFEncoder, quantize, applyPalette } = await import('../vendor/gifenc.js');
  const { history } = run;
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const font = `${SIZE}px ${token('font-text')}`;
  context.font = font;
  const { places, height } = lay(context, history.finals);
  [canvas.width, canvas.height] = [WIDTH, Math.ceil(height)];
  const colours = Object.fromEntries(
    ['paper', 'ink', 'quiet', 'mask', 'accent', 'line'].map((name) => [name, token(name)]),
  );
  const held = new Set(history.held);
  const stride = Math.max(1, Math.ceil(history.last / FRAMES));
  const indices = [
    ...new Set([...Array.from({ length: Math.floor(history.last / stride) + 1 }, (_, i) => i * stride), history.last]),
  ];
  const pixels = (index) => {
    draw(context, history.at(index), { places, colours, font, held });
    sign(context, step(index), colours);
    return context.getImageData(0, 0, canvas.width, canvas.height).data;
  };
  const palette = quantize(pixels(indices[Math.floor(indices.length / 2)]), COLOURS);
  const gif = GIFEncoder();
  for (const [i, index] of indices.entries()) {
    gif.writeFrame(applyPalette(pixels(index), palette), canvas.width, canvas.height, {
      palette,
      delay: index === history.last ? LAST_MS : FRAME_MS,
    });
    onProgress((i + 1) / indices.length);
    await new Promise((resolve) => {
      setTimeout(resolve);
    }); // lets the page respond
  }
  gif.finish();
  return download(`sedd-${run.options.seed}.gif`, new Blob([gif.bytes()], { type: 'image/gif' }));
}

/** Draws the foot of a frame: the step on the left, the project on the right. */
function sign(context, step, { line, quiet }) {
  const { width, height } = context.canvas;
  const base = height - MARGIN / 2 - 4;
  context.font = `14px ${token('font-ui')}`;
  context.fillStyle = line;
  context.fillRect(MARGIN, base - FOOT + 6, width - 2 * MARGIN, 1);
  context.fillStyle = quiet;
  context.fillText(step, MARGIN, base);
  context.fillText(PROJECT, width - MARGIN - context.measureText(PROJECT).width, base);
}

function draw(context, state, { places, colours, font, held }) {
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  context.font = font;
  places.forEach(({ x, y, width, text }, i) => {
    const space = context.measureText(text.slice(0, text.length - text.trimStart().length)).width;
    if (state.texts[i] === null) {
      context.fillStyle = colours.mask;
      context.fillRect(x + Math.max(space, 2), y + 4, Math.max(width - space - 2, 4), 1.5);
      return;
    }
    const fresh = state.opened[i] === state.index && state.index > 0;
    context.fillStyle = fresh ? colours.accent : held.has(i) ? colours.quiet : colours.ink;
    context.fillText(text, x, y);
    if (fresh) context.fillRect(x + space, y + 4, width - space, 2);
  });
}
