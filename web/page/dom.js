/** Helpers that make elements. Strings always become text, never markup. */

/**
 * @param {string} name a tag, with classes behind dots: 'button.plain'
 * @param {Record<string, unknown>} [props] properties; `data` and `aria` are records, `on` maps events to listeners
 * @param {...(Node|string|null|undefined)} children
 */
export function el(name, props = {}, ...children) {
  const [tag, ...classes] = name.split('.');
  const element = document.createElement(tag);
  element.classList.add(...classes);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (key === 'on') for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    else if (key === 'data') Object.assign(element.dataset, value);
    else if (key === 'aria')
      for (const [aria, text] of Object.entries(value)) element.setAttribute(`aria-${aria}`, String(text));
    else if (key in element) element[key] = value;
    else element.setAttribute(key, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** @param {string} id @returns {any} the element, which index.html must have */
export function $(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html lacks #${id}`);
  return element;
}

/** Offers a file that the page made for download. @returns {string} its name */
export function download(name, blob) {
  const url = URL.createObjectURL(blob);
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
  return name;
}

export const stillness = matchMedia('(prefers-reduced-motion: reduce)');
