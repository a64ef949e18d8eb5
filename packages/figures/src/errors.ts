/** What a {@link FigureError} is about; the codes are those of `MhimError` in `@mhim/tensor`. */
export type FigureErrorCode =
  | 'data' // parts of the data that contradict each other, e.g. lists of different lengths
  | 'config' // an option that cannot be
  | 'file'; // a report that cannot be written

export interface FigureErrorOptions {
  code: FigureErrorCode;
  /** The field or the file that the error is about. */
  path?: string;
  /** What to do about it, one sentence. */
  hint?: string;
  cause?: unknown;
}

/** The error of this package: says what was expected, what came and what to do. The message carries path and hint. */
export class FigureError extends Error {
  readonly code: FigureErrorCode;
  readonly path?: string;
  readonly hint?: string;

  constructor(what: string, { code, path, hint, cause }: FigureErrorOptions) {
    super(`${path === undefined ? '' : `${path}: `}${what}${hint === undefined ? '' : ` ${hint}`}`, { cause });
    this.name = 'FigureError';
    this.code = code;
    this.path = path;
    this.hint = hint;
  }
}
