// Tests what the page says when it compares an upper bound with an error and an exact value.
import { test } from 'node:test';
import assert from 'node:assert/strict';

test('a bound below the exact value says that SEDD is better, certainly so beyond its error', async () => {
  globalThis.matchMedia ??= () => ({ matches: false });
  const { compared } = await import('../../web/page/likelihood-panel.js');
  const exact = { natsPerToken: 2 };
  for (const [natsPerToken, standardError, word] of [
    [1.8, 0.05, 'better'],
    [1.9, 0.05, 'close'],
    [1.999, 0, 'better'],
    [2, 0, 'compare'],
    [2.4, 0.3, 'compare'],
  ])
    assert.equal(compared({ natsPerToken, standardError }, exact), word, `${natsPerToken} ± ${standardError}`);
});
