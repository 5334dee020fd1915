/**
 * Links into the page land on their heading and stay there. The figures below the first screen are made when they come
 * near, so a page that has jumped grows above the heading; until the reader moves, the heading is put back.
 */
const MOVES = ['wheel', 'touchmove', 'keydown', 'pointerdown'];
const NEAR = 2; // px

/** Moves the page to a heading and keeps it there until the reader does anything. */
export class Place {
  #target = null;
  #height = 0;

  /** @param {(id: string) => void} come is told where the page goes, before it does */
  constructor(come) {
    this.come = come;
    new ResizeObserver(() => this.#hold()).observe(document.body);
    for (const type of MOVES) addEventListener(type, () => this.leave(), { passive: true, capture: true });
    addEventListener('scroll', () => this.#scrolled(), { passive: true });
    addEventListener('click', (event) => this.#click(event));
    addEventListener('hashchange', () => this.go(location.hash));
  }

  /** The element that a fragment names, or null. */
  #find(hash) {
    try {
      return document.getElementById(decodeURIComponent(hash.slice(1)));
    } catch {
      return null; // it cannot be decoded
    }
  }

  /** Goes to what a fragment names. @param {string} hash with #; one that names nothing on the page is left */
  go(hash) {
    const target = this.#find(hash);
    if (!target) return;
    this.come(target.id);
    this.#target = target;
    this.#hold();
  }

  /** Goes to the place that the address names at the start, unless the reader has scrolled elsewhere by then. */
  begin() {
    const { scrollY, innerHeight } = globalThis;
    const top = this.#find(location.hash)?.getBoundingClientRect().top;
    if (scrollY === 0 || Math.abs(top) < innerHeight) this.go(location.hash);
  }

  /** A press on a link to the place where the address is already changes no address. */
  #click(event) {
    const link = event.target.closest?.('a[href^="#"]');
    if (link && link.hash === location.hash) this.go(link.hash);
  }

  #hold() {
    this.#height = document.documentElement.scrollHeight;
    this.#target?.scrollIntoView({ behavior: 'instant' });
  }

  /** A scroll that no growth explains is the reader's: by the scroll bar, for instance. */
  #scrolled() {
    if (!this.#target || document.documentElement.scrollHeight !== this.#height) return;
    const { scrollY, innerHeight } = globalThis;
    const before = this.#target.getBoundingClientRect().top;
    const padding = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) || 0;
    const end = scrollY + innerHeight >= this.#height - NEAR;
    if (Math.abs(before - padding) > NEAR && !end) this.leave();
  }

  leave() {
    this.#target = null;
  }
}
