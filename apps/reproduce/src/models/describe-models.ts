import * as tf from '@tensorflow/tfjs';
import { aggregatorNames, registry, type AggregatorName } from '@mhim/mil-aggregators';
import { Rng } from '@mhim/tensor';
import { aggregatorSettings, createModel } from './create-model.js';
import type { AggregatorSettings, ModelConfig } from './model-config.js';
import { BASES, findName, type ModelName } from './model-names.js';

/** The sizes that the paper counts parameters at: ResNet-50 or UNI features, two classes. */
const SIZES = { inputDim: 1024, classes: 2 } as const;

/** An aggregator of the registry, and what it weighs. */
export interface AggregatorDescription {
  name: AggregatorName;
  title: string;
  /** Where it was published. */
  source: string;
  /** Scalars that training changes: alone, as it is inside MHIM, and with MHIM-v2's recycle network. */
  parameters: number;
  insideMhim: number;
  mhimV2: number;
  /** Whether it says what it attends to, which is also what MHIM's `score: attention` needs. */
  attention: boolean;
}

export function describeAggregators(): AggregatorDescription[] {
  return aggregatorNames.map((name) => {
    const { title, source } = registry[name];
    return {
      name,
      title,
      source,
      parameters: parameterCount({ model: name }),
      insideMhim: parameterCount({ model: 'mhim', base: name }),
      mhimV2: parameterCount({ model: 'mhim-v2', base: name }),
      attention: hasAttention(name),
    };
  });
}

/** A row of the paper's Table 6 beside what our model of it weighs. */
export interface Table6Row {
  /** As the paper calls it. */
  paper: string;
  /** As the paper prints it. */
  printed: string;
  /** The options of `reproduce train` that give our model. */
  options: string;
  parameters: number;
  /** Whether our count, rounded as the paper's, is the paper's. */
  equal: boolean;
  /** Why the two differ. */
  note?: string;
}

/** The paper's Table 6, as far as its aggregators are in the registry. */
export function describeTable6(): Table6Row[] {
  return table6.flatMap(({ paper, printed, base: spelled, method, settings = {}, note }) => {
    const base = findName(spelled, BASES);
    if (base === undefined) return [];
    const model = method ?? base;
    const options = [
      `train --model ${base}`,
      ...(method ? [`--mining ${method}`] : []),
      ...Object.entries(settings).map(([key, value]) => `--set aggregator.${key}=${String(value)}`),
    ];
    const parameters = parameterCount({ model, base: method && base }, settings);
    const equal = `${(parameters / 1e6).toFixed(2)}M` === printed;
    return [{ paper, printed, options: options.join(' '), parameters, equal, note }];
  });
}

/** "ABMIL" and, by its count, the base of "MHIM(AB.)" are gated; that of "MHIM-v2(AB.)" is not. */
const table6: readonly {
  paper: string;
  printed: string;
  base: string;
  method?: 'mhim' | 'mhim-v2';
  settings?: AggregatorSettings;
  note?: string;
}[] = [
  { paper: 'ABMIL', printed: '0.66M', base: 'ab-mil', settings: { gated: true } },
  {
    paper: 'DTFD-MIL',
    printed: '0.99M',
    base: 'dtfd-mil',
    note: 'the official code and its authors’ both have 0.79M; the paper does not say what it counts',
  },
  { paper: 'R2T-MIL', printed: '2.70M', base: 'r2t-mil' },
  {
    paper: 'MHIM(AB.)',
    printed: '0.65M',
    base: 'ab-mil',
    method: 'mhim',
    settings: { gated: true },
    note: '0.657M; perhaps cut off, not rounded',
  },
  { paper: 'MHIM-v2(AB.)', printed: '1.64M', base: 'ab-mil', method: 'mhim-v2' },
  { paper: 'TransMIL', printed: '2.67M', base: 'trans-mil' },
  { paper: 'MHIM(Trans.)', printed: '2.67M', base: 'trans-mil', method: 'mhim' },
  { paper: 'MHIM-v2(Trans.)', printed: '3.72M', base: 'trans-mil', method: 'mhim-v2' },
];

function parameterCount(
  chosen: { model: ModelName; base?: AggregatorName },
  settings: AggregatorSettings = {},
): number {
  // A teacher of its own counts for nothing and takes time to make.
  const mhim: ModelConfig['mhim'] = { teacher: 'student' };
  const model = createModel(
    {
      ...{ format: 'mhim-model', version: 1, ...chosen, ...SIZES, mhim },
      aggregator: aggregatorSettings(chosen, settings),
    },
    new Rng(0),
  );
  try {
    return model.parameterCount();
  } finally {
    model.dispose();
  }
}

function hasAttention(name: AggregatorName): boolean {
  const [sizes, rng] = [{ inputDim: 8, classes: 2 }, new Rng(0)];
  const aggregator = new registry[name].create(sizes as never, rng);
  const positions = { xy: [0, 0, 1, 0, 0, 1, 1, 1], width: 2, height: 2 };
  try {
    return tf.tidy(() => aggregator.forward(rng.normal([4, 8]), { positions }).attention !== undefined);
  } finally {
    aggregator.dispose();
  }
}
