import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { crossEntropy, Rng } from '@mhim/tensor';
import { expectAllClose, isFinite, tensorsLeftBy, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { CLAMMB, CLAMSB, type CLAMConfig } from './clam.js';
import { clusterInstances } from './instance-clustering.js';
import { topKSvm } from './top-k-svm.js';

const sizes: CLAMConfig = { inputDim: 7, embedDim: 8, classes: 3, attentionDim: 6, sampled: 2 };
const bag = (n: number): tf.Tensor2D => new Rng(1).normal([n, 7]);
const target = (label: number) => ({ label, loss: (logits: tf.Tensor2D) => crossEntropy(logits, label) });

describe('instance clustering', () => {
  beforeAll(useNativeForTests);

  const attention = tf.tensor2d([0.1, 0.5, 0.15, 0.05, 0.2, 0.3, 0.1, 0.05, 0.4, 0.15], [2, 5]);
  const options = { classes: 2, sampled: 2, subtyping: false };

  it('asks the label’s classifier about the most and the least attended', () => {
    const { indices, tasks } = clusterInstances(tf.slice(attention, [0, 0], [1, -1]), 1, options);
    expect([...indices.dataSync()]).toEqual([1, 4, 3, 0]);
    expect(tasks).toEqual([{ class: 1, targets: [1, 1, 0, 0] }]);
  });

  it('asks the others about the most attended of their own branch when subtyping', () => {
    const { indices, tasks } = clusterInstances(attention, 1, { ...options, subtyping: true });
    expect([...indices.dataSync()]).toEqual([1, 4, 3, 0, 2, 1]);
    expect(tasks).toEqual([
      { class: 0, targets: [0, 0] },
      { class: 1, targets: [1, 1, 0, 0] },
    ]);
  });

  it('takes what a small bag has', () => {
    const { indices, tasks } = clusterInstances(tf.tensor2d([[1]]), 0, options);
    expect([...indices.dataSync()]).toEqual([0, 0]);
    expect(tasks[0]?.targets).toEqual([1, 0]);
  });
});

describe('parameter count', () => {
  beforeAll(useNativeForTests);

  it('of CLAM-SB is the official one', () => {
    const model = new CLAMSB({ inputDim: 1024 }, new Rng(0));
    expect(model.parameterCount()).toBe(790_791);
    model.dispose();
  });
});

describe.each([
  ['CLAM-SB', CLAMSB],
  ['CLAM-MB', CLAMMB],
])('%s', (_, Model) => {
  beforeAll(useNativeForTests);

  it.each([
    ['svm', false],
    ['svm', true],
    ['cross-entropy', true],
  ] as const)('adds its instance loss: %s, subtyping %s', (instanceLoss, subtyping) => {
    const model = new Model({ ...sizes, instanceLoss, subtyping }, new Rng(0));
    const prediction = model.forward(bag(9));
    const verdicts = model.judgeInstances(prediction, 2);
    expect(verdicts).toHaveLength(subtyping ? 3 : 1);
    const lossOf = instanceLoss === 'svm' ? topKSvm : crossEntropy;
    const sum = tf.addN(verdicts.map(({ logits, targets }) => lossOf(logits, targets)));
    const instance = tf.div(sum, subtyping ? 3 : 1);
    const whole = tf.add(tf.mul(target(2).loss(prediction.logits), 0.7), tf.mul(instance, 0.3));
    expectAllClose(model.loss(prediction, target(2)), whole);
  });

  it('has no instance loss without a class', () => {
    const model = new Model(sizes, new Rng(0));
    const prediction = model.forward(bag(9));
    const { loss } = target(0);
    expectAllClose(model.loss(prediction, { loss }), tf.mul(loss(prediction.logits), 0.7));
  });

  it.each([1, 2, 3])('learns from a bag of %i, and leaves no tensors behind', (n) => {
    const model = new Model({ ...sizes, subtyping: true }, new Rng(0));
    const features = bag(n);
    const step = () =>
      tf.tidy(() => {
        const call = { training: true, rng: new Rng(3) };
        const { value, grads } = tf.variableGrads(() => model.loss(model.forward(features, call), target(1)));
        expect([value, ...Object.values(grads)].every(isFinite)).toBe(true);
      });
    step();
    expect(tensorsLeftBy(step)).toBe(0);
  });

  it('takes official state dicts with the buffer of their loss, and shifted names without dropout', () => {
    const model = new Model(sizes, new Rng(0));
    model.loadStateDict({ ...model.stateDict(), 'instance_loss_fn.labels': { shape: [2], data: [0n, 1n] } });
    const indexOf = (config: Partial<CLAMConfig>) =>
      Object.keys(new Model({ ...sizes, ...config }, new Rng(0)).stateDict()).find((name) =>
        /^attention_net\.[23]/.test(name),
      );
    expect(indexOf({})).toMatch(/^attention_net\.3\.attention_a\.0/);
    expect(indexOf({ dropout: 0 })).toMatch(/^attention_net\.2\./);
    expect(indexOf({ dropout: 0, layout: 'original' })).toMatch(/^attention_net\.3\./);
  });
});
