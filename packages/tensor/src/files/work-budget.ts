import { MhimError } from '../errors.js';

/** What a file may unfold to, per byte of it; no honest file of tensors needs more. */
const MAX_EXPANSION = 8;
/** Small files may cost this much all the same: milliseconds. */
const FLOOR = 2 ** 20;

/**
 * The work that a file may cost its reader. A pickle can hand one long object to each of its many calls, so neither its size nor the
 * number of its instructions bounds time and memory; what every call handles does.
 */
export class WorkBudget {
  private bytesLeft: number;

  constructor(
    private readonly path: string,
    fileSize: number,
  ) {
    this.bytesLeft = Math.max(FLOOR, MAX_EXPANSION * fileSize);
  }

  /** To be asked before the work is done. @throws MhimError `unsafe-file` */
  spend(bytes: number): void {
    this.bytesLeft -= bytes;
    if (this.bytesLeft < 0) throw unfolds(this.path, 'bytes');
  }
}

/** The error of a file that is small and stands for much. */
export function unfolds(path: string, what: string): MhimError {
  return new MhimError(`it unfolds to more ${what} than a file of its size should.`, {
    code: 'unsafe-file',
    path,
    hint: 'It was not loaded. Save contiguous tensors, each once.',
  });
}
