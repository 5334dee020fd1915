/** Time against steps, drawn by uPlot (fetched now, from this host): medians, the middle half, and GPT-2's line. */
import { el } from './dom.js';
import { number, t } from './text.js';

let library;
const load = () =>
  (library ??= new Promise((resolve, reject) => {
    const style = el('link', { rel: 'stylesheet', href: new URL('../vendor/uplot.css', import.meta.url).href });
    style.addEventListener('load', () =>
      import('../vendor/uplot.js').then(({ default: uPlot }) => resolve(uPlot), reject),
    );
    style.addEventListener('error', () => reject(new Error('web/vendor/uplot.css')));
    document.head.append(style);
  }));

/** 1, 2, 5, 10, … between two values. */
function marks(low, high) {
  const values = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++)
    values.push(...[1, 2, 5].map((digit) => digit * 10 ** power));
  return values.filter((value) => value >= low && value <= high);
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--sedd-${name}`).trim();

/**
 * @param {HTMLElement} root emptied first
 * @param {any} result of compare()
 * @returns {Promise<void>}
 */
export async function drawChart(root, result) {
  const uPlot = await load();
  const steps = result.sedd.map((row) => row.steps);
  const column = (name) => result.sedd.map((row) => row[name]);
  const twin = steps.map(() => result.gpt2.medianMs);
  const font = `12px ${colour('font-ui')}`;
  const axis = (label, side) => ({
    label,
    side,
    labelFont: font,
    font,
    labelSize: 20,
    stroke: colour('quiet'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { stroke: colour('line'), width: 1, size: 4 },
    values: (_, values) => values.map((value) => (value === null ? '' : number(value, value < 1 ? 1 : 0))),
  });
  const size = () => ({
    width: Math.max(root.clientWidth, 240),
    height: Math.min(Math.max(root.clientWidth * 0.5, 220), 420),
  });
  const [low, high] = [
    Math.min(result.gpt2.medianMs, ...column('medianMs')),
    Math.max(result.gpt2.medianMs, ...column('q3Ms')),
  ];
  const plot = new uPlot(
    {
      ...size(),
      legend: { show: false },
      cursor: { show: false },
      padding: [16, 12, 0, 0],
      scales: {
        x: { time: false, distr: 3, log: 2, range: () => [steps[0] / 1.2, steps.at(-1) * 1.2] },
        y: { distr: 3, range: () => [low / 1.6, high * 1.6] },
      },
      axes: [
        { ...axis(t('measure.axis.steps'), 2), splits: () => steps },
        { ...axis(t('measure.axis.ms'), 3), size: 52, splits: () => marks(low / 1.6, high * 1.6) },
      ],
      series: [
        {},
        { stroke: colour('accent'), width: 2, points: { show: true, size: 7, fill: colour('accent') } },
        { stroke: colour('twin'), width: 2, dash: [8, 4], points: { show: false } },
      ],
      hooks: {
        draw: [
          (chart) =>
            annotate(chart, { steps, q1: column('q1Ms'), q3: column('q3Ms'), twin: result.gpt2.medianMs, font }),
        ],
      },
    },
    [steps, column('medianMs'), twin],
    root,
  );
  let before = root.clientWidth;
  new ResizeObserver(() => {
    if (root.clientWidth === before) return;
    before = root.clientWidth;
    plot.setSize(size());
  }).observe(root);
}

/** Whiskers of the middle half, and the words on GPT-2's line. */
function annotate({ ctx, valToPos }, { steps, q1, q3, twin, font }) {
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colour('accent');
  ctx.lineWidth = ratio;
  ctx.setLineDash([]);
  steps.forEach((count, i) => {
    const x = valToPos(count, 'x', true);
    ctx.beginPath();
    ctx.moveTo(x, valToPos(q1[i], 'y', true));
    ctx.lineTo(x, valToPos(q3[i], 'y', true));
    ctx.stroke();
  });
  ctx.font = font.replace('12px', `${12 * ratio}px`);
  ctx.fillStyle = colour('twin');
  ctx.textAlign = 'right';
  ctx.fillText(t('measure.line'), valToPos(steps.at(-1), 'x', true), valToPos(twin, 'y', true) - 6 * ratio);
  ctx.restore();
}
