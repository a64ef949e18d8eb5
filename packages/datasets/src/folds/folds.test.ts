import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BagInfo } from '../bag.js';
import { readLabels } from '../labels.js';
import { checkFolds } from './check-folds.js';
import type { Fold } from './fold.js';
import { foldsOverBags, patientFolds, withValidation } from './patient-folds.js';
import { readFolds } from './read-folds.js';
import { stratifiedKFold } from './stratified-k-fold.js';
import { writeFolds } from './write-folds.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mhim-folds-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** 60 slides of 25 patients, patients of one to four slides. */
const slides: BagInfo[] = Array.from({ length: 60 }, (_, i) => {
  const patient = Math.floor(i ** 1.5 / 18.7) % 25;
  return { id: `s${i}`, caseId: `p${patient}`, label: patient % 3 === 0 ? 1 : 0 };
});
const caseOf = (index: number) => slides[index]?.caseId;

describe('patientFolds', () => {
  it('never tears a patient apart, tests every slide once, and keeps the class shares', () => {
    const folds = patientFolds(slides, { folds: 4, seed: 1, validationRatio: 0.2 });
    checkFolds(folds, slides);
    expect(folds.flatMap(({ test }) => test).sort((a, b) => a - b)).toEqual(slides.map((_, i) => i));
    for (const { train, validation, test } of folds) {
      expect(train.length + (validation?.length ?? 0) + test.length).toBe(60);
      const positive = new Set(test.filter((i) => slides[i]?.label === 1).map(caseOf)).size;
      expect([2, 3]).toContain(positive);
    }
    expect(folds).toEqual(patientFolds(slides, { folds: 4, seed: 1, validationRatio: 0.2 }));
    expect(folds).not.toEqual(patientFolds(slides, { folds: 4, seed: 2, validationRatio: 0.2 }));
  });

  it('takes any seed: the folds of the largest one go on from 0', () => {
    const options = { folds: 3, seed: 0xffffffff, validationRatio: 0.2 };
    const folds = patientFolds(slides, options);
    checkFolds(folds, slides);
    const plain = patientFolds(slides, { ...options, validationRatio: 0 });
    expect(withValidation(plain, slides, { ratio: 0.2, seed: 0xffffffff })).toEqual(folds);
  });

  it('is the shuffled stratified k-fold where a case is a bag', () => {
    const bags = Array.from({ length: 30 }, (_, i) => ({ id: `b${i}`, label: Number(i % 3 === 0) }));
    const expected = stratifiedKFold(
      bags.map(({ label }) => label),
      { folds: 5, seed: 2021 },
    );
    const folds = patientFolds(bags, { seed: 2021 });
    folds.forEach(({ test }, fold) => expect(test).toEqual(bags.flatMap((_, i) => (expected[i] === fold ? [i] : []))));
  });

  it('balances events for survival', () => {
    const bags = Array.from({ length: 50 }, (_, i) => ({
      id: `b${i}`,
      time: (i * 37) % 101,
      event: Number(i % 5 === 0) as 0 | 1,
    }));
    const folds = patientFolds(bags, { seed: 3, validationRatio: 0.25 });
    checkFolds(folds, bags);
    for (const { test } of folds) expect([1, 2, 3]).toContain(test.filter((i) => bags[i]?.event === 1).length);
  });

  it('adds a validation part to folds that have none, whole cases only', () => {
    const [plain] = patientFolds(slides, { folds: 4, seed: 1 });
    const [fold] = withValidation([plain as Fold], slides, { ratio: 0.2, seed: 5 });
    checkFolds([fold as Fold], slides);
    expect(fold?.test).toEqual(plain?.test);
    expect([...(fold?.train ?? []), ...(fold?.validation ?? [])].sort((a, b) => a - b)).toEqual(plain?.train);
  });

  it('says what is missing', () => {
    const few = slides.filter(({ label }, i) => label === 0 || i < 3);
    expect(() => patientFolds(few, { seed: 1 })).toThrow(
      /class 1 has 1 case, 5 folds need 5 at least\. Use fewer folds/,
    );
    expect(() => patientFolds([{ id: 'a' }, { id: 'b', label: 1 }], { seed: 1 })).toThrow(/1 cases have no label/);
    expect(() => patientFolds([], { seed: 1 })).toThrow(/no bags/);
  });
});

describe('checkFolds', () => {
  const fold: Fold = { fold: 0, train: [0, 1], test: [2, 3] };

  it('wants classes numbered from 0, unless they may be missing', () => {
    const bags = [1, 2, 1, 2].map((label, i) => ({ id: `b${i}`, label }));
    const message = 'labels.csv: the classes are 1, 2. Number them 0, 1, or give them names.';
    expect(() => checkFolds([fold], bags, { path: 'labels.csv' })).toThrow(message);
    checkFolds([fold], bags, { allow: ['missing-class'] });
    checkFolds(
      [fold],
      bags.map((bag) => ({ ...bag, label: 1 })),
    );
  });

  /** Time and event of two cases. */
  it.each<[string, [number, 0 | 1][], boolean]>([
    [
      'an event before a censored time',
      [
        [1, 1],
        [2, 0],
      ],
      true,
    ],
    [
      'two events',
      [
        [2, 1],
        [1, 1],
      ],
      true,
    ],
    [
      'an event and a censored case at its time',
      [
        [2, 1],
        [2, 0],
      ],
      true,
    ],
    [
      'an event after a censored time',
      [
        [2, 1],
        [1, 0],
      ],
      false,
    ],
    [
      'two events at one time',
      [
        [2, 1],
        [2, 1],
      ],
      false,
    ],
    ['one event alone', [[2, 1]], false],
  ])('wants a comparable pair where survival is judged: %s', (_, outcomes, comparable) => {
    const judged = outcomes.map(([time, event], i): BagInfo => ({ id: `b${i}`, time, event }));
    const pair: BagInfo[] = [
      { id: 'x', time: 1, event: 1 },
      { id: 'y', time: 2, event: 0 },
    ];
    const bags = [...judged, ...pair];
    const [places, others] = [judged.map((_case, i) => i), pair.map((_case, i) => judged.length + i)];
    // Training bags are not judged.
    checkFolds([{ fold: 0, train: places, test: others }], bags);
    for (const part of ['test', 'validation'] as const) {
      const more: BagInfo = { id: 'z', time: 3, event: 1 };
      const parts = { test: others, [part]: places };
      const split: Fold = { fold: 7, train: [bags.length], ...parts };
      const check = () => checkFolds([split], [...bags, more], { path: 'folds.json' });
      if (comparable) check();
      else expect(check).toThrow(`folds.json: fold 7: ${part} has no comparable pair`);
    }
  });
});

it('foldsOverBags takes all slides of a case along', () => {
  const folds = foldsOverBags([{ fold: 0, train: [1], test: [0] }], ['p0', 'p1'], slides);
  expect(new Set(folds[0]?.train.map(caseOf))).toEqual(new Set(['p1']));
  expect(folds[0]?.train.length).toBe(slides.filter(({ caseId }) => caseId === 'p1').length);
});

describe('readFolds', () => {
  const write = async (name: string, content: unknown) => {
    const path = join(folder, name);
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  const bags: BagInfo[] = [
    { id: 'a1', caseId: 'a', label: 0 },
    { id: 'a2', caseId: 'a', label: 0 },
    { id: 'b', label: 1 },
    { id: 'c', label: 0 },
    { id: 'd', label: 1 },
  ];
  const source = { bags };

  it('reads what writeFolds wrote, and notices a change', async () => {
    const path = join(folder, 'ours.json');
    const folds: Fold[] = [{ fold: 0, train: [0, 1, 2], validation: undefined, test: [3, 4] }];
    await writeFolds(path, folds, source, { kind: 'by hand', seed: 7 });
    expect(await readFolds(path, source)).toEqual([{ fold: 0, train: [0, 1, 2], test: [3, 4] }]);
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
    const changed = await write('changed.json', (await readFile(path, 'utf8')).replace('"b"', '"d"'));
    await expect(readFolds(changed, source)).rejects.toThrow(/changed\.json: the folds do not fit their checksum/);
  });

  it('takes cases for all their bags', async () => {
    const path = await write('cases.json', { unit: 'case', folds: [{ train: ['a', 'b'], test: ['c', 'd'] }] });
    expect((await readFolds(path, source))[0]?.train).toEqual([0, 1, 2]);
  });

  it("reads CLAM's folder and the official one", async () => {
    const clam = await mkdtemp(join(folder, 'clam-'));
    await writeFile(join(clam, 'splits_0.csv'), ',train,val,test\n0,a1,,c\n1,b,,d\n2,a2,,\n');
    await writeFile(join(clam, 'splits_0_bool.csv'), ',train,val,test\na1,True,False,False\n');
    expect(await readFolds(clam, source)).toEqual([{ fold: 0, train: [0, 2, 1], test: [3, 4] }]);
    const head = await mkdtemp(join(folder, 'head-'));
    await writeFile(join(head, 'fold_0.csv'), 'ID,Label,Split\na1,0,train\nb,1,Train\nc,0,test\nd,1,test\n');
    expect(await readFolds(head, source)).toEqual([{ fold: 0, train: [0, 2], test: [3, 4] }]);
  });

  it.each(['valid', 'VAL', 'Validation', 'dev'])(
    'takes %s for validation, and says what it does not know',
    async (name) => {
      const split = await mkdtemp(join(folder, 'split-'));
      const rows = (of: string) => `ID,Label,Split\na1,0,training\na2,0,TRAIN\nb,1,Train\nc,0,${of}\nd,1,testing\n`;
      const allow = { allow: ['missing-class' as const] };
      await writeFile(join(split, 'fold_0.csv'), rows(name));
      const expected = [{ fold: 0, train: [0, 1, 2], validation: [3], test: [4] }];
      expect(await readFolds(split, source, allow)).toEqual(expected);
      await writeFile(join(split, 'fold_0.csv'), rows('held-out'));
      await expect(readFolds(split, source, allow)).rejects.toThrow(
        /fold_0\.csv: line 5: "c" has the split "held-out", which is none of train, .*dev/,
      );
      await writeFile(join(split, 'fold_0.csv'), rows(''));
      await expect(readFolds(split, source, allow)).rejects.toThrow(/line 5: "c" has the split ""/);
      const clam = await mkdtemp(join(folder, 'clam-'));
      const columns = (of: string) => `,train,${of},test\n0,a1,c,d\n1,a2,,\n2,b,,\n`;
      await writeFile(join(clam, 'splits_0.csv'), columns(name));
      expect(await readFolds(clam, source, allow)).toEqual(expected);
      await writeFile(join(clam, 'splits_0.csv'), columns('held-out'));
      await expect(readFolds(clam, source, allow)).rejects.toThrow(/splits_0\.csv: the column "held-out" is none of/);
      const json = (of: string) =>
        write('names.json', { folds: [{ fold: 0, train: ['a', 'b'], [of]: ['c'], test: ['d'] }] });
      expect(await readFolds(await json(name), source, allow)).toEqual(expected);
      await expect(readFolds(await json('held-out'), source, allow)).rejects.toThrow(
        /fold 0: the list "held-out" is none/,
      );
    },
  );

  const wrong: [string, unknown, RegExp][] = [
    ['a truncated file', '{"folds": [', /no valid JSON/],
    ['another JSON', [1], /expected an object with a list "folds"/],
    ['a fold without test', { folds: [{ train: ['b'] }] }, /fold 0 has no "test"/],
    ['a part that is no list', { folds: [{ train: 'b', test: ['c'] }] }, /fold 0: "train" is no list of ids/],
    [
      'unknown ids',
      { folds: [{ train: ['b', 'x', 'y'], test: ['c'] }] },
      /fold 0: 2 of 3 ids in train are no bag and no case \("x", "y"\)/,
    ],
    [
      'a bag in two parts',
      { folds: [{ train: ['b', 'c'], test: ['c', 'd'] }] },
      /fold 0: bag "c" is in train and in test/,
    ],
    ['a bag twice', { folds: [{ train: ['b', 'c', 'b'], test: ['a', 'd'] }] }, /bag "b" is twice in train/],
    [
      'a torn patient',
      { folds: [{ train: ['b', 'a1'], test: ['a2', 'd'] }] },
      /fold 0: case "a" is in train \(bag "a1"\) and in test \(bag "a2"\)/,
    ],
    ['a part without a class', { folds: [{ train: ['b', 'a'], test: ['c'] }] }, /fold 0: test has no bag of class 1/],
    ['an empty part', { folds: [{ train: [], test: ['c', 'd'] }] }, /fold 0: train is empty/],
  ];
  it.each(wrong)('names file and fold for %s', async (name, content, message) => {
    const path = await write(`${name}.json`, content);
    const failure = readFolds(path, source);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toThrow(path);
  });

  it('lets a published leak pass when told so', async () => {
    const path = await write('leak.json', { folds: [{ train: ['b', 'a1'], test: ['a2', 'd'] }] });
    await expect(readFolds(path, source, { allow: ['case-in-two-parts'] })).resolves.toHaveLength(1);
  });

  it('names a file that is not there', async () => {
    await expect(readFolds('/nowhere/folds.json', source)).rejects.toThrow(
      /^\/nowhere\/folds\.json: there are no folds/,
    );
  });
});

const shared = join(import.meta.dirname, '../../../../../shared/data');
describe.runIf(existsSync(shared))('the folds of the stores', () => {
  it.each([
    ['mil-classic/ucsb-handcrafted', 12],
    ['mil-classic/elephant', 40],
    ['mil-classic/musk1', 19],
    ['histology/colon-crchisto-mid112', 20],
    ['histology/colon-composite', 80],
  ])('%s', async (name, size) => {
    const { rows } = await readLabels(join(shared, name, 'bags.csv'));
    const folds = await readFolds(join(shared, name, 'folds.json'), { bags: rows });
    expect(folds.length).toBe(5);
    expect(folds[0]?.test.length).toBe(size);
    if (name.endsWith('composite')) return;
    expect(patientFolds(rows, { seed: 2021 })).toEqual(folds);
  });

  it.each(['blca', 'luad'])('survival of %s', async (name) => {
    const { rows } = await readLabels(join(shared, `tcga-survival-rna/tcga_${name}_cases.csv`));
    const folds = await readFolds(join(shared, `tcga-survival-rna/tcga_${name}_folds.json`), { bags: rows });
    expect(folds.length).toBe(5);
  });
});
