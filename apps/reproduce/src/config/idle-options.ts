import type { TrainConfig } from './train-config.js';

/**
 * Options of a configuration that decide nothing once the bags and their folds are known: where those come from, the preset whose
 * options are all written out, the task that the time bins tell, and the size of a validation part that no protocol asks for.
 */
export function idleOptions({ protocol }: Pick<TrainConfig, 'protocol'>): (keyof TrainConfig)[] {
  return [
    ...(['data', 'dataSet', 'extractor', 'labels', 'unit', 'onMissing', 'folds', 'foldScheme', 'k'] as const),
    ...(['preset', 'task'] as const),
    ...(protocol === 'paper' ? (['validationRatio'] as const) : []),
  ];
}
