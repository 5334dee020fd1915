/**
 * The error of this folder. `reason` tells the caller what to do: absent, software, refused, limit, memory, compile,
 * lost, wrong (the device computes incorrectly), unsupported (no kernel here computes this network or request).
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

/** Returns the error that a cancelled call throws. */
export const abortError = () => new DOMException('The operation was aborted.', 'AbortError');
