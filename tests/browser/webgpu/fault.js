/** Breaks this worker's WebGPU in the way that its address requests (?fault=...), before the engine uses it. */
const fault = new URL(location.href).searchParams.get('fault');
const { gpu } = navigator;

/** Replaces the result of requestAdapter. */
const withAdapter = (change) =>
  Object.defineProperty(navigator, 'gpu', {
    value: { requestAdapter: async (options) => change(await gpu.requestAdapter(options)) },
  });

const FAULTS = {
  absent: () => Object.defineProperty(navigator, 'gpu', { value: undefined }),
  adapter: () => withAdapter(() => null),
  // A policy forbids the device: every request is rejected.
  blocked: () =>
    withAdapter(() => {
      throw new DOMException('WebGPU is disabled by policy.', 'SecurityError');
    }),
  refused: () =>
    withAdapter(({ info, limits }) => ({
      info,
      limits,
      requestDevice: async () => {
        throw new TypeError('no such feature');
      },
    })),
  limit: () =>
    withAdapter((adapter) => ({
      info: adapter.info,
      limits: { maxBufferSize: 65536, maxStorageBufferBindingSize: 65536 },
      requestDevice: (options) => adapter.requestDevice(options),
    })),
  memory: () => {
    const pop = GPUDevice.prototype.popErrorScope;
    GPUDevice.prototype.popErrorScope = async function () {
      await pop.call(this);
      return new GPUOutOfMemoryError('not enough memory left');
    };
  },
  compile: () => {
    GPUDevice.prototype.createComputePipelineAsync = async () => {
      throw new GPUPipelineError('a shader did not compile', { reason: 'internal' });
    };
  },
  // Weights arrive as zeros: the results are finite and wrong.
  wrong: () => {
    const write = GPUQueue.prototype.writeBuffer;
    GPUQueue.prototype.writeBuffer = function (buffer, offset, data, ...rest) {
      return write.call(
        this,
        buffer,
        offset,
        data.byteLength > 20000 ? new data.constructor(data.length) : data,
        ...rest,
      );
    };
  },
  // A submission of the first run destroys the device, as when a driver resets.
  lost: () => {
    let left = Infinity;
    const first = ({ data }) => {
      if (!['sample', 'generate'].includes(data.method)) return;
      left = Number(new URL(location.href).searchParams.get('after'));
      removeEventListener('message', first);
    };
    addEventListener('message', first);
    let device;
    const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (options) {
      device = await request.call(this, options);
      return device;
    };
    const submit = GPUQueue.prototype.submit;
    GPUQueue.prototype.submit = function (buffers) {
      submit.call(this, buffers);
      if (--left === 0) device.destroy();
    };
  },
};

FAULTS[fault]?.();
