/**
 * The base class of both elements: attributes that mirror properties, one sentence for an invalid value, events with
 * their data in `detail`, and a place for errors. Node can import it, but draws nothing.
 */
import { SeddError } from '../errors.js';
import { adopt, lazySheet, make } from './theme.js';

const Base = globalThis.HTMLElement ?? class {};

/**
 * The type of an attribute: `parse` reads its text and returns undefined if it is invalid; `expected` describes valid
 * values.
 * @typedef {{parse: (text: string) => unknown, expected?: string, fallback?: unknown, flag?: boolean, attribute?: string}} Field
 */

/** Any text. */
export const text = { parse: (given) => given };
/** Present or not. */
export const flag = { flag: true };
/** One of several words; the first is the default. */
export const choice = (...words) => ({
  parse: (given) => (words.includes(given) ? given : undefined),
  expected: words.map((one) => `"${one}"`).join(' or '),
  fallback: words[0],
});
/** A number within bounds. `step` 1 means whole numbers; with `zero`, 0 is valid, too. */
export const number = (low, high, { step = 0, zero = false, ...more } = {}) => ({
  parse(given) {
    const value = given.trim() ? Number(given) : NaN;
    const fits = (zero && value === 0) || (value >= low && value <= high);
    return fits && (!step || Number.isInteger(value)) ? value : undefined;
  },
  expected: `${zero ? '0 or ' : ''}a ${step ? 'whole ' : ''}number from ${low} to ${high}`,
  ...more,
});
/** A whole number of 64 bits; a bigint if a number would not be exact. */
export const seed = {
  parse(given) {
    if (!/^\s*\d{1,20}\s*$/.test(given) || BigInt(given) >= 2n ** 64n) return undefined;
    return Number.isSafeInteger(Number(given)) ? Number(given) : BigInt(given);
  },
  expected: 'a whole number from 0 to 18446744073709551615',
};

const attributeOf = (name, field) => field.attribute ?? name.toLowerCase();

/** Adds properties that mirror the attributes of a class. Returns the names of the attributes. @param {Record<string, Field>} fields */
export function mirror(Class, fields) {
  for (const [name, field] of Object.entries(fields)) {
    const attribute = attributeOf(name, field);
    Object.defineProperty(Class.prototype, name, {
      get() {
        if (field.flag) return this.hasAttribute(attribute);
        const given = this.getAttribute(attribute);
        return (given === null ? undefined : field.parse(given)) ?? field.fallback ?? null;
      },
      set(value) {
        if (field.flag) this.toggleAttribute(attribute, Boolean(value));
        else if (value === null || value === undefined) this.removeAttribute(attribute);
        else this.setAttribute(attribute, String(value));
      },
    });
  }
  Class.fields = fields;
  return Object.entries(fields).map(([name, field]) => attributeOf(name, field));
}

const style = lazySheet(`
:host { display: block; color: var(--_ink); }
:host([hidden]), [hidden] { display: none; }
.error { font: 0.875rem/1.5 var(--_ui); margin: 0.5rem 0; padding-inline-start: 0.75rem; border-inline-start: 3px solid var(--_accent); overflow-wrap: anywhere; }
.print { display: none; font: 1.125rem/1.6 var(--_text); white-space: pre-wrap; }
@media print {
  .print:not(:empty) { display: block; }
  .print:not(:empty) ~ :not(slot), .caption, .sedd-timeline, .sedd-sheet { display: none; }
}
`);

export class SeddElement extends Base {
  /** @type {Record<string, Field>} */
  static fields = {};

  #problem;

  /** @param {CSSStyleSheet[]} sheets the element's own, above the shared ones */
  prepare(...sheets) {
    const root = this.attachShadow({ mode: 'open' });
    adopt(root, style(), ...sheets);
    this.#problem = make('p', { part: 'error', class: 'error', role: 'alert', dir: 'auto', hidden: '' });
    this.paper = make('div', { class: 'print', dir: 'auto' });
    root.append(this.paper);
    return { root, problem: this.#problem };
  }

  /** Takes over properties that were set before the element was defined. */
  upgrade() {
    for (const name of Object.keys(this.constructor.fields)) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
  }

  emit(name, detail) {
    return this.dispatchEvent(new CustomEvent(`sedd-${name}`, { bubbles: true, composed: true, detail }));
  }

  /** Shows an error in the element and sends `sedd-error`. An abort is not an error. */
  fail(error) {
    if (error?.name === 'AbortError') return;
    this.#problem.hidden = false;
    this.#problem.textContent = [error.message, error.hint].filter(Boolean).join(' ');
    this.emit('error', { error });
  }

  forgive() {
    this.#problem.hidden = true;
    this.#problem.textContent = '';
  }

  /** Returns true if all attributes are valid, and reports the first invalid one. An invalid optional attribute counts as absent. */
  checkAttributes() {
    for (const [name, field] of Object.entries(this.constructor.fields)) {
      const given = this.getAttribute(attributeOf(name, field));
      if (given === null || field.flag || field.parse(given) !== undefined) continue;
      const shown = given.length > 40 ? `${given.slice(0, 40)}\u2026` : given;
      this.fail(
        new SeddError(
          'argument',
          `<${this.localName}>: ${attributeOf(name, field)} should be ${field.expected}; found "${shown}".`,
        ),
      );
      return false;
    }
    return true;
  }
}

/** Defines an element once. */
export function define(name, Class) {
  if (globalThis.customElements && !customElements.get(name)) customElements.define(name, Class);
}

/** Runs `act` once when the element comes near the viewport. @returns {() => void} stops waiting */
export function whenNear(element, act) {
  const watch = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watch.disconnect();
      act();
    },
    { rootMargin: '300px' },
  );
  watch.observe(element);
  return () => watch.disconnect();
}
