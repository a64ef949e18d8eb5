import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { seededRandom } from '@mhim/metrics';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AnyPredictions } from '../../run/results.js';
import { temporaryFolder } from '../../test-helpers.js';
import { experimentNamed } from '../catalogue.js';
import type { GridExperiment } from '../experiment.js';
import type { Job } from '../graph/job.js';
import { JobStore } from '../graph/job-store.js';
import { planExperiments } from '../graph/plan.js';
import { knownStepTimes } from '../graph/step-times.js';
import { writeResults } from './write-results.js';

const at = temporaryFolder();

/** How well models rank: MHIM-v2 above all, of the others R2T-MIL. */
const SKILL: Readonly<Record<string, number>> = { 'mhim-v2': 4, 'r2t-mil': 2, mhim: 1.5 };

/** Made-up predictions of every job of a table, as if it had been trained; the cases of a fold are the same for all models. */
async function made(numbers: readonly string[], only: readonly string[] = []): Promise<{ out: string; text: string }> {
  const definitions = numbers.map((number) => experimentNamed('table', number) as GridExperiment);
  const times = knownStepTimes();
  const plan = await planExperiments({
    ...{ experiments: definitions, places: {}, seeds: [2021], folds: [0], only, times, assumeMissing: true },
    log: () => {},
  });
  const out = at(`tables-${numbers.join('-')}`);
  const store = new JobStore(out);
  plan.jobs.forEach((job, index) => finish(store, job, index));
  return { out, text: await writeResults({ ...plan, definitions }, store) };
}

function finish(store: JobStore, { id, fold, config }: Job, index: number): void {
  const random = seededRandom(index);
  const skill = SKILL[config.model] ?? 1;
  const ids = Array.from({ length: 24 }, (_, i) => `${fold}-${i}`);
  const scores = ids.map((_, i) => skill * (i % 2) + 3 * random());
  const test: AnyPredictions =
    config.task === 'survival'
      ? {
          ids,
          times: ids.map((_, i) => 24 - i + 30 * ((i + 1) % 2)),
          events: ids.map(() => 1),
          risks: scores,
          survival: [],
        }
      : { ids, labels: ids.map((_, i) => i % 2), probabilities: scores.map((score) => [1 - score / 9, score / 9]) };
  const both = { select: test, test };
  const folder = store.folder(id);
  folder.writeJson(
    { epochs: 1, bestEpoch: 0, history: [], best: both, last: both },
    `fold-${fold}`,
    'paper',
    config.model,
    'result.json',
  );
  folder.writeJson(
    {
      startedAt: '2026-11-28T00:00:00Z',
      backend: { name: 'js', summary: 'Backend: none.' },
      versions: {},
      commandLine: [],
    },
    'environment.json',
  );
  const figures = { fold, auc: 0.5, cIndex: 0.5, accuracy: 0.5, f1: 0.5, f1Macro: 0.5 };
  store.finish({
    ...{ format: 'mhim-job-result', version: 1, id, fold, seed: 2021, simulated: false },
    result: figures as unknown as NonNullable<ReturnType<JobStore['result']>>['result'],
  });
}

const section = (out: string, name = 'report') =>
  /<section id="significance">.*?<\/section>/s
    .exec(readFileSync(`${out}/${name}.html`, 'utf8'))?.[0]
    .replace(/\s+/g, ' ') ?? '';
const shownIn = (text: string) =>
  [...text.matchAll(/<th scope="row"> (.*?) <span class="relation">(.*?)<\/span>/g)].map(
    ([, pair, why]) => `${pair}: ${why}`,
  );
const rowsOf = (out: string, id: string) =>
  parse(readFileSync(`${out}/${id}-tests.csv`, 'utf8'), { columns: true }) as Record<string, string>[];

describe('table 4, survival', () => {
  let [out, text] = ['', ''];
  beforeAll(async () => ({ out, text } = await made(['4'])), 120_000);

  test('has MHIM-v2 over each base in every column, against its baseline and the best other model', () => {
    const page = section(out);
    const columns = page.split('<h3>').slice(1);
    expect(columns.map((part) => part.split('<')[0])).toEqual(
      ['ResNet-50', 'UNI'].flatMap((features) => ['BLCA', 'LUAD', 'LUSC'].map((set) => `${features} ${set}`)),
    );
    for (const column of columns) {
      const pairs = shownIn(column);
      for (const [short, base] of [
        ['AB.', 'AB-MIL'],
        ['Tr.', 'TransMIL'],
        ['DS.', 'DSMIL'],
      ] as const) {
        expect(pairs).toContain(`MHIM-v2(${short}) − ${base}: its baseline`);
        expect(pairs).toContain(`MHIM(${short}) − ${base}: its baseline`);
        expect(
          pairs.filter((pair) => pair.startsWith(`MHIM-v2(${short})`) && pair.endsWith('the best other model')),
        ).toHaveLength(1);
      }
      expect(pairs).toHaveLength(9);
    }
    expect(page).toContain('(54 here)');
    expect(page).toContain('Test: paired bootstrap');
    expect(page).toContain('table-4-tests.csv');
  });

  test('has all pairs in a file', () => {
    const rows = rowsOf(out, 'table-4');
    // 14 models in each of 6 columns.
    expect(rows).toHaveLength((6 * 14 * 13) / 2);
    expect(rows.filter(({ asked }) => asked !== '')).toHaveLength(54);
    expect(rows.find(({ model_a: a, model_b: b }) => a === 'AB-MIL' && b === 'CLAM')).toMatchObject({
      ...{ experiment: 'table-4', column: 'ResNet-50 BLCA', data_set: 'tcga-blca', extractor: 'resnet-50', asked: '' },
      ...{ metric: 'C-index, mean of the folds', cases: '24', protocol: 'paper', simulated: '0' },
    });
    for (const row of rows) expect(Number(row.p)).toBeGreaterThan(0);
  });

  test('says in a line how MHIM-v2 did', () => {
    expect(text).toMatch(
      /MHIM-v2 against its baseline: higher in \d+ of 18 \(p < 0\.05 in \d+\), lower in \d+ \(\d+\); against the best other model: higher in \d+ of 18 .*table-4-tests\.csv/,
    );
  });
});

describe('tables of classes', () => {
  test('the best other model is the best by the tested figure; DeLong’s test is in the file', async () => {
    const { out } = await made(['2'], ['PLIP']);
    const best = shownIn(section(out)).filter((pair) => pair.endsWith('the best other model'));
    expect(best).toHaveLength(6);
    for (const row of rowsOf(out, 'table-2').filter(({ asked }) => asked?.includes('best'))) {
      const rivals = rowsOf(out, 'table-2').filter(
        (other) => other.column === row.column && other.metric === row.metric && other.model_b === row.model_a,
      );
      if (row.metric !== 'AUC, mean of the folds') continue;
      for (const { model_a: a, difference_b_minus_a: ahead } of rivals)
        if (!a?.startsWith('MHIM-v2')) expect(Number(ahead), `${a} ${row.model_a}`).toBeGreaterThanOrEqual(0);
    }
    const tests = new Set(rowsOf(out, 'table-2').map((row) => row.test?.split(',')[0]));
    expect([...tests]).toEqual(['paired bootstrap of the test cases', 'DeLong']);
  }, 120_000);

  test('ablations: each row against the default, rows of one label by their base; a page of several has MHIM-v2 only', async () => {
    const { out, text } = await made(['9', '12'], ['CAMELYON']);
    const pairs = shownIn(section(out, 'table-12'));
    expect(pairs).toHaveLength(2 * 6);
    for (const base of ['AB-MIL', 'TransMIL'])
      for (const row of ['w/o Decay', 'w/o RHSM'])
        expect(pairs).toContain(`${row} (${base}) − MHIM-v2(${base === 'AB-MIL' ? 'AB.' : 'Tr.'}): the default`);
    const mining = shownIn(section(out, 'table-9'));
    expect(mining).toContain('+RSM (TransMIL) − +RSM+GRN (TransMIL): the default');
    expect(mining).toContain('+RSM+GRN (AB-MIL) − ABMIL: its baseline');
    expect(new Set(shownIn(section(out)).map((pair) => pair.split(': ')[1]))).toEqual(new Set(['its baseline']));
    expect(text).toMatch(/MHIM-v2 against its baseline: higher in \d of 4/);
  }, 120_000);
});
