import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { isNative, Rng, useBackend } from '@mhim/tensor';
import { adam, NativeAdam, PlainAdam } from './optimiser.js';

beforeAll(() => useBackend({ log: () => {} }));

const config = { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, decoupled: false };

test.each([false, true])(
  'one native kernel gives the same numbers as the formula (decoupled decay: %s)',
  (decoupled) => {
    expect(isNative()).toBe(true);
    const rng = new Rng(1);
    const start = rng.normal([4, 3]);
    const make = () => new Map([['w', tf.variable(tf.clone(start))]]);
    const [plain, native] = [make(), make()];
    const optimisers = [
      new PlainAdam(plain, { ...config, decoupled }),
      new NativeAdam(native, { ...config, decoupled }),
    ];
    const before = tf.memory().numTensors;
    for (let t = 0; t < 20; t++) {
      const w = rng.normal([4, 3]);
      for (const optimiser of optimisers) optimiser.step({ w });
      w.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
    const [a, b] = [plain, native].map((parameters) => parameters.get('w')?.dataSync() as Float32Array) as [
      Float32Array,
      Float32Array,
    ];
    a.forEach((value, i) => expect(b[i]).toBeCloseTo(value, 5));
    expect(a[0]).not.toBeCloseTo(start.dataSync()[0] as number, 3);
  },
);

test('state restored into a new optimiser continues to the same bits, also after the parameter was assigned', () => {
  const rng = new Rng(2);
  const gradients = Array.from({ length: 6 }, () => ({ w: rng.normal([5]) as tf.Tensor }));
  const straight = new Map([['w', tf.variable(tf.zeros([5]))]]);
  const first = adam(straight, config);
  for (const gradient of gradients.slice(0, 3)) first.step(gradient);
  const state = first.state();
  const kept = {
    step: state.step,
    tensors: Object.fromEntries(Object.entries(state.tensors).map(([k, t]) => [k, t.clone()])),
  };
  const resumed = new Map([['w', tf.variable(tf.ones([5]))]]);
  const second = adam(resumed, config);
  (resumed.get('w') as tf.Variable).assign((straight.get('w') as tf.Variable).clone());
  second.restore(kept);
  for (const gradient of gradients.slice(3)) {
    first.step(gradient);
    second.step(gradient);
  }
  expect(resumed.get('w')?.dataSync()).toEqual(straight.get('w')?.dataSync());
});
