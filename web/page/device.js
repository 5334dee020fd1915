/** Choices of the device that evaluates a network: the processor, or a graphics device where the browser offers one. */
import { el } from './dom.js';
import { t } from './text.js';

/** Whether the browser offers a graphics device; asked once. @type {Promise<boolean> | undefined} */
let offered;
const hasDevice = async () => Boolean(await navigator.gpu?.requestAdapter().catch(() => null));

/**
 * A list of devices. It stays out of sight, and says wasm, unless the browser offers a graphics device.
 * @param {string} name @param {string[]} [values] @param {string} [value] chosen at first, where there is a choice
 */
export function deviceChoice(name, values = ['wasm', 'webgpu'], value = 'wasm') {
  const options = values.map((device) => el('option', { value: device }, t(`device.${device}`)));
  const list = el('select', { name, hidden: true, aria: { label: t('device') } }, ...options);
  list.value = 'wasm';
  offered ??= hasDevice();
  offered.then((yes) => {
    list.hidden = !yes;
    if (yes) list.value = value;
  });
  return list;
}

/** One sentence where a model does not run on the device that was asked for, else ''. @param {{device: {kind: string, reason: string}}} model */
export const deviceNote = ({ device }, wanted) =>
  wanted !== 'wasm' && device.kind === 'wasm' ? t('device.fallback', { reason: device.reason }) : '';
