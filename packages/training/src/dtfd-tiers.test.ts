import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { DTFDMIL, type DTFDMILConfig } from '@mhim/mil-aggregators';
import { crossEntropy, Rng, useBackend } from '@mhim/tensor';
import { clipGradients, type GradientClip } from './gradient-clip.js';
import { supervisedLearner } from './learner.js';
import { adam } from './optimiser.js';

beforeAll(() => useBackend({ log: () => {} }));

const config: DTFDMILConfig = { inputDim: 6, embedDim: 8, attentionDim: 5, groups: 3, dropout: 0 };
const settings = { learningRate: 0.01, weightDecay: 1e-4 };
const modules: GradientClip = { norm: 0.1, groups: ['dimReduction.', 'attention.', 'classifier.', 'UClassifier.'] };
const bags = [0, 1, 2, 3].map((label) => ({ label: label % 2, seed: 10 + label }));
const featuresOf = (seed: number) => new Rng(seed).normal<tf.Rank.R2>([9, 6]);

/** The original's training: an Adam for each tier, each with the gradients of its own loss. */
function twoOptimisers(model: DTFDMIL, { joint, clip }: { joint: boolean; clip?: GradientClip }): void {
  const isSecond = (name: string) => name.startsWith('UClassifier.');
  const tier = (second: boolean) => new Map([...model.parameters()].filter(([name]) => isSecond(name) === second));
  const optimisers = [adam(tier(false), settings), adam(tier(true), settings)];
  const clipped = (gradients: Record<string, tf.Tensor>) => (clip ? clipGradients(gradients, clip) : gradients);
  bags.forEach(({ label, seed }, step) => {
    const gradientsOf = (loss: (prediction: ReturnType<DTFDMIL['forward']>) => tf.Scalar) => {
      const call = { training: true, rng: new Rng(1, step) };
      const { grads } = tf.variableGrads(() => loss(model.forward(featuresOf(seed), call)));
      return Object.fromEntries(
        [...model.parameters()].flatMap(([name, { name: id }]) => (grads[id] ? [[name, grads[id]]] : [])),
      );
    };
    const loss = (logits: tf.Tensor2D) => crossEntropy(logits, label);
    const first = gradientsOf((prediction) => model.pseudoBagLoss(prediction, { loss }));
    const second = gradientsOf((prediction) => loss(prediction.logits));
    const own = Object.entries(clipped(first)).map(([name, gradient]) => {
      const other = second[name];
      return [name, joint && other ? tf.add(gradient, other) : gradient] as const;
    });
    optimisers[0]?.step(Object.fromEntries(own));
    optimisers[1]?.step(clipped(Object.fromEntries(Object.entries(second).filter(([name]) => isSecond(name)))));
  });
}

function oneOptimiser(model: DTFDMIL, clip?: GradientClip): void {
  const learner = supervisedLearner(model, { ...settings, clip });
  bags.forEach(({ label, seed }, step) => {
    learner.step(featuresOf(seed), label, { rng: new Rng(1, step), step, totalSteps: bags.length });
  });
}

function largestDifference(a: DTFDMIL, b: DTFDMIL): number {
  const other = b.stateDict();
  return Math.max(
    ...Object.entries(a.stateDict()).map(([name, value]) => {
      const difference = tf.max(tf.abs(tf.sub(value, other[name] as tf.Tensor)));
      return difference.dataSync()[0] as number;
    }),
  );
}

describe.each(['AFS', 'MaxMinS'] as const)(
  'DTFD-MIL, %s: one Adam makes the moves of one for each tier',
  (distillation) => {
    const create = (options: Partial<DTFDMILConfig>) =>
      new DTFDMIL({ ...config, distillation, ...options }, new Rng(0));

    it.each([
      ['whose losses do not mix', 'separate', undefined],
      ['whose losses do not mix, clipped module by module', 'separate', modules],
      ['of which the first takes both losses', 'joint', undefined],
    ] as const)('%s', (_, tiers, clip) => {
      // The two-optimiser loop needs the second loss's gradients everywhere, whatever it then does with them.
      const [two, one, start] = [create({ tiers: 'joint' }), create({ tiers }), create({ tiers })];
      twoOptimisers(two, { joint: tiers === 'joint', clip });
      oneOptimiser(one, clip);
      expect(largestDifference(two, one)).toBeLessThan(1e-6);
      expect(largestDifference(one, start)).toBeGreaterThan(0.01);
    });
  },
);

describe('clipping gradients', () => {
  test('is by groups; what is in none and what is short enough stays', () => {
    const gradients = {
      'a.x': tf.tensor1d([3, 0]),
      'a.y': tf.tensor1d([4]),
      'b.x': tf.tensor1d([0.3]),
      c: tf.tensor1d([9]),
    };
    const clipped = clipGradients(gradients, { norm: 1, groups: ['a.', 'b.'] });
    const values = Object.fromEntries(Object.entries(clipped).map(([name, value]) => [name, value.dataSync()]));
    expect(values['a.x']?.[0]).toBeCloseTo(0.6, 5);
    expect(values['a.y']?.[0]).toBeCloseTo(0.8, 5);
    expect(values['b.x']?.[0]).toBeCloseTo(0.3, 6);
    expect(values.c?.[0]).toBe(9);
    const whole = clipGradients(gradients, { norm: 1 });
    const squares = Object.values(whole).map((value) => tf.sum(tf.square(value)).dataSync()[0] as number);
    expect(squares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
  });

  test('leaves no tensors behind', () => {
    const learner = supervisedLearner(new DTFDMIL(config, new Rng(0)), { clip: modules });
    const features = featuresOf(1);
    const step = () => learner.step(features, 1, { rng: new Rng(1), step: 0, totalSteps: 1 });
    step();
    const before = tf.memory().numTensors;
    step();
    expect(tf.memory().numTensors).toBe(before);
  });
});
