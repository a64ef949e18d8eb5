import { registry } from '@mhim/mil-aggregators';
import { isMethod } from '../models/model-names.js';

/** What a run trains, as its configuration and results say it. */
export interface TrainedModel {
  model: string;
  base?: string;
}

/** The trained model, as tables call it. */
export function modelName(trained: TrainedModel): string {
  return stageName(trained.model, trained);
}

/** A stage folder's name in words. */
export function stageName(stage: string, { base = 'ab-mil' }: TrainedModel): string {
  if (stage === 'baseline') return `${title(base)} (baseline)`;
  if (isMethod(stage)) return `${methods[stage]} (${title(base)})`;
  return title(stage);
}

const methods = { mhim: 'MHIM', 'mhim-v2': 'MHIM-v2' } as const;

function title(name: string): string {
  const known = (registry as Record<string, { title: string }>)[name]?.title ?? name;
  return known.charAt(0).toUpperCase() + known.slice(1);
}
