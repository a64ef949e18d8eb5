import { MhimError, suggestion, type Rng } from '@mhim/tensor';
import { ABMIL, abmilDefaults, mhimABMIL, type ABMILConfig } from './ab-mil.js';
import type { Aggregator } from './aggregator.js';
import { clamDefaults, CLAMMB, CLAMSB, type CLAMConfig } from './clam.js';
import { DSMIL, dsmilDefaults, mhimDSMIL, type DSMILConfig } from './ds-mil.js';
import { dtfdDefaults, DTFDMIL, type DTFDMILConfig } from './dtfd-mil.js';
import { IBMIL, ibmilDefaults, mhimIBMIL, type IBMILConfig } from './ib-mil.js';
import { instancePoolingDefaults, MaxPooling, MeanPooling, type InstancePoolingConfig } from './instance-pooling.js';
import type { MhimUse } from './mhim-use.js';
import { optionObjection } from './option-objection.js';
import { R2TMIL, r2tmilDefaults, type R2TMILConfig } from './r2t-mil.js';
import { mhimTransMIL, TransMIL, transMILDefaults, type TransMILConfig } from './trans-mil.js';
import { Mamba2D, mamba2DDefaults, type Mamba2DConfig } from './mamba-2d.js';

/** Widths that the data decide; every configuration has them. */
interface Sizes {
  inputDim: number;
  classes?: number;
}

/** One aggregator as the registry knows it. */
export interface RegistryEntry<C extends Sizes, A extends Aggregator> {
  /** As tables show it. */
  title: string;
  /** Where it was published. */
  source: string;
  create: new (config: C, rng: Rng) => A;
  /** Every option with its default. */
  defaults: Readonly<Partial<C>>;
  /** What options that are words may say. */
  choices?: { readonly [K in keyof C]?: readonly C[K][] };
  /** The configuration inside MHIM, where it differs by default. */
  insideMhim?: (config: C, use: MhimUse) => C;
}

/** Every aggregator by its name. A new one is a file of its own and an entry here; the registry suite tests it. */
export const registry = {
  'ab-mil': entry<ABMILConfig, ABMIL>({
    title: 'AB-MIL',
    source: 'Ilse et al. 2018',
    create: ABMIL,
    defaults: abmilDefaults,
    choices: {
      norm: ['none', 'layer', 'batch'],
      normPosition: ['features', 'instances'],
      position: ['none', 'sin-cos'],
      layout: ['stand-alone', 'mhim', 'ilse'],
    },
    insideMhim: mhimABMIL,
  }),
  'ds-mil': entry<DSMILConfig, DSMIL>({
    title: 'DSMIL',
    source: 'Li et al. 2021',
    create: DSMIL,
    defaults: dsmilDefaults,
    choices: {
      query: ['nonlinear', 'linear'],
      values: ['rectified', 'linear', 'instances'],
      prediction: ['bag', 'mean', 'mean-probability'],
      norm: ['none', 'layer', 'batch'],
      layout: ['stand-alone', 'mhim', 'original'],
    },
    insideMhim: mhimDSMIL,
  }),
  'clam-sb': entry<CLAMConfig, CLAMSB>({
    title: 'CLAM-SB',
    source: 'Lu et al. 2021',
    create: CLAMSB,
    defaults: clamDefaults,
    choices: { instanceLoss: ['svm', 'cross-entropy'], layout: ['stand-alone', 'original'] },
  }),
  'clam-mb': entry<CLAMConfig, CLAMMB>({
    title: 'CLAM-MB',
    source: 'Lu et al. 2021',
    create: CLAMMB,
    defaults: clamDefaults,
    choices: { instanceLoss: ['svm', 'cross-entropy'], layout: ['stand-alone', 'original'] },
  }),
  'dtfd-mil': entry<DTFDMILConfig, DTFDMIL>({
    title: 'DTFD-MIL',
    source: 'Zhang et al. 2022',
    create: DTFDMIL,
    defaults: dtfdDefaults,
    choices: {
      distillation: ['MaxS', 'MaxMinS', 'AFS'],
      order: ['shuffled', 'stored'],
      tiers: ['separate', 'joint'],
    },
  }),
  'ib-mil': entry<IBMILConfig, IBMIL>({
    title: 'IBMIL',
    source: 'Lin et al. 2023',
    create: IBMIL,
    defaults: ibmilDefaults,
    choices: {
      merge: ['cat', 'add', 'sub'],
      layout: ['mhim', 'original'],
    },
    insideMhim: mhimIBMIL,
  }),
  'mean-pooling': entry<InstancePoolingConfig, MeanPooling>({
    title: 'mean pooling',
    source: 'MHIM-v2 §4.3',
    create: MeanPooling,
    defaults: instancePoolingDefaults,
  }),
  'max-pooling': entry<InstancePoolingConfig, MaxPooling>({
    title: 'max pooling',
    source: 'MHIM-v2 §4.3',
    create: MaxPooling,
    defaults: instancePoolingDefaults,
  }),
  'r2t-mil': entry<R2TMILConfig, R2TMIL>({
    title: 'R2T-MIL',
    source: 'Tang et al. 2024',
    create: R2TMIL,
    defaults: r2tmilDefaults,
    choices: { norm: ['none', 'layer', 'batch'], normPosition: ['features', 'instances'] },
  }),
  'trans-mil': entry<TransMILConfig, TransMIL>({
    title: 'TransMIL',
    source: 'Shao et al. 2021',
    create: TransMIL,
    defaults: transMILDefaults,
    choices: {
      norm: ['none', 'layer', 'batch'],
      position: ['ppeg', 'none'],
      layout: ['stand-alone', 'mhim', 'original'],
    },
    insideMhim: mhimTransMIL,
  }),
  'mamba-2d': entry<Mamba2DConfig, Mamba2D>({
    title: '2DMamba',
    source: 'Zhang et al. 2025',
    create: Mamba2D,
    defaults: mamba2DDefaults,
    choices: { padToken: ['trainable', 'zero'] },
  }),
} as const;

type Registry = typeof registry;
export type AggregatorName = keyof Registry;
type ConfigOf<N extends AggregatorName> =
  Registry[N] extends RegistryEntry<infer C extends Sizes, Aggregator> ? C : never;
type AggregatorOf<N extends AggregatorName> = InstanceType<Registry[N]['create']>;

/** The options of an aggregator, by its name. */
export type AggregatorOptions<N extends AggregatorName = AggregatorName> = { [K in N]: { name: K } & ConfigOf<K> }[N];

export const aggregatorNames = Object.keys(registry) as AggregatorName[];

/**
 * Makes an aggregator by name: `createAggregator({ name: 'ab-mil', inputDim: 1024 }, rng)`.
 * @throws MhimError `config` for an unknown name, an unknown option or a value that an option cannot have
 */
export function createAggregator<N extends AggregatorName>(
  { name, ...config }: AggregatorOptions<N>,
  rng: Rng,
): AggregatorOf<N> {
  checkAggregatorOptions(name, config);
  const { create } = registry[name] as unknown as RegistryEntry<Sizes, AggregatorOf<N>>;
  return new create(config as unknown as Sizes, rng);
}

/** The options that an aggregator has inside MHIM, under those given. */
export function insideMhim<N extends AggregatorName>(
  { name, ...config }: AggregatorOptions<N>,
  use: MhimUse = {},
): AggregatorOptions<N> {
  const { insideMhim: adapt } = entryOf(name);
  return { name, ...(adapt ? adapt(config as unknown as Sizes, use) : config) } as AggregatorOptions<N>;
}

/**
 * @param path what errors name in front of an option
 * @throws MhimError `config` naming the option, the value and what was expected
 */
export function checkAggregatorOptions(name: string, options: object, path = name): void {
  const { defaults, choices = {} } = entryOf(name);
  const known = { classes: 2, ...defaults, inputDim: 1024 } as Record<string, unknown>;
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const names = Object.keys(known);
    if (!names.includes(key)) {
      throw new MhimError(`is no option of ${name}${suggestion(key, names)}.`, {
        code: 'config',
        path: `${path}.${key}`,
        hint: `Options: ${names.join(', ')}.`,
      });
    }
    const words = (choices as Record<string, readonly unknown[]>)[key];
    const objection = optionObjection(key, value, known[key], words);
    if (objection !== undefined) throw new MhimError(objection, { code: 'config', path: `${path}.${key}` });
  }
}

function entryOf(name: string): RegistryEntry<Sizes, Aggregator> {
  if (Object.hasOwn(registry, name))
    return registry[name as AggregatorName] as unknown as RegistryEntry<Sizes, Aggregator>;
  throw new MhimError(`there is no aggregator "${name}".`, {
    code: 'config',
    hint: `Expected one of ${aggregatorNames.join(', ')}.`,
  });
}

function entry<C extends Sizes, A extends Aggregator>(described: RegistryEntry<C, A>): RegistryEntry<C, A> {
  return described;
}
