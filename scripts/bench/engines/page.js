/** Holds the contenders of a page: one, or several that run together, each in its own worker or in the page itself. hosts.mjs drives it. */
const IN_PAGE = { wllama: './wllama.js', 'litert.js': './litert.js' };
const contenders = new Map();
let next = 1;

/** Calls a contender in a worker by messages. */
class Remote {
  #worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  #waiting = new Map();
  #count = 0;

  constructor() {
    this.#worker.onerror = (event) => this.#fail(event.message ?? 'the worker could not be loaded');
    this.#worker.onmessage = ({ data: { id, value, error } }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) reject(new Error(error));
      else resolve(value);
    };
  }

  #fail(message) {
    for (const { reject } of this.#waiting.values()) reject(new Error(message));
  }

  call(method, ...args) {
    return new Promise((resolve, reject) => {
      this.#waiting.set(++this.#count, { resolve, reject });
      this.#worker.postMessage({ id: this.#count, method, args });
    });
  }
}

/** Calls a contender in the page itself. */
class Local {
  #contender;

  async call(method, ...args) {
    if (method !== 'open') return this.#contender[method](...args);
    const { open } = await import(IN_PAGE[args[0]]);
    this.#contender = await open(args[1]);
    return { kernels: this.#contender.kernels, threads: this.#contender.threads };
  }
}

globalThis.bench = {
  /** @returns {Promise<{number: number, kernels: string, threads: number, ms: number}>} */
  async open(engine, job) {
    const contender = engine in IN_PAGE ? new Local() : new Remote();
    const begin = performance.now();
    const value = await contender.call('open', engine, job);
    contenders.set(next, contender);
    return { ...value, number: next++, ms: performance.now() - begin };
  },
  call: (number, method, ...args) => contenders.get(number).call(method, ...args),
  /** Makes the same call to several contenders at once. */
  together: (numbers, method, ...args) =>
    Promise.all(numbers.map((number) => contenders.get(number).call(method, ...args))),
};
