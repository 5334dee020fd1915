/** Lists the devices that can evaluate a network: the processor, and a graphics device if the browser has one. */
import { el } from './dom.js';
import { t } from './text.js';

/** True if the browser offers a graphics device. It is asked once. @type {Promise<boolean> | undefined} */
let offered;
const hasDevice = async () => Boolean(await navigator.gpu?.requestAdapter().catch(() => null));

/**
 * Returns a list of devices. It is hidden, with the value wasm, unless the browser offers a graphics device.
 * @param {string} name @param {string[]} [values] @param {string} [value] the initial choice, if there is one
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

/**
 * Returns a sentence if a model does not run on the requested device, otherwise ''.
 * @param {{device: {kind: string, reason: string}}} model
 */
export const deviceNote = ({ device }, wanted) =>
  wanted !== 'wasm' && device.kind === 'wasm' ? t('device.fallback', { reason: device.reason }) : '';
