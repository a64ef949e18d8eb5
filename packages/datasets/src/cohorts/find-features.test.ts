import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeNpy } from '../formats/npy.js';
import { openBagFiles } from '../bag-folder.js';
import { temporaryFolder } from '../test-helpers.js';
import { checkFiles } from './check-files.js';
import { extractorOf } from './extractors.js';
import { findFeatures, type FindFeaturesOptions } from './find-features.js';

const at = temporaryFolder();

/** Makes empty files, and says which folders of them are found. */
function tree(name: string, ...files: string[]) {
  for (const file of files) {
    mkdirSync(dirname(at(name, file)), { recursive: true });
    writeFileSync(at(name, file), '');
  }
  return async (options?: FindFeaturesOptions) =>
    (await findFeatures(at(name), options)).map(({ path }) => relative(at(name), path));
}

describe('layouts', () => {
  test("the authors' release: sets, encoders, pt_files; patches are no features", async () => {
    const find = tree(
      'release',
      ...['brca/r50/pt_files/a.pt', 'brca/uni/pt_files/a.pt', 'brca/patches/a.h5', 'nsclc/uni/pt_files/b.pt'],
      ...['cptac_nsclc/uni/pt_files/c.pt'],
    );
    const dataSet = (name: string) => ({
      own: [(path: string) => path.startsWith(`${name}/`)],
      any: (path: string) => /brca|nsclc/.test(path),
    });
    expect(await find({ extractor: 'uni', dataSet: dataSet('brca') })).toEqual(['brca/uni/pt_files']);
    expect(await find({ extractor: 'resnet-50', dataSet: dataSet('brca') })).toEqual(['brca/r50/pt_files']);
    expect(await find({ extractor: 'uni', dataSet: dataSet('nsclc') })).toEqual(['nsclc/uni/pt_files']);
    await expect(find({ dataSet: dataSet('brca') })).rejects.toThrow(
      /features of several encoders: .*--extractor: resnet-50, uni/,
    );
    await expect(find({ extractor: 'plip', dataSet: dataSet('brca') })).rejects.toThrow(
      /no features of PLIP; there are brca\/r50/,
    );
    await expect(find({ dataSet: dataSet('blca') })).rejects.toThrow(/no features of this data set/);
  });

  test('CLAM: coordinates beside are no features', async () => {
    const find = tree('clam', 'pt_files/a.pt', 'h5_files/a.h5');
    expect(await find({ extractor: 'uni' })).toEqual(['pt_files']);
  });

  test('TRIDENT', async () => {
    const job = '20x_256px_0px_overlap';
    const find = tree(
      'trident',
      `${job}/features_uni_v1/a.h5`,
      `${job}/features_uni_v2/a.h5`,
      `${job}/patches/a_patches.h5`,
    );
    expect(await find({ extractor: 'uni' })).toEqual([`${job}/features_uni_v1`]);
  });

  test('files themselves, sets in parts, nothing at all', async () => {
    expect(await tree('plain', 'a.pt')({ extractor: 'plip' })).toEqual(['']);
    const parts = tree('parts', 'TCGA-LUAD/uni/a.pt', 'TCGA-LUSC/uni/b.pt');
    expect(await parts({ extractor: 'uni' })).toEqual(['TCGA-LUAD/uni', 'TCGA-LUSC/uni']);
    await expect(tree('none', 'readme.md')()).rejects.toThrow(/holds no feature files.*SET\/ENCODER\/pt_files/);
    await expect(findFeatures(at('nowhere'))).rejects.toThrow(/no such folder/);
  });
});

test.each([
  ['r50', 'resnet-50'],
  ['features_resnet50', 'resnet-50'],
  ['feats-uni', 'uni'],
  ['features_uni_v1', 'uni'],
  ['features_uni_v2', 'uni-2'],
  ['UNI2-h', 'uni-2'],
  ['PLIP', 'plip'],
  ['features_conch_v15', 'conch-1.5'],
  ['university', undefined],
  ['pt_files', undefined],
])('a folder %s is of %s', (folder, extractor) => expect(extractorOf(folder)).toBe(extractor));

test('files are read and what is wrong with each is said; coordinates of the set are used where they fit', async () => {
  const save = (path: string, rows: number, columns: number, value = 1) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeNpy(at(path), { dtype: 'F32', shape: [rows, columns], data: new Float32Array(rows * columns).fill(value) });
  };
  save('set/uni/a.npy', 3, 8);
  save('set/uni/b.npy', 2, 8, NaN);
  save('set/uni/c.npy', 2, 4);
  writeFileSync(at('set/uni/d.npy'), 'no features');
  const [folder] = await findFeatures(at('set'));
  const done: number[] = [];
  const { problems, instances, width } = await checkFiles(folder?.files ?? [], {
    width: 8,
    onFile: (n) => done.push(n),
  });
  expect(problems.map(({ id, kind }) => [id, kind])).toEqual([
    ['b', 'unreadable'],
    ['d', 'unreadable'],
    ['c', 'width'],
  ]);
  expect(problems[0]?.what).toMatch(/is NaN/);
  expect(problems[2]?.what).toBe('4 columns, expected 8');
  expect([...instances]).toEqual([
    ['a', 3],
    ['c', 2],
  ]);
  expect([width, done]).toEqual([8, [1, 2, 3, 4]]);
  const source = await openBagFiles(at('set'), new Map([['a', at('set/uni/a.npy')]]));
  expect((await source.read(0)).instances).toBe(3);
});
