import type { DataIndex } from './data-index.js';
import type { Job, JobCost } from './job.js';
import { timesKey, type ModelTimes, type StepTimes } from './step-times.js';

export interface CostInput {
  index: DataIndex;
  folds: number;
  test?: DataIndex;
  times: StepTimes;
}

/**
 * What a job costs at most, by step times that were measured: early stopping is not counted on.
 * Undefined for a model that was not measured.
 */
export function costOf(
  job: Pick<Job, 'kind' | 'config' | 'moments'>,
  { index, folds, test, times: known }: CostInput,
): JobCost | undefined {
  const { config } = job;
  const times = known.models[timesKey(config)];
  if (!times) return undefined;
  const step = (of: 'train' | 'infer', instances: number) => at(times[of], instances) / 1000;
  const bytes = 4 * times.parameters;
  switch (job.kind) {
    case 'evaluate':
      return { seconds: (test?.bags ?? 0) * step('infer', test?.instances ?? 0), bytes: 200 * (test?.bags ?? 0) };
    case 'measure':
      return { seconds: 10 * (step('train', index.instances) + step('infer', index.instances)), bytes: 1000 };
    case 'train': {
      const tested = index.bags / folds;
      const epoch = (index.bags - tested) * step('train', index.instances) + tested * step('infer', index.instances);
      // Best and last model, and the teachers of chosen epochs; predictions and curves are small beside them.
      const files = 2 + (job.moments?.length ?? 0);
      return {
        seconds: config.epochs * epoch,
        bytes: files * bytes + 400 * index.bags + 200 * config.epochs,
      };
    }
  }
}

/** Milliseconds at a bag size, on the line through two measured sizes. */
function at(points: ModelTimes['train'], instances: number): number {
  const [[n0, t0], [n1, t1]] = points;
  const slope = (t1 - t0) / (n1 - n0);
  return Math.max(t0 * 0.2, t0 + slope * (instances - n0));
}
