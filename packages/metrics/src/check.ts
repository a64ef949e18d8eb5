import { MetricError, UndefinedMetricError } from './errors.js';

/** A plain or a typed array of numbers. */
export type Numbers = ArrayLike<number>;

/** @throws MetricError `data` for an empty list */
export function checkNotEmpty(values: Numbers, path: string): void {
  if (!Number.isInteger(values?.length)) {
    throw new MetricError(`expected an array of numbers, got ${typeof values}.`, { code: 'data', path });
  }
  if (values.length === 0) throw new MetricError('expected at least one value, got none.', { code: 'data', path });
}

/** @throws MetricError `data` when two lists that belong together have different lengths */
export function checkSameLength(values: Numbers, path: string, expected: number, of: string): void {
  checkNotEmpty(values, path);
  if (values.length === expected) return;
  throw new MetricError(`expected ${expected} values, one for each of the ${of}, got ${values.length}.`, {
    code: 'data',
    path,
  });
}

/** @throws MetricError `non-finite` naming the first entry that is no finite number */
export function checkFinite(values: Numbers, path: string): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new MetricError(`expected finite numbers, entry ${i} is ${String(values[i])}.`, {
      code: 'non-finite',
      path,
      hint: 'A NaN score usually comes from a diverged model or from non-finite features.',
    });
  }
}

/** @throws MetricError `data` unless every entry is an integer from 0, below `classes` where that is given */
export function checkClasses(values: Numbers, path: string, classes = Infinity): void {
  checkNotEmpty(values, path);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (Number.isInteger(value) && value >= 0 && value < classes) continue;
    const range = classes === Infinity ? 'class indices 0, 1, …' : `class indices 0 … ${classes - 1}`;
    throw new MetricError(`expected ${range}, entry ${i} is ${String(value)}.`, { code: 'data', path });
  }
}

/** @throws MetricError `data` unless labels are 0 or 1, and scores finite and as many */
export function checkScored(labels: Numbers, scores: Numbers, path = 'scores'): void {
  checkClasses(labels, 'labels', 2);
  checkSameLength(scores, path, labels.length, 'labels');
  checkFinite(scores, path);
}

/** @throws MetricError unless `scores` is a finite [labels, classes] matrix, row by row */
export function checkScoreMatrix(labels: Numbers, scores: Numbers, classes: number, path = 'scores'): void {
  checkClassCount(classes);
  checkClasses(labels, 'labels', classes);
  checkMatrix(scores, classes, path);
  if (scores.length === labels.length * classes) return;
  throw new MetricError(`expected ${labels.length} × ${classes} values, a row for each label, got ${scores.length}.`, {
    code: 'data',
    path,
  });
}

/** @throws MetricError unless `values` are finite and fill rows of `columns` */
export function checkMatrix(values: Numbers, columns: number, path: string): void {
  checkNotEmpty(values, path);
  checkFinite(values, path);
  if (values.length % columns === 0) return;
  throw new MetricError(`expected rows of ${columns} values, got ${values.length} values.`, { code: 'data', path });
}

/** @throws MetricError `config` unless times are finite and ascend */
export function checkTimes(times: Numbers): void {
  checkNotEmpty(times, 'times');
  checkFinite(times, 'times');
  for (let i = 1; i < times.length; i++) {
    if ((times[i] as number) > (times[i - 1] as number)) continue;
    throw new MetricError(`expected ascending times, entry ${i} is ${times[i]} after ${times[i - 1]}.`, {
      code: 'config',
      path: 'times',
    });
  }
}

/** @throws MetricError unless `values` are finite and fill [n, times], or [n] where `orOne` */
export function checkPerTime(values: Numbers, path: string, n: number, times: number, orOne = false): void {
  checkNotEmpty(values, path);
  checkFinite(values, path);
  if (values.length === n * times || (orOne && values.length === n)) return;
  const expected = `${n} × ${times}${orOne && times > 1 ? ` or ${n}` : ''}`;
  throw new MetricError(`expected ${expected} values, a row for each case, got ${values.length}.`, {
    code: 'data',
    path,
  });
}

/** @throws MetricError `data` unless every entry lies in [0, 1] */
export function checkProbabilities(values: Numbers, path: string): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value >= 0 && value <= 1) continue;
    throw new MetricError(`expected probabilities, entry ${i} is ${value}.`, {
      code: 'data',
      path,
      hint: 'Pass logits through softmax first.',
    });
  }
}

/** @throws MetricError `config` unless it is an integer of at least 2 */
export function checkClassCount(classes: number): void {
  checkCount(classes, 'classes', 2);
}

/** @throws MetricError `config` unless it is an integer of at least `least` */
export function checkCount(value: number, path: string, least = 1): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new MetricError(`expected an integer of at least ${least}, got ${value}.`, { code: 'config', path });
}

/** @throws MetricError `config` unless it lies strictly between 0 and 1 */
export function checkLevel(level: number): void {
  if (level > 0 && level < 1) return;
  throw new MetricError(`expected a confidence level between 0 and 1, got ${level}.`, {
    code: 'config',
    path: 'level',
  });
}

/** @throws UndefinedMetricError unless both classes occur among 0/1 labels */
export function checkBothClasses(labels: Numbers, metric: string): void {
  for (const absentClass of [0, 1]) checkClassPresent(labels, absentClass, metric);
}

/** @throws UndefinedMetricError unless some label is of the class */
export function checkClassPresent(labels: Numbers, absentClass: number, metric: string): void {
  for (let i = 0; i < labels.length; i++) if (labels[i] === absentClass) return;
  throw new UndefinedMetricError(metric, `none of the ${labels.length} labels is ${absentClass}`, {
    absentClass,
    hint: 'Use folds in which every class occurs, or report it as undefined through tryMetric.',
  });
}
