import type { HostTensor } from '@mhim/tensor';
import type { ModelConfig } from '../model-config.js';
import { abmil, ilse } from './ab-mil.js';
import { clam } from './clam.js';
import { dsmil } from './ds-mil.js';
import { dtfdmil } from './dtfd-mil.js';
import { ibmil } from './ib-mil.js';
import { instancePooling } from './instance-pooling.js';
import { mamba2D } from './mamba-2d.js';
import { r2tmil } from './r2t-mil.js';
import { StateShapes, type Recogniser } from './state-shapes.js';
import { transmil } from './trans-mil.js';

/** A model whose names and shapes a checkpoint carries. */
export interface Recognition {
  /** In words. */
  name: string;
  /** Its tensors under the names that the model uses. */
  tensors: Map<string, HostTensor>;
  /** Which of the file's parts they are: "student" and "teacher" of MHIM checkpoints, else none. */
  part?: string;
  /** How to build it; absent for models that are not built. */
  config?: ModelConfig;
  /** Whether the file leaves out some of the model's tensors, so that it can start a model but not predict. */
  partial?: boolean;
}

/** The more particular first: several models have an attention of the same names. */
const recognisers: readonly Recogniser[] = [
  dsmil,
  transmil,
  clam,
  dtfdmil,
  r2tmil,
  mamba2D,
  ibmil,
  ilse,
  abmil,
  instancePooling,
];

/**
 * Tells which models a state dict fits by its names and shapes alone. Nested files (`model.…`, `teacher.…`) give one
 * answer a part; names of the conference version and of wrapped models are understood.
 */
export function recognise(tensors: ReadonlyMap<string, HostTensor>): Recognition[] {
  const older = [...tensors.keys()].some((name) => OLD_FEATURE.test(name.replace(PART, '$2').replace(WRAPPED, '')));
  return [...parts(tensors)].map(([part, own]) => ({ ...recognisePart(own, older), part: part || undefined }));
}

const PART = /^(model|teacher|student|state_dict)\.(.+)$/;
/** Of data parallel training. */
const WRAPPED = /^module\./;
/** The feature layer in the code of the conference version and of R2T-MIL. */
const OLD_FEATURE = /^(patch_to_emb|patch_to_embed|feature0)\./;

/** A file of MHIM holds `model` (the student) and `teacher`; any other is one part. */
function parts(tensors: ReadonlyMap<string, HostTensor>): Map<string, Map<string, HostTensor>> {
  const found = new Map<string, Map<string, HostTensor>>();
  for (const [name, tensor] of tensors) {
    const [, part = '', rest = name] = PART.exec(name) ?? [];
    const own = found.get(part) ?? new Map<string, HostTensor>();
    const current = currentName(rest);
    if (current !== UNUSED) own.set(current, tensor);
    found.set(part, own);
  }
  return found;
}

/** Of TransMIL in early files of the conference version. */
const UNUSED = 'online_encoder.mask_token';

/** `dim_reduction` and `att_classifier` are the files of DTFD-MIL's authors, who save its modules one by one. */
function currentName(name: string): string {
  return name
    .replace(WRAPPED, '')
    .replace(OLD_FEATURE, 'feature.')
    .replace(/^dim_reduction\./, 'dimReduction.')
    .replace(/^att_classifier\./, 'UClassifier.');
}

function recognisePart(tensors: Map<string, HostTensor>, older: boolean): Recognition {
  const mhim = recyclingOf(tensors);
  const base = mhim ? new Map([...tensors].filter(([name]) => !name.startsWith('merge.'))) : tensors;
  const shapes = new StateShapes(base, older);
  for (const recogniser of recognisers) {
    const { name, built, inside, partial } = recogniser(shapes) ?? {};
    if (name === undefined) continue;
    const said = mhim
      ? `MHIM-v2 over ${name}`
      : inside
        ? `${name} as MHIM's base (mhim_pure, or MHIM v1's student or teacher)`
        : name;
    // One logit has no softmax, and so no configuration.
    if (!built || built.classes < 2) return { name: said, tensors };
    const { aggregator: kind, inputDim, classes, settings: aggregator } = built;
    const model = mhim ? ({ model: 'mhim-v2', base: kind, mhim } as const) : { model: kind };
    const config: ModelConfig = { format: 'mhim-model', version: 1, ...model, inputDim, classes, aggregator };
    return { name: said, tensors, config, ...(partial ? { partial } : {}) };
  }
  return { name: 'no model that we know', tensors };
}

/** What a checkpoint with a recycle network says of it. */
function recyclingOf(tensors: ReadonlyMap<string, HostTensor>): ModelConfig['mhim'] | undefined {
  const query = tensors.get('merge.global_q_mm') ?? tensors.get('merge.global_q');
  const inner = tensors.get('merge.attn.to_q.weight')?.shape[0];
  if (query?.shape[1] === undefined || inner === undefined) return undefined;
  // How many heads share the width leaves no trace; the official code has always 8.
  const heads = inner % 8 === 0 ? 8 : 1;
  return { queries: query.shape[1], recycleHeads: heads, recycleHeadDim: inner / heads };
}
