import * as tf from '@tensorflow/tfjs';
import {
  NystromAttention,
  originalTransMIL,
  PPEG,
  PseudoInverse,
  TransMIL,
  type TransMILConfig,
} from '@mhim/mil-aggregators';
import { MhimError, Rng, type Module } from '@mhim/tensor';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import {
  bagOf,
  callFor,
  frozenCall,
  loadParameters,
  lossAndGradients,
  numbers,
  withModule,
} from './fixture-tensors.js';
import { probabilities, targetOf } from './label-loss.js';
import { OfficialArguments, transMILConfig } from './official-config.js';

/** TransMIL of the official repository and of its own, and the two operations it is made of. */
export const transMILAdapters: Adapters = {
  'mhim.transmil': (fixture) => whole(fixture, transMILConfig(new OfficialArguments(fixture.constructorArgs))),
  'transmil.original': original,
  'op.nystrom': nystrom,
  'op.ppeg': ppeg,
};

function whole(fixture: ConformanceCase, config: TransMILConfig): Outputs {
  return withModule(new TransMIL(config, new Rng(0)), (model) => {
    loadParameters(model, fixture);
    const [features, call] = [bagOf(fixture), frozenCall()];
    const instances = model.embed(features, call);
    const aggregation = model.aggregate(instances, call);
    const logits = model.classify(aggregation);
    return {
      ...lossAndGradients(model, features, () => model.loss(model.forward(features, call), targetOf(fixture))),
      ...numbers({
        'out.logits': logits,
        'out.probs': probabilities(logits),
        'out.attn1': aggregation.attention,
        'out.attn2': aggregation.lastAttention,
        'out.cls': aggregation.embedding,
        'out.v1': valuesByHead(squared(aggregation.values), model.config.heads),
      }),
    };
  });
}

/** The published model knows its dropout only from its own source; the cases have it at 0. */
function original(fixture: ConformanceCase): Outputs {
  const args = new OfficialArguments(fixture.constructorArgs);
  const inputDim = Number(fixture.config.in_dim ?? 1024);
  return whole(fixture, originalTransMIL({ inputDim, classes: args.number('n_classes', 2), attentionDropout: 0 }));
}

/** The instances of the square: the first ones again where the bag does not fill it. */
function squared(values: tf.Tensor2D): tf.Tensor2D {
  const side = Math.ceil(Math.sqrt(values.shape[0]));
  return tf.concat([values, tf.slice(values, [0, 0], [side * side - values.shape[0], -1])]);
}

/** [n, heads·width] → [heads, n, width] */
export function valuesByHead(values: tf.Tensor2D, heads: number): tf.Tensor3D {
  return tf.transpose(tf.reshape(values, [values.shape[0], heads, -1]), [1, 0, 2]) as tf.Tensor3D;
}

function nystrom(fixture: ConformanceCase): Outputs {
  const args = new OfficialArguments(fixture.constructorArgs);
  const iterations = args.number('pinv_iterations', 6);
  const config = {
    dim: args.number('dim', 512),
    heads: args.number('heads', 8),
    headDim: args.number('dim_head', 64),
    landmarks: args.number('num_landmarks', 256),
    iterations,
    residualKernel: args.flag('residual', true) ? args.number('residual_conv_kernel', 33) : 0,
    dropout: args.number('dropout', 0),
  };
  return withModule(new NystromAttention(config, new Rng(0)), (model) => {
    const { groups, queries, keys, attention } = prepared(model, fixture, (x) => model.landmarks(x));
    const { count, equalLandmarks: equal } = groups;
    const identity = tf.tile(tf.expandDims(tf.eye(count)), [config.heads, 1, 1]) as tf.Tensor3D;
    const inverse = new PseudoInverse(attention, iterations, equal);
    const { output, attention: first } = model.forward(bagOf(fixture));
    return {
      ...meanSquare(model, fixture, (x) => model.forward(x, callFor(fixture)).output),
      ...numbers({
        'out.y': output,
        'out.pinv': everyColumn(everyRow(inverse.times(identity), equal), equal),
        'out.attn2': everyColumn(everyRow(attention, equal), equal),
        'out.q_landmarks': everyRow(queries, equal),
        'out.k_landmarks': everyRow(keys, equal),
        'out.cls_attn': tf.slice(first, [0, 1], [-1, -1]),
      }),
    };
  });
}

/** The first row once for each of the equal ones that it stands for. */
function everyRow(x: tf.Tensor3D, equal: number): tf.Tensor3D {
  const first = tf.slice(x, [0, 0, 0], [-1, 1, -1]);
  return tf.concat([tf.tile(first, [1, equal - 1, 1]), x], 1) as tf.Tensor3D;
}

/** The first column, which is a sum over equal ones, shared out to them. */
function everyColumn(x: tf.Tensor3D, equal: number): tf.Tensor3D {
  const first = tf.div(tf.slice(x, [0, 0, 0], [-1, -1, 1]), equal);
  return tf.concat([tf.tile(first, [1, 1, equal]), tf.slice(x, [0, 0, 1])], 2) as tf.Tensor3D;
}

function ppeg(fixture: ConformanceCase): Outputs {
  const args = new OfficialArguments(fixture.constructorArgs);
  if (args.flag('conv_1d', false)) {
    throw new MhimError('PPEG is built for squares only.', { code: 'config', path: 'conv_1d' });
  }
  const config = { dim: args.number('dim', 512), kernel: args.number('k', 7), bias: args.flag('bias', true) };
  return withModule(new PPEG(config, new Rng(0)), (model) => ({
    ...numbers({ 'out.y': prepared(model, fixture, (x) => model.forward(x)) }),
    ...meanSquare(model, fixture, (x) => model.forward(x)),
  }));
}

function prepared<M extends Module, T>(model: M, fixture: ConformanceCase, run: (tokens: tf.Tensor2D) => T): T {
  loadParameters(model, fixture);
  return run(bagOf(fixture));
}

function meanSquare(model: Module, fixture: ConformanceCase, run: (tokens: tf.Tensor2D) => tf.Tensor2D): Outputs {
  const tokens = bagOf(fixture);
  return lossAndGradients(model, tokens, () => tf.mean(tf.square(run(tokens))) as tf.Scalar);
}
