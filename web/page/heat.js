/**
 * Shows a text with a value for each token: as shade and underline, and as a number for the token with the focus or the
 * pointer.
 */
import { el } from './dom.js';
import { visible } from './inspector.js';

/**
 * @param {{texts: string[], values: number[], most: number, label: string, say: (text: string, value: number) => string, twin?: boolean}} given
 *   `most` is the value of the darkest shade
 */
export function heat({ texts, values, most, label, say, twin = false }) {
  const spoken = el('p', { className: 'note heat-value', aria: { live: 'polite' } });
  const tokens = texts.map((text, i) => {
    const token = el(
      'span',
      {
        className: 'heat-token',
        tabIndex: i === 0 ? 0 : -1,
        role: 'option',
        aria: { label: say(visible(text), values[i]), selected: 'false' },
      },
      text,
    );
    token.style.setProperty('--heat', String(Math.min(Math.max(values[i] / most, 0), 1)));
    return token;
  });
  const tell = (token) => {
    spoken.textContent = token.getAttribute('aria-label');
  };
  const list = el(
    'div',
    {
      className: `heat${twin ? ' twin' : ''}`,
      role: 'listbox',
      dir: 'auto',
      aria: { label },
      on: {
        pointerover: ({ target }) => {
          if (target.closest('.heat-token')) tell(target);
        },
        focusin: ({ target }) => tell(target),
        keydown: (event) => {
          const at = tokens.indexOf(document.activeElement);
          const next = {
            ArrowRight: at + 1,
            ArrowDown: at + 1,
            ArrowLeft: at - 1,
            ArrowUp: at - 1,
            Home: 0,
            End: tokens.length - 1,
          }[event.key];
          if (at < 0 || !tokens[next]) return;
          event.preventDefault();
          tokens[at].tabIndex = -1;
          tokens[next].tabIndex = 0;
          tokens[next].focus();
        },
      },
    },
    ...tokens,
  );
  return el('div', {}, list, spoken);
}
