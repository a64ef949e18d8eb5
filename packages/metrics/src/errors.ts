/** What a {@link MetricError} is about; the codes are those of `MhimError` in `@mhim/tensor`. */
export type MetricErrorCode =
  | 'data' // labels, predictions or scores that contradict each other
  | 'config' // an option that cannot be
  | 'non-finite' // a NaN or an infinity among the scores
  | 'undefined-metric'; // the metric has no value for this input

export interface MetricErrorOptions {
  code: MetricErrorCode;
  /** The argument that the error is about. */
  path?: string;
  /** What to do about it, one sentence. */
  hint?: string;
  cause?: unknown;
}

/** The error of this package: says what was expected, what came and what to do. The message carries path and hint. */
export class MetricError extends Error {
  readonly code: MetricErrorCode;
  readonly path?: string;
  readonly hint?: string;

  constructor(what: string, { code, path, hint, cause }: MetricErrorOptions) {
    super(`${path === undefined ? '' : `${path}: `}${what}${hint === undefined ? '' : ` ${hint}`}`, { cause });
    this.name = 'MetricError';
    this.code = code;
    this.path = path;
    this.hint = hint;
  }
}

/** A metric that has no value for valid input, such as the AUC of labels of one class. */
export class UndefinedMetricError extends MetricError {
  /** The metric, e.g. `AUC`. */
  readonly metric: string;
  /** Why it has no value, without the hint; short enough for a table's footnote. */
  readonly reason: string;
  /** The class that is missing, where that is the reason. */
  readonly absentClass?: number;

  constructor(metric: string, reason: string, { hint, absentClass }: { hint?: string; absentClass?: number } = {}) {
    super(`${metric} is undefined: ${reason}.`, { code: 'undefined-metric', hint });
    this.name = 'UndefinedMetricError';
    this.metric = metric;
    this.reason = reason;
    this.absentClass = absentClass;
  }
}
