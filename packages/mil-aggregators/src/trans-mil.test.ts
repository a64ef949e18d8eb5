import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { Rng, type StateDict } from '@mhim/tensor';
import { expectAllClose, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { mhimTransMIL, originalTransMIL, TransMIL, type TransMILConfig } from './trans-mil.js';

const small: TransMILConfig = { inputDim: 5, embedDim: 8, heads: 2, classes: 3 };
const bag = (n: number): tf.Tensor2D => new Rng(1).normal([n, 5]);

describe('TransMIL', () => {
  beforeAll(async () => {
    await useNativeForTests();
  });

  it.each([
    ['stand-alone', { inputDim: 1024 }],
    ['inside MHIM', mhimTransMIL({ inputDim: 1024 })],
    ['original', originalTransMIL({ inputDim: 1024 })],
  ] as [string, TransMILConfig][])('has the parameters of the paper’s Table 6: %s', (_, config) => {
    const model = new TransMIL(config, new Rng(0));
    expect(model.parameterCount()).toBe(2_672_146);
    expect([...model.parameters().keys()].some((name) => name.startsWith(model.featurePrefix))).toBe(true);
    model.dispose();
  });

  it('derives the width of a head and the landmarks, each by the rule of its official module', () => {
    expect(new TransMIL({ ...small, heads: 4 }, new Rng(0)).config).toMatchObject({ headDim: 2, landmarks: 4 });
    expect(new TransMIL(mhimTransMIL({ ...small, heads: 4 }), new Rng(0)).config.headDim).toBe(1);
    expect(new TransMIL({ ...small, headDim: 3 }, new Rng(0)).config.headDim).toBe(3);
  });

  it('depends on the order of instances through the position encoding and the landmarks', () => {
    const model = new TransMIL(small, new Rng(0));
    const shuffled = tf.gather(bag(6), tf.tensor1d([3, 1, 0, 5, 2, 4], 'int32'));
    expect(model.forward(shuffled).logits.dataSync()).not.toEqual(model.forward(bag(6)).logits.dataSync());
  });

  it.each(['stand-alone', 'mhim'] as const)('scores by values, attention and projection of layer 1: %s', (layout) => {
    const model = new TransMIL({ ...small, layout }, new Rng(3));
    const instances = model.embed(bag(7));
    const aggregation = model.aggregate(instances);
    const state = model.stateDict() as Record<string, tf.Tensor2D>;
    const named = (end: string) =>
      state[Object.keys(state).find((name) => name.endsWith(end)) as string] as tf.Tensor2D;
    const shares = tf.concat(
      [0, 1].map((head) =>
        tf.mul(
          tf.slice(aggregation.values, [0, 4 * head], [7, 4]),
          tf.reshape(tf.slice(aggregation.attention, [head, 0], [1, 7]), [7, 1]),
        ),
      ),
      1,
    ) as tf.Tensor2D;
    const projected = tf.add(
      tf.matMul(shares, named('layer1.attn.to_out.0.weight'), false, true),
      named('layer1.attn.to_out.0.bias'),
    );
    const classifier = named(layout === 'mhim' ? 'predictor.weight' : 'classifier.weight');
    const logits = model.instanceLogits(instances, aggregation);
    expectAllClose(logits, tf.matMul(projected as tf.Tensor2D, classifier, false, true), { atol: 1e-6 });
  });

  it('drops out in the score while training, and only then', () => {
    const model = new TransMIL(small, new Rng(3));
    const instances = model.embed(bag(7));
    const aggregation = model.aggregate(instances);
    const score = (call: object) => model.instanceLogits(instances, aggregation, call).dataSync();
    expect(score({ training: true, rng: new Rng(1) })).not.toEqual(score({}));
    expect(score({ training: true, rng: new Rng(1) })).toEqual(score({ training: true, rng: new Rng(1) }));
    const still = new TransMIL({ ...small, attentionDropout: 0 }, new Rng(3));
    const logits = (call: object) => still.instanceLogits(instances, still.aggregate(instances), call).dataSync();
    expect(logits({ training: true })).toEqual(logits({}));
  });

  it('takes the checkpoint of one layout only', () => {
    const state: StateDict = new TransMIL(small, new Rng(0)).stateDict();
    const inside = new TransMIL(mhimTransMIL(small), new Rng(0));
    expect(() => inside.loadStateDict(state)).toThrow(/online_encoder\.cls_token/);
  });
});
