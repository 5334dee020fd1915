/**
 * Draws time and quality against steps with uPlot, which is fetched on first use from this host. Solid lines are times
 * (left axis): medians with their middle half, and GPT-2's. Dotted lines are perplexities under a judge (right axis), if
 * they are known.
 */
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

/** Returns the ticks 1, 2, 5, 10, … between two values. */
function marks([low, high]) {
  const values = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++)
    values.push(...[1, 2, 5].map((digit) => digit * 10 ** power));
  return values.filter((value) => value >= low && value <= high);
}

/** Returns the range of a logarithmic axis, with room around its values. */
const rangeOf = (values) => [Math.min(...values) / 1.6, Math.max(...values) * 1.6];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--sedd-${name}`).trim();

/**
 * @param {HTMLElement} root emptied first
 * @param {any} result of compare()
 * @returns {Promise<void>}
 */
export async function drawChart(root, result) {
  const uPlot = await load();
  const { sedd, gpt2 } = result;
  const steps = sedd.map((row) => row.steps);
  const column = (name) => sedd.map((row) => row[name]);
  const perplexities = sedd.map((row) => row.quality?.ppl ?? null);
  const judged = perplexities.some((value) => value !== null);
  const judge = gpt2.quality?.ppl ?? null;
  const times = rangeOf([gpt2.medianMs, ...column('q1Ms'), ...column('q3Ms')]);
  const qualities = rangeOf([...perplexities, judge].filter((value) => value !== null));
  const font = `12px ${colour('font-ui')}`;
  const axis = (label, side, more) => ({
    label,
    side,
    labelFont: font,
    font,
    labelSize: 20,
    stroke: colour('quiet'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { stroke: colour('line'), width: 1, size: 4 },
    values: (_, values) => values.map((value) => (value === null ? '' : number(value, value < 1 ? 1 : 0))),
    ...more,
  });
  const size = () => ({
    width: Math.max(root.clientWidth, 240),
    height: Math.min(Math.max(root.clientWidth * 0.5, 260), 420),
  });
  const line = (name, more) => ({ stroke: colour(name), width: 2, ...more });
  const dotted = { scale: 'quality', dash: [2, 4], spanGaps: true };
  const lines = [
    { ...line('accent', { points: { show: true, size: 7, fill: colour('accent') } }), data: column('medianMs') },
    { ...line('twin', { points: { show: false } }), data: steps.map(() => gpt2.medianMs) },
    ...(judged
      ? [
          {
            ...line('accent', { ...dotted, points: { show: true, size: 7, fill: colour('paper') } }),
            data: perplexities,
          },
        ]
      : []),
    ...(judged && judge
      ? [{ ...line('twin', { ...dotted, points: { show: false } }), data: steps.map(() => judge) }]
      : []),
  ];
  const plot = new uPlot(
    {
      ...size(),
      legend: { show: false },
      cursor: { show: false },
      padding: [16, judged ? 0 : 12, 0, 0],
      scales: {
        x: { time: false, distr: 3, log: 2, range: () => [steps[0] / 1.2, steps.at(-1) * 1.2] },
        y: { distr: 3, range: () => times },
        quality: { distr: 3, range: () => qualities },
      },
      axes: [
        axis(t('measure.axis.steps'), 2, { splits: () => steps }),
        axis(t('measure.axis.ms'), 3, { size: 52, splits: () => marks(times) }),
        ...(judged
          ? [
              axis(t('measure.axis.ppl'), 1, {
                scale: 'quality',
                size: 46,
                grid: { show: false },
                splits: () => marks(qualities),
              }),
            ]
          : []),
      ],
      series: [{}, ...lines.map(({ data, ...series }) => series)],
      hooks: { draw: [(chart) => annotate(chart, { steps, sedd, gpt2, judge: judged && judge, font })] },
    },
    [steps, ...lines.map(({ data }) => data)],
    root,
  );
  let before = root.clientWidth;
  new ResizeObserver(() => {
    if (root.clientWidth === before) return;
    before = root.clientWidth;
    plot.setSize(size());
  }).observe(root);
}

/** Draws the whiskers of the middle half, and the labels of GPT-2's lines. */
function annotate({ ctx, valToPos }, { steps, sedd, gpt2, judge, font }) {
  const ratio = devicePixelRatio;
  const place = (value, scale) => valToPos(value, scale, true);
  ctx.save();
  ctx.strokeStyle = colour('accent');
  ctx.lineWidth = ratio;
  ctx.setLineDash([]);
  for (const row of sedd) {
    const x = place(row.steps, 'x');
    ctx.beginPath();
    ctx.moveTo(x, place(row.q1Ms, 'y'));
    ctx.lineTo(x, place(row.q3Ms, 'y'));
    ctx.stroke();
  }
  ctx.font = font.replace('12px', `${12 * ratio}px`);
  ctx.fillStyle = colour('twin');
  ctx.textAlign = 'right';
  const right = place(steps.at(-1), 'x');
  ctx.fillText(t('measure.line'), right, place(gpt2.medianMs, 'y') - 6 * ratio);
  ctx.textAlign = 'left';
  if (judge) ctx.fillText(t('measure.line.ppl'), place(steps[0], 'x'), place(judge, 'quality') - 6 * ratio);
  ctx.restore();
}
