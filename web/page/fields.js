/** Fields that hold something wrong: marked, focused, described by one sentence, and cleared once they are right. */

/** What each wrong field is checked with. @type {WeakMap<HTMLElement, {check: () => void, message: HTMLElement}>} */
const wrong = new WeakMap();

const listen = (event) => {
  const field = event.target;
  const { check, message } = wrong.get(field) ?? {};
  if (!check) return;
  try {
    check();
    clear(field);
    message.textContent = '';
  } catch (error) {
    message.textContent = error.message;
  }
};

/**
 * @param {HTMLInputElement|HTMLTextAreaElement} field
 * @param {HTMLElement} message the element with the sentence, which has an id
 * @param {() => void} check throws while the field is wrong
 */
export function mark(field, message, check) {
  clear(field);
  wrong.set(field, { check, message });
  field.setAttribute('aria-invalid', 'true');
  field.setAttribute('aria-errormessage', message.id);
  field.addEventListener('input', listen);
  field.focus();
}

/** @param {HTMLElement} field */
export function clear(field) {
  wrong.delete(field);
  field.removeAttribute('aria-invalid');
  field.removeAttribute('aria-errormessage');
  field.removeEventListener('input', listen);
}
