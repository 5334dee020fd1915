/**
 * Makes links land on their heading and stay there. The figures below the first screen are made when they come near the
 * viewport, so after a jump the page grows above the heading. Until the reader scrolls, the heading is moved back.
 */
const MOVES = ['wheel', 'touchmove', 'keydown', 'pointerdown'];
const NEAR = 2; // px

/** Moves the page to a heading and keeps it there until the reader acts. */
export class Place {
  #target = null;
  #height = 0;

  /** @param {(id: string) => void} come receives the target before the page moves */
  constructor(come) {
    this.come = come;
    new ResizeObserver(() => this.#hold()).observe(document.body);
    for (const type of MOVES) addEventListener(type, () => this.leave(), { passive: true, capture: true });
    addEventListener('scroll', () => this.#scrolled(), { passive: true });
    addEventListener('click', (event) => this.#click(event));
    addEventListener('hashchange', () => this.go(location.hash));
  }

  /** Returns the element that a fragment names, or null. */
  #find(hash) {
    try {
      return document.getElementById(decodeURIComponent(hash.slice(1)));
    } catch {
      return null; // invalid percent-encoding
    }
  }

  /** Goes to the element that a fragment names. @param {string} hash with #; ignored if it names no element */
  go(hash) {
    const target = this.#find(hash);
    if (!target) return;
    this.come(target.id);
    this.#target = target;
    this.#hold();
  }

  /** Goes to the place in the address when the page starts, unless the reader has scrolled before. */
  begin() {
    const { scrollY, innerHeight } = globalThis;
    const top = this.#find(location.hash)?.getBoundingClientRect().top;
    if (scrollY === 0 || Math.abs(top) < innerHeight) this.go(location.hash);
  }

  /** Handles a press on a link to the current address, which causes no navigation. */
  #click(event) {
    const link = event.target.closest?.('a[href^="#"]');
    if (link && link.hash === location.hash) this.go(link.hash);
  }

  #hold() {
    this.#height = document.documentElement.scrollHeight;
    this.#target?.scrollIntoView({ behavior: 'instant' });
  }

  /** Treats a scroll that the page's growth does not explain as the reader's, for instance by the scroll bar. */
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
