import { MhimError, type Rng } from '@mhim/tensor';
import { ABMIL, abmilDefaults, mhimABMIL, type ABMILConfig } from './ab-mil.js';
import type { Aggregator } from './aggregator.js';
import { instancePoolingDefaults, MaxPooling, MeanPooling, type InstancePoolingConfig } from './instance-pooling.js';
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
  /** The configuration inside MHIM, where the official code has one of its own. */
  insideMhim?: (config: C) => C;
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
export function insideMhim<N extends AggregatorName>({ name, ...config }: AggregatorOptions<N>): AggregatorOptions<N> {
  const { insideMhim: adapt } = entryOf(name);
  return { name, ...(adapt ? adapt(config as unknown as Sizes) : config) } as AggregatorOptions<N>;
}

/** @throws MhimError `config` naming the option, the value and what was expected */
export function checkAggregatorOptions(name: string, options: object): void {
  const { defaults, choices = {} } = entryOf(name);
  const known = { classes: 2, ...defaults, inputDim: 1024 } as Record<string, unknown>;
  const wrong = (path: string, message: string, hint?: string) =>
    new MhimError(message, { code: 'config', path: `${name}.${path}`, hint });
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!(key in known)) throw wrong(key, 'is no option.', `Options: ${Object.keys(known).join(', ')}.`);
    const allowed = (choices as Record<string, readonly unknown[]>)[key];
    if (allowed && !allowed.includes(value)) {
      throw wrong(key, `expected one of ${allowed.join(', ')}, got ${JSON.stringify(value)}.`);
    }
    const like = known[key];
    if (!allowed && like !== undefined && typeof value !== typeof like) {
      throw wrong(key, `expected a ${typeof like} such as ${JSON.stringify(like)}, got ${JSON.stringify(value)}.`);
    }
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
