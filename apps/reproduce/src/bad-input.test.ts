import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertBags, type BagFormat } from '@mhim/datasets';
import { writeSafetensors } from '@mhim/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { EXIT } from './failure.js';
import { reproduce, temporaryFolder, tinySlides, type Outcome } from './test-helpers.js';

const at = temporaryFolder();
const slides = tinySlides();
const ids = slides.bags.map(({ id }) => id);
/** The slide that something is wrong with: not the first, which tells the width. */
const BAD = ids[5] as string;

beforeAll(async () => {
  for (const format of ['pt', 'h5', 'safetensors', 'npy'] as const) await convertBags(slides, at(format), format);
  await convertBags(slides, at('store'), 'store');
});

let folders = 0;
/** A copy of the good folder in a format, and what `damage` makes of it. */
function folderWith(format: BagFormat, damage: (folder: string) => void): string {
  const folder = at(`bad-${(folders += 1)}`);
  cpSync(at(format), folder, { recursive: true });
  damage(folder);
  return folder;
}

const train = (data: string, ...more: string[]) =>
  reproduce('train', '--data', data, '--model', 'ab-mil', '--k', '2', '--epochs', '1', '--out', `${data}-run`, ...more);

/** One line that says what is wrong, no stack trace, and the exit code of bad data. */
function expectOneError({ code, err }: Outcome, message: RegExp, exitCode: number = EXIT.data): void {
  const lines = err.trimEnd().split('\n');
  expect(lines.filter((line) => line.startsWith('error: '))).toEqual([lines.at(-1)]);
  expect(lines.at(-1)).toMatch(message);
  expect(err).not.toMatch(/^\s+at /m);
  expect(code).toBe(exitCode);
}

/** A text in a regular expression; `/` also stands for Windows' separator. */
const quoted = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const named = (path: string, message: RegExp) => new RegExp(`^error: ${quoted(path)}: .*${message.source}`);

const write = (folder: string, rows: number, width: number, value: number) =>
  writeSafetensors(join(folder, `${BAD}.safetensors`), [
    ['features', { dtype: 'F32', shape: [rows, width], data: new Float32Array(rows * width).fill(value) }],
  ]);

describe('a feature file', () => {
  test.each(['pt', 'h5', 'safetensors', 'npy'] as const)('truncated: .%s', async (format) => {
    const name = `${BAD}.${format}`;
    const cut = (folder: string) =>
      truncateSync(join(folder, name), Math.floor(readFileSync(join(folder, name)).length * 0.6));
    const folder = folderWith(format, cut);
    expectOneError(
      await train(folder),
      named(join(folder, name), /truncated.*(Copy|extract) (it|or extract it) again/),
    );
  });

  test.each([
    [
      'of another width',
      3,
      4,
      1,
      /features have 4 columns, expected 8 as in bag ".*Extract all bags with one encoder\./,
    ],
    ['without instances', 0, 8, 1, /has no instances\. Was any tissue found.*Leave the bag out, or extract it again\./],
    ['with NaN', 3, 8, NaN, /instance 0, feature 0 is NaN\. Extract the features of this slide again/],
    ['with infinity', 3, 8, Infinity, /instance 0, feature 0 is Infinity\. Extract the features of this slide again/],
  ])('%s', async (_, rows, width, value, message) => {
    const folder = folderWith('safetensors', (path) => write(path, rows, width, value));
    expectOneError(await train(folder), named(join(folder, `${BAD}.safetensors`), message));
  });

  test('twice, in two formats', async () => {
    const folder = folderWith('npy', (path) => cpSync(at('pt', `${BAD}.pt`), join(path, `${BAD}.pt`)));
    expectOneError(await train(folder), named(folder, /two files are named .*: .*\.npy and .*\.pt\. Keep one file/));
  });
});

describe('labels', () => {
  const table = (rows: readonly string[]) => (folder: string) =>
    writeFileSync(join(folder, 'labels.csv'), ['slide_id,label', ...rows, ''].join('\n'));
  const good = ids.map((id, i) => `${id},${i % 2}`);

  test('without bag', async () => {
    const folder = folderWith('npy', (path) => rmSync(join(path, `${BAD}.npy`)));
    expectOneError(await train(folder), named(folder, new RegExp(`1 label has no bag: ${BAD}\\..*--on-missing skip`)));
    const skipped = await train(folder, '--on-missing', 'skip');
    expect(skipped.code).toBe(0);
    expect(skipped.err).toContain(`Left out, bag or label missing: 1 (${BAD}).`);
  });

  test('missing for a bag', async () => {
    const folder = folderWith('npy', (path) => cpSync(join(path, `${BAD}.npy`), join(path, 'extra.npy')));
    expectOneError(await train(folder), named(folder, /1 bag has no label: extra\..*--on-missing skip/));
  });

  test('missing altogether', async () => {
    const folder = folderWith('npy', (path) => rmSync(join(path, 'labels.csv')));
    expectOneError(await train(folder), named(folder, /no labels\. Name a label table with --labels FILE\.csv/));
  });

  test('of one slide twice', async () => {
    const folder = folderWith('npy', table([...good, `${BAD},0`]));
    const message = /line 10, column "slide_id": ".*" stands in line 7 already\. Keep one of the two rows\./;
    expectOneError(await train(folder), named(join(folder, 'labels.csv'), message));
  });

  test('of one class', async () => {
    const folder = folderWith('npy', table(ids.map((id) => `${id},1`)));
    expectOneError(await train(folder), named(folder, /all 8 bags are of class 1\..*right label table/));
  });

  test.each([
    [1, 2],
    [0, 2],
  ])('whose numbers leave one out: %i, %i', async (first, second) => {
    const rows = ids.map((id, i) => `${id},${i % 2 ? second : first}`);
    const folder = folderWith('npy', table(rows));
    const message = new RegExp(`the classes are ${first}, ${second}\\. Number them 0, 1, or give them names\\.`);
    expectOneError(await train(folder), named(join(folder, 'labels.csv'), message));
    expect(existsSync(`${folder}-run`)).toBe(false);
    const other = at(`classes-${first}.csv`);
    cpSync(join(folder, 'labels.csv'), other);
    expectOneError(await train(folder, '--labels', other), named(other, message));
  });

  test('with too few bags of a class for the folds', async () => {
    const folder = folderWith('npy', table(ids.map((id, i) => `${id},${i === 0 ? 1 : 0}`)));
    expectOneError(await train(folder), named(folder, /class 1 has 1 case, 2 folds need 2 at least\. Use fewer folds/));
  });

  test('that are no numbers among numbers, or not there', async () => {
    const folder = folderWith('npy', table([...good.slice(1), `${ids[0]},benign`]));
    const path = join(folder, 'labels.csv');
    expectOneError(await train(folder), named(path, /line 9, column "label": unknown class "benign" among numbers/));
    writeFileSync(path, '');
    expectOneError(await train(folder), named(path, /the table is empty\. Is this the right file/));
    const other = at('no-table.csv');
    expectOneError(await train(folder, '--labels', other), named(other, /cannot be read\. Check the path/));
  });
});

describe('folds', () => {
  const positive = ids.filter((_, i) => slides.bags[i]?.label === 1);
  const negative = ids.filter((_, i) => slides.bags[i]?.label === 0);
  const withFolds = async (folds: unknown) => {
    const path = at('folds.json');
    writeFileSync(path, typeof folds === 'string' ? folds : JSON.stringify({ folds }));
    const args = ['--data', at('store'), '--model', 'ab-mil', '--epochs', '1', '--folds', path];
    return reproduce('train', ...args, '--out', at('folds-run'));
  };

  test.each([
    [
      'whose test part lacks a class',
      [{ train: [...positive.slice(1), ...negative], test: [positive[0]] }],
      /fold 0: test has no bag of class 0\. Use fewer folds or stratify them/,
    ],
    [
      'whose training part lacks a class',
      [{ train: positive.slice(1), test: [positive[0], ...negative] }],
      /fold 0: train has no bag of class 0/,
    ],
    [
      'with a bag in two parts',
      [{ train: [...positive, ...negative], test: [positive[0], negative[0]] }],
      /fold 0: bag ".*" is in train and in test\. Keep it in one part/,
    ],
    ['of unknown bags', [{ train: ['ghost'], test: ids }], /fold 0: 1 of 1 ids in train are no bag and no case/],
    ['that are no JSON', '{', /no valid JSON/],
  ])('%s', async (_, folds, message) => {
    expectOneError(await withFolds(folds), new RegExp(`^error: ${quoted(at('folds.json'))}: .*${message.source}`));
    expect(existsSync(at('folds-run'))).toBe(false);
  });
});

describe('a bag store', () => {
  const damaged = (change: (folder: string) => void) => folderWith('store', change);

  test('with a bag twice', async () => {
    const folder = damaged((path) => {
      const table = join(path, 'bags.csv');
      writeFileSync(table, readFileSync(table, 'utf8').replace(`${ids[1]},`, `${ids[0]},`));
    });
    expectOneError(await train(folder), named(join(folder, 'bags.csv'), /occur more than once.*its own id/));
  });

  test('truncated', async () => {
    const folder = damaged((path) => truncateSync(join(path, 'bags.safetensors'), 5000));
    expectOneError(await train(folder), named(join(folder, 'bags.safetensors'), /truncated.*again/));
  });
});

describe('a command line', () => {
  const cases: [string, string[], RegExp][] = [
    ['without data', ['train', '--model', 'ab-mil', '--out', 'x'], /--data: is missing\. Expected a bag store/],
    ['with an unknown set', ['train', '--data', 'musk9', '--model', 'ab-mil', '--out', 'x'], /musk9: .*musk1, musk2/],
    ['with an unknown command', ['trian'], /there is no command "trian"\. Commands: demo, train/],
    ['that runs and loads', ['predict', '--run', 'a', '--checkpoint', 'b', '--data', '.'], /one of --run and --check/],
    [
      'with an unknown setting',
      ['train', '--data', 'x', '--model', 'mhim-v2', '--set', 'maskRatioHihg=0.1', '--out', 'x'],
      /--set: unknown key "maskRatioHihg"/,
    ],
    [
      'with k and folds',
      ['train', '--data', 'x', '--model', 'ab-mil', '--k', '2', '--folds', 'f', '--out', 'x'],
      /--k: cannot go with --folds/,
    ],
  ];
  test.each(cases)('%s', async (_, args, message) => {
    const data = args.includes('.') ? args.map((arg) => (arg === '.' ? at('store') : arg)) : args;
    expectOneError(await reproduce(...data), message, EXIT.configuration);
  });

  test.each([
    [['train', '--data', 'x', '--epochs', 'many', '--out', 'x'], /--epochs <n>.*Expected a whole number/],
    [['train', '--data', 'x'], /required option '--out <dir>' not specified/],
    [['train', '--dta', 'x', '--out', 'x'], /unknown option '--dta'.*--data/],
  ])('%j', async (args, message) => {
    expectOneError(await reproduce(...args), message, EXIT.configuration);
  });

  test.each(['epochs', 'scheduleEpochs', 'bins'])('with more %s than can be', async (name) => {
    const flag = `--${name.replace('E', '-e')}`;
    const task = name === 'bins' ? ['--task', 'survival'] : [];
    const outcome = await train(at('store'), ...task, flag, '1000000000');
    expectOneError(outcome, new RegExp(`${name}: expected number to be <=\\d+, got 1000000000`), EXIT.configuration);
  });

  describe('with a file where a folder is to be', () => {
    const file = at('outfile');
    beforeAll(() => writeFileSync(file, 'mine'));
    const model = ['--model', 'ab-mil', '--k', '2', '--epochs', '1'];
    const commands: [string, (out: string) => string[]][] = [
      ['train', (out) => ['train', '--data', at('store'), ...model, '--out', out]],
      ['convert to a store', (out) => ['convert', at('npy'), out]],
      ['convert to files', (out) => ['convert', at('npy'), out, '--format', 'h5']],
      ['simulate', (out) => ['simulate', '--slides', '2', '--instances', '2-3', '--width', '4', '--out', out]],
      ['plan', (out) => ['plan', 'table', '7', '--simulated', '--slides', '8', '--out', out]],
    ];
    test.each(commands)('%s', async (_, args) => {
      for (const out of [file, join(file, 'sub')]) {
        const message = named(file, /is a file, expected a folder\. Choose another folder\./);
        expectOneError(await reproduce(...args(out)), message, EXIT.configuration);
      }
      expect(readFileSync(file, 'utf8')).toBe('mine');
    });
  });

  test('with a path that leads nowhere', async () => {
    const nowhere = at('nowhere.pt');
    const missing = /there is no such (file|run folder).*Check the path/;
    expectOneError(await train(nowhere), named(nowhere, missing));
    expectOneError(await reproduce('checkpoint', nowhere), named(nowhere, missing));
    expectOneError(await reproduce('evaluate', '--run', nowhere, '--data', at('store')), named(nowhere, missing));
  });
});

describe('what is computed', () => {
  test('stays when a bag is damaged later, and goes on when it is whole again', async () => {
    const folder = folderWith('safetensors', () => {});
    const run = `${folder}-run`;
    expect((await train(folder, '--only-fold', '0')).code).toBe(0);
    const results = readFileSync(join(run, 'results.json'));
    const path = join(folder, `${BAD}.safetensors`);
    truncateSync(path, 100);
    expectOneError(await train(folder), named(path, /truncated/));
    expect(readFileSync(join(run, 'results.json')).equals(results)).toBe(true);
    // The predictions that are there can still be read and judged.
    cpSync(at('safetensors', `${BAD}.safetensors`), path);
    const model = join(run, 'fold-0', 'paper', 'ab-mil', 'best.safetensors');
    const before = readFileSync(model);
    expect((await train(folder)).code).toBe(0);
    expect(readFileSync(model).equals(before)).toBe(true);
    const { folds } = JSON.parse(readFileSync(join(run, 'results.json'), 'utf8')) as { folds: unknown[] };
    expect(folds).toHaveLength(2);
    expect(folds[0]).toEqual((JSON.parse(results.toString()) as { folds: unknown[] }).folds[0]);
  });

  test('is not mixed with other data or settings', async () => {
    const folder = folderWith('npy', () => {});
    expect((await train(folder)).code).toBe(0);
    expectOneError(
      await train(folder, '--seed', '1'),
      /config\.json: this folder holds another run: seed is 2021 there and 1 now\. Choose another folder with --out/,
      EXIT.configuration,
    );
    cpSync(join(folder, `${ids[0]}.npy`), join(folder, `${BAD}.npy`));
    expectOneError(await train(folder), /data\.json: this folder holds another run: the content of data/, 2);
  });

  test('a run that could not begin gives way once the data are corrected', async () => {
    const folder = folderWith('npy', (path) => truncateSync(join(path, `${BAD}.npy`), 90));
    expectOneError(await train(folder), /truncated/);
    cpSync(at('npy', `${BAD}.npy`), join(folder, `${BAD}.npy`));
    expect((await train(folder)).code).toBe(0);
  });

  test('a damaged file of a run is named', async () => {
    const args = ['--data', at('store'), '--model', 'ab-mil', '--k', '2', '--epochs', '1', '--out', at('damaged-run')];
    expect((await reproduce('train', ...args)).code).toBe(0);
    for (const file of ['fold-0/paper/ab-mil/result.json', 'fold-0/paper/ab-mil/identity.json', 'data.json']) {
      const path = at('damaged-run', ...file.split('/'));
      const whole = readFileSync(path);
      truncateSync(path, 20);
      expectOneError(await reproduce('train', ...args), named(path, /is no valid JSON\. Delete/));
      writeFileSync(path, whole);
    }
    const model = at('damaged-run', 'fold-1', 'paper', 'ab-mil', 'best.safetensors');
    truncateSync(model, 1000);
    const judged = await reproduce('evaluate', '--run', at('damaged-run'));
    expectOneError(judged, named(model, /truncated.*again/));
    expect((await reproduce('train', ...args)).code).toBe(0);
  });

  test('a bad bag does not cost the predictions of the others', async () => {
    mkdirSync(at('models'));
    const args = [
      '--data',
      at('store'),
      '--model',
      'ab-mil',
      '--k',
      '2',
      '--epochs',
      '1',
      '--out',
      at('models', 'run'),
    ];
    expect((await reproduce('train', ...args)).code).toBe(0);
    const folder = folderWith('npy', (path) => truncateSync(join(path, `${BAD}.npy`), 90));
    const out = at('predictions.csv');
    const predicted = await reproduce('predict', '--run', at('models', 'run'), '--data', folder, '--out', out);
    const message = `1 of 8 bags were not predicted: ${quoted(join(folder, `${BAD}.npy`))}: the file is truncated`;
    expectOneError(predicted, new RegExp(message));
    const listed = readFileSync(out, 'utf8').trim().split('\n').slice(1);
    expect(listed.map((line) => line.split(',')[0])).toEqual(ids.filter((id) => id !== BAD));
    // Nor does it leave a half-written file of a conversion.
    const converted = await reproduce('convert', folder, at('converted'));
    expectOneError(converted, named(join(folder, `${BAD}.npy`), /truncated/));
    expect(readdirSync(at('converted'))).toEqual([]);
  });

  test('features of another width than the model’s', async () => {
    const other = tinySlides(2);
    await convertBags(
      { ...other, bags: other.bags, width: 4, read: async (i) => narrow(await other.read(i)) },
      at('narrow'),
      'npy',
    );
    const { code, err, out } = await reproduce('predict', '--run', at('models', 'run'), '--data', at('narrow'));
    expectOneError(
      { code, err, out },
      /features have 4 columns, the model expects 8\. Extract the features with the encoder/,
    );
    expect(out).toBe('');
  });
});

function narrow<T extends { instances: number; features: Float32Array }>(bag: T): T & { width: number } {
  return { ...bag, width: 4, features: bag.features.slice(0, 4 * bag.instances) };
}
