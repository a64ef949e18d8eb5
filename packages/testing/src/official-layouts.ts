import * as tf from '@tensorflow/tfjs';
import { ones, torchBias, torchWeight, unitUniform, xavierNormal, zeros, type Initialiser } from '@mhim/tensor';
import type { OfficialArguments } from './adapters/official-config.js';

/*
 * Parameter layouts of official models that this repository does not build yet: names and shapes as functions of the
 * constructor's arguments, and for each parameter the one of OUR initialisers that the official rule calls for (Xavier
 * normal on every Linear, zero biases, PyTorch's defaults on convolutions that no rule touches). `init` cases of these
 * models test our initialisers only. A model that gets built takes its place in adapters/initialisation.ts, and its
 * layout goes.
 */

export interface OfficialParameter {
  name: string;
  shape: number[];
  draw: Initialiser;
}

type Layout = (args: OfficialArguments) => OfficialParameter[];

/** By the name of the official class. */
export const officialLayouts: Readonly<Record<string, Layout>> = {
  MambaMIL_2D: mamba2d,
  Conv1d: (args) => convolution(args, 1),
  Conv2d: (args) => convolution(args, 2),
};

function mamba2d(args: OfficialArguments): OfficialParameter[] {
  const [dim, state] = [args.number('mambamil_dim', 128), args.number('mambamil_state_dim', 16)];
  const [inner, rank, classes] = [2 * dim, Math.ceil(dim / 16), args.number('n_classes', 2)];
  const layer = (name: string) => [
    { name: `${name}.mixer.A_log`, shape: [inner, state], draw: logarithmsByColumn },
    constant(`${name}.mixer.D`, [inner], ones),
    ...linear(`${name}.mixer.in_proj`, 2 * inner, dim, false),
    ...torchConvolution(`${name}.mixer.conv1d`, [inner, 1, 4]),
    ...linear(`${name}.mixer.x_proj`, rank + 2 * state, inner, false),
    ...linear(`${name}.mixer.dt_proj`, inner, rank),
    ...linear(`${name}.mixer.out_proj`, dim, inner, false),
    constant(`${name}.mixer.dt_layernorm.weight`, [rank], ones),
    constant(`${name}.mixer.B_layernorm.weight`, [state], ones),
    constant(`${name}.mixer.C_layernorm.weight`, [state], ones),
    constant(`${name}.norm.weight`, [dim], ones),
  ];
  const trained = args.text('mamba_2d_pad_token', 'trainable') === 'trainable';
  return [
    ...linear('_fc1.0', dim, args.number('in_dim', 1024)),
    ...layerNorm('norm', dim),
    { name: 'layers.pad_token', shape: [dim], draw: trained ? unitUniform : zeros },
    ...Array.from({ length: args.number('mambamil_layer', 1) }, (_, i) => layer(`layers.layers.${i}`)).flat(),
    ...linear('attention.0', 128, dim),
    ...linear('attention.2', 1, 128),
    ...linear('classifier', classes, dim),
  ];
}

function convolution(args: OfficialArguments, axes: number): OfficialParameter[] {
  const kernel = args.numbers('kernel_size', axes);
  const channels = args.number('in_channels', 1) / args.number('groups', 1);
  const weight = [args.number('out_channels', 1), channels, ...kernel];
  return torchConvolution('', weight, args.flag('bias', true));
}

function linear(name: string, output: number, input: number, bias = true): OfficialParameter[] {
  const weight = { name: `${name}.weight`, shape: [output, input], draw: xavierNormal };
  return bias ? [weight, constant(`${name}.bias`, [output], zeros)] : [weight];
}

function layerNorm(name: string, dim: number, bias = true): OfficialParameter[] {
  const weight = constant(`${name}.weight`, [dim], ones);
  return bias ? [weight, constant(`${name}.bias`, [dim], zeros)] : [weight];
}

/** Left as PyTorch made it. */
function torchConvolution(name: string, shape: number[], bias = true): OfficialParameter[] {
  const prefix = name === '' ? '' : `${name}.`;
  const weight = { name: `${prefix}weight`, shape, draw: torchWeight };
  return bias ? [weight, { name: `${prefix}bias`, shape: [shape[0] as number], draw: torchBias(shape) }] : [weight];
}

function constant(name: string, shape: number[], draw: Initialiser): OfficialParameter {
  return { name, shape, draw };
}

/** ln 1, ln 2, …, ln n in every row (S4D-real, as Mamba initialises its decay). */
const logarithmsByColumn: Initialiser = <R extends tf.Rank>(shape: tf.ShapeMap[R]) => {
  const [rows, columns] = shape as [number, number];
  const values = Float32Array.from({ length: rows * columns }, (_, i) => Math.log((i % columns) + 1));
  return tf.tensor<R>(values, shape);
};
