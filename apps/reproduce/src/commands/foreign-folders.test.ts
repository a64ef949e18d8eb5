import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { HeatFolder } from '../heatmap/heat-folder.js';
import { EXIT } from '../failure.js';
import { reproduce, temporaryFolder, type Outcome } from '../test-helpers.js';

const at = temporaryFolder();
const plan = (out: string, folds = '0') =>
  reproduce('plan', 'table', '7', '--simulated', '--slides', '8', '--folds', folds, '--out', out);

beforeAll(async () => {
  expect((await plan(at('paper'))).code).toBe(0);
});

function write(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'mine');
}

function expectLeft(path: string, { code, err }: Outcome): void {
  expect(err).toMatch(/error: .*: this folder holds something else\. Choose another --/);
  expect(err).toContain(path);
  expect(code).toBe(EXIT.configuration);
  expect(readFileSync(path, 'utf8')).toBe('mine');
  expect(readdirSync(dirname(path)).filter((name) => name !== 'simulated')).toHaveLength(1);
}

test.each(['plan.json', 'jobs.jsonl', 'report.html', 'table-7.csv'])('plans leave the %s of others', async (name) => {
  const path = at(`plan-${name}`, name);
  write(path);
  expectLeft(path, await plan(dirname(path)));
  const simulated = ['--simulated', '--slides', '8', '--epochs', '1', '--folds', '0'];
  expectLeft(path, await reproduce('table', '7', ...simulated, '--out', dirname(path)));
});

test('a plan is replaced by a later one', async () => {
  const jobs = () => readFileSync(at('paper', 'jobs.jsonl'), 'utf8').trim().split('\n').length;
  const before = jobs();
  expect((await plan(at('paper'), '0,1')).code).toBe(0);
  expect(jobs()).toBe(2 * before);
});

test('a plan of another version is known as one', async () => {
  const jobs = readFileSync(at('paper', 'jobs.jsonl'), 'utf8').trim().split('\n');
  const older = jobs.map((line) => ({ ...(JSON.parse(line) as object), code: undefined, config: 7 }));
  write(at('older', 'report.html'));
  writeFileSync(at('older', 'jobs.jsonl'), older.map((job) => JSON.stringify(job)).join('\n'));
  expect((await plan(at('older'))).code).toBe(0);
});

test('jobs that were copied without their list are known, other folders of that name are not', async () => {
  mkdirSync(at('copied', 'jobs', '0123456789abcdef'), { recursive: true });
  write(at('copied', 'report.html'));
  expect((await plan(at('copied'))).code).toBe(0);
  const path = at('mine-too', 'jobs', 'backup', 'a.txt');
  write(path);
  const { code, err } = await plan(at('mine-too'));
  expect([code, err]).toEqual([
    EXIT.configuration,
    expect.stringMatching(/this folder holds something else/) as string,
  ]);
});

test.each([
  ['slurm', 'submit.sh'],
  ['slurm', 'array-0.txt'],
  ['kubernetes', 'level-0.yaml'],
  ['nextflow', 'nextflow.config'],
])('an export for %s leaves the %s of others, and replaces an earlier one', async (engine, name) => {
  const path = at(`export-${engine}-${name}`, name);
  write(path);
  const to = (folder: string) => reproduce('export', engine, '--out', at('paper'), '--to', folder);
  expectLeft(path, await to(dirname(path)));
  for (let i = 0; i < 2; i++) expect((await to(at(engine))).code).toBe(0);
});

test('heatmaps leave the slides of others', () => {
  write(at('mine', 'slides', 'a', 'slide_files', '0', '0_0.jpeg'));
  expect(() => HeatFolder.open(at('mine'))).toThrow(`${at('mine', 'slides')}: is of no heatmaps`);
  // What a kill has left is theirs.
  HeatFolder.open(at('new')).begin();
  mkdirSync(join(at('new'), 'slides'));
  expect(HeatFolder.open(at('new')).slide('a')).toBeUndefined();
});
