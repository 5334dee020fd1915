/** Keys for everything, and the list of them. Single keys can be switched off, and rest while a field has the focus. */
import { $, el } from './dom.js';
import { t } from './text.js';

const typing = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
const pressable = (target) =>
  target instanceof HTMLElement && target.closest('button, a, label, [role=option], summary, [tabindex]') !== null;

/** @param {Record<string, () => void>} actions write, stop, seed, toggle, back, forward, first, last */
export function listenToKeys(actions) {
  const dialog = $('keys');
  const enabled = el('input', { type: 'checkbox', id: 'keys-enabled', checked: true });
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
    el('label', { className: 'check' }, enabled, t('keys.enable')),
    el('form', { method: 'dialog' }, el('button', { type: 'submit' }, t('keys.close'))),
  );
  $('keys-open').addEventListener('click', () => dialog.showModal());

  const single = {
    ' ': actions.toggle,
    ArrowLeft: actions.back,
    ArrowRight: actions.forward,
    Home: actions.first,
    End: actions.last,
    w: actions.write,
    n: actions.seed,
    '?': () => dialog.showModal(),
  };
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !dialog.open) actions.stop();
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.defaultPrevented ||
      dialog.open ||
      !enabled.checked ||
      typing(event.target)
    )
      return;
    const letter = event.key.length === 1 && event.key !== ' ';
    if (pressable(event.target) && !letter) return; // those keys are the control's own
    const act = single[letter ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
