import { stringify } from 'csv-stringify/sync';
import type { SignificanceTest } from '@mhim/figures';
import type { Protocol } from '../../run/train-run.js';
import type { Asked, TestedPair } from './pair-tests.js';

/** The tests of a table under one protocol. */
export interface TableTests {
  protocol: Protocol;
  pairs: readonly TestedPair[];
}

/** `ID-tests.csv`: every pair of models of every column, a line a test. Values that are undefined are empty. */
export function testsCsv(id: string, simulated: boolean, tests: readonly TableTests[]): string {
  const header = [
    ...['experiment', 'column', 'data_set', 'extractor', 'model_a', 'model_b', 'asked', 'metric'],
    ...['difference_b_minus_a', 'lower_95', 'upper_95', 'p', 'test', 'cases', 'protocol', 'simulated'],
  ];
  const lines = tests.flatMap(({ protocol, pairs }) =>
    pairs.flatMap(({ place, set, extractor, first, second, asked, cases, tests: own }) =>
      own.map(({ metric, difference, interval, p, method }) => [
        ...[id, place, set, extractor, first, second, asked.join('; '), metric],
        ...[difference.value, interval?.lower, interval?.upper, p.value].map((value) => value ?? ''),
        ...[method, cases, protocol, Number(simulated)],
      ]),
    ),
  );
  return stringify([header, ...lines]);
}

/** What the report shows of them: the pairs that are asked for, MHIM-v2's first, each by the bootstrap, which has an interval. */
export function shownTests({ protocol, pairs }: TableTests, heading?: string): SignificanceTest[] {
  return pairs
    .filter(({ asked }) => asked.length > 0)
    .sort((a, b) => Number(b.ofMethod) - Number(a.ofMethod))
    .flatMap(({ place, first, second, asked, tests }) =>
      tests.slice(0, 1).map((test) => ({
        ...test,
        ...{ protocol, first, second, relation: asked.join(', ') },
        group: [heading, place].filter(Boolean).join(', '),
      })),
    );
}

/** MHIM-v2 in a line: in how many columns it is above what it is compared with, and where that is more than chance. */
export function testsLine({ pairs }: TableTests, file: string): string {
  const said = (['its baseline', 'the best other model'] as const).flatMap((why) => countsOf(pairs, why) ?? []);
  if (said.length === 0) return '';
  return `MHIM-v2 against ${said.join('; against ')} (paired bootstrap, p not corrected for their number; all pairs: ${file}).\n`;
}

function countsOf(pairs: readonly TestedPair[], why: Asked): string | undefined {
  const own = pairs
    .filter(({ ofMethod, asked }) => ofMethod && asked.includes(why))
    .flatMap(({ tests: [test] }) => (test && typeof test.difference.value === 'number' ? [test] : []));
  if (own.length === 0) return undefined;
  const above = own.filter(({ difference }) => (difference.value as number) > 0);
  const below = own.filter(({ difference }) => (difference.value as number) < 0);
  const clear = (some: typeof own) => some.filter(({ p }) => typeof p.value === 'number' && p.value < 0.05).length;
  return `${why}: higher in ${above.length} of ${own.length} (p < 0.05 in ${clear(above)}), lower in ${below.length} (${clear(below)})`;
}
