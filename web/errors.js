/**
 * The one error class. Codes are stable: `argument`, `memory`, `io`, `format`, `unsupported` (as in
 * core/sedd.h), and `network`, `content`, `disposed`, `worker`. A cancelled call rejects with the
 * standard AbortError instead.
 */
export class SeddError extends Error {
  /**
   * @param {string} code
   * @param {string} message one sentence: what, where, expected, found
   * @param {{hint?: string, url?: string, cause?: unknown}} [details]
   */
  constructor(code, message, { hint = '', url = '', cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SeddError';
    this.code = code;
    this.hint = hint;
    this.url = url;
  }
}

/** Returns the error of a cancelled call. @returns {DOMException} */
export const abortError = () => new DOMException('The operation was aborted.', 'AbortError');

/** Returns an error as plain data for a message to another thread. unpackError() reverses it. */
export const packError = (error) => ({
  name: error.name,
  code: error.code ?? 'worker',
  message: String(error.message),
  hint: error.hint ?? '',
  url: error.url ?? '',
});

export const unpackError = (data) =>
  data.name === 'AbortError' ? abortError() : new SeddError(data.code, data.message, data);
