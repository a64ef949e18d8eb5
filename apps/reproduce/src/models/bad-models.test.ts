import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertBags } from '@mhim/datasets';
import { readSafetensors, writeSafetensors, type HostTensor } from '@mhim/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { EXIT } from '../failure.js';
import { reproduce, temporaryFolder, tinySlides } from '../test-helpers.js';

const at = temporaryFolder();
const slides = tinySlides();
const stage = () => at('run', 'fold-0', 'paper', 'ab-mil');

beforeAll(async () => {
  await convertBags(slides, at('bags'), 'npy');
  const args = ['--data', at('bags'), '--model', 'ab-mil', '--k', '2', '--epochs', '1', '--out', at('run')];
  expect((await reproduce('train', ...args)).code).toBe(0);
});

function table(name: string, labelOf: (i: number) => number): string {
  const rows = slides.bags.map(({ id }, i) => `${id},${labelOf(i)}`);
  writeFileSync(at(name), ['slide_id,label', ...rows, ''].join('\n'));
  return at(name);
}

describe('labels that a model cannot be judged by', () => {
  test('a class that it does not know: table, bag and model are named', async () => {
    const labels = table('three.csv', (i) => (i === 5 ? 2 : i % 2));
    const { code, err } = await reproduce('evaluate', '--run', at('run'), '--data', at('bags'), '--labels', labels);
    const model = join(stage(), 'best.safetensors');
    expect(err).toContain(
      `error: ${labels}: bag "${slides.bags[5]?.id}" is of class 2, but ${model} knows the classes 0 to 1 only.`,
    );
    expect(code).toBe(EXIT.data);
  });

  test('one class: what is undefined is so with its reason, in the file and below the table', async () => {
    const labels = table('one.csv', () => 1);
    const json = at('figures.json');
    const args = ['evaluate', '--run', at('run'), '--data', at('bags'), '--labels', labels, '--json', json];
    const { code, out } = await reproduce(...args);
    expect(code).toBe(0);
    expect(out).toMatch(/^fold 0 +8 +– +\d/m);
    expect(out.trimEnd().split('\n').at(-1)).toBe('– AUC undefined: none of the 8 labels is 0.');
    const { rows } = JSON.parse(readFileSync(json, 'utf8')) as { rows: object[] };
    expect(rows).toHaveLength(3);
    for (const row of rows) expect(row).toMatchObject({ auc: null, reasons: { auc: 'none of the 8 labels is 0' } });
  });

  test('of both classes need no footnote', async () => {
    const { out } = await reproduce('evaluate', '--run', at('run'));
    expect(out).not.toContain('–');
  });
});

/** A copy of the model with other values or another standardiser. */
async function changed(
  name: string,
  change: { standardiser?: (of: { mean: unknown; std: unknown }) => unknown; value?: number },
): Promise<string> {
  const { tensors, metadata } = await readSafetensors(join(stage(), 'best.safetensors'));
  mkdirSync(at(name));
  copyFileSync(join(stage(), 'config.json'), at(name, 'config.json'));
  const stored = JSON.parse(metadata.standardiser as string) as { mean: unknown; std: unknown };
  const standardiser = JSON.stringify(change.standardiser?.(stored) ?? stored);
  const [first] = [...tensors.values()] as [HostTensor];
  if (change.value !== undefined) first.data[1] = change.value;
  writeSafetensors(at(name, 'best.safetensors'), [...tensors], { ...metadata, standardiser });
  return at(name, 'best.safetensors');
}

describe('a model file', () => {
  const ones = (n: number) => Array.from({ length: n }, () => 1);
  test.each<[string, (of: { mean: unknown; std: unknown }) => unknown, string]>([
    ['no object', () => 7, 'has no mean'],
    ['without std', ({ mean }) => ({ mean }), 'has no std'],
    ['of another width', (of) => ({ ...of, std: ones(7) }), 'has 7 values of std, the model takes 8 features'],
    ['with std 0', (of) => ({ ...of, std: [...ones(7), 0] }), 'has the std 0 of feature 7, expected a number above 0'],
    ['with a mean that is none', (of) => ({ ...of, mean: [1, NaN, ...ones(6)] }), 'has the mean null of feature 1'],
  ])('with a standardiser %s is named', async (name, standardiser, message) => {
    const path = await changed(name, { standardiser });
    const { code, err } = await reproduce('predict', '--checkpoint', path, '--data', at('bags'));
    expect(err).toContain(`error: ${path}: its standardiser ${message}`);
    expect(err).toContain('Train again, or convert the file again.');
    expect(code).toBe(EXIT.data);
  });

  test.each([NaN, -Infinity])('with weights that are %d is named', async (value) => {
    const path = await changed(`weight-${Number.isNaN(value)}`, { value });
    for (const command of ['predict', 'evaluate']) {
      const { code, err } = await reproduce(command, '--checkpoint', path, '--data', at('bags'));
      expect(err).toMatch(/1 of \d+ values of ".+" are not finite\. Its training diverged, or the file is damaged/);
      expect(err).toContain(`error: ${path}: `);
      expect(code).toBe(EXIT.data);
    }
    const { code, out } = await reproduce('checkpoint', path);
    expect(code).toBe(0);
    expect(out).toMatch(/1 of \d+ not finite/);
    expect(out).not.toContain('NaN');
  });

  test('is listed without NaN where tensors hold no number', async () => {
    const tensor = (shape: number[], value: number): HostTensor => {
      const size = shape.reduce((a, b) => a * b, 1);
      return { dtype: 'F32', shape, data: new Float32Array(size).fill(value) };
    };
    writeSafetensors(at('odd.safetensors'), [
      ['empty', tensor([0, 3], 0)],
      ['nan', tensor([2, 3], NaN)],
      ['whole', tensor([2], 1)],
    ]);
    const { code, out } = await reproduce('checkpoint', at('odd.safetensors'));
    expect(code).toBe(0);
    expect(out).toMatch(/^empty +F32 +\[0, 3\] +– +– +– +empty$/m);
    expect(out).toMatch(/^nan +F32 +\[2, 3\] +– +– +– +6 of 6 not finite$/m);
    expect(out).toMatch(/^whole +F32 +\[2\] +1\.000 +1\.000 +1\.000$/m);
    const json = await reproduce('checkpoint', at('odd.safetensors'), '--json');
    const { tensors } = JSON.parse(json.out) as { tensors: object[] };
    expect(tensors[1]).toMatchObject({ name: 'nan', min: null, mean: null, nonFinite: 6 });
  });
});
