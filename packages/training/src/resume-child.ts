import { useBackend } from '@mhim/tensor';
import { fit } from './fit.js';
import { cosineRate } from './schedules.js';
import { toyBags, toyLearner } from './test-helpers.js';

/** Trains into a folder and writes a byte to stdout for every step: the process that `resume.test.ts` kills. */
const [folder] = process.argv.slice(2);
await useBackend({ log: () => {} });
// Large enough that TensorFlow uses several threads.
const source = toyBags({ width: 64, instances: 300 });
await fit({
  source,
  train: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  select: [10, 11, 12, 13, 14, 15],
  createLearner: toyLearner('mhim-v2', source.width, 64),
  epochs: 12,
  schedule: cosineRate(0.01, 12),
  seed: 3,
  stream: 1,
  standardise: true,
  folder,
  checkpointSeconds: 0,
  observer: { onStep: () => process.stdout.write('.') },
});
