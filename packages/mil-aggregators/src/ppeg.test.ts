import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { Rng } from '@mhim/tensor';
import { expectAllClose, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { PPEG } from './ppeg.js';

describe('PPEG', () => {
  beforeAll(async () => {
    await useNativeForTests();
  });
  const weigh = (y: tf.Tensor) => tf.sum(tf.mul(y, new Rng(9).normal(y.shape as tf.ShapeMap[tf.Rank]))) as tf.Scalar;

  it.each([
    ['a square', 7, 64],
    ['first instances again', 7, 55],
    ['below 7×7', 7, 20],
    ['one instance', 7, 1],
    ['a larger kernel', 9, 60],
    ['a smaller kernel', 3, 60],
  ])('is the sum of three convolutions and the identity, with their gradients: %s', (_, kernel, n) => {
    const model = new PPEG({ dim: 3, kernel }, new Rng(0));
    const instances: tf.Tensor2D = new Rng(1).normal([n, 3]);
    const variables = [...model.parameters().values()];
    const run = (f: (x: tf.Tensor2D) => tf.Tensor) => ({
      value: f(instances),
      input: tf.grad((x) => weigh(f(x as tf.Tensor2D)))(instances),
      grads: tf.variableGrads(() => weigh(f(instances)), variables).grads,
    });
    const [got, want] = [run((x) => model.forward(x)), run((x) => definition(model, x))];
    expectAllClose(got.value, want.value, { atol: 1e-5 });
    expectAllClose(got.input, want.input, { atol: 1e-5 });
    for (const { name } of variables) {
      expectAllClose(got.grads[name] as tf.Tensor, want.grads[name] as tf.Tensor, { atol: 2e-5 });
    }
    model.dispose();
  });

  it('goes without biases, and refuses an even kernel', () => {
    expect([...new PPEG({ dim: 2, bias: false }, new Rng(0)).parameters().keys()]).toEqual([
      'proj.weight',
      'proj1.weight',
      'proj2.weight',
    ]);
    expect(() => new PPEG({ dim: 2, kernel: 4 }, new Rng(0))).toThrow(/kernel.*odd/);
  });
});

function definition(model: PPEG, instances: tf.Tensor2D): tf.Tensor2D {
  const [n, dim] = instances.shape;
  const side = Math.ceil(Math.sqrt(n));
  const filled = tf.concat([instances, tf.slice(instances, [0, 0], [side * side - n, -1])]);
  const least = Math.max(side, 7);
  const map = tf.reshape(
    tf.pad(filled, [
      [0, least * least - side * side],
      [0, 0],
    ]),
    [1, least, least, dim],
  ) as tf.Tensor4D;
  const parameters = model.parameters();
  const parts = ['proj', 'proj1', 'proj2'].map((name) => {
    const weight = parameters.get(`${name}.weight`) as unknown as tf.Tensor4D;
    const kernel = tf.transpose(weight, [2, 3, 0, 1]) as tf.Tensor4D;
    return tf.add(tf.depthwiseConv2d(map, kernel, 1, 'same'), parameters.get(`${name}.bias`) as tf.Tensor);
  });
  return tf.slice(tf.reshape(tf.addN([map, ...parts]), [least * least, dim]), [0, 0], [n, -1]) as tf.Tensor2D;
}
