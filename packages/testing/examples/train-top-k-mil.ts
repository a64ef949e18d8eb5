import { simulatedSlides } from '@mhim/datasets';
import { MHIMv2 } from '@mhim/hard-mining';
import { useBackend } from '@mhim/tensor';
import { cosineRate, fit, mhimLearner } from '@mhim/training';
import { TopKMIL } from './top-k-mil.js';

await useBackend();
const source = simulatedSlides({ slides: 12, seed: 1, instances: [40, 80], width: 16, difficulty: 'easy' });
const [epochs, learningRate] = [2, 1e-3];

export const result = await fit({
  source,
  train: [0, 1, 2, 3, 4, 5, 6, 7],
  select: [8, 9, 10, 11],
  createLearner: (rng) =>
    mhimLearner(new MHIMv2((stream) => new TopKMIL({ inputDim: source.width, embedDim: 32 }, stream), rng), {
      learningRate,
    }),
  epochs,
  schedule: cosineRate(learningRate, epochs),
  seed: 2021,
  stream: 0,
});
console.log(result.bestEpoch, result.best.test.probabilities);
