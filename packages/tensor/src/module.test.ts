import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { Linear } from './layers/linear.js';
import { LayerNorm } from './layers/layer-norm.js';
import { BatchNorm } from './layers/batch-norm.js';
import { Module } from './module.js';
import { Rng } from './rng.js';
import { expectAllClose, useNativeForTests } from './test-helpers.js';

class Net extends Module {
  readonly query = this.parameter('query', tf.ones([2]) as tf.Tensor1D, false);
  readonly layer = this.child('layer.0', new Linear(3, 2, new Rng(0)));
  readonly norm = this.child('', new BatchNorm(2));

  constructor() {
    super();
    this.alias('old_query', 'query');
    this.skip('layer.labels');
  }
}

describe('Module', () => {
  beforeAll(useNativeForTests);

  it('names parameters as PyTorch does and keeps buffers and aliases to the state dict', () => {
    const net = new Net();
    expect([...net.parameters().keys()]).toEqual(['query', 'layer.0.weight', 'layer.0.bias', 'weight', 'bias']);
    expect([...net.trainableParameters().keys()]).not.toContain('query');
    expect(Object.keys(net.stateDict()).sort()).toEqual(
      ['query', 'old_query', 'layer.0.weight', 'layer.0.bias', 'weight', 'bias', 'running_mean', 'running_var'].sort(),
    );
    expect(net.parameterCount()).toBe(3 * 2 + 2 + 2 + 2);
  });

  it('asks a source for each value once, when it is its turn', () => {
    const asked: string[] = [];
    const lazily = (name: string, ...data: number[]) => ({
      shape: [data.length],
      get data() {
        asked.push(name);
        return Float32Array.from(data);
      },
    });
    const norm = new LayerNorm(2);
    norm.loadStateDict({ bias: lazily('bias', 3, 4), weight: lazily('weight', 1, 2) });
    expect(asked.sort()).toEqual(['bias', 'weight']);
    expectAllClose(norm.bias as tf.Tensor, [3, 4]);
  });

  it('loads what it saved, from tensors and from host arrays', () => {
    const source = new Net();
    source.layer.weight.assign(tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]));
    const target = new Net();
    expect(target.loadStateDict(source.stateDict()).missing).toEqual([]);
    expectAllClose(target.layer.weight, source.layer.weight);
    target.loadStateDict({ 'layer.0.bias': { shape: [2], data: [7n, 8n] } }, { strict: false });
    expectAllClose(target.layer.bias as tf.Tensor, [7, 8]);
  });

  it('takes an alias for its name', () => {
    const net = new Net();
    net.loadStateDict({ old_query: tf.tensor1d([4, 5]) }, { strict: false });
    expectAllClose(net.query, [4, 5]);
  });

  it('passes over what official state dicts hold for nothing, and never saves it', () => {
    const net = new Net();
    const report = net.loadStateDict({ ...net.stateDict(), 'layer.labels': tf.zeros([2]) });
    expect([...report.unexpected, ...report.loaded]).not.toContain('layer.labels');
    expect(Object.keys(net.stateDict())).not.toContain('layer.labels');
  });

  it('lists everything that does not fit, all at once, and loads nothing', () => {
    const net = new Net();
    const { bias: _missing, ...state } = net.stateDict();
    const before = net.layer.weight.dataSync().slice();
    const wrong = { ...state, 'layer.0.weight': tf.zeros([3, 2]), surplus: tf.zeros([1]) };
    expect(() => net.loadStateDict(wrong)).toThrow(
      /Missing: bias\. Unexpected: surplus\. Mis-shaped: layer\.0\.weight \(expected \[2,3\], found \[3,2\]\)/,
    );
    expectAllClose(net.layer.weight, before);
    expect(net.loadStateDict(wrong, { strict: false }).misshaped).toHaveLength(1);
  });

  it('leaves no tensors after dispose', () => {
    const before = tf.memory().numTensors;
    new Net().dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('layers', () => {
  beforeAll(useNativeForTests);

  it('says which width a Linear expects', () => {
    expect(() => new Linear(3, 2, new Rng(0)).forward(tf.zeros([4, 5]))).toThrow(/expected 3 columns.*\[4,5\]/);
  });

  it('normalises rows and columns', () => {
    const x = tf.tensor2d([1, 2, 6, -3, 0, 9, 4, 4, 1], [3, 3]);
    const rows = new LayerNorm(3).forward(x);
    expectAllClose(tf.mean(rows, 1), [0, 0, 0]);
    const norm = new BatchNorm(3);
    const columns = norm.forward(x, { training: true });
    expectAllClose(tf.mean(columns, 0), [0, 0, 0]);
    // Unbiased variance of the first column is 12.33; momentum 0.1 from 1.
    expectAllClose(tf.slice(norm.runningVariance, 0, 1), [0.9 + (37 / 3) * 0.1], { rtol: 1e-4 });
    expectAllClose(norm.forward(x), tf.div(tf.sub(x, norm.runningMean), tf.sqrt(tf.add(norm.runningVariance, 1e-5))));
  });
});
