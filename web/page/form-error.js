/**
 * Shows the error of a form in one sentence beside its button. The field with the error is marked, refers to the
 * sentence and gets the focus. The sentence is updated while the reader types, and disappears once the field is valid.
 */
import { explain } from './text.js';

export class FormError {
  #field = null;

  /**
   * @param {HTMLElement} place shows the sentence; an alert with an id
   * @param {() => unknown} check throws the error of the fields, if there is one
   * @param {(name: string) => HTMLElement|null} fieldOf returns the field of that name
   */
  constructor(place, check, fieldOf) {
    Object.assign(this, { place, check, fieldOf });
  }

  /** Shows an error, or a sentence without a field; '' clears it. @param {Error|string} error */
  show(error) {
    this.clear();
    this.place.textContent = typeof error === 'string' ? error : explain(error);
    this.#field = (error.field && this.fieldOf(error.field)) || null;
    if (!this.#field) return;
    this.#field.setAttribute('aria-invalid', 'true');
    this.#field.setAttribute('aria-errormessage', this.place.id);
    this.#field.focus();
  }

  clear() {
    this.place.textContent = '';
    this.#field?.removeAttribute('aria-invalid');
    this.#field?.removeAttribute('aria-errormessage');
    this.#field = null;
  }

  /** Checks the marked field again after the reader has typed. */
  recheck() {
    if (!this.#field) return;
    try {
      this.check();
      this.clear();
    } catch (error) {
      if (this.fieldOf(error.field) === this.#field) this.place.textContent = explain(error);
      else this.clear();
    }
  }
}

/**
 * Adds the name of its field to an error, and returns it.
 * @template {Error} E
 * @param {E} error
 * @param {string} field
 * @returns {E & {field: string}}
 */
export const about = (error, field) => Object.assign(error, { field });
