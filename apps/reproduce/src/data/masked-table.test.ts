import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { openBags, readFolds } from '@mhim/datasets';
import { writeSafetensors } from '@mhim/tensor';
import { expect, test } from 'vitest';
import { reproduce, temporaryFolder } from '../test-helpers.js';

const at = temporaryFolder();
const CASES = Array.from({ length: 6 }, (_, i) => `case-${i}`);

function table(name: string, { mask = [1, 1, 0, 0, 1, 0], cases = CASES.length } = {}): string {
  writeSafetensors(at(`${name}.safetensors`), [
    ['z', { dtype: 'F32', shape: [6, 3], data: Float32Array.from({ length: 18 }, (_, i) => i + 1) }],
    ['gene_mask', { dtype: 'F32', shape: [2, 3], data: Float32Array.from(mask) }],
    ['age', { dtype: 'F32', shape: [6], data: new Float32Array(6) }],
  ]);
  const rows = CASES.slice(0, cases).map((id, i) => `${id},${5 + i},${i === 1 ? 1 : 0}`);
  writeFileSync(at(`${name}_cases.csv`), ['case_id,survival_months,censorship', ...rows].join('\n'));
  const folds = [0, 1].map((fold) => ({
    train: CASES.filter((_, i) => i < 3 === (fold === 0)),
    test: CASES.filter((_, i) => i < 3 !== (fold === 0)),
  }));
  writeFileSync(at(`${name}_folds.json`), JSON.stringify({ unit: 'case', folds }));
  return at(`${name}.safetensors`);
}

test('a table of cases becomes bags of one instance a group, with outcomes and folds, and trains', async () => {
  const { code, out, err } = await reproduce('convert', table('rna'), at('bags'));
  expect(code, err).toBe(0);
  expect(out).toMatch(/6 bags written to .*, 2 folds to .*folds\.json/);
  const source = await openBags(at('bags'));
  expect(source.bags[1]).toMatchObject({ id: 'case-1', time: 6, event: 0, instances: 2 });
  const { features } = await source.read(1);
  // Values 4, 5, 6; the first group is columns 0 and 1, the second column 1.
  expect([...features]).toEqual([4, 5, 0, 0, 5, 0].map((value, i) => Math.fround(i < 3 ? value / Math.SQRT2 : value)));
  expect((await readFolds(at('bags', 'folds.json'), source)).map(({ test: held }) => held)).toEqual([
    [3, 4, 5],
    [0, 1, 2],
  ]);
  await source.close();
  const trained = await reproduce(
    ...['train', '--task', 'survival', '--data', at('bags'), '--folds', at('bags', 'folds.json'), '--epochs', '1'],
    ...['--model', 'mean-pooling', '--bins', '2', '--no-standardise', '--out', at('run')],
  );
  expect(trained.code, trained.err).toBe(0);
  expect(trained.out).toContain('C-index');
});

test('folds and tables of others stay where a table is converted to', async () => {
  const from = table('dna');
  for (let i = 0; i < 2; i++) expect((await reproduce('convert', from, at('twice'))).code).toBe(0);
  for (const [name, text] of [
    ['folds.json', '{"folds": []}'],
    ['bags.csv', 'bag_id,label\n'],
  ] as const) {
    mkdirSync(at(`with-${name}`));
    writeFileSync(at(`with-${name}`, name), text);
    const { code, err } = await reproduce('convert', from, at(`with-${name}`));
    expect(err).toContain(`${at(`with-${name}`, name)}: is there already, with something else in it.`);
    expect(code).toBe(2);
    expect(readdirSync(at(`with-${name}`))).toEqual([name]);
    expect(readFileSync(at(`with-${name}`, name), 'utf8')).toBe(text);
  }
});

test('says what is wrong with a table', async () => {
  expect(await reproduce('convert', table('empty', { mask: [1, 1, 0, 0, 0, 0] }), at('no'))).toMatchObject({
    ...{ code: 65, err: expect.stringMatching(/empty\.safetensors: row 1 of the mask names no columns/) as string },
  });
  expect(await reproduce('convert', table('short', { cases: 5 }), at('no'))).toMatchObject({
    ...{ code: 65, err: expect.stringMatching(/short_cases\.csv: has 5 rows, but .* has 6 cases/) as string },
  });
});
