import { MhimError, type ActivationName } from '@mhim/tensor';
import {
  gatedABMIL,
  mhimABMIL,
  mhimDSMIL,
  mhimTransMIL,
  type ABMILConfig,
  type CLAMConfig,
  type DSMILConfig,
  type InstancePoolingConfig,
  type TransMILConfig,
} from '@mhim/mil-aggregators';
import type { MHIMv2Config } from '@mhim/hard-mining';
import type { ConformanceCase } from '../conformance-case.js';
import { KindNotBuilt } from '../run-conformance.js';

/** Constructor arguments under their official names, with the official defaults where a case leaves them out. */
export class OfficialArguments {
  constructor(private readonly given: Record<string, unknown>) {}

  number(name: string, otherwise: number): number {
    return this.has(name) ? Number(this.given[name]) : otherwise;
  }

  /** One number for each of `count` axes, given once or for every axis. */
  numbers(name: string, count: number): number[] {
    const value = this.given[name];
    return Array.isArray(value) ? value.map(Number) : Array<number>(count).fill(this.number(name, 1));
  }

  flag(name: string, otherwise: boolean): boolean {
    return this.has(name) ? Boolean(this.given[name]) : otherwise;
  }

  text(name: string, otherwise: string): string {
    return this.has(name) ? String(this.given[name]) : otherwise;
  }

  has(name: string): boolean {
    return this.given[name] !== undefined && this.given[name] !== null;
  }
}

/** `DAttention` of the official repository. */
export function abmilConfig(args: OfficialArguments): ABMILConfig {
  const bias = args.flag('mil_bias', true);
  const norms: Record<string, ABMILConfig['norm']> = { bn: 'batch', ln: 'layer' };
  return {
    ...commonConfig(args),
    embedDim: args.number('inner_dim', 512),
    featureBias: bias,
    attentionBias: bias,
    classifierBias: bias || args.flag('mil_cls_bias', true),
    norm: norms[args.text('mil_norm', 'none')] ?? 'none',
    normPosition: args.number('embed_norm_pos', 0) === 1 ? 'instances' : 'features',
    position: args.text('pos', 'none') === 'sincos' ? 'sin-cos' : 'none',
  };
}

/** `AttentionGated`; here the classifier loses its bias with the others, and positions mean nothing. */
export function gatedConfig(args: OfficialArguments): ABMILConfig {
  return gatedABMIL({
    ...abmilConfig(args),
    classifierBias: args.flag('mil_bias', true),
    attentionDropout: 0,
    position: 'none',
  });
}

/** The base of `MHIM` with `baseline=attn`. */
export function mhimBaseConfig(args: OfficialArguments): ABMILConfig {
  return mhimABMIL({
    ...commonConfig(args),
    embedDim: args.number('mlp_dim', 512),
    gated: args.flag('da_gated', false),
    attentionActivation: args.text('da_act', 'gelu') as ActivationName,
  });
}

/** `MILNet` of the official repository's DSMIL; the official training loop weighs its losses. */
export function dsmilConfig({ constructorArgs, config }: ConformanceCase): DSMILConfig {
  const args = new OfficialArguments(constructorArgs);
  const loop = new OfficialArguments(config);
  const norms: Record<string, DSMILConfig['norm']> = { bn: 'batch', ln: 'layer' };
  return {
    ...commonConfig(args),
    embedDim: args.number('inner_dim', 512),
    bias: args.flag('mil_bias', true),
    norm: norms[args.text('mil_norm', 'none')] ?? 'none',
    labelWeight: loop.number('main_alpha', 1),
    instanceWeight: loop.number('aux_alpha', 0),
  };
}

/** `MILNet(FCLayer, BClassifier)` of the original authors. */
export function originalDsmilConfig(args: OfficialArguments): DSMILConfig {
  return {
    inputDim: args.number('in_size', 512),
    classes: args.number('out_size', 1),
    query: args.flag('nonlinear', true) ? 'nonlinear' : 'linear',
    values: args.flag('passing_v', false) ? 'rectified' : 'instances',
    layout: 'original',
  };
}

/** The base of `MHIM` with `baseline=dsmil`. */
export function mhimDsmilConfig(args: OfficialArguments): DSMILConfig {
  return mhimDSMIL({ ...commonConfig(args), embedDim: args.number('mlp_dim', 512) });
}

/**
 * `CLAM_SB` and `CLAM_MB` of the official repository; its training loop weighs the losses. `CLAM_MB` takes neither
 * `inner_dim` nor `mil_bias`, and `mil_norm` never reaches the network of either.
 */
export function clamConfig({ constructorArgs, config }: ConformanceCase): CLAMConfig {
  const args = new OfficialArguments(constructorArgs);
  const loop = new OfficialArguments(config);
  const multiple = args.text('cls', 'CLAM_SB') === 'CLAM_MB';
  const common = commonConfig(args);
  const bias = multiple || args.flag('mil_bias', true);
  return {
    ...clamNetwork(args),
    inputDim: args.text('size_arg', 'small') === 'hipt' ? 192 : common.inputDim,
    embedDim: multiple ? 512 : args.number('inner_dim', 512),
    activation: common.activation === 'gelu' ? 'gelu' : 'relu',
    featureBias: bias,
    classifierBias: bias,
    labelWeight: loop.number('main_alpha', 1),
    instanceWeight: loop.number('aux_alpha', 0),
  };
}

/** `CLAM_SB` and `CLAM_MB` of its authors. */
export function originalClamConfig({ constructorArgs, config }: ConformanceCase): CLAMConfig {
  const args = new OfficialArguments(constructorArgs);
  const labelWeight = new OfficialArguments(config).number('bag_weight', 0.7);
  return {
    ...clamNetwork(args),
    inputDim: args.number('embed_dim', 1024),
    activation: 'relu',
    instanceLoss: args.text('instance_loss', 'ce') === 'svm' ? 'svm' : 'cross-entropy',
    labelWeight,
    instanceWeight: 1 - labelWeight,
    layout: 'original',
  };
}

/** What both versions of CLAM take. The dropout rate also decides names, so it stays; these cases run without training. */
function clamNetwork(args: OfficialArguments) {
  const dropout = args.number('dropout', 0);
  return {
    classes: args.number('n_classes', 2),
    dropout,
    attentionDropout: dropout > 0 ? 0.25 : 0,
    gated: args.flag('gate', true),
    attentionDim: args.text('size_arg', 'small') === 'big' ? 384 : 256,
    sampled: args.number('k_sample', 8),
    subtyping: args.flag('subtyping', false),
  };
}

/** `TransMIL` of the official repository; its dropout of 0.1 is no argument and 0 in the cases. */
export function transMILConfig(args: OfficialArguments): TransMILConfig {
  const norms: Record<string, TransMILConfig['norm']> = { bn: 'batch', ln: 'layer' };
  const bias = args.flag('mil_bias', true);
  if (!args.flag('embed_feat', true)) {
    throw new MhimError('TransMIL is built with a feature layer only.', { code: 'config', path: 'embed_feat' });
  }
  return {
    ...commonConfig(args),
    embedDim: args.number('inner_dim', 512),
    heads: args.number('n_heads', 8),
    attentionDropout: 0,
    position: args.text('pos', 'ppeg') === 'none' ? 'none' : 'ppeg',
    norm: norms[args.text('mil_norm', 'none')] ?? 'none',
    featureBias: bias,
    classifierBias: bias,
  };
}

/** The base of `MHIM` with `baseline=selfattn`. */
export function mhimTransMILConfig(args: OfficialArguments): TransMILConfig {
  return mhimTransMIL({
    ...commonConfig(args),
    embedDim: args.number('mlp_dim', 512),
    heads: args.number('head', 8),
    attentionDropout: 0,
  });
}

/** `MeanMIL` and `MaxMIL`. The dropout rate also decides a name, so it stays; these cases run without training. */
export function poolingConfig(args: OfficialArguments): InstancePoolingConfig {
  const { inputDim, classes, activation } = commonConfig(args);
  return { inputDim, classes, activation, dropout: args.number('dropout', 0.25) };
}

/** `MHIM`'s own arguments, and the loss weights that the official training loop takes from the command line. */
export function mhimConfig({ constructorArgs, config }: ConformanceCase): Partial<MHIMv2Config> {
  const args = new OfficialArguments(constructorArgs);
  const loop = new OfficialArguments(config);
  const recycle = args.flag('merge_enable', true);
  const overDsmil = args.text('baseline', 'selfattn') === 'dsmil';
  return {
    // Officially DSMIL's instances count by their largest logit, or by their largest attention, of any class.
    score: args.flag('attn2score', true) ? 'probability' : 'attention',
    headFusion: overDsmil ? 'max' : 'vote',
    maskRatioHigh: args.number('mask_ratio_h', 0),
    maskRatioHighDecay: 'none',
    randomHigh: args.number('mask_ratio_hr', 1),
    keepRatio: args.number('merge_ratio', 0),
    split: recycle ? 'random' : 'none',
    recycle,
    queries: args.number('merge_k', 1),
    queryMomentum: args.number('merge_mm', 0.9998),
    recycleDropout: 0,
    recycleAtInference: recycle && args.flag('merge_test', false),
    teacherDropout: false,
    teacherRecycle: recycle,
    temperature: args.number('temp_t', 1),
    momentum: loop.number('mm', 0.9997),
    labelWeight: loop.number('main_alpha', 1),
    consistencyWeight: loop.number('aux_alpha', 0),
  };
}

/** Two of `MHIM`'s arguments are the conference version's, and train no model of ours together with a recycle network. */
export function requireOneVersion({ constructorArgs }: ConformanceCase): void {
  const args = new OfficialArguments(constructorArgs);
  for (const ratio of ['mask_ratio', 'mask_ratio_l']) {
    if (args.number(ratio, 0) > 0)
      throw new KindNotBuilt(`${ratio}, of the conference version, with a recycle network`);
  }
}

/** What every official class takes. */
export function commonConfig(args: OfficialArguments) {
  return {
    inputDim: args.number('input_dim', 1024),
    classes: args.number('n_classes', 2),
    activation: args.text('act', 'relu') as ActivationName,
    dropout: 0,
  };
}
