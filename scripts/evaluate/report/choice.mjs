// Reports multiple choice: accuracies with intervals, the published ones, and the time that full-size models take.
import { TASKS } from '../choices.mjs';
import { sum } from '../../../web/client/statistics.js';
import { duration, figure, measured, missing, or, percent, published } from './format.mjs';
import { ACCURACY, ACCURACY_TASKS } from './published.mjs';
import { dotChart } from './svg.mjs';

const share = (row, field, interval) =>
  measured(percent(row[field]), `${percent(row[interval][0])} to ${percent(row[interval][1])}`);

function choiceTable(results, { sedd, twin }) {
  const tasks = ['cloze', ...Object.keys(TASKS)];
  const one = (model, task, scoring) => results.of('choice', { model, task, scoring })[0];
  const cell = (row, normalised) =>
    row ? share(row, normalised ? 'normalised' : 'accuracy', normalised ? 'normalisedInterval' : 'interval') : missing;
  return {
    caption:
      'Accuracy in %, with 95 % intervals (Wilson). Normalised: the likelihood divided by the option\u2019s characters (story ' +
      'cloze: tokens), as the usual harness reports it.',
    columns: [
      '',
      'chance',
      'SEDD, bound',
      'SEDD, bound, normalised',
      'SEDD, chain rule',
      'GPT-2 twin',
      'GPT-2 twin, normalised',
      'items',
    ],
    rows: tasks.map((task) => {
      const [bound, chain, exact] = [one(sedd, task, 'bound'), one(sedd, task, 'chain'), one(twin, task, 'exact')];
      const any = bound ?? exact;
      return [
        any?.title ?? TASKS[task]?.title ?? 'Story cloze',
        any ? percent(any.chance) : '',
        cell(bound),
        cell(bound, true),
        cell(chain),
        cell(exact),
        cell(exact, true),
        any ? `${any.items} of ${any.all}` : '',
      ];
    }),
  };
}

function publishedChoice(results) {
  const rows = ACCURACY.map(({ model, values }) => [
    `${model}, third party`,
    ...values.map((value) => (value ? published(value) : '–')),
  ]);
  const ours = ACCURACY.map(({ model, checkpoint }) => [
    `${model}, this engine`,
    ...ACCURACY_TASKS.map((task) => {
      const row = results.of('choice', { model: checkpoint, task }).find(({ scoring }) => scoring !== 'chain');
      return or(row, ({ accuracy, normalised }) => [percent(accuracy), `${percent(normalised)} normalised`]);
    }),
  ]);
  return {
    caption: 'Accuracy of the official checkpoints in %.',
    columns: ['', ...ACCURACY_TASKS.map((task) => TASKS[task].title)],
    rows: [...rows, ...ours],
  };
}

function choiceFigure(results, { sedd, twin }) {
  const rows = ['cloze', ...Object.keys(TASKS)]
    .map((task) => {
      const [bound, exact] = [
        results.of('choice', { model: sedd, task, scoring: 'bound' })[0],
        results.of('choice', { model: twin, task, scoring: 'exact' })[0],
      ];
      const dot = (row, kind) => ({
        kind,
        value: row.accuracy * 100,
        interval: row.interval.map((value) => value * 100),
      });
      return (
        bound &&
        exact && {
          label: task === 'cloze' ? 'Story cloze' : TASKS[task].title,
          chance: bound.chance * 100,
          dots: [dot(bound, 'sedd'), dot(exact, 'twin')],
        }
      );
    })
    .filter(Boolean);
  return rows.length
    ? [
        {
          name: 'choice',
          caption:
            'Accuracy with 95 % intervals: SEDD above (blue), its twin below (ochre); the upright mark is chance. Models of this ' +
            'size know no science: near chance is what is expected, story endings aside.',
          svg: dotChart({ title: 'Multiple choice', x: 'accuracy, %', rows }),
        },
      ]
    : [];
}

const runName = ({ model, scoring, samples }) => `${model}, ${scoring}${samples ? `, ${samples} samples` : ''}`;

/** Returns the table of the time that each task, and all of them, take at full size. */
function costTable(results, { sedd, twin }) {
  const rows = results.of('choice').filter((row) => ![sedd, twin].includes(row.model));
  if (!rows.length) return [];
  const runs = [...new Set(rows.map(runName))];
  const of = (task, run) => rows.find((row) => row.task === task && runName(row) === run);
  const tasks = Object.keys(TASKS).filter((task) => runs.every((run) => of(task, run)));
  const total = (run) => sum(tasks.map((task) => of(task, run)).map(({ secondsPerItem, all }) => secondsPerItem * all));
  return [
    {
      caption:
        'Seconds an item at full size, one thread a process (int8, random weights of the official shapes), and what the whole set ' +
        'takes in one process. A bound takes as much longer as it has more samples.',
      columns: ['', ...runs, 'items'],
      rows: [
        ...tasks.map((task) => [
          TASKS[task].title,
          ...runs.map((run) => {
            const { secondsPerItem, all } = of(task, run);
            return measured(figure(secondsPerItem), `all: ${duration(secondsPerItem * all)}`);
          }),
          `${of(task, runs[0]).items} of ${of(task, runs[0]).all}`,
        ]),
        [
          'All of these',
          ...runs.map((run) => measured(duration(total(run)))),
          String(sum(tasks.map((task) => of(task, runs[0]).all))),
        ],
      ],
    },
  ];
}

export const choiceSection = (results, pair) => ({
  id: 'choice',
  title: 'Multiple choice',
  figures: choiceFigure(results, pair),
  tables: [choiceTable(results, pair), publishedChoice(results), ...costTable(results, pair)],
  text: [
    'Each option is scored by its likelihood behind the question. SEDD\u2019s is a bound in which only the option is masked, ' +
      'with the same random numbers for all options of a question, so that their differences are less noisy than their values; ' +
      'the chain rule opens the option from left to right instead. The story cloze asks which of four last sentences ends a ' +
      'held-out story; the other three end other stories.',
  ],
});
