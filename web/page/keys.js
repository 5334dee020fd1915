/**
 * Keyboard shortcuts for every action. Single keys can be switched off in their list (keys-list.js), and are inactive
 * while a field has the focus.
 */
import { $ } from './dom.js';
import { fillKeys } from './keys-list.js';

const typing = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
const pressable = (target) =>
  target instanceof HTMLElement && target.closest('button, a, label, [role=option], summary, [tabindex]') !== null;

/** @param {Record<string, () => void>} actions write, stop, seed, toggle, back, forward, first, last */
export function listenToKeys(actions) {
  const dialog = $('keys');
  const show = () => {
    fillKeys(dialog);
    if (!dialog.open) dialog.showModal();
  };
  $('keys-open').addEventListener('click', show);

  const single = {
    ' ': actions.toggle,
    ArrowLeft: actions.back,
    ArrowRight: actions.forward,
    Home: actions.first,
    End: actions.last,
    w: actions.write,
    n: actions.seed,
    '?': show,
  };
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !dialog.open) actions.stop();
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.defaultPrevented ||
      dialog.open ||
      dialog.querySelector('#keys-enabled')?.checked === false || // the list is filled when it is first shown
      typing(event.target)
    )
      return;
    const letter = event.key.length === 1 && event.key !== ' ';
    if (pressable(event.target) && !letter) return; // the focused control uses those keys
    const act = single[letter ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
