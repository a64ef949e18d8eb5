import type { TrainConfig } from '../config/train-config.js';

/** The trained model, as tables call it. */
export function modelName({ model }: Pick<TrainConfig, 'model'>): string {
  return stageName(model);
}

/** A stage folder's name in words. */
export function stageName(stage: string): string {
  return names[stage] ?? stage;
}

const names: Record<string, string> = {
  baseline: 'AB-MIL (baseline)',
  'ab-mil': 'AB-MIL',
  'mhim-v2': 'MHIM-v2 (AB-MIL)',
  'ib-mil': 'IBMIL',
  'mean-pooling': 'Mean pooling',
  'max-pooling': 'Max pooling',
};
