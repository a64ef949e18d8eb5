import { isMethod } from '../models/model-names.js';
import type { TrainInput } from './train-config.js';

/**
 * Options of the command line over those of a configuration file. What the file says about another model, another method or
 * another preset than the command line names is left behind.
 */
export function mergeInput(file: TrainInput, given: TrainInput): TrainInput {
  const kept = { ...file };
  // One of the two says how folds are made.
  if (given.folds !== undefined) delete kept.k;
  if (given.k !== undefined) delete kept.folds;
  if (given.preset !== undefined) delete kept.mhim;
  if (given.model !== undefined) {
    delete kept.mining;
    delete kept.base;
  } else if (given.mining !== undefined && isMethod(kept.model)) {
    kept.model = kept.base ?? 'ab-mil';
    delete kept.base;
  }
  if (file.model !== undefined) {
    const merged = { ...kept, ...given };
    if (methodOf(merged) !== methodOf(file)) {
      delete kept.preset;
      delete kept.mhim;
    }
    if (aggregatorOf(merged) !== aggregatorOf(file)) delete kept.aggregator;
  }
  return { ...kept, ...given };
}

function methodOf({ model, mining }: TrainInput): string | undefined {
  return mining ?? (isMethod(model) ? model : undefined);
}

function aggregatorOf({ model, base = 'ab-mil' }: TrainInput): string | undefined {
  return isMethod(model) ? base : model;
}
