// The engine's worker with a broken WebGPU; see fault.js.
import './fault.js';
import '/web/worker.js';
