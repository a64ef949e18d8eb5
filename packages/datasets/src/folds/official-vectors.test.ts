import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fitTimeBins, timeBinOf } from '@mhim/survival-losses';
import { describe, expect, it } from 'vitest';
import type { LabelRow } from '../label-row.js';
import { readLabels } from '../labels.js';
import type { Fold } from './fold.js';
import { headFolds, rrtSurvivalFolds, v1Folds } from './official-folds.js';

const shared = join(import.meta.dirname, '../../../../../shared/data/labels');
const rowsOf = async (file: string) => (await readLabels(`${shared}/${file}`)).rows;
const classesOf = (rows: readonly LabelRow[]) => rows.map(({ label }) => label as number);
const firstIds = (rows: readonly LabelRow[], fold?: Fold) => fold?.test.slice(0, 3).map((row) => rows[row]?.id);

/** What the official code gives on the paper's lists. */
describe.runIf(existsSync(shared))('folds of the official code', () => {
  it.each([
    ['blca', ['TCGA-DK-A1A6', 'TCGA-K4-A3WU', 'TCGA-CF-A3MF'], 76, 33, [8.05, 13.7667, 22.3167], [62, 73, 99, 142]],
    ['luad', ['TCGA-55-6543', 'TCGA-55-7816', 'TCGA-49-4507'], 91, 31, [10.7, 20.9333, 36.6], [70, 137, 127, 121]],
    [
      'lusc',
      ['TCGA-63-A5MG', 'TCGA-77-8007', 'TCGA-46-6026'],
      91,
      38,
      [10.79167, 20.91667, 38.64167],
      [97, 104, 118, 133],
    ],
  ])('HEAD, survival of %s', async (name, ids, size, events, edges, counts) => {
    const rows = await rowsOf(`tcga_${name}_survival_cases.csv`);
    const found = fitTimeBins(
      rows.map(({ time }) => time as number),
      rows.map(({ event }) => event as number),
    );
    const bins = rows.map(({ time }) => timeBinOf(found, time as number));
    found.slice(1, 4).forEach((edge, i) => expect(edge).toBeCloseTo(edges[i] as number, 4));
    expect(counts.map((_, bin) => bins.filter((of) => of === bin).length)).toEqual(counts);
    const [fold] = headFolds(bins);
    expect(firstIds(rows, fold)).toEqual(ids);
    expect(fold?.test.length).toBe(size);
    expect(fold?.test.filter((row) => rows[row]?.event === 1).length).toBe(events);
  });

  it('HEAD, NSCLC, whose first patient it loses', async () => {
    const rows = await rowsOf('tcga_nsclc_cases.csv');
    const folds = headFolds(classesOf(rows), { loseFirstRow: true });
    expect(firstIds(rows, folds[0])).toEqual(['TCGA-85-8582', 'TCGA-39-5019', 'TCGA-60-2724']);
    expect(folds[0]?.test.filter((row) => rows[row]?.label === 1).length).toBe(96);
    expect(folds[0]?.test.length).toBe(191);
    expect(folds.flatMap(({ test }) => test)).not.toContain(0);
    expect(folds.flatMap(({ test }) => test).length).toBe(955);
  });

  it.each([
    ['tcga_brca_cases.csv', 5, [867, 930, 665], ['TCGA-AC-A3BB', 'TCGA-AR-A24T', 'TCGA-AN-A0FD'], 196],
    ['tcga_nsclc_cases.csv', 5, [79, 145, 185], ['TCGA-97-A4M3', 'TCGA-86-8056', 'TCGA-55-7576'], 192],
    ['camelyon16_mhim_official.csv', 3, [120, 307, 312], ['normal_070', 'test_038', 'test_043'], 133],
  ])('v1, %s', async (file, folds, indices, ids, size) => {
    const rows = await rowsOf(file);
    const [fold] = v1Folds(classesOf(rows), { folds });
    expect(fold?.test.slice(0, 3)).toEqual(indices);
    expect(firstIds(rows, fold)).toEqual(ids);
    expect(fold?.test.length).toBe(size);
  });

  it('RRT, survival of BLCA', async () => {
    const rows = await rowsOf('tcga_blca_survival_cases.csv');
    const [fold] = rrtSurvivalFolds(rows.length);
    expect(fold?.test.slice(0, 6)).toEqual([68, 291, 32, 130, 60, 253]);
    expect(fold?.test.length).toBe(75);
  });
});
