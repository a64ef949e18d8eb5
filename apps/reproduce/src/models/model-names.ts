import { aggregatorNames, type AggregatorName } from '@mhim/mil-aggregators';

/** Methods that train an aggregator on its hard instances. */
export const METHODS = ['mhim', 'mhim-v2'] as const;
export type MethodName = (typeof METHODS)[number];

/** What can be trained; a method runs over a base. */
export const MODELS: readonly ModelName[] = [...aggregatorNames, ...METHODS];
export const BASES: readonly AggregatorName[] = aggregatorNames;
export type ModelName = AggregatorName | MethodName;

export function isMethod(name: string | undefined): name is MethodName {
  return (METHODS as readonly (string | undefined)[]).includes(name);
}

/**
 * The one of `names` that is meant by a spelling of it: `abmil`, `TransMIL`, `clam_sb`, `meanmil` and the official code's
 * names of the same methods (`rrt`, `2dmamba`) are understood.
 */
export function findName<N extends string>(text: string, names: readonly N[]): N | undefined {
  const wanted = stem(text);
  const same = synonyms.find((group) => group.includes(wanted)) ?? [wanted];
  return names.find((name) => name === text) ?? names.find((name) => same.includes(stem(name)));
}

/** Lower case letters and digits, without what many names end in. */
function stem(name: string): string {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  return plain.replace(/(?<=.)(mil|pooling|pool)$/, '');
}

/** Stems that mean the same method. */
const synonyms: readonly (readonly string[])[] = [
  ['ab', 'att', 'attention', 'attn', 'abmilattention'],
  ['trans', 'selfattn'],
  ['clamsb', 'clam'],
  ['r2t', 'rrt'],
  ['2dmamba', 'mamba2d', 'mamba', 'mambamil2d', '2dmambamil'],
  ['mean', 'avg', 'average'],
  ['mhim', 'mhimv1'],
];
