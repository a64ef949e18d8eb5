import * as tf from '@tensorflow/tfjs';
import { gridPositions, type Bag } from '@mhim/datasets';
import { HardMining } from '@mhim/hard-mining';
import { Rng, useBackend } from '@mhim/tensor';
import { classificationTask, mhimLearner, supervisedLearner, survivalTask, type Learner } from '@mhim/training';
import { chooseFolds } from '../../data/choose-folds.js';
import { openData, withoutClasses } from '../../data/open-data.js';
import { createModel } from '../../models/create-model.js';
import { describeMachine } from '../../run/environment.js';
import type { CostName } from '../experiment.js';
import type { Job } from './job.js';

/** Bags that are timed, spread over the training part. */
const TIMED = 8;

/**
 * What a model costs here (Table 6): trainable parameters; seconds an epoch of the fold's training part takes by the mean of some
 * steps; bytes of all tensors alive at the peak of a step, weights and optimiser included; bags a second at inference, from
 * features in memory. PyTorch's figures of memory are those of its allocator, which keeps more.
 */
export async function measureCosts({
  config,
  fold,
}: Pick<Job, 'config' | 'fold'>): Promise<Record<CostName, number> & { machine: string }> {
  const backend = await useBackend({ log: () => {} });
  const opened = await openData({ ...config, log: () => {} });
  const source = config.task === 'survival' && config.dataSet === undefined ? withoutClasses(opened) : opened;
  try {
    const { train } = (await chooseFolds(source, config))[fold] as { train: number[] };
    const task =
      config.task === 'survival' ? survivalTask(source.bags, train, config) : classificationTask(source.classes);
    const classes = config.task === 'survival' ? (config.bins ?? 4) : source.classes;
    const learner = learnerOf({ config }, source.width, classes);
    const every = Math.max(1, Math.floor(train.length / TIMED));
    const indices = train.filter((_, i) => i % every === 0).slice(0, TIMED);
    let [training, inference, peak, step] = [0, 0, 0, 0];
    try {
      for (const [i, index] of [indices[0] as number, ...indices].entries()) {
        const bag = await source.read(index);
        const { features, positions } = onDevice(bag, learner);
        const target = task.target(source.bags[index] as never);
        const call = () => ({
          rng: new Rng(0, step),
          step: step++,
          totalSteps: train.length * config.epochs,
          positions,
        });
        const steps = timed(() => learner.step(features, target, call()));
        const predicted = timed(() => learner.predict(features, positions));
        if (i > 0) {
          // The first bag warms up.
          training += steps;
          inference += predicted;
          const { peakBytes } = await tf.profile(() => void learner.step(features, target, call()));
          peak = Math.max(peak, peakBytes);
        }
        features.dispose();
      }
      return {
        parameters: parametersOf(learner),
        epochSeconds: (training / indices.length) * train.length,
        memoryBytes: peak,
        bagsPerSecond: indices.length / inference,
        machine: describeMachine(backend),
      };
    } finally {
      learner.dispose();
    }
  } finally {
    await opened.close();
  }
}

function learnerOf({ config }: Pick<Job, 'config'>, inputDim: number, classes: number): Learner {
  const { model, base, aggregator, mhim, learningRate, weightDecay } = config;
  const created = createModel(
    { format: 'mhim-model', version: 1, model, base, inputDim, classes, aggregator, mhim },
    new Rng(config.seed),
  );
  const rates = { learningRate, weightDecay };
  return created instanceof HardMining ? mhimLearner(created, rates) : supervisedLearner(created, rates);
}

function parametersOf({ model }: Learner): number {
  return model.parameterCount();
}

function onDevice(bag: Bag, learner: Learner) {
  return {
    features: tf.tensor2d(bag.features, [bag.instances, bag.width]),
    positions: learner.usesPositions && bag.coords ? gridPositions(bag.coords) : undefined,
  };
}

/** Seconds; a step's losses and a prediction are read back, so nothing is left running. */
function timed(work: () => unknown): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}
