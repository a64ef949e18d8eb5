import * as tf from '@tensorflow/tfjs';
import { halfFilledGrid } from '@mhim/datasets';
import { MHIMv2 } from '@mhim/hard-mining';
import { createAggregator, insideMhim, type AggregatorName, type AggregatorOptions } from '@mhim/mil-aggregators';
import { Rng, useBackend } from '@mhim/tensor';
import { mhimLearner, supervisedLearner, type Learner } from '@mhim/training';
import type { Measurement, Task } from './task.js';

/** Times one task in this process and prints a {@link Measurement} as JSON. */
async function main(task: Task): Promise<void> {
  const backend = await useBackend({ log: () => {} });
  const rng = new Rng(0);
  const learner = createLearner(task, rng);
  const features = rng.normal<tf.Rank.R2>([task.instances, task.inputDim]);
  const positions = learner.usesPositions ? halfFilledGrid(task.instances) : undefined;
  const totalSteps = task.warmup + task.repeats;
  const once = (step: number) => {
    if (task.phase === 'train') learner.step(features, 1, { rng, step, totalSteps, positions });
    else learner.predict(features, positions);
  };
  const times: number[] = [];
  for (let step = 0; step < totalSteps; step++) {
    const start = performance.now();
    once(step);
    if (step >= task.warmup) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const measurement: Measurement = {
    ms: times[times.length >> 1] as number,
    min_ms: times[0] as number,
    peak_mb: process.resourceUsage().maxRSS / 1024,
    version: `tfjs ${tf.version_core}, ${backend.summary.replace(/^Backend: |\.$/g, '')}`,
  };
  console.log(JSON.stringify(measurement));
}

function createLearner({ model, inputDim }: Task, rng: Rng): Learner {
  const [, mines, name] = /^(mhim-v2:)?(.*)$/.exec(model) as unknown as [string, string | undefined, AggregatorName];
  const options = { name, inputDim } as AggregatorOptions;
  if (!mines) return supervisedLearner(createAggregator(options, rng));
  return mhimLearner(new MHIMv2((r) => createAggregator(insideMhim(options), r), rng));
}

await main(JSON.parse(process.argv[2] as string) as Task);
