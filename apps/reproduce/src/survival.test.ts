import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { openBags } from '@mhim/datasets';
import { beforeAll, describe, expect, test } from 'vitest';
import { reproduce, temporaryFolder } from './test-helpers.js';

const at = temporaryFolder();
const SLIDES = 30;
const read = (...parts: string[]) => readFileSync(at(...parts), 'utf8');
const json = (...parts: string[]) => JSON.parse(read(...parts)) as Record<string, unknown>;
const table = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => line.split(','));
const trainArgs = (...more: string[]) => [
  ...['train', '--data', at('slides'), '--labels', at('outcomes.csv'), '--task', 'survival', '--model', 'ab-mil'],
  ...['--k', '2', '--epochs', '2', '--bins', '3', ...more],
];

beforeAll(async () => {
  await reproduce(
    ...['simulate', '--slides', String(SLIDES), '--instances', '4-9', '--width', '8', '--seed', '5'],
    ...['--difficulty', 'easy', '--out', at('slides')],
  );
  const source = await openBags(at('slides'));
  // Positive slides die early; MCAT's columns, censorship 1 = alive when last seen.
  const rows = source.bags.map(({ id, label }, i) => [id, id, (label ? 5 : 30) + 1.5 * i, i % 5 === 3 ? 1 : 0]);
  await source.close();
  writeFileSync(at('outcomes.csv'), ['slide_id,case_id,survival_months,censorship', ...rows].join('\n'));
});

describe('survival', () => {
  test('train: results are C-indices, predictions risks and survival', async () => {
    const { code, out, err } = await reproduce(...trainArgs('--out', at('run')));
    expect(code, err).toBe(0);
    expect(err).toMatch(/fold 2\/2 paper ab-mil: C-index \d\.\d{3}, best epoch/);
    expect(out).toMatch(/model +protocol +C-index +C-index, last epoch/);
    const results = json('run', 'results.json');
    const [fold] = results.folds as Record<string, unknown>[];
    expect(fold).toMatchObject({
      cIndex: expect.any(Number),
      last: { cIndex: expect.any(Number) },
      epochs: 2,
    } as object);
    expect(fold).not.toHaveProperty('auc');
    expect(results.summary).toMatchObject({ cIndex: { mean: expect.any(Number), std: expect.any(Number) } as object });
    expect(results.definitions).toHaveProperty('cIndex');
    expect(json('run', 'config.json')).toMatchObject({ task: 'survival', bins: 3, binsFrom: 'train', unit: 'case' });

    const [header, ...rows] = table(read('run', 'predictions.csv'));
    expect(header?.slice(0, 8)).toEqual([
      'bag_id',
      'time',
      'event',
      'risk',
      'survival_0',
      'survival_1',
      'survival_2',
      'fold',
    ]);
    expect(rows).toHaveLength(SLIDES);
    for (const row of rows) {
      const [risk, ...survival] = row.slice(3, 7).map(Number) as [number, ...number[]];
      expect(risk).toBeCloseTo(-survival.reduce((a, b) => a + b, 0), 12);
    }
    expect(read('run', 'report.html')).toContain('C-index');
    expect((await reproduce(...trainArgs('--out', at('run')))).out).toContain('is done already');
  });

  test('a part that cannot be judged is said before training', async () => {
    const [, ...rows] = table(read('outcomes.csv')).map(([id, , time, censored]) => ({
      id,
      time: Number(time),
      censored,
    }));
    const sorted = rows.sort((a, b) => a.time - b.time);
    // The last death and who was censored before it.
    const [late] = sorted.filter(({ censored }) => censored === '0').slice(-1);
    const early = sorted.filter(({ censored, time }) => censored === '1' && time < (late?.time ?? 0)).slice(0, 2);
    const test = [late, ...early].map((row) => row?.id);
    const train = rows.map(({ id }) => id).filter((id) => !test.includes(id));
    writeFileSync(at('folds.json'), JSON.stringify({ folds: [{ train, test }] }));
    const args = trainArgs('--out', at('unjudged')).filter((arg, i, all) => arg !== '--k' && all[i - 1] !== '--k');
    const { code, err } = await reproduce(...args, '--folds', at('folds.json'));
    expect(err).toContain(`error: ${at('folds.json')}: fold 0: test has no comparable pair`);
    expect(code).toBe(65);
    expect(existsSync(at('unjudged'))).toBe(false);
  });

  test('bins of the training fold, or of the cohort as the official code', async () => {
    const run = trainArgs('--bins-from', 'cohort', '--protocol', 'honest', '--out', at('cohort'));
    const { code, err } = await reproduce(...run);
    expect(code, err).toBe(0);
    const edges = (name: string, fold: number, protocol: string) =>
      json(name, `fold-${fold}`, protocol, 'ab-mil', 'config.json').timeEdges as number[];
    expect(edges('cohort', 0, 'honest')).toEqual(edges('cohort', 1, 'honest'));
    expect(edges('run', 0, 'paper')).not.toEqual(edges('run', 1, 'paper'));
    expect(edges('run', 0, 'paper')).toHaveLength(4);
  });

  test('MHIM-v2 starts from its baseline as with classes', async () => {
    const { code, err } = await reproduce(...trainArgs('--model', 'mhim-v2', '--only-fold', '0', '--out', at('mhim')));
    expect(code, err).toBe(0);
    const [fold] = json('mhim', 'results.json').folds as Record<string, unknown>[];
    expect(fold).toMatchObject({ cIndex: expect.any(Number), baseline: { cIndex: expect.any(Number) } } as object);
  });

  test('evaluate gives the figures of the results, predict risks of bags without outcomes', async () => {
    const evaluated = await reproduce('evaluate', '--run', at('run'), '--json', at('figures.json'));
    expect(evaluated.code, evaluated.err).toBe(0);
    expect(evaluated.out).toMatch(/model +bags +C-index/);
    const folds = json('run', 'results.json').folds as { cIndex: number }[];
    const rows = json('figures.json').rows as { cIndex: number }[];
    expect(rows.map(({ cIndex }) => cIndex)).toEqual(folds.map(({ cIndex }) => cIndex));

    const predicted = await reproduce('predict', '--run', at('run'), '--data', at('slides'));
    const [header, ...bags] = table(predicted.out);
    expect(header).toEqual(['bag_id', 'risk', 'survival_0', 'survival_1', 'survival_2']);
    expect(bags).toHaveLength(SLIDES);
  });

  test('says what is missing', async () => {
    const without = await reproduce(
      'train',
      '--data',
      at('slides'),
      '--task',
      'survival',
      '--model',
      'ab-mil',
      '--out',
      at('x'),
    );
    expect(without.code).toBe(65);
    expect(without.err).toContain('30 bags have no survival time and event');
    const bins = ['train', '--data', at('slides'), '--bins', '4', '--model', 'ab-mil', '--out', at('x')];
    expect((await reproduce(...bins)).err).toContain('bins: is an option of survival');
    writeFileSync(at('censored.csv'), read('outcomes.csv').replace(/,0$/gm, ',1'));
    const censored = await reproduce(...trainArgs('--labels', at('censored.csv'), '--out', at('x')));
    expect(censored.err).toContain('all 30 bags are censored');
  });
});
