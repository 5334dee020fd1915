// Makes the report as data: sections of paragraphs, tables and figures, which markdown.mjs and html.mjs render.
import { conditionalSection } from './around.mjs';
import { choiceSection } from './choice.mjs';
import { claims } from './claims.mjs';
import { measured } from './format.mjs';
import { perplexitySection } from './likelihood.mjs';
import { latencySection } from './time.mjs';
import { generationSection } from './writing.mjs';

/** @typedef {{caption: string, columns: string[], rows: (string | {text: string, state: string})[][]}} Table the first column names the row */
/** @typedef {{id: string, title: string, text: string[], tables: Table[], figures: {name: string, caption: string, svg: string}[]}} Section */

function claimSection(results, pair) {
  const list = claims(results, pair);
  return {
    id: 'claims',
    title: 'The claims, at this scale',
    figures: [],
    text: [
      'The papers\u2019 claims are about models of 100 to 400 million parameters. The table compares them with the small pair ' +
        'measured here, which shows what each measurement says and cannot decide about the method.',
      ...list.map(({ note }) => note).filter(Boolean),
    ],
    tables: [
      {
        caption: 'The papers\u2019 claims beside the measurements of the shipped pair.',
        columns: ['claim', 'here', 'measured'],
        rows: list.map(({ claim, verdict, text }) => [claim, measured(verdict), text]),
      },
    ],
  };
}

/** @returns {Section[]} */
export const sections = (results, pair) =>
  [claimSection, perplexitySection, choiceSection, generationSection, conditionalSection, latencySection].map((make) =>
    make(results, pair),
  );
