/** Choices of the device that evaluates a network: the processor, or a graphics device where the browser has WebGPU. */
import { el } from './dom.js';
import { t } from './text.js';

export const hasWebGPU = () => Boolean(navigator.gpu);

/**
 * A list of devices; it stays out of sight without WebGPU.
 * @param {string} name @param {string[]} [values] @param {string} [value] chosen at first
 */
export const deviceChoice = (name, values = ['wasm', 'webgpu'], value = 'wasm') =>
  el(
    'select',
    { name, hidden: !hasWebGPU(), aria: { label: t('device') } },
    ...values.map((device) => el('option', { value: device, selected: device === value }, t(`device.${device}`))),
  );

/** One sentence where a model does not run on the device that was asked for, else ''. @param {{device: {kind: string, reason: string}}} model */
export const deviceNote = ({ device }, wanted) =>
  wanted !== 'wasm' && device.kind === 'wasm' ? t('device.fallback', { reason: device.reason }) : '';
