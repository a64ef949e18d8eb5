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

  if (some(/b_classifier\./)) {
    const inside = some(/^online_encoder\./);
    const alone = some(/^feature\.0\./) ? '' : ' (aggregation part only)';
    return { name: `DSMIL${inside ? ' inside MHIM' : alone}, not built yet`, tensors };
  }
  if (some(/(^|\.)cls_token$/)) return { name: 'TransMIL, not built yet', tensors };
  if (some(/^attention_net\./)) return { name: 'CLAM, not built yet', tensors };
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
    const recycles = has('merge.global_q_mm') || has('merge.global_q');
    const queries = size('merge.global_q_mm', 1) ?? size('merge.global_q', 1);
    const inner = size('merge.attn.to_q.weight', 0);
    const config: ModelConfig = {
      format: 'mhim-model',
      version: 1,
      model: recycles ? 'mhim-v2' : 'ab-mil',
      base: recycles ? 'ab-mil' : undefined,
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
      mhim: recycles && queries && inner ? { queries, recycleHeads: 8, recycleHeadDim: inner / 8 } : undefined,
    };
    const kind = `${gated ? 'gated ' : ''}AB-MIL`;
    const name = recycles
      ? `MHIM-v2 over ${kind}`
      : inside
        ? `${kind} as MHIM's base (mhim_pure, or MHIM v1's student or teacher)`
        : `stand-alone ${kind}`;
    return { name, tensors, config };
  }
  if (has('feature_extractor_part2.0.weight')) return ilse(tensors);
  if (has('head.0.weight')) return instancePooling(tensors);
  return unknown;
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
