import { mkdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { writeSafetensors, writeTorchFile } from '@mhim/tensor';
import type { BagInfo } from './bag.js';
import { openBagFolder } from './bag-folder.js';
import { convertBags, type BagFormat } from './convert.js';
import { readBagFile } from './formats/read-bag-file.js';
import { openBags } from './open-bags.js';
import { temporaryFolder, toyBags, toyInfos, toySource } from './test-helpers.js';

const at = temporaryFolder();
const FORMATS: BagFormat[] = ['safetensors', 'pt', 'npy', 'h5'];

test.each(FORMATS)('%s: truncated anywhere it is one clear error naming the file', async (format) => {
  await convertBags(toySource(), at(`cut-${format}`), format);
  const path = at(`cut-${format}`, `slide-2.${format}`);
  const whole = readFileSync(path);
  for (const share of [0.98, 0.9, 0.5, 0.1, 0]) {
    writeFileSync(path, whole);
    truncateSync(path, Math.floor(whole.length * share));
    const error = await readBagFile(path).catch((reason: unknown) => reason);
    expect(error, `${share}`).toMatchObject({ name: 'MhimError', path });
  }
});

test('empty bags, NaN and other widths are refused with the remedy', async () => {
  const write = (name: string, rows: number, columns: number, value: number) =>
    writeSafetensors(at(name), [
      ['features', { dtype: 'F32', shape: [rows, columns], data: new Float32Array(rows * columns).fill(value) }],
    ]);
  write('empty.safetensors', 0, 8, 0);
  write('nan.safetensors', 2, 8, NaN);
  write('wide.safetensors', 2, 512, 1);
  await expect(readBagFile(at('empty.safetensors'))).rejects.toThrow(/no instances/);
  await expect(readBagFile(at('nan.safetensors'))).rejects.toThrow(/instance 0, feature 0 is NaN/);
  await expect(readBagFile(at('wide.safetensors'), { expectedWidth: 1024 })).rejects.toThrow(
    /512 columns, expected 1024 \(ResNet-50 \(CLAM\) or UNI\).*PLIP/,
  );
});

test('a bag of another width is named beside the one it is compared to', async () => {
  const odd = { ...toyBags[0], id: 'odd', width: 4, instances: 6, coords: undefined, instanceLabels: undefined };
  await convertBags(toySource([...toyBags, odd as (typeof toyBags)[number]]), at('odd'), 'npy');
  const folder = await openBagFolder(at('odd'));
  // The first file in order of name is the odd one, which nobody can know.
  await expect(folder.read(1)).rejects.toThrow(
    /slide-0.npy: bag "slide-0": features have 8 columns, expected 4 as in bag "odd"/,
  );
});

test('labels without bags and bags without labels are named, or skipped on request', async () => {
  await convertBags(toySource(), at('partial'), 'npy');
  const [first, second] = toyInfos as [BagInfo, BagInfo];
  const open = (labels: BagInfo[], onMissing?: 'skip') => openBagFolder(at('partial'), { labels, onMissing });
  await expect(open([...toyInfos, { id: 'ghost', label: 0 }])).rejects.toThrow(/1 label has no bag: ghost/);
  await expect(open([first, second])).rejects.toThrow(/1 bag has no label: slide-2/);
  await expect(open([first, first])).rejects.toThrow(/more than once: slide-0/);
  await expect(open([{ id: 'ghost', label: 0 }], 'skip')).rejects.toThrow(/no bag has a label/);
  const some = await open([first, { id: 'ghost', label: 0 }], 'skip');
  expect(some.bags.map(({ id }) => id)).toEqual(['slide-0']);
  expect(some.skipped).toEqual(['ghost', 'slide-1', 'slide-2']);
});

describe('files', () => {
  test('of one name are refused, hidden ones are not there', async () => {
    await convertBags(toySource(), at('same'), 'npy');
    writeFileSync(at('same', '._slide-0.npy'), 'what macOS writes on foreign disks');
    expect((await openBagFolder(at('same'))).bags.map(({ id }) => id)).toEqual(['slide-0', 'slide-1', 'slide-2']);
    writeFileSync(at('same', 'slide-0.pt'), '');
    await expect(openBagFolder(at('same'))).rejects.toThrow(/two files are named slide-0: slide-0.npy and slide-0.pt/);
  });

  test('that are not there', async () => {
    await expect(openBags(at('nowhere'))).rejects.toMatchObject({ code: 'file-missing', path: at('nowhere') });
    await expect(openBagFolder(at('nowhere'))).rejects.toMatchObject({ code: 'file-missing' });
    mkdirSync(at('bare'));
    await expect(openBags(at('bare'))).rejects.toThrow(/holds no feature files.*\.pt, /);
    writeFileSync(at('file.pt'), '');
    await expect(openBags(at('file.pt'))).rejects.toThrow(/is a file, expected a folder/);
  });

  test('are told apart by their content, not by their name', async () => {
    await convertBags(toySource(), at('misnamed'), 'npy');
    writeFileSync(at('misnamed.pt'), readFileSync(at('misnamed', 'slide-0.npy')));
    expect((await readBagFile(at('misnamed.pt'))).features).toEqual(toyBags[0]?.features);
    writeFileSync(at('unknown.npy'), 'something else');
    await expect(readBagFile(at('unknown.npy'))).rejects.toThrow(/it is no NumPy file/);
  });

  test('of PyTorch may hold a dictionary, with coordinates', async () => {
    const tensor = (shape: number[]) => ({
      dtype: 'F32' as const,
      shape,
      data: new Float32Array(shape[0]! * shape[1]!).fill(1),
    });
    writeTorchFile(
      at('dictionary.pt'),
      new Map([
        ['features', tensor([2, 8])],
        ['coords', tensor([2, 2])],
      ]),
    );
    expect(await readBagFile(at('dictionary.pt'))).toMatchObject({ instances: 2, coords: Float32Array.of(1, 1, 1, 1) });
    writeTorchFile(at('weights.pt'), new Map([['layer.weight', tensor([2, 8])]]));
    await expect(readBagFile(at('weights.pt'))).rejects.toThrow(/holds no feature tensor.*dictionary with "features"/);
  });
});

describe('as CLAM lays them out', () => {
  test('features in pt_files, coordinates in h5_files beside', async () => {
    await convertBags(toySource(), at('clam', 'pt_files'), 'pt');
    await convertBags(toySource(toyBags.slice(1)), at('clam', 'h5_files'), 'h5');
    const folder = await openBagFolder(at('clam'), { labels: toyInfos });
    expect(folder.bags).toEqual(toyInfos);
    const { instanceLabels: _, ...last } = toyBags[2] as (typeof toyBags)[number];
    expect(await folder.read(2)).toEqual(last);
    // One slide has no .h5: its bag has no coordinates.
    const first = await folder.read(0);
    expect(first.features).toEqual(toyBags[0]?.features);
    expect(first.coords).toBeUndefined();
  });

  test('with another number of coordinates than of features', async () => {
    await convertBags(toySource(), at('uneven', 'pt_files'), 'pt');
    const swapped = toyBags.map((bag) => ({ ...bag, id: `slide-${2 - Number(bag.id.at(-1))}` }));
    await convertBags(toySource(swapped), at('uneven', 'h5_files'), 'h5');
    const folder = await openBagFolder(at('uneven'));
    await expect(folder.read(0)).rejects.toThrow(
      /h5_files.slide-0.h5: holds 5 coordinates, .*slide-0.pt 3 instances\. Extract both again/,
    );
  });

  test('h5_files alone', async () => {
    await convertBags(toySource(), at('h5-only', 'h5_files'), 'h5');
    const folder = await openBags(at('h5-only'), { labels: toyInfos });
    expect(await folder.read(0)).toEqual(toyBags[0]);
  });
});

test('the fingerprint follows content and labels, not times', async () => {
  await convertBags(toySource(), at('print'), 'npy');
  const print = async (labels = toyInfos) => (await openBagFolder(at('print'), { labels })).fingerprint();
  const before = await print();
  utimesSync(at('print', 'slide-1.npy'), 0, 0);
  expect(await print()).toBe(before);
  expect(await print(toyInfos.map((info) => ({ ...info, label: 1 })))).not.toBe(before);
  truncateSync(at('print', 'slide-2.npy'), 100);
  expect(await print()).not.toBe(before);
});

test('the fingerprint follows coordinates in files of their own, where bags take them from there', async () => {
  await convertBags(toySource(), at('coords', 'pt_files'), 'pt');
  await convertBags(toySource(), at('coords', 'own'), 'h5');
  const print = async (name: string) => (await openBagFolder(at('coords', name), { labels: toyInfos })).fingerprint();
  const plain = await print('pt_files');
  const own = await print('own');
  const moved = toyBags.map((bag) => ({ ...bag, coords: bag.coords?.map((value) => value + 256) }));
  for (const place of ['h5_files', 'patches']) await convertBags(toySource(), at('coords', place), 'h5');
  const before = await print('.');
  expect(before).not.toBe(plain);
  expect(await print('.')).toBe(before);
  for (const place of ['h5_files', 'patches']) {
    rmSync(at('coords', place), { recursive: true });
    await convertBags(toySource(moved), at('coords', place), 'h5');
  }
  expect((await (await openBagFolder(at('coords'))).read(0)).coords).toEqual(moved[0]?.coords);
  expect(await print('.')).not.toBe(before);
  // `patches` lies beside this folder too, and its bags have no use for it.
  expect(await print('own')).toBe(own);
});
