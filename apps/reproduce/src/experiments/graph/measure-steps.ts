import type * as tf from '@tensorflow/tfjs';
import { halfFilledGrid } from '@mhim/datasets';
import { HardMining } from '@mhim/hard-mining';
import { Rng, useBackend } from '@mhim/tensor';
import { breathe, mhimLearner, supervisedLearner, type Learner } from '@mhim/training';
import { aggregatorSettings, createModel } from '../../models/create-model.js';
import type { ModelName } from '../../models/model-names.js';
import { describeMachine } from '../../run/environment.js';
import type { ModelTimes, StepTimes } from './step-times.js';

export interface MeasureOptions {
  /** Names of {@link StepTimes}'s models. */
  models: readonly string[];
  /** Two sizes of bags, the smaller first. */
  instances: readonly [number, number];
  /** Features of an instance. */
  width: number;
  /** Steps of which the median is taken, after one that warms up. */
  repeats: number;
  signal?: AbortSignal;
  onModel?: (name: string, times: ModelTimes) => void;
}

/** Times training steps and predictions of every model on random bags, on the machine and backend at hand. */
export async function measureSteps(options: MeasureOptions): Promise<StepTimes> {
  const { models, repeats, width, signal, onModel } = options;
  const backend = await useBackend({ log: () => {} });
  const measured: Record<string, ModelTimes> = {};
  for (const name of models) {
    // Ctrl-C is heard between models.
    await breathe(signal);
    const times = timesOf(name, options);
    measured[name] = times;
    onModel?.(name, times);
  }
  return {
    machine: describeMachine(backend),
    measured: new Date().toISOString().slice(0, 10),
    note: `medians of ${repeats} steps on random bags of ${width} features by reproduce measure`,
    models: measured,
  };
}

function timesOf(name: string, { instances: [small, large], width, repeats }: MeasureOptions): ModelTimes {
  const learner = createLearner(name, width);
  try {
    const at = (size: number) => timesAt(learner, size, { width, repeats });
    const [few, many] = [at(small), at(large)];
    const pairs = (of: 'train' | 'infer'): ModelTimes['train'] => [
      [small, few[of]],
      [large, many[of]],
    ];
    return { train: pairs('train'), infer: pairs('infer'), parameters: learner.model.parameterCount() };
  } finally {
    learner.dispose();
  }
}

function timesAt(learner: Learner, instances: number, { width, repeats }: Pick<MeasureOptions, 'width' | 'repeats'>) {
  const rng = new Rng(0);
  const features = rng.normal<tf.Rank.R2>([instances, width]);
  const positions = learner.usesPositions ? halfFilledGrid(instances) : undefined;
  const totalSteps = repeats + 1;
  try {
    return {
      train: median(totalSteps, (step) => void learner.step(features, 1, { rng, step, totalSteps, positions })),
      infer: median(totalSteps, () => void learner.predict(features, positions)),
    };
  } finally {
    features.dispose();
  }
}

/** Milliseconds; the first call warms up and does not count. */
function median(calls: number, work: (step: number) => void): number {
  const times: number[] = [];
  for (let step = 0; step < calls; step++) {
    const start = performance.now();
    work(step);
    if (step > 0) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return Math.round((times[times.length >> 1] as number) * 100) / 100;
}

function createLearner(name: string, inputDim: number): Learner {
  const [method, base] = name.includes(':') ? (name.split(':') as [ModelName, never]) : [undefined, undefined];
  const chosen = method ? { model: method, base } : { model: name as ModelName };
  const aggregator = aggregatorSettings(chosen, {});
  const model = createModel(
    { format: 'mhim-model', version: 1, ...chosen, inputDim, classes: 2, aggregator },
    new Rng(0),
  );
  return model instanceof HardMining ? mhimLearner(model) : supervisedLearner(model);
}
