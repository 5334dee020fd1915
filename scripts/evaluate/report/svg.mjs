// Draws line and dot charts as SVG text, for the page (inline, coloured by its style sheet) and for Markdown (as files). Every colour
// is a class, with the light scheme's value as an attribute beside it. Both work without styles, under the strictest policy.

const SIZE = { width: 660, height: 340, left: 56, right: 120, top: 16, bottom: 46 };
const COLOURS = {
  sedd: '#0a5687',
  student: '#0a5687',
  twin: '#965200',
  real: '#191917',
  quiet: '#5c5a53',
  line: '#d8d4c8',
};
const FONT = 'font-family="system-ui, sans-serif" font-size="12"';

export const escape = (text) =>
  String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const round = (value) => Math.round(value * 10) / 10;

/** Returns round numbers from low to high: 1, 2 and 5 of every decade on a logarithmic axis, otherwise in steps of 1, 2 or 5. */
export function ticks(low, high, log) {
  if (log) {
    const list = [];
    for (let decade = 10 ** Math.floor(Math.log10(low)); decade <= high; decade *= 10)
      list.push(decade, 2 * decade, 5 * decade);
    return list.filter((value) => value >= low * 0.999 && value <= high * 1.001);
  }
  const rough = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((value) => value >= rough);
  const list = [];
  for (let i = Math.ceil(low / step - 1e-9) + 0; i * step <= high + 1e-9 * step; i++) list.push(i * step);
  return list;
}

const numberText = (value) =>
  Math.abs(value) >= 1000 ? value.toLocaleString('en') : String(Number(value.toPrecision(3)));

/** Returns the map from values to pixels. The axis begins and ends a little outside the data. */
function scale(values, log, from, to) {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (log) [low, high] = [low / 1.15, high * 1.15];
  else {
    const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
    [low, high] = [low - room, high + room];
  }
  const place = log ? Math.log : (value) => value;
  return {
    low,
    high,
    at: (value) => round(from + ((to - from) * (place(value) - place(low))) / (place(high) - place(low))),
  };
}

const text = (x, y, content, { anchor = 'start', kind = 'quiet', bold = false } = {}) =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" class="ink-${kind}" fill="${COLOURS[kind]}"${bold ? ' font-weight="600"' : ''} ${FONT}>${escape(content)}</text>`;
const rule = (x1, y1, x2, y2, kind = 'line', more = '') =>
  `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" class="stroke-${kind}" stroke="${COLOURS[kind]}" ${more}/>`;

function frame(x, y, options) {
  const { width, height, left, right, top, bottom } = SIZE;
  const parts = [];
  for (const value of options.xTicks ?? ticks(x.low, x.high, options.xLog))
    parts.push(text(x.at(value), height - bottom + 18, numberText(value), { anchor: 'middle' }));
  for (const value of ticks(y.low, y.high, options.yLog))
    parts.push(
      rule(left, y.at(value), width - right, y.at(value)),
      text(left - 8, y.at(value) + 4, numberText(value), { anchor: 'end' }),
    );
  parts.push(
    rule(left, height - bottom, width - right, height - bottom, 'quiet'),
    text((left + width - right) / 2, height - 8, options.x, { anchor: 'middle' }),
    text(4, top - 2, options.y),
  );
  return parts;
}

/** Places labels at the lines' ends, and moves them apart where they would touch. */
function placed(labels) {
  const sorted = [...labels].sort((a, b) => a.y - b.y);
  for (let i = 1; i < sorted.length; i++) sorted[i].y = Math.max(sorted[i].y, sorted[i - 1].y + 14);
  return sorted.map(({ x, y, label, kind, anchor }) => text(x, y + 4, label, { kind, anchor, bold: true }));
}

const document = (title, description, height, parts) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${height}" role="img" aria-label="${escape(title)}. ${escape(description)}">\n` +
  `<title>${escape(title)}</title>\n${parts.join('\n')}\n</svg>\n`;

/**
 * @param {{title: string, x: string, y: string, xLog?: boolean, yLog?: boolean, xTicks?: number[], series: {label: string, kind: string, points: [number, number][],
 *   level?: boolean, dashed?: boolean, bars?: [number, number][], names?: string[], first?: boolean}[]}} options level: a horizontal line at
 *   points[0][1]; first: the label is at the first point instead of the last
 */
export function lineChart(options) {
  const { width, height, left, right, top, bottom } = SIZE;
  const points = options.series.flatMap((series) => series.points);
  const xs = options.series.filter((series) => !series.level).flatMap((series) => series.points.map(([x]) => x));
  const x = scale(xs.length ? xs : [1, 2], options.xLog, left, width - right);
  const y = scale(
    [...points.map(([, value]) => value), ...options.series.flatMap((series) => (series.bars ?? []).flat())],
    options.yLog,
    height - bottom,
    top,
  );
  const parts = frame(x, y, options);
  const labels = [];
  for (const { label, kind, points: list, level, dashed, bars, names, first } of options.series) {
    const dash = dashed ? 'stroke-dasharray="5 4"' : '';
    if (level)
      parts.push(
        rule(
          left,
          y.at(list[0][1]),
          width - right,
          y.at(list[0][1]),
          kind,
          `stroke-width="1.5" stroke-dasharray="2 3"`,
        ),
      );
    else {
      bars?.forEach(([low, high], i) =>
        parts.push(rule(x.at(list[i][0]), y.at(low), x.at(list[i][0]), y.at(high), kind)),
      );
      if (list.length > 1)
        parts.push(
          `<polyline points="${list.map(([a, b]) => `${x.at(a)},${y.at(b)}`).join(' ')}" fill="none" class="stroke-${kind}" stroke="${COLOURS[kind]}" stroke-width="1.75" ${dash}/>`,
        );
      list.forEach(([a, b], i) =>
        parts.push(
          `<circle cx="${x.at(a)}" cy="${y.at(b)}" r="3.2" class="fill-${kind}" fill="${COLOURS[kind]}"/>`,
          ...(names?.[i] ? [text(x.at(a) + 6, y.at(b) - 6, names[i])] : []),
        ),
      );
    }
    const at = first ? list[0] : list.at(-1);
    const onLeft = !level && list.length > 1 && at[0] === Math.min(...list.map(([value]) => value));
    labels.push({
      x: level ? width - right + 8 : x.at(at[0]) + (onLeft ? -9 : 9),
      y: y.at(at[1]),
      label,
      kind,
      anchor: onLeft ? 'end' : 'start',
    });
  }
  const said = options.series
    .map(
      ({ label, points: list, level }) =>
        `${label}: ${level ? numberText(list[0][1]) : list.map(([a, b]) => `${numberText(a)} gives ${numberText(b)}`).join(', ')}`,
    )
    .join('; ');
  return document(options.title, `${options.y} against ${options.x}. ${said}`, height, [...parts, ...placed(labels)]);
}

/** Draws rows of dots with intervals, and a tick at the accuracy of chance. @param {{title: string, x: string, rows: {label: string, chance?: number, dots: {kind: string, value: number, interval: [number, number]}[]}[]}} options */
export function dotChart({ title, x: axis, rows }) {
  const step = 26;
  const left = 150;
  const height = rows.length * step + 62;
  const values = rows.flatMap(({ dots, chance }) => [
    ...dots.flatMap(({ interval }) => interval),
    ...(chance === undefined ? [] : [chance]),
  ]);
  const x = scale(values, false, left, SIZE.width - 24);
  const parts = ticks(x.low, x.high).flatMap((value) => [
    rule(x.at(value), 12, x.at(value), height - 44),
    text(x.at(value), height - 26, numberText(value), { anchor: 'middle' }),
  ]);
  rows.forEach(({ label, chance, dots }, row) => {
    const middle = 24 + row * step;
    parts.push(text(left - 10, middle + 4, label, { anchor: 'end', kind: 'real' }));
    if (chance !== undefined)
      parts.push(rule(x.at(chance), middle - 9, x.at(chance), middle + 9, 'real', 'stroke-width="1.5"'));
    dots.forEach(({ kind, value, interval }, i) => {
      const y = middle + (i - (dots.length - 1) / 2) * 8;
      parts.push(
        rule(x.at(interval[0]), y, x.at(interval[1]), y, kind, 'stroke-width="1.5"'),
        `<circle cx="${x.at(value)}" cy="${y}" r="3" class="fill-${kind}" fill="${COLOURS[kind]}"/>`,
      );
    });
  });
  parts.push(text((left + SIZE.width - 24) / 2, height - 6, axis, { anchor: 'middle' }));
  const said = rows
    .map(({ label, dots }) => `${label}: ${dots.map(({ kind, value }) => `${kind} ${numberText(value)}`).join(', ')}`)
    .join('; ');
  return document(title, said, height, parts);
}
