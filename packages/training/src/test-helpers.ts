import type { Bag, BagSource } from '@mhim/datasets';
import { MHIMv2 } from '@mhim/hard-mining';
import { ABMIL, mhimABMIL } from '@mhim/mil-aggregators';
import type { Rng } from '@mhim/tensor';
import { mhimLearner, supervisedLearner, type Learner } from './learner.js';

/** Bags in memory, odd ones positive: their first instance points along the first feature. */
export function toyBags({ width = 6, instances = 3, bags: count = 16 } = {}): BagSource & { content: Bag[] } {
  const content = Array.from({ length: count }, (_, i): Bag => {
    const n = instances + (i % 4);
    const features = Float32Array.from({ length: n * width }, (_, k) => Math.sin(17 * i + 3 * k) / 2);
    if (i % 2) features[0] = 3;
    return { id: `bag-${i}`, instances: n, width, features, label: i % 2 };
  });
  return {
    content,
    name: 'toy',
    width,
    classes: 2,
    simulated: true,
    bags: content.map(({ id, label }) => ({ id, label })),
    read: async (i) => content[i] as Bag,
    fingerprint: async () => 'toy',
    close: async () => {},
  };
}

export type ToyModel = 'ab-mil' | 'mhim-v2';

/** A small model of either kind. */
export function toyLearner(model: ToyModel, inputDim: number, embedDim = 8): (rng: Rng) => Learner {
  const config = mhimABMIL({ inputDim, embedDim, attentionDim: 4 });
  return (rng) =>
    model === 'ab-mil'
      ? supervisedLearner(new ABMIL(config, rng), { learningRate: 0.01 })
      : mhimLearner(new MHIMv2((stream) => new ABMIL(config, stream), rng, { queries: 2 }), { learningRate: 0.01 });
}
