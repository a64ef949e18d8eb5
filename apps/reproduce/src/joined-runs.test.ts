import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { reproduce, temporaryFolder } from './test-helpers.js';

const at = temporaryFolder();
const NAME = 'ResNet-50 MHIM-v2(AB-MIL), CAMELYON';
let runs: string[];
let bags: string;

/** The folders of a row's folds, as the table says them. */
function foldersOf(row: string): string[] {
  const lines = readFileSync(at('out', 'table-2-predict.txt'), 'utf8').split('\n');
  const command = lines[lines.indexOf(`# ${row}`) + 1] ?? '';
  return /--run (.*) --data NEW/.exec(command)?.[1]?.split(' ') ?? [];
}

function probabilities(csv: string): Map<string, number> {
  const [header = '', ...rows] = csv.trim().split('\n');
  const column = header.split(',').indexOf('probability_1');
  return new Map(rows.map((row) => [row.split(',')[0] as string, Number(row.split(',')[column])]));
}

beforeAll(async () => {
  const { code, err, out } = await reproduce(
    ...['table', '2', '--only', 'AB-MIL,MHIM-v2(AB-MIL)', '--only', 'ResNet-50', '--only', 'CAMELYON'],
    ...['--simulated', '--slides', '8', '--epochs', '1', '--out', at('out')],
  );
  expect(code, err).toBe(0);
  expect(out).toMatch(/predict together, e\.g\. ResNet-50 MHIM-v2\(AB-MIL\), CAMELYON:\n {2}reproduce predict --run /);
  runs = foldersOf(NAME);
  const config = JSON.parse(readFileSync(`${runs[0]}/config.json`, 'utf8')) as { data: string };
  bags = config.data;
});

describe('the folds of a cell, a folder each', () => {
  test('predict together as the folds of one run do: by their mean', async () => {
    expect(runs).toHaveLength(2);
    const together = await reproduce('predict', '--run', ...runs, '--data', bags);
    expect(together.code, together.err).toBe(0);
    const each = [];
    for (const run of runs) each.push(probabilities((await reproduce('predict', '--run', run, '--data', bags)).out));
    const means = probabilities(together.out);
    expect(means.size).toBe(8);
    for (const [id, mean] of means) {
      const [first = NaN, second = NaN] = each.map((fold) => fold.get(id));
      expect(first).not.toBe(second);
      expect(mean).toBeCloseTo((first + second) / 2, 6);
    }
    // An option a folder is the same.
    const [first, second] = runs as [string, string];
    expect((await reproduce('predict', '--run', first, '--run', second, '--data', bags)).out).toBe(together.out);
  });

  test('are judged on their test parts, and together on other bags', async () => {
    const own = await reproduce('evaluate', '--run', ...runs);
    expect(own.out, own.err).toMatch(/^fold 0 on its test part +4 .*\nfold 1 on its test part +4 /m);
    expect((await reproduce('evaluate', '--run', ...runs, '--data', bags)).out).toMatch(/^mean of 2 models +8 /m);
  });

  test('with other settings, other data or twice the same fold are refused', async () => {
    const [first, second] = runs as [string, string];
    const [baseline] = foldersOf('ResNet-50 AB-MIL, CAMELYON') as [string];
    const other = await reproduce('predict', '--run', first, baseline, '--data', bags);
    expect(other.code).toBe(2);
    expect(other.err).toContain(
      `${baseline}: was trained otherwise than ${first}: model is "ab-mil" here and "mhim-v2" there.`,
    );
    const twice = await reproduce('predict', '--run', first, second, first, '--data', bags);
    expect(twice.code).toBe(2);
    expect(twice.err).toContain(`${first}: has fold 0, and so has ${first}: a model counts once.`);
    const train = (out: string, ...more: string[]) =>
      reproduce(
        'train',
        '--data',
        at(out, 'bags'),
        '--model',
        'ab-mil',
        '--epochs',
        '1',
        '--k',
        '2',
        ...more,
        '--out',
        at(out),
      );
    for (const [name, seed] of [
      ['a', '1'],
      ['b', '2'],
    ] as const) {
      const size = ['--slides', '8', '--instances', '4-6', '--width', '8', '--seed', seed];
      expect((await reproduce('simulate', ...size, '--out', at(name, 'bags'))).code).toBe(0);
      expect((await train(name)).code).toBe(0);
    }
    const elsewhere = await reproduce('predict', '--run', at('a'), at('b'), '--data', at('a', 'bags'));
    expect(elsewhere.err).toMatch(/b: was trained otherwise than .*a: the content of data is /);
  });

  test('of several seeds predict together; on their own data they have no folds in common', async () => {
    const seeded = ['--model', 'ab-mil', '--epochs', '1', '--k', '2', '--seed', '5', '--data', at('a', 'bags')];
    expect((await reproduce('train', ...seeded, '--out', at('c'))).code).toBe(0);
    const judged = await reproduce('evaluate', '--run', at('a'), at('c'), '--data', at('a', 'bags'));
    expect(judged.out, judged.err).toMatch(/^fold 0 of seed 2021 .*\n.*\nfold 0 of seed 5 .*\n.*\nmean of 4 models /m);
    expect((await reproduce('evaluate', '--run', at('a'), at('c'))).err).toMatch(
      /c: has other folds than .*a\. Name bags/,
    );
  });
});
