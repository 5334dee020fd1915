/** Opens a graphics device: requests the sizes it needs, refuses software renderers, and checks a few values first. */
import { GPUFault } from './fault.js';
import { Compiler } from './compile.js';
import { probe } from './probe.js';

/** Matches the names of software renderers in an adapter's information. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render/i;
/** Features that are requested if the adapter has them. */
const OPTIONAL = ['subgroups'];
/** The limits that every device grants. They are enough for the small models. */
const DEFAULT_BUFFER = 256 << 20;
const DEFAULT_BINDING = 128 << 20;

/**
 * Returns the adapter's name, and whether it is a software renderer. Safari 26.0 has this information on the adapter
 * only, and a browser may leave any field empty.
 * @param {any} adapter
 */
function describe(adapter) {
  const info = adapter.info ?? {};
  const words = [info.vendor, info.architecture, info.device, info.description].filter(Boolean);
  return {
    name: words.slice(0, 2).join(' ') || 'unnamed graphics device',
    software: Boolean(info.isFallbackAdapter ?? adapter.isFallbackAdapter) || SOFTWARE.test(words.join(' ')),
  };
}

/**
 * Returns the limits to request: the defaults, or more if the model needs it. Throws if the adapter allows less than
 * needed.
 */
function limitsFor(adapter, need) {
  const { maxBufferSize: buffer, maxStorageBufferBindingSize: binding } = adapter.limits;
  for (const [what, wanted, most] of [
    ['buffer', need.buffer ?? 0, buffer],
    ['binding', need.binding ?? 0, binding],
  ])
    if (wanted > most)
      throw new GPUFault('limit', `The graphics device allows a ${what} of ${most} bytes; the model needs ${wanted}.`);
  return {
    maxBufferSize: Math.min(buffer, Math.max(DEFAULT_BUFFER, need.buffer ?? 0)),
    maxStorageBufferBindingSize: Math.min(binding, Math.max(DEFAULT_BINDING, need.binding ?? 0)),
  };
}

/** An open device with its compiled kernels. */
export class Gpu {
  /** @type {GPUFault | null} set once the device is lost */ lost = null;
  /** @type {(fault: GPUFault) => void} */ onLost = () => {};
  /** @type {GPUFault | null} an error that no error scope caught; the next check throws it */ fault = null;
  /**
   * Features that compute correctly (probe.js) or are faster (choose.js).
   * @type {{dot4: boolean, subgroups: boolean, tiles: boolean}}
   */
  features = { dot4: false, subgroups: false, tiles: false };
  /**
   * true if each row is computed by a single thread, because barriers are slow on a software renderer
   * (kernels/shared.js)
   */ alone = false;
  /** milliseconds from an empty submission to the report that it has ended */ latency = 0;

  constructor(device, { name, software }) {
    this.device = device;
    this.name = name;
    this.software = this.alone = software;
    this.limits = device.limits;
    this.compiler = new Compiler(this);
    device.lost.then(({ reason, message }) => {
      const why = (message || reason || 'no reason given').replace(/[.\s]+$/, '');
      this.lost = new GPUFault('lost', `The graphics device was lost: ${why}.`);
      this.onLost(this.lost);
    });
    device.addEventListener('uncapturederror', ({ error }) => {
      const reason = error.constructor.name === 'GPUOutOfMemoryError' ? 'memory' : 'wrong';
      this.fault ??= new GPUFault(reason, `The graphics device reported an error: ${error.message}`);
    });
  }

  /**
   * Throws if the device is lost or has reported an error. A lost device resolves most promises as if nothing had
   * happened.
   */
  check() {
    const fault = this.lost ?? this.fault;
    if (fault) throw fault;
  }

  /** Frees the device and everything on it. This loss is not reported. */
  destroy() {
    this.onLost = () => {};
    this.device.destroy();
  }
}

/**
 * Opens the graphics device.
 * @param {{gpu?: any, software?: boolean, powerPreference?: string,
 *   need?: {buffer?: number, binding?: number}}} [options]
 *   gpu: the browser's entry point. software: accepts software renderers. need: largest buffer and binding, in bytes.
 * @returns {Promise<Gpu>} rejects with a GPUFault
 */
export async function openGPU({
  gpu = globalThis.navigator?.gpu,
  software = false,
  powerPreference = 'high-performance',
  need = {},
} = {}) {
  if (!gpu) throw new GPUFault('absent', 'This browser has no WebGPU here.');
  const adapter = await gpu.requestAdapter({ powerPreference }).catch(() => null);
  if (!adapter) throw new GPUFault('absent', 'The browser offers no graphics device.');
  const description = describe(adapter);
  if (description.software && !software)
    throw new GPUFault('software', `The graphics device is a software renderer, ${description.name}.`);
  const requiredLimits = limitsFor(adapter, need);
  const requiredFeatures = OPTIONAL.filter((feature) => adapter.features?.has(feature));
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures }).catch((/** @type {any} */ error) => {
    throw new GPUFault('refused', `The browser refused the graphics device: ${error.message}`, error);
  });
  const opened = new Gpu(device, description);
  try {
    await probe(opened);
  } catch (error) {
    opened.destroy();
    throw opened.lost ?? error;
  }
  return opened;
}
