import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { writeNpy } from '@mhim/datasets';
import { expect, test } from 'vitest';
import { reproduce, temporaryFolder } from '../../test-helpers.js';
import type { ExperimentResult } from '../results/experiment-result.js';
import type { Job } from './job.js';
import { locateData } from './locate-data.js';

const at = temporaryFolder();

function put(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
}

function slide(path: string, value: number): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  const data = Float32Array.from({ length: 2048 }, (_, i) => value + ((i * 7) % 11) / 11);
  writeNpy(at(`${path}.npy`), { dtype: 'F32', shape: [2, 1024], data });
}

const CASES = Array.from({ length: 8 }, (_, i) => `TCGA-A${i}-B10${i}`);
const outcomes = CASES.map((id, i) => `${id},${5 + 3 * i},${i === 2 ? 1 : 0}`);

test('a table finds sets below --data-root as train --data-set does; what is missing is said once a set', async () => {
  // CLAM's folders, TRIDENT's, and a bag store in the plain layout; nothing of LUSC.
  CASES.forEach((id, i) => {
    slide(`all/tcga_blca/uni/pt_files/${id}-01Z-00-DX1.A`, i);
    slide(`all/luad/20x_256px_0px_overlap/features_uni_v1/${id}-01Z-00-DX1.A`, i + 0.5);
    slide(`plain/${id}`, i);
  });
  const table = ['case_id,survival_months,censorship', ...outcomes].join('\n');
  put('all/tcga_blca/label_tcga_blca_surv.csv', table);
  put('all/luad/tcga_luad_survival_cases.csv', table);
  const small = ['--only', 'AB-MIL', '--k', '2', '--folds', '0', '--epochs', '1', '--set', 'bins=2'];
  const args = ['table', '4', '--data-root', at('all'), '--only', 'UNI', ...small, '--out', at('out')];
  const { code, err } = await reproduce(...args);
  expect(code, err).toBe(0);
  expect(err.match(/^Left out: .*/gm)).toEqual([
    expect.stringMatching(/tcga-lusc with uni features: .*holds no features of this data set/) as string,
  ]);
  const jobs = readFileSync(at('out', 'table-4.jobs.jsonl'), 'utf8').trim().split('\n');
  expect(jobs.map((line) => (JSON.parse(line) as Job).config)).toMatchObject([
    { data: at('all'), dataSet: 'tcga-blca', extractor: 'uni', task: 'survival' },
    { data: at('all'), dataSet: 'tcga-luad', extractor: 'uni', task: 'survival' },
  ]);
  const { comparable, rows } = JSON.parse(readFileSync(at('out', 'table-4.json'), 'utf8')) as ExperimentResult;
  expect(comparable).toBe(true);
  const ours = rows.flatMap(({ cells }) => cells).flatMap((cell) => cell?.ours ?? []);
  expect(ours).toHaveLength(2);

  // The same files as a folder of their own are the same jobs.
  CASES.forEach((id, i) => slide(`folder/${id}-01Z-00-DX1.A`, i));
  put('folder/survival.csv', table);
  const given = await reproduce(...args, '--data', `tcga-blca/uni=${at('folder')}`, '--dry-run');
  expect(given.out, given.err).toMatch(/table-4 +3 +3 +0 +2 +1 /);

  const luscStore = [
    'convert',
    at('plain'),
    at('all/tcga-lusc/uni'),
    '--labels',
    at('all/tcga_blca/label_tcga_blca_surv.csv'),
  ];
  expect((await reproduce(...luscStore)).code).toBe(0);
  const dry = await reproduce(...args, '--dry-run');
  expect(dry.out, dry.err).toMatch(/table-4 +3 +3 +0 +2 +1 /);
  const none = await reproduce('table', '2', '--data-root', at('all'), ...small.slice(0, 2), '--out', at('none'));
  expect([none.code, none.err]).toEqual([
    65,
    expect.stringMatching(
      /no data were found that can be used: camelyon with resnet-50 features: .*tcga-nsclc with plip features/,
    ) as string,
  ]);
});

test('a set whose folds are wrong costs only itself, in one line', async () => {
  const made = ['simulate', '--slides', '8', '--instances', '4-6', '--width', '8', '--difficulty', 'easy'];
  for (const set of ['camelyon', 'tcga-nsclc'])
    expect((await reproduce(...made, '--out', at(`folds/${set}/resnet-50`))).code).toBe(0);
  put('folds/camelyon/folds.json', '[{ "train": ["slide_1", "nobody"], "test": ["slide_2"] }]');
  const args = ['table', '7', '--data-root', at('folds'), '--only', 'Baseline', '--only', 'AB.', '--only', 'R50'];
  const small = ['--k', '2', '--folds', '0', '--epochs', '1', '--out', at('folds-out')];
  const { code, out, err } = await reproduce(...args, ...small);
  expect(code, err).toBe(0);
  expect(err.match(/^Left out: .*/gm)).toEqual([
    expect.stringMatching(/^Left out: camelyon with resnet-50 features: .*folds\.json/) as string,
  ]);
  expect(out).toMatch(/R50 Baseline/);
  const dry = await reproduce(...args, '--dry-run', ...small);
  expect(dry.err).toMatch(/planned as the paper describes it: camelyon with resnet-50 features: .*folds\.json/);
  expect(dry.out).toMatch(/table-7 +2 +2 /);
});

test('a plan finds its data from any working folder', async () => {
  const made = ['simulate', '--slides', '8', '--instances', '4-6', '--width', '8', '--difficulty', 'easy'];
  expect((await reproduce(...made, '--out', at('here/camelyon/resnet-50'))).code).toBe(0);
  const table = ['table', '7', '--only', 'Baseline', '--only', 'AB.', '--only', 'R50', '--only', 'CAMELYON'];
  const small = ['--k', '2', '--folds', '0', '--epochs', '1', '--out', 'out'];
  const before = process.cwd();
  for (const [name, where] of [
    ['root', ['--data-root', 'here']],
    ['set', ['--data', 'camelyon=here/camelyon/resnet-50']],
    ['simulated', ['--simulated', '--slides', '8']],
  ] as [string, string[]][]) {
    mkdirSync(at(name), { recursive: true });
    process.chdir(at());
    try {
      expect((await reproduce('plan', ...table, ...where, ...small, '--out', `${name}/out`)).code, name).toBe(0);
    } finally {
      process.chdir(before);
    }
    const [{ config }] = readFileSync(at(name, 'out', 'jobs.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Job) as [Job];
    expect(isAbsolute(config.data), config.data).toBe(true);
    const { code, err } = await reproduce('run', '--plan', at(name, 'out', 'jobs.jsonl'), '--job', '0');
    expect(code, err).toBe(0);
  }
  const builtIn = { set: 'camelyon', extractor: 'resnet-50', task: 'classification' } as const;
  expect(await locateData(builtIn, { given: { '*': 'musk1' } })).toEqual({ data: 'musk1' });
});
