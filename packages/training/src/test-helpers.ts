import type { Bag, BagSource } from '@mhim/datasets';
import { conferencePresets, MHIM, MHIMv2 } from '@mhim/hard-mining';
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

export type ToyModel = 'ab-mil' | 'mhim' | 'mhim-v2' | 'student copy';

/** A small model of every kind that trains differently; the last is MHIM-v2 without teacher and consistency loss. */
export function toyLearner(model: ToyModel, inputDim: number, embedDim = 8): (rng: Rng) => Learner {
  const config = mhimABMIL({ inputDim, embedDim, attentionDim: 4 });
  const base = (rng: Rng) => new ABMIL(config, rng);
  const adam = { learningRate: 0.01 };
  return (rng) => {
    switch (model) {
      case 'ab-mil':
        return supervisedLearner(base(rng), adam);
      case 'mhim':
        return mhimLearner(new MHIM(base, rng, conferencePresets['nsclc-ab-mil']), adam);
      case 'mhim-v2':
        return mhimLearner(new MHIMv2(base, rng, { queries: 2 }), adam);
      case 'student copy':
        return mhimLearner(new MHIMv2(base, rng, { queries: 2, teacher: 'student', consistencyWeight: 0 }), adam);
    }
  };
}
