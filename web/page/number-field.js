/** A text field for a number (or a list of them), as wide as its text. controls.css turns `--digits` into the width. */
import { el } from './dom.js';

const fit = (input) => input.style.setProperty('--digits', String(Math.max(1, input.value.length)));

/**
 * Returns the field. A whole number gets a keyboard of digits, a decimal one a keyboard with a decimal point, and a list
 * the usual one.
 * @param {{name: string, label: string, value?: string, kind?: 'numeric'|'decimal'|'text'}} given
 * @returns {HTMLInputElement}
 */
export function numberField({ name, label, value = '', kind = 'numeric' }) {
  const input = el('input', { type: 'text', name, value, inputMode: kind, autocomplete: 'off', aria: { label } });
  input.addEventListener('input', () => fit(input));
  fit(input);
  return input;
}

/** Sets the text of a field. @param {HTMLInputElement} input @param {string | number | bigint} value */
export function setNumber(input, value) {
  input.value = String(value);
  fit(input);
}
