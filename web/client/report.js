/** Writes a comparison as text: JSON with everything, CSV with every raw time, or Markdown to paste. */
import { SeddError } from '../errors.js';

const ms = (value) => (value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0));
const range = (low, high, shown) => `${shown(low)} to ${shown(high)}`;
/** Escapes characters that would end a cell or a line of a table. */
const plain = (text) => String(text).replace(/[|\r\n]+/g, ' ');

function csv({ environment, gpt2, sedd, tokens, valid }) {
  const lines = (model, steps, { threads, kernels }, { rawMs }) =>
    rawMs.map((ms, i) => [model, steps, tokens, threads, kernels, i, ms, valid].join());
  return [
    'model,steps,tokens,threads,kernels,round,ms,valid',
    ...lines('gpt2', '', environment.gpt2, gpt2),
    ...sedd.flatMap((row) => lines('sedd', row.steps, environment.sedd, row)),
    '',
  ].join('\n');
}

const qualityCell = (quality) => {
  if (!quality) return '–';
  const words = [
    Number.isFinite(quality.ppl) && `perplexity ${quality.ppl.toFixed(1)}`,
    Number.isFinite(quality.entropy) && `entropy ${quality.entropy.toFixed(2)}`,
  ];
  return words.filter(Boolean).join(', ') || '–';
};

function markdown(result) {
  const { environment, gpt2, breakEven, settings } = result;
  const rows = [
    { name: 'GPT-2, with its cache', row: gpt2, each: gpt2.perTokenMs, unit: 'a token' },
    ...result.sedd.map((row) => ({ name: `SEDD, ${row.steps} steps`, row, each: row.perStepMs, unit: 'a step' })),
  ];
  const one = (n) => n.toFixed(1);
  const model = (name, { name: id, sha256, dtype, parameters, device, deviceName, loadMs, kernels, threads }) =>
    `- ${name}: ${plain(id || 'no name')}${sha256 ? `, sha256 ${plain(sha256)}` : ''}, ${parameters} parameters, ${dtype}, ${device === 'webgpu' ? `WebGPU on ${plain(deviceName)}` : `kernels ${kernels}, ${threads} thread${threads === 1 ? '' : 's'}`}, loaded in ${ms(loadMs)} ms`;
  return [
    ...(result.valid ? [] : [`**Not valid:** ${result.reasons.map(plain).join(' ')}`, '']),
    ...(result.nonDefault.length
      ? [
          `**Not the default settings:** ${result.nonDefault.map((name) => plain(`${name} = ${JSON.stringify(settings[name])}`)).join(', ')}`,
          '',
        ]
      : []),
    `${result.tokens} tokens, end to end, medians of ${gpt2.rawMs.length} rounds in turns after ${settings.warmups} dropped:`,
    '',
    '| | ms | middle half | times GPT-2 | ms each | first run, ms | quality |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(
      ({ name, row, each, unit }) =>
        `| ${name} | ${ms(row.medianMs)} | ${range(row.q1Ms, row.q3Ms, ms)} | ${(row.medianMs / gpt2.medianMs).toFixed(2)} | ${ms(each)} ${unit} | ${ms(row.firstMs)} | ${qualityCell(row.quality)} |`,
    ),
    '',
    `Break-even T* = ${one(breakEven.steps)} steps (95 % interval ${range(breakEven.low, breakEven.high, one)}).`,
    '',
    `- ${plain(environment.browser)}; ${environment.cores} cores reported, ${environment.isolated ? 'cross-origin isolated' : 'not cross-origin isolated'}; sedd-web ${environment.version}; ${environment.date}`,
    model('SEDD', environment.sedd),
    model('GPT-2', environment.gpt2),
    '',
  ].join('\n');
}

const FORMATS = { json: (result) => `${JSON.stringify(result, null, 1)}\n`, csv, markdown };

/**
 * Returns the result of `compare` as text.
 * @param {import('./compare.js').ComparisonResult} result
 * @param {'json'|'csv'|'markdown'} [format]
 * @returns {string}
 * @example
 *   const { result } = compare(sedd, gpt2, { steps: [2], length: 8, rounds: 6, warmups: 0 });
 *   console.log(report(await result, 'csv'));
 */
export function report(result, format = 'json') {
  if (result?.format !== 'sedd-comparison' || result.version !== 1)
    throw new SeddError('argument', 'This is not the result of a comparison.', {
      hint: 'Give what await compare(...).result gave.',
    });
  if (!Object.hasOwn(FORMATS, format))
    throw new SeddError('argument', `There is no report "${format}"; json, csv and markdown exist.`);
  return FORMATS[format](result);
}
