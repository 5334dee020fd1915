/** The dialog that lists the keyboard shortcuts, with a switch for single keys. */
import { el } from './dom.js';
import { t } from './text.js';

/** Fills the dialog when it is first shown. @param {HTMLElement} dialog */
export function fillKeys(dialog) {
  if (dialog.firstChild) return;
  const rows = [
    [t('keys.name.space'), 'keys.space'],
    ['← →', 'keys.arrows'],
    ['Home End', 'keys.ends'],
    ['W', 'keys.write'],
    ['N', 'keys.seed'],
    ['Esc', 'keys.escape'],
    [t('keys.name.enter'), 'keys.inspect'],
    ['← → ↑ ↓', 'keys.move'],
    ['Alt+M', 'keys.hole'],
    ['Ctrl+Z Ctrl+Y', 'keys.undo'],
    ['?', 'keys.list'],
  ];
  dialog.replaceChildren(
    el('h2', { id: 'keys-title' }, t('keys.title')),
    el(
      'dl',
      { className: 'keys' },
      ...rows.flatMap(([keys, what]) => [
        el('dt', {}, ...keys.split(' ').flatMap((key) => [el('kbd', {}, key), ' '])),
        el('dd', {}, t(what)),
      ]),
    ),
    el(
      'label',
      { className: 'check' },
      el('input', { type: 'checkbox', id: 'keys-enabled', checked: true }),
      t('keys.enable'),
    ),
    el('form', { method: 'dialog' }, el('button', { type: 'submit' }, t('keys.close'))),
  );
}
