import { registry } from '@mhim/mil-aggregators';
import type { TrainConfig } from '../config/train-config.js';

/** The trained model, as tables call it. */
export function modelName({ model, base }: Pick<TrainConfig, 'model' | 'base'>): string {
  return stageName(model, base);
}

/** A stage folder's name in words; `base` is the aggregator of MHIM-v2. */
export function stageName(stage: string, base = 'ab-mil'): string {
  if (stage === 'baseline') return `${titleOf(base)} (baseline)`;
  return stage === 'mhim-v2' ? `MHIM-v2 (${titleOf(base)})` : titleOf(stage);
}

function titleOf(name: string): string {
  const title = Object.hasOwn(registry, name) ? registry[name as keyof typeof registry].title : name;
  return title.charAt(0).toUpperCase() + title.slice(1);
}
