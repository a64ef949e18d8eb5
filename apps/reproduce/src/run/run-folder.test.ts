import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { convertBags, writeFolds } from '@mhim/datasets';
import { beforeAll, expect, test } from 'vitest';
import { EXIT } from '../failure.js';
import { reproduce, temporaryFolder, tinySlides } from '../test-helpers.js';

const at = temporaryFolder();
const slides = tinySlides();

beforeAll(async () => {
  await convertBags(slides, at('bags'), 'npy');
});

const train = (out: string, ...more: string[]) => {
  const model = ['--model', 'ab-mil', '--k', '2', '--epochs', '1'];
  return reproduce('train', '--data', at('bags'), ...model, '--out', out, ...more);
};

/** All files below a folder with their content. */
function contentOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length), readFileSync(path, 'utf8')]));
}

function write(folder: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** A run that began and could not read its data: it gives way. */
const begun = async (name: string) => {
  const data = at(`${name}-bags`);
  cpSync(at('bags'), data, { recursive: true });
  truncateSync(join(data, `${slides.bags[5]?.id}.npy`), 90);
  const args = ['--model', 'ab-mil', '--k', '2', '--epochs', '1'];
  expect((await reproduce('train', '--data', data, ...args, '--out', at(name))).code).toBe(EXIT.data);
  expect(existsSync(at(name, 'fold-0', 'paper', 'ab-mil'))).toBe(true);
};

test.each([
  ['config.json', { 'config.json': '{"lr": 1}', 'fold-0/train/images/scan.txt': 'x' }],
  ['config.json', { 'config.json': '{"model": "ab-mil", "data": "x"}' }],
  ['config.json', { 'config.json': 'null' }],
  ['data.json', { 'data.json': '{"train": []}' }],
  ['folds.json', { 'folds.json': '{"folds": [{"train": ["a"], "test": ["b"]}]}' }],
  ['fold-0', { 'fold-0/train/images/scan.txt': 'x' }],
  ['results.json', { 'results.json': '{"auc": 1}' }],
  ['report.html', { 'report.html': 'mine', 'notes.txt': 'x' }],
])('a folder with a foreign %s is left as it is: %j', async (named, files) => {
  const folder = at(`proj-${Object.keys(files).join('-').replaceAll('/', '-')}-${Object.values(files)[0]?.length}`);
  write(folder, files);
  const before = contentOf(folder);
  const { code, err } = await train(folder);
  expect(err).toContain(
    `error: ${join(folder, named)}: is of no run: this folder holds something else. Choose another --out.`,
  );
  expect(code).toBe(EXIT.configuration);
  expect(contentOf(folder)).toEqual(before);
});

test('files under other names stay beside a run', async () => {
  write(at('beside'), { 'notes.txt': 'mine', 'images/scan.txt': 'mine' });
  expect((await train(at('beside'))).code).toBe(0);
  expect(contentOf(at('beside'))).toMatchObject({ '/notes.txt': 'mine', '/images/scan.txt': 'mine' });
});

test('the folds of bags that are trained into their own folder stay', async () => {
  cpSync(at('bags'), at('own'), { recursive: true });
  const indices = slides.bags.map((_, i) => i);
  await writeFolds(at('own', 'folds.json'), [{ fold: 0, train: indices, test: indices }], slides);
  const before = contentOf(at('own'));
  const { code } = await reproduce('train', '--data', at('own'), '--model', 'ab-mil', '--k', '2', '--out', at('own'));
  expect(code).toBe(EXIT.configuration);
  expect(contentOf(at('own'))).toEqual(before);
});

test('a run that computed nothing gives way, but for files in it that no run wrote', async () => {
  await begun('begun');
  expect((await train(at('begun'), '--seed', '1')).code).toBe(0);

  await begun('scanned');
  write(at('scanned'), { 'fold-0/train/images/scan.txt': 'mine' });
  const before = contentOf(at('scanned'));
  const { code, err } = await train(at('scanned'), '--seed', '1');
  expect(err).toContain(`${at('scanned', 'fold-0', 'train')}: is of no run`);
  expect(code).toBe(EXIT.configuration);
  expect(contentOf(at('scanned'))).toEqual(before);

  await begun('refolded');
  writeFileSync(at('refolded', 'folds.json'), '{"folds": []}');
  expect((await train(at('refolded'), '--seed', '1')).err).toContain(`${at('refolded', 'folds.json')}: is of no run`);
  expect(readFileSync(at('refolded', 'folds.json'), 'utf8')).toBe('{"folds": []}');
});
