/** What an {@link MhimError} is about; callers branch on it, people read the message. */
export type ErrorCode =
  | 'backend' // no usable tensor engine, or two copies of it
  | 'shape' // a tensor has another shape than the code expects
  | 'state-dict' // parameters missing, unexpected or mis-shaped
  | 'file-format' // a file is truncated, corrupt or of another kind
  | 'file-missing'
  | 'unsafe-file' // a file asks for something we refuse: code, paths outside, unbounded memory
  | 'data' // bags, labels or folds that contradict each other
  | 'config' // an option that cannot be
  | 'non-finite' // a NaN or an infinity where training cannot go on
  | 'undefined-metric' // a metric that has no value for this input
  | 'busy' // another process has what this one needs: try again later
  | 'dependency'; // a program or package the user has to install

export interface MhimErrorOptions {
  code: ErrorCode;
  /** The file, key or option that the error is about. */
  path?: string;
  /** What to do about it, one sentence. */
  hint?: string;
  cause?: unknown;
}

/**
 * The one error class of all packages: says what was expected, what came and what to do.
 * The message carries path and hint, so printing `error.message` is enough.
 */
export class MhimError extends Error {
  readonly code: ErrorCode;
  readonly path?: string;
  readonly hint?: string;

  constructor(what: string, { code, path, hint, cause }: MhimErrorOptions) {
    super(`${path === undefined ? '' : `${path}: `}${what}${hint === undefined ? '' : ` ${hint}`}`, { cause });
    this.name = 'MhimError';
    this.code = code;
    this.path = path;
    this.hint = hint;
  }
}
