// A clock for a worker: it counts how often it is asked, a millisecond a time, and four after as many times as the address says.
const slowAfter = Number(new URL(import.meta.url).search.slice(1));
let asked = 0;
let time = 0;
performance.now = () => (time += asked++ < slowAfter ? 1 : 4);
