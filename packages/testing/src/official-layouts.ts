import * as tf from '@tensorflow/tfjs';
import {
  normal,
  ones,
  torchBias,
  torchWeight,
  uniform,
  unitUniform,
  xavierNormal,
  zeros,
  type Initialiser,
} from '@mhim/tensor';
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
  CLAM_SB: (args) => clam(args, false),
  CLAM_MB: (args) => clam(args, true),
  TransMIL: transmil,
  MambaMIL_2D: mamba2d,
  MHIM: mhim,
  Conv1d: (args) => convolution(args, 1),
  Conv2d: (args) => convolution(args, 2),
};

function clam(args: OfficialArguments, perClass: boolean): OfficialParameter[] {
  const [dim, classes] = [args.number('inner_dim', 512), args.number('n_classes', 2)];
  const hidden = args.text('size_arg', 'small') === 'big' ? 384 : 256;
  const heads = perClass ? classes : 1;
  const dropout = args.number('dropout', 0) > 0 ? 1 : 0;
  const net = `attention_net.${2 + dropout}`;
  const each = Array.from({ length: classes }, (_, c) => c);
  return [
    ...linear('attention_net.0', dim, args.number('input_dim', 1024)),
    ...(args.flag('gate', true)
      ? gatedAttention(net, dim, hidden, { output: heads })
      : [...linear(`${net}.module.0`, hidden, dim), ...linear(`${net}.module.${2 + dropout}`, heads, hidden)]),
    ...(perClass ? each.flatMap((c) => linear(`classifiers.${c}`, 1, dim)) : linear('classifiers', classes, dim)),
    ...each.flatMap((c) => linear(`instance_classifiers.${c}`, 2, dim)),
  ];
}

function transmil(args: OfficialArguments): OfficialParameter[] {
  const dim = args.number('inner_dim', 512);
  const heads = args.number('n_heads', 8);
  const positions = args.text('pos', 'ppeg') === 'none' ? [] : ppeg('pos_layer', dim, xavierConvolution);
  return [
    { name: 'cls_token', shape: [1, 1, dim], draw: normal(1e-6) },
    ...positions,
    ...featureLayer(args, dim),
    ...nystromLayer('layer1', dim, heads, dim / heads, xavierConvolution),
    ...nystromLayer('layer2', dim, heads, dim / heads, xavierConvolution),
    ...layerNorm('norm', dim),
    ...linear('classifier', args.number('n_classes', 2), dim, args.flag('mil_bias', true)),
  ];
}

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

/** `MHIM` over TransMIL; over AB-MIL and DSMIL it is built. */
function mhim(args: OfficialArguments): OfficialParameter[] {
  const [dim, classes] = [args.number('mlp_dim', 512), args.number('n_classes', 2)];
  return [
    ...(args.flag('merge_enable', true) ? recycleNetwork(dim, args.number('merge_k', 1)) : []),
    ...linear('feature.0', dim, args.number('input_dim', 1024)),
    ...selfAttentionEncoder(dim, args.number('n_heads', 8)),
    ...linear('predictor', classes, dim),
  ];
}

function selfAttentionEncoder(dim: number, heads: number): OfficialParameter[] {
  const layer = (name: string) => nystromLayer(`online_encoder.${name}`, dim, heads, dim / 8, torchConvolution);
  return [
    { name: 'online_encoder.cls_token', shape: [1, 1, dim], draw: normal(1) },
    ...layerNorm('online_encoder.norm', dim),
    ...layer('layer1'),
    ...layer('layer2'),
    ...ppeg('online_encoder.pos_embedding', dim, torchConvolution),
  ];
}

function recycleNetwork(dim: number, queries: number): OfficialParameter[] {
  const bound = Math.sqrt(6 / (3 * 16 * 16 + dim));
  return [
    { name: 'merge.global_q_mm', shape: [1, queries, dim], draw: uniform(bound) },
    ...layerNorm('merge.norm', dim),
    ...linear('merge.attn.to_kv', 1024, dim, false),
    ...linear('merge.attn.to_q', 512, dim, false),
    ...linear('merge.attn.to_out.0', dim, 512),
  ];
}

function convolution(args: OfficialArguments, axes: number): OfficialParameter[] {
  const kernel = args.numbers('kernel_size', axes);
  const channels = args.number('in_channels', 1) / args.number('groups', 1);
  const weight = [args.number('out_channels', 1), channels, ...kernel];
  return torchConvolution('', weight, args.flag('bias', true));
}

/** Linear, activation (, dropout), led by a LayerNorm where `mil_norm` asks for one. */
function featureLayer(args: OfficialArguments, dim: number): OfficialParameter[] {
  const [input, bias] = [args.number('input_dim', 1024), args.flag('mil_bias', true)];
  if (args.text('mil_norm', 'none') !== 'ln') return linear('feature.0', dim, input, bias);
  return [...layerNorm('feature.0', input, bias), ...linear('feature.1', dim, input, bias)];
}

type Convolution = (name: string, shape: number[], bias?: boolean) => OfficialParameter[];

function nystromLayer(
  name: string,
  dim: number,
  heads: number,
  headDim: number,
  residual: Convolution,
): OfficialParameter[] {
  const inner = heads * headDim;
  return [
    ...layerNorm(`${name}.norm`, dim),
    ...linear(`${name}.attn.to_qkv`, 3 * inner, dim, false),
    ...linear(`${name}.attn.to_out.0`, dim, inner),
    ...residual(`${name}.attn.res_conv`, [heads, 1, 33, 1], false),
  ];
}

function ppeg(name: string, dim: number, convolve: Convolution): OfficialParameter[] {
  return ['proj', 'proj1', 'proj2'].flatMap((part, i) => convolve(`${name}.${part}`, [dim, 1, 7 - 2 * i, 7 - 2 * i]));
}

function gatedAttention(
  name: string,
  dim: number,
  hidden: number,
  { bias = true, output = 1 }: { bias?: boolean; output?: number },
): OfficialParameter[] {
  return [
    ...linear(`${name}.attention_a.0`, hidden, dim, bias),
    ...linear(`${name}.attention_b.0`, hidden, dim, bias),
    ...linear(`${name}.attention_c`, output, hidden, bias),
  ];
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

function xavierConvolution(name: string, shape: number[], bias = true): OfficialParameter[] {
  const weight = { name: `${name}.weight`, shape, draw: xavierNormal };
  return bias ? [weight, constant(`${name}.bias`, [shape[0] as number], zeros)] : [weight];
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
