import type { HostTensor } from '@mhim/tensor';
import type { ModelConfig } from './model-config.js';

/** A model whose names and shapes a checkpoint carries. */
export interface Recognition {
  /** In words. */
  name: string;
  /** Its tensors under the names that the model uses. */
  tensors: Map<string, HostTensor>;
  /** Which of the file's parts they are: "student" and "teacher" of MHIM checkpoints, else none. */
  part?: string;
  /** How to build it; absent for models that are not built yet. */
  config?: ModelConfig;
  /** Whether the file leaves out some of the model's tensors, so that it can start a model but not predict. */
  partial?: boolean;
}

/**
 * Tells which models a state dict fits by its names and shapes alone. Nested files (`model.…`, `teacher.…`) give one
 * answer a part; names of the conference version and of wrapped models are understood.
 */
export function recognise(tensors: ReadonlyMap<string, HostTensor>): Recognition[] {
  const older = [...tensors.keys()].some((name) => name.includes('patch_to_emb.'));
  return [...parts(tensors)].map(([part, own]) => ({ ...recognisePart(own, older), part: part || undefined }));
}

/** A file of MHIM holds `model` (the student) and `teacher`; any other is one part. */
function parts(tensors: ReadonlyMap<string, HostTensor>): Map<string, Map<string, HostTensor>> {
  const found = new Map<string, Map<string, HostTensor>>();
  for (const [name, tensor] of tensors) {
    const [, part = '', rest = name] = /^(model|teacher|student|state_dict)\.(.+)$/.exec(name) ?? [];
    const own = found.get(part) ?? new Map<string, HostTensor>();
    found.set(part, own.set(currentName(rest), tensor));
  }
  return found;
}

/** `module.` comes of data parallel training, `patch_to_emb.` of the conference version's code. */
function currentName(name: string): string {
  return name.replace(/^module\./, '').replace(/^patch_to_emb\./, 'feature.');
}

function recognisePart(tensors: Map<string, HostTensor>, older: boolean): Recognition {
  const has = (name: string) => tensors.has(name);
  const size = (name: string, axis: number) => tensors.get(name)?.shape[axis];
  const some = (pattern: RegExp) => [...tensors.keys()].some((name) => pattern.test(name));
  const unknown = { name: 'no model that we know', tensors };

  if (some(/(^|\.)b_classifier\./)) return dsmil(tensors, older);
  if (some(/(^|\.)cls_token$/)) return { name: 'TransMIL, not built yet', tensors };
  if (has('attention_net.0.weight')) return clam(tensors);
  if (some(/^dimReduction\./)) return { name: 'DTFD-MIL, not built yet', tensors };

  const inputDim = size('feature.0.weight', 1);
  if (inputDim !== undefined) {
    const embedDim = size('feature.0.weight', 0) as number;
    const inside = some(/^online_encoder\.attention\./);
    const prefix = inside ? 'online_encoder.attention.' : '';
    const gated = has(`${prefix}attention_a.0.weight`);
    const hidden = `${prefix}${gated ? 'attention_a.0' : 'attention.0'}`;
    const attentionDim = size(`${hidden}.weight`, 0);
    const head = inside ? 'predictor' : gated ? 'classifier.0' : 'classifier';
    const classes = size(`${head}.weight`, 0);
    if (attentionDim === undefined || classes === undefined) return unknown;
    const recycling = recyclingOf(tensors);
    const config: ModelConfig = {
      format: 'mhim-model',
      version: 1,
      ...placed('ab-mil', recycling),
      inputDim,
      classes,
      aggregator: {
        embedDim,
        attentionDim,
        gated,
        // Activations leave no trace in a checkpoint: these are the official code's defaults, then (v1) and now.
        activation: older ? 'relu' : 'gelu',
        attentionActivation: inside && !gated ? 'relu' : 'tanh',
        attentionBias: has(`${hidden}.bias`),
        featureBias: has('feature.0.bias'),
        classifierBias: has(`${head}.bias`),
        layout: inside ? 'mhim' : 'stand-alone',
      },
    };
    return { name: nameOf(`${gated ? 'gated ' : ''}AB-MIL`, inside, recycling), tensors, config };
  }
  if (has('feature_extractor_part2.0.weight')) return ilse(tensors);
  if (has('head.0.weight')) return instancePooling(tensors);
  return unknown;
}

/** DSMIL in its three layouts; the original authors also share starting values of its query and value layers alone. */
function dsmil(tensors: Map<string, HostTensor>, older: boolean): Recognition {
  const has = (name: string) => tensors.has(name);
  const size = (name: string, axis: number) => tensors.get(name)?.shape[axis];
  const inside = [...tensors.keys()].some((name) => name.startsWith('online_encoder.'));
  const bag = `${inside ? 'online_encoder.' : ''}b_classifier`;
  const query = has(`${bag}.q.0.weight`) ? 'nonlinear' : 'linear';
  const first = `${bag}.q${query === 'nonlinear' ? '.0' : ''}`;
  const embedDim = size(`${first}.weight`, 1);
  const queryDim = size(`${first}.weight`, 0);
  if (embedDim === undefined || queryDim === undefined) return { name: 'part of a DSMIL', tensors };
  const layered = has('feature.1.weight');
  const inputDim = size(layered ? 'feature.1.weight' : 'feature.0.weight', 1);
  const norm = layered ? 'layer' : has('norm.running_mean') ? 'batch' : 'none';
  const classes = size(`${bag}.fcc.weight`, 0);
  // The authors' first code had a linear query and linear values; later either may be, but values then are rectified.
  const firstRelease = inputDim === undefined && query === 'linear';
  const recycling = recyclingOf(tensors);
  const config: ModelConfig = {
    format: 'mhim-model',
    version: 1,
    ...placed('ds-mil', recycling),
    inputDim: inputDim ?? embedDim,
    classes: classes ?? 2,
    aggregator: {
      ...(inputDim === undefined ? {} : { embedDim }),
      // Neither activations nor what predicts leave a trace: these are the official code's, then (v1) and now.
      activation: older ? 'relu' : 'gelu',
      query,
      queryDim,
      values: !has(`${bag}.v.1.weight`) ? 'instances' : firstRelease ? 'linear' : 'rectified',
      prediction: inside ? 'mean' : 'bag',
      bias: has(`${first}.bias`),
      norm,
      layout: inside ? 'mhim' : inputDim === undefined ? 'original' : 'stand-alone',
    },
  };
  const partial = classes === undefined;
  const name = partial
    ? 'starting values of DSMIL: its query and value layers alone, without classifiers'
    : inputDim === undefined
      ? 'DSMIL with the names of its authors (Li et al. 2021)'
      : nameOf('DSMIL', inside, recycling);
  // One logit has no softmax, and so no configuration.
  return { name, tensors, ...(config.classes < 2 ? {} : { config }), ...(partial ? { partial } : {}) };
}

/** CLAM of its authors and of the official repository have the same names but where there is no dropout. */
function clam(tensors: Map<string, HostTensor>): Recognition {
  const has = (name: string) => tensors.has(name);
  const [embedDim, inputDim] = tensors.get('attention_net.0.weight')?.shape as [number, number];
  const [, index, gate] =
    [...tensors.keys()]
      .map((name) => /^attention_net\.(\d)\.(attention_a|module)\.0\.weight$/.exec(name))
      .find(Boolean) ?? [];
  const multiple = has('classifiers.0.weight');
  const classes = [...tensors.keys()].filter((name) => /^instance_classifiers\.\d+\.weight$/.test(name)).length;
  const hidden = `attention_net.${index}.${gate}.0`;
  const attentionDim = tensors.get(`${hidden}.weight`)?.shape[0];
  const name = `CLAM-${multiple ? 'MB' : 'SB'}`;
  if (attentionDim === undefined || classes < 2) return { name: `part of a ${name}`, tensors };
  const dropout = index === '3' ? 0.25 : 0;
  return {
    name: `${gate === 'module' ? 'ungated ' : ''}${name}`,
    tensors,
    config: {
      format: 'mhim-model',
      version: 1,
      model: multiple ? 'clam-mb' : 'clam-sb',
      inputDim,
      classes,
      aggregator: {
        embedDim,
        // Leaves no trace; the authors' code has no other.
        activation: 'relu',
        dropout,
        gated: gate === 'attention_a',
        attentionDim,
        attentionDropout: has(`attention_net.${index}.module.2.weight`) ? 0 : dropout,
        featureBias: has('attention_net.0.bias'),
        classifierBias: has(multiple ? 'classifiers.0.bias' : 'classifiers.bias'),
      },
    },
  };
}

/** What a checkpoint with a recycle network says of it. */
function recyclingOf(tensors: Map<string, HostTensor>): ModelConfig['mhim'] | undefined {
  const query = tensors.get('merge.global_q_mm') ?? tensors.get('merge.global_q');
  const inner = tensors.get('merge.attn.to_q.weight')?.shape[0];
  if (query?.shape[1] === undefined || inner === undefined) return undefined;
  return { queries: query.shape[1], recycleHeads: 8, recycleHeadDim: inner / 8 };
}

function placed(base: NonNullable<ModelConfig['base']>, mhim: ModelConfig['mhim'] | undefined) {
  return mhim ? ({ model: 'mhim-v2', base, mhim } as const) : ({ model: base } as const);
}

function nameOf(kind: string, inside: boolean, recycling: ModelConfig['mhim'] | undefined): string {
  if (recycling) return `MHIM-v2 over ${kind}`;
  return inside ? `${kind} as MHIM's base (mhim_pure, or MHIM v1's student or teacher)` : `stand-alone ${kind}`;
}

/** The names of the original attention MIL code (Ilse et al. 2018). */
function ilse(tensors: Map<string, HostTensor>): Recognition {
  const shape = (name: string) => tensors.get(name)?.shape ?? [];
  const [embedDim, inputDim] = shape('feature_extractor_part2.0.weight') as [number, number];
  const gated = tensors.has('attention_V.0.weight');
  const [attentionDim] = shape(gated ? 'attention_V.0.weight' : 'attention.0.weight');
  const [classes] = shape('classifier.0.weight');
  const name = `${gated ? 'gated ' : ''}AB-MIL with the names of Ilse et al. 2018`;
  if (attentionDim === undefined || classes === undefined || classes < 2) return { name, tensors };
  return {
    name,
    tensors,
    config: {
      format: 'mhim-model',
      version: 1,
      model: 'ab-mil',
      inputDim,
      classes,
      aggregator: { embedDim, attentionDim, gated, activation: 'relu', layout: 'ilse' },
    },
  };
}

/** Mean and max pooling have the same parameters; a checkpoint does not say which one it is. */
function instancePooling(tensors: Map<string, HostTensor>): Recognition {
  const [embedDim, inputDim] = tensors.get('head.0.weight')?.shape as [number, number];
  const last = tensors.has('head.3.weight') ? 'head.3' : 'head.2';
  const classes = tensors.get(`${last}.weight`)?.shape[0] as number;
  return {
    name: 'mean or max pooling (their parameters are the same)',
    tensors,
    config: {
      format: 'mhim-model',
      version: 1,
      model: 'mean-pooling',
      inputDim,
      classes,
      aggregator: { embedDim, dropout: last === 'head.3' ? 0.25 : 0 },
    },
  };
}
