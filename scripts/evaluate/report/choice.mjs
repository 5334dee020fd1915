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
      'Accuracy in %, with 95 % intervals (Wilson). Normalised scores divide the log-likelihood by the characters of the ' +
      'option (in the story cloze by its tokens), as lm-evaluation-harness does.',
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
            'Accuracy with 95 % intervals: SEDD above (blue), its twin below (ochre). The upright mark is chance. Models of this ' +
            'size know no science, so only the story endings can be expected to lie above chance.',
          svg: dotChart({ title: 'Multiple choice', x: 'accuracy, %', rows }),
        },
      ]
    : [];
}

const runName = ({ model, scoring, samples }) => `${model}, ${scoring}${samples ? `, ${samples} samples` : ''}`;

/** Returns the table of the times that each task and all tasks together take at full size. */
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
        'Seconds an item at full size, with one thread a process, int8 and random weights of the official shapes. In brackets ' +
        'is the time of the whole set in one process. The time of a bound is proportional to its samples.',
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
          'All tasks',
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
    'Each option is scored by its likelihood after the question. SEDD\u2019s score is a bound in which only the option is masked. ' +
      'All options of a question use the same random numbers, so that their differences are less noisy than their values. ' +
      'With the chain rule, SEDD opens the option from left to right instead. The story cloze asks which of four last ' +
      'sentences ends a held-out story; the other three end other stories.',
  ],
});
