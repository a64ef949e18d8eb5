import { registry } from '@mhim/mil-aggregators';
import { MhimError } from '@mhim/tensor';
import { withSettings } from '../../config/settings.js';
import { resolveTrainConfig, type TrainConfig, type TrainInput } from '../../config/train-config.js';
import { aggregatorOf, aggregatorSettings } from '../../models/create-model.js';
import { methodSchemas, type AggregatorSettings } from '../../models/model-config.js';
import { isMethod, type ModelName } from '../../models/model-names.js';
import type { CellSpec } from '../experiment.js';
import type { LocatedData } from './locate-data.js';

/** What the command line changes of every training. */
export interface Overrides {
  protocol?: TrainInput['protocol'];
  epochs?: number;
  k?: number;
  /** `key=value` as of `reproduce train`; each reaches the trainings that have such an option. */
  settings?: readonly string[];
  /** Makes models small, for rehearsals on simulated slides. */
  reduced?: boolean;
}

/** The training that a cell stands for: the paper's settings, then the command line's, then what the row itself varies. */
export function trainConfigOf(cell: CellSpec, data: LocatedData, seed: number, overrides: Overrides = {}): TrainConfig {
  const model = cell.model ?? (cell.base as ModelName);
  const method = isMethod(model);
  const base = method ? (cell.base ?? 'ab-mil') : undefined;
  const name = aggregatorOf({ model, base });
  const { protocol, epochs, k, settings = [], reduced } = overrides;
  const input: TrainInput = {
    ...paperSettings(cell),
    ...data,
    ...(data.folds === undefined && k !== undefined ? { k } : {}),
    ...(protocol === undefined ? {} : { protocol }),
    model,
    ...(base === undefined ? {} : { base }),
    ...(cell.init === undefined ? {} : { init: cell.init }),
    ...(method ? { preset: cell.preset ?? presetOf(cell, model, name) } : {}),
    seed,
  };
  const own: AggregatorSettings = {
    // What MHIM starts from is its aggregator as it is inside MHIM (officially `mhim_pure`); the baselines of the tables are the same trainings.
    ...(SHARED_BASELINES.includes(name) ? aggregatorSettings({ model: 'mhim-v2', base: name }, {}) : {}),
    ...publishedFor(cell, name),
    ...(reduced ? REDUCED[name] : {}),
    ...cell.aggregator,
  };
  const changed = settings.reduce<TrainInput>(
    (before, setting) => (applies(setting, model, name) ? withSettings(before, [setting]) : before),
    { ...input, aggregator: own },
  );
  const { mhim, ...others } = changed;
  const options = { ...mhim, ...cell.mhim };
  return resolveTrainConfig({
    ...others,
    ...(epochs === undefined ? {} : { epochs, minimumEpochs: Math.min(changed.minimumEpochs ?? 0, epochs) }),
    ...(method ? { mhim: options } : {}),
  });
}

/**
 * §4.2: 200 epochs with early stopping (patience 30 on CAMELYON, 20 on TCGA), survival 30 epochs without; features as they are. That
 * training goes on for 130 and 70 epochs at least is not in the paper but in its authors' published commands.
 */
function paperSettings({ set, task }: CellSpec): TrainInput {
  if (task === 'survival') return { task, epochs: 30, patience: 30, perfectFrom: 30, standardise: false };
  const stopping = set === 'camelyon' ? { patience: 30, minimumEpochs: 130 } : { patience: 20, minimumEpochs: 70 };
  return { epochs: 200, perfectFrom: 200, ...stopping, standardise: false };
}

/** The conference version was published with options for CAMELYON16 and TCGA-NSCLC; other TCGA sets take the latter's. */
function presetOf({ set }: CellSpec, model: ModelName, base: string): TrainInput['preset'] {
  if (model !== 'mhim') return 'paper';
  return `${set === 'camelyon' ? 'c16' : 'nsclc'}-${base}` as TrainInput['preset'];
}

const SHARED_BASELINES: readonly string[] = ['ab-mil', 'ds-mil', 'trans-mil'];

/** R2T-MIL's author gives its options by data set and extractor; for survival only a grid, of which the defaults are a part. */
function publishedFor({ set, extractor }: CellSpec, name: string): AggregatorSettings {
  if (name !== 'r2t-mil') return {};
  return { attentionActivation: 'tanh', ...R2T[`${set}/${extractor}`] };
}

const R2T: Readonly<Record<string, AggregatorSettings>> = {
  'camelyon/resnet-50': { epegKernel: 15, summaries: 1, shortcut: true },
  'camelyon/plip': { epegKernel: 9, summaries: 3, shortcut: true },
  'tcga-nsclc/resnet-50': { epegKernel: 21, summaries: 5 },
  'tcga-nsclc/plip': { epegKernel: 13, summaries: 3, crossHeads: 1, shortcut: true, feedForward: true },
  'tcga-brca/resnet-50': { epegKernel: 17, summaries: 3, crossHeads: 1 },
  'tcga-brca/plip': { epegKernel: 15, summaries: 1, shortcut: true },
};

const SMALLER: Readonly<Record<string, AggregatorSettings>> = {
  'trans-mil': { heads: 2, headDim: 8, landmarks: 8 },
  'r2t-mil': { regions: 2, crossRegions: 2 },
  // No more than there are training slides.
  'ib-mil': { confounders: 2 },
};

/** Sizes at which a step takes milliseconds. */
const REDUCED: Readonly<Record<string, AggregatorSettings>> = Object.fromEntries(
  Object.keys(registry).map((name) => [name, { embedDim: 16, ...SMALLER[name] }]),
);

/** Whether a training has the option that a setting names. */
function applies(setting: string, model: ModelName, aggregator: string): boolean {
  const key = setting.split('=')[0] as string;
  if (key.startsWith('aggregator.')) {
    const { defaults } = (registry as Record<string, { defaults: object }>)[aggregator] as { defaults: object };
    return Object.hasOwn(defaults, key.slice('aggregator.'.length));
  }
  const option = key.replace(/^mhim\./, '');
  const methods = Object.entries(methodSchemas).filter(([, { shape }]) => Object.hasOwn(shape, option));
  return methods.length === 0 || methods.some(([name]) => name === model);
}

/** @throws MhimError `config` for settings that no experiment may change */
export function checkSettings(settings: readonly string[]): void {
  for (const setting of settings) {
    const key = setting.split('=')[0] as string;
    if (!FIXED.includes(key)) continue;
    throw new MhimError(`${key} is what the experiments themselves say.`, {
      code: 'config',
      path: '--set',
      hint: 'Use --data, --folds, --seeds, --k and --only, or reproduce train.',
    });
  }
}

/** What a table's headings stand for, and what has an option of its own. */
const FIXED = [
  ...['data', 'dataSet', 'extractor', 'labels', 'folds', 'k', 'unit', 'task'],
  ...['model', 'base', 'mining', 'preset', 'init', 'seed'],
];
