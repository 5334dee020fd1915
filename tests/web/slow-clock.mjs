// Replaces a worker's clock. Each reading advances it by one millisecond, and by four after the number of readings that the address gives.
const slowAfter = Number(new URL(import.meta.url).search.slice(1));
let asked = 0;
let time = 0;
performance.now = () => (time += asked++ < slowAfter ? 1 : 4);
