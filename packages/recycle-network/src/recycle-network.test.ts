import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { Rng } from '@mhim/tensor';
import { expectAllClose, isFinite, tensorsLeftBy, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { RecycleNetwork, type RecycleNetworkConfig } from './recycle-network.js';

const dim = 13;
const create = (config: Partial<RecycleNetworkConfig> = {}, seed = 0) => {
  const network = new RecycleNetwork({ dim, heads: 3, headDim: 5, dropout: 0, ...config }, new Rng(seed));
  // A LayerNorm that does something, or its parameters' part in the folding would not show.
  network.norm.weight.assign(tf.add(1, tf.mul(new Rng(8).normal([dim]), 0.3)) as tf.Tensor1D);
  network.norm.bias?.assign(tf.mul(new Rng(9).normal([dim]), 0.3) as tf.Tensor1D);
  return network;
};
const bag = (n: number): tf.Tensor2D => tf.add(new Rng(1).normal([n, dim]), 0.5);

describe('RecycleNetwork', () => {
  beforeAll(async () => {
    await useNativeForTests();
  });

  describe.each([1, 2, 5])('with %i queries', (queries) => {
    it.each([
      ['all instances', 17, undefined],
      ['most of them', 17, Int32Array.of(16, 3, 1, 0, 7, 8, 9, 2, 12, 15)],
      ['a few of them', 17, Int32Array.of(11, 4, 6)],
      ['one instance', 1, undefined],
    ] as const)('folds to the same outputs and gradients as the direct form, %s', (_, n, masked) => {
      const [folded, direct] = [create({ queries }), create({ queries, form: 'direct' })];
      const features = bag(n);
      const upstream = new Rng(3).normal([queries, dim]);
      const run = (network: RecycleNetwork) => {
        const loss = (x: tf.Tensor) =>
          tf.sum(
            tf.mul(network.forward(x as tf.Tensor2D, {}, masked && Int32Array.from(masked)), upstream),
          ) as tf.Scalar;
        const parameters = network.trainableParameters();
        const { grads } = tf.variableGrads(() => loss(features), [...parameters.values()]);
        const named = [...parameters].map(([name, variable]) => [name, grads[variable.name] as tf.Tensor] as const);
        return { z: network.forward(features, {}, masked), input: tf.grad(loss)(features), named };
      };
      const [got, want] = [run(folded), run(direct)];
      const largest = (x: tf.Tensor) => tf.max(tf.abs(x)).dataSync()[0] as number;
      const steepest = Math.max(...want.named.map(([, gradient]) => largest(gradient)));
      const close = (a: tf.Tensor, b: tf.Tensor, scale = largest(b)) =>
        expectAllClose(a, b, { rtol: 1e-5, atol: 1e-6 * scale });
      close(got.z, want.z);
      close(got.input, want.input);
      got.named.forEach(([, gradient], i) => {
        const [name, reference] = want.named[i] as readonly [string, tf.Tensor];
        expect(name).toBe(got.named[i]?.[0]);
        close(gradient, reference, steepest);
      });
    });
  });

  it('does not see instances that are not masked', () => {
    const network = create();
    const masked = Int32Array.of(0, 1, 2, 3, 4, 5);
    const [x, noise] = [bag(8), tf.concat([tf.zeros([6, dim]), tf.fill([2, dim], 1000)])];
    expectAllClose(network.forward(x, {}, masked), network.forward(tf.add(x, noise), {}, masked));
  });

  it('moves its query by the momentum and by no gradient', () => {
    const network = create({ queries: 2, queryMomentum: 0.9 });
    const before = network.globalQuery.dataSync().slice();
    const z = network.forward(bag(6));
    network.updateQuery(z);
    expectAllClose(
      network.globalQuery,
      before.map((q, i) => 0.9 * q + 0.1 * (z.dataSync()[i] as number)),
    );
    expect(network.trainableParameters().has('global_q_mm')).toBe(false);
    expect(Object.keys(network.stateDict())).toContain('global_q');
  });

  it('gives, when told to, its norm’s weight the official gradient and everything else that of the definition', () => {
    const run = (options: Partial<RecycleNetworkConfig>) => {
      const network = create({ queries: 2, queryMomentum: 0.5, dropout: 0, ...options });
      const variables = network.trainableParameters();
      const upstream: tf.Tensor2D = new Rng(4).normal([2, dim]);
      const loss = () => tf.sum(tf.mul(network.forward(bag(6), { training: true, rng: new Rng(0) }), upstream));
      const { value, grads } = tf.variableGrads(loss as () => tf.Scalar, [...variables.values()]);
      return { value, grads: new Map([...variables].map(([name, { name: id }]) => [name, grads[id] as tf.Tensor])) };
    };
    for (const form of ['folded', 'direct'] as const) {
      const [official, definition] = [run({ form, officialGradient: true }), run({ form })];
      expectAllClose(official.value, definition.value);
      for (const [name, gradient] of definition.grads) {
        const other = official.grads.get(name) as tf.Tensor;
        if (name !== 'norm.weight') expectAllClose(other, gradient, { rtol: 1e-4 });
        else expect(other.dataSync()).not.toEqual(gradient.dataSync());
      }
      // A query that does not move has no other gradient.
      const still = { form, queryMomentum: 1 } as const;
      const weight = (of: ReturnType<typeof run>) => of.grads.get('norm.weight') as tf.Tensor;
      expectAllClose(weight(run({ ...still, officialGradient: true })), weight(run(still)), { rtol: 1e-4 });
    }
  });

  it('drops attention in training, repeatably', () => {
    const network = create({ dropout: 0.5 });
    const run = (seed: number) =>
      network.forward(bag(9), { training: true, rng: new Rng(seed) }, Int32Array.of(0, 1, 2, 3, 4, 5));
    expect(run(1).dataSync()).toEqual(run(1).dataSync());
    expect(run(1).dataSync()).not.toEqual(run(2).dataSync());
    expect(isFinite(run(1))).toBe(true);
  });

  it('keeps instances with equal features finite (no variance to divide by)', () => {
    const network = create();
    const gradient = tf.grad((x) => tf.sum(network.forward(x as tf.Tensor2D)))(tf.ones([4, dim]));
    expect(isFinite(gradient)).toBe(true);
  });

  it('leaves no tensors behind and refuses an empty mask', () => {
    const [network, x] = [create(), bag(7)];
    const step = () => tf.tidy(() => void tf.variableGrads(() => tf.sum(network.forward(x)) as tf.Scalar));
    expect(tensorsLeftBy(step)).toBe(0);
    expect(() => network.forward(x, {}, new Int32Array())).toThrow(/no masked instances/);
  });

  it('has the paper’s parameter count at d = 512', () => {
    const network = new RecycleNetwork({ dim: 512, queries: 5 }, new Rng(0));
    expect(network.parameterCount()).toBe(1_050_112);
    network.dispose();
  });
});
