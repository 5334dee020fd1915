/**
 * The one error of this folder. `reason` says what to do about it: absent, software, refused, limit, memory, compile, lost, wrong (the
 * device computes wrongly), unsupported (this network or request has no kernels here).
 */
export class GPUFault extends Error {
  /**
   * @param {'absent'|'software'|'refused'|'limit'|'memory'|'compile'|'lost'|'wrong'|'unsupported'} reason
   * @param {string} message one sentence for a person
   * @param {unknown} [cause]
   */
  constructor(reason, message, cause) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'GPUFault';
    this.reason = reason;
  }
}

/** Returns what a cancelled call throws. */
export const abortError = () => new DOMException('The operation was aborted.', 'AbortError');
