import { FigureError } from './errors.js';
import type {
  BagView,
  Numbers,
  PrecisionRecallCurves,
  ReportData,
  RocCurves,
  SurvivalCurves,
  TrainingCurve,
} from './report-data.js';

/**
 * Whether the parts of a report fit each other. Missing values are no error (they are shown as `–`), contradictions are.
 * @throws FigureError `data` naming the field
 */
export function checkReportData(data: ReportData): void {
  const protocols = new Set(data.protocols.map(({ id }) => id));
  data.results.forEach(({ protocol, measures }, i) => {
    if (!protocols.has(protocol)) {
      throw contradiction(`results[${i}].protocol`, `one of ${quoted([...protocols])}`, quoted([protocol]));
    }
    for (const [id, { folds }] of Object.entries(measures)) {
      if (!Array.isArray(folds)) {
        throw contradiction(`results[${i}].measures.${id}.folds`, 'a list of values', typeof folds);
      }
    }
  });
  data.roc?.forEach((curves, i) => checkRocCurves(curves, `roc[${i}]`));
  data.precisionRecall?.forEach((curves, i) => checkPrecisionRecallCurves(curves, `precisionRecall[${i}]`));
  data.survival?.forEach((curves, i) => checkSurvivalCurves(curves, `survival[${i}]`));
  data.training?.forEach((curve, i) => checkTrainingCurve(curve, `training[${i}]`));
  data.bags?.forEach((bag, i) => checkBagView(bag, `bags[${i}]`));
}

export function checkRocCurves({ folds, pooled }: RocCurves, path: string): void {
  const named = folds.map((points, i) => ({ points, at: `${path}.folds[${i}]` }));
  if (pooled !== undefined) named.push({ points: pooled, at: `${path}.pooled` });
  for (const { points, at } of named) {
    checkLength(points.fpr, `${at}.fpr`);
    checkLength(points.tpr, `${at}.tpr`, points.fpr.length, 'false positive rates');
    checkRates(points.fpr, `${at}.fpr`);
    checkRates(points.tpr, `${at}.tpr`);
  }
}

export function checkPrecisionRecallCurves({ folds, prevalence }: PrecisionRecallCurves, path: string): void {
  checkRates([prevalence], `${path}.prevalence`);
  folds.forEach(({ recall, precision }, i) => {
    checkLength(recall, `${path}.folds[${i}].recall`);
    checkLength(precision, `${path}.folds[${i}].precision`, recall.length, 'recalls');
    checkRates(recall, `${path}.folds[${i}].recall`);
    checkRates(precision, `${path}.folds[${i}].precision`);
  });
}

export function checkSurvivalCurves({ groups }: SurvivalCurves, path: string): void {
  groups.forEach(({ times, survival, lower, upper, atRisk, censored }, i) => {
    const at = `${path}.groups[${i}]`;
    checkLength(times, `${at}.times`);
    for (const [name, values] of Object.entries({ survival, lower, upper })) {
      if (values === undefined) continue;
      checkLength(values, `${at}.${name}`, times.length, 'times');
      checkRates(values, `${at}.${name}`);
    }
    checkLength(atRisk, `${at}.atRisk`, times.length, 'times');
    if (censored !== undefined) checkLength(censored, `${at}.censored`);
    for (let j = 0; j < times.length; j++) {
      const time = times[j] as number;
      if (!(time >= (j === 0 ? 0 : (times[j - 1] as number)) && Number.isFinite(time))) {
        throw contradiction(`${at}.times[${j}]`, 'times that rise from 0', String(time));
      }
    }
  });
}

export function checkTrainingCurve({ folds }: TrainingCurve, path: string): void {
  folds.forEach(({ epochs, values }, i) => {
    checkLength(epochs, `${path}.folds[${i}].epochs`);
    checkLength(values, `${path}.folds[${i}].values`, epochs.length, 'epochs');
  });
}

export function checkBagView({ scores, coords, instanceLabels }: BagView, path: string): void {
  if (scores.length === 0) throw contradiction(`${path}.scores`, 'scores of at least one model', 'none');
  const instances = (scores[0] as { values: Numbers }).values.length;
  scores.forEach(({ values }, i) => checkLength(values, `${path}.scores[${i}].values`, instances, 'instances'));
  if (coords !== undefined) checkCoords(coords, instances, `${path}.coords`);
  if (instanceLabels !== undefined) checkLength(instanceLabels, `${path}.instanceLabels`, instances, 'instances');
}

/** @throws FigureError `data` unless there are two finite numbers for every instance */
export function checkCoords(coords: Numbers, instances: number, path = 'coords'): void {
  checkLength(coords, path, 2 * instances, 'x and y of every instance');
  for (let i = 0; i < coords.length; i++) {
    if (!Number.isFinite(coords[i])) throw contradiction(`${path}[${i}]`, 'a finite number', String(coords[i]));
  }
}

/** @throws FigureError `data` unless it is a list, of the length where one is given */
export function checkLength(list: ArrayLike<unknown>, path: string, expected?: number, of?: string): void {
  if (!Number.isInteger(list?.length)) {
    throw new FigureError(`expected a list of numbers, got ${list === null ? 'null' : typeof list}.`, {
      code: 'data',
      path,
      hint: 'Typed arrays do not survive JSON; write them with Array.from.',
    });
  }
  if (expected === undefined || list.length === expected) return;
  throw contradiction(path, `${expected} values (${of})`, String(list.length));
}

function checkRates(rates: Numbers, path: string): void {
  for (let i = 0; i < rates.length; i++) {
    const rate = rates[i] as number;
    if (!(rate >= 0 && rate <= 1)) throw contradiction(`${path}[${i}]`, 'a rate from 0 to 1', String(rate));
  }
}

function contradiction(path: string, expected: string, got: string): FigureError {
  return new FigureError(`expected ${expected}, got ${got}.`, { code: 'data', path });
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
