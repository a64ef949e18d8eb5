import {
  kaimingUniform,
  normal,
  ones,
  torchBias,
  torchWeight,
  uniform,
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
  DSMIL: dsmil,
  DTFD: dtfd,
  Dattention_ori: ibmil,
  TransMIL: transmil,
  RRTMIL: rrt,
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

function dsmil(args: OfficialArguments): OfficialParameter[] {
  const [dim, classes] = [args.number('inner_dim', 512), args.number('n_classes', 2)];
  const [bias, norm] = [args.flag('mil_bias', true), args.text('mil_norm', 'none')];
  return [
    ...(norm === 'bn' ? [...layerNorm('norm', args.number('input_dim', 1024)), ...layerNorm('norm1', dim)] : []),
    ...featureLayer(args, dim),
    ...linear('i_classifier', classes, dim, bias),
    ...dsmilBag('b_classifier', dim, classes, bias),
    ...(norm === 'none' ? [] : layerNorm('b_classifier.norm', dim)),
  ];
}

function dsmilBag(name: string, dim: number, classes: number, bias = true): OfficialParameter[] {
  return [
    ...linear(`${name}.q.0`, 128, dim, bias),
    ...linear(`${name}.q.2`, 128, 128),
    ...linear(`${name}.v.1`, dim, dim, bias),
    ...torchConvolution(`${name}.fcc`, [classes, classes, dim], bias),
  ];
}

function dtfd(args: OfficialArguments): OfficialParameter[] {
  const [dim, classes] = [args.number('inner_dim', 512), args.number('n_classes', 2)];
  const attention = (name: string) => [
    ...linear(`${name}.attention_V.0`, 128, dim),
    ...linear(`${name}.attention_U.0`, 128, dim),
    ...linear(`${name}.attention_weights`, 1, 128),
  ];
  return [
    ...linear('classifier.fc', classes, dim),
    ...attention('attention'),
    ...linear('dimReduction.fc1', dim, args.number('input_dim', 1024), false),
    ...attention('UClassifier.attention'),
    ...linear('UClassifier.classifier.fc', classes, dim),
  ];
}

function ibmil(args: OfficialArguments): OfficialParameter[] {
  const dim = 512;
  const mixed = args.has('confounders');
  return [
    ...linear('embedding.embed.0', dim, args.number('input_dim', 1024)),
    ...linear('attention.0', 128, dim),
    ...linear('attention.2', 1, 128),
    ...linear('head', args.number('n_classes', 2), mixed ? 2 * dim : dim),
    ...(mixed ? [...linear('W_q', 128, dim), ...linear('W_k', 128, dim)] : []),
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

function rrt(args: OfficialArguments): OfficialParameter[] {
  const dim = args.number('inner_dim', 512);
  const crossRegion = args.flag('cr_msa', true);
  const layers = Array.from({ length: args.number('n_layers', 2) - 1 }, (_, i) => `online_encoder.layers.${i}`);
  const block = (name: string) => [
    ...layerNorm(`${name}.norm`, dim),
    ...linear(`${name}.attn.attn.qkv`, 3 * dim, dim),
    ...linear(`${name}.attn.attn.proj`, dim, dim),
    ...(args.flag('ffn', false)
      ? [
          ...layerNorm(`${name}.norm2`, dim),
          ...linear(`${name}.mlp.fc1`, 4 * dim, dim),
          ...linear(`${name}.mlp.fc2`, dim, 4 * dim),
        ]
      : []),
  ];
  const pe: [number, number, number, number] = [args.number('n_heads', 8), 1, args.number('epeg_k', 15), 1];
  return [
    ...linear('feature.0', dim, args.number('input_dim', 1024)),
    ...layerNorm('online_encoder.norm', dim),
    ...layers.flatMap((name) => [
      ...block(name),
      ...(args.flag('epeg', true) ? xavierConvolution(`${name}.attn.attn.pe`, pe) : []),
    ]),
    ...(crossRegion
      ? [
          ...block('online_encoder.cr_msa'),
          {
            name: 'online_encoder.cr_msa.attn.phi',
            shape: [dim, args.number('crmsa_k', 3)],
            draw: kaimingUniform(Math.sqrt(5)),
          },
        ]
      : []),
    ...(args.flag('da_gated', false)
      ? gatedAttention('pool_fn.attention', dim, 128, { bias: false })
      : plainAttention('pool_fn.attention', dim)),
    ...linear('predictor', args.number('n_classes', 2), dim),
  ];
}

/** `MHIM` over DSMIL and TransMIL; over AB-MIL it is built. */
function mhim(args: OfficialArguments): OfficialParameter[] {
  const [dim, classes] = [args.number('mlp_dim', 512), args.number('n_classes', 2)];
  const encoder =
    args.text('baseline', 'selfattn') === 'dsmil'
      ? [
          ...linear('online_encoder.i_classifier.0', classes, dim),
          ...dsmilBag('online_encoder.b_classifier', dim, classes),
        ]
      : selfAttentionEncoder(dim, args.number('n_heads', 8));
  return [
    ...(args.flag('merge_enable', true) ? recycleNetwork(dim, args.number('merge_k', 1)) : []),
    ...linear('feature.0', dim, args.number('input_dim', 1024)),
    ...encoder,
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

function plainAttention(name: string, dim: number): OfficialParameter[] {
  return [...linear(`${name}.attention.0`, 128, dim, false), ...linear(`${name}.attention.2`, 1, 128, false)];
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
