import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { expect, describe, test } from 'vitest';
import { SafetensorsFile, writeSafetensors, type HostTensor } from '@mhim/tensor';
import type { BagInfo } from './bag.js';
import { openBagStore } from './bag-store.js';
import { openBags } from './open-bags.js';
import { temporaryFolder, toyBags, toyInfos, toySource, toyWidth } from './test-helpers.js';
import { verifyBagStore } from './verify-bag-store.js';
import { writeBagStore } from './write-bag-store.js';

const at = temporaryFolder();

describe('written and read back', () => {
  test.each(['float32', 'float16'] as const)('%s, with names, coordinates and instance labels', async (dtype) => {
    const index = await writeBagStore(at(dtype), toySource(toyBags, { simulated: true }), { dtype });
    expect(index).toMatchObject({ bags: 3, instances: 9, width: toyWidth, dtype: dtype === 'float16' ? 'F16' : 'F32' });
    const store = await openBags(at(dtype));
    expect(store.bags).toEqual(toyInfos);
    expect(store.simulated).toBe(true);
    for (const [i, bag] of toyBags.entries()) expect(await store.read(i)).toEqual(bag);
    expect(await verifyBagStore(at(dtype))).toBe(true);
    await store.close();
  });

  test('outcomes, splits and micrometres too; bags without label stay without', async () => {
    const infos: BagInfo[] = toyInfos.map(({ id, caseId, instances }, i) => ({
      ...{ id, caseId, instances, time: 10 + i, split: 'train' },
      event: (i % 2) as 0 | 1,
    }));
    const bags = toyBags.map((bag) => ({ ...bag, label: undefined, coordsUnit: 'um' as const }));
    await writeBagStore(at('survival'), toySource(bags, { bags: infos }));
    const store = await openBagStore(at('survival'));
    expect(store.bags).toEqual(infos);
    expect(await store.read(2)).toEqual(bags[2]);
    await store.close();
  });

  test('float16 rounds, and refuses what it cannot hold', async () => {
    const [bag] = toyBags as [(typeof toyBags)[number]];
    const features = bag.features.map((value) => value * (1 + 1e-5));
    await writeBagStore(at('rounded'), toySource([{ ...bag, features }]), { dtype: 'float16' });
    const store = await openBagStore(at('rounded'));
    expect((await store.read(0)).features).toEqual(bag.features);
    await store.close();
    features[9] = 70_000;
    const large = toySource([{ ...bag, features }]);
    await expect(writeBagStore(at('large'), large, { dtype: 'float16' })).rejects.toThrow(
      /bag "slide-0": the value 70000 is beyond float16.*Write float32/,
    );
  });

  test('a store whose writing fails leaves the old one as it was', async () => {
    await writeBagStore(at('kept'), toySource());
    const failing = toySource(toyBags, {
      read: async (i) => (i === 2 ? Promise.reject(new Error('bad bag')) : (toyBags[i] as (typeof toyBags)[number])),
    });
    await expect(writeBagStore(at('kept'), failing)).rejects.toThrow('bad bag');
    expect(await verifyBagStore(at('kept'))).toBe(true);
  });

  test.each([
    ['coordinates', { coords: undefined }, /some bags have coordinates and bag "slide-1" differs/],
    ['instance labels', { instanceLabels: undefined }, /some bags have instance labels and bag "slide-1" differs/],
    ['one unit', { coordsUnit: 'um' as const }, /coordinates of one unit and bag "slide-1" differs/],
    ['another width', { width: 4, instances: 2, coords: new Float32Array(4) }, /4 columns, expected 8/],
    ['too few values', { features: new Float32Array(3) }, /has 3 feature values, expected 8/],
  ])('bags that differ in %s are refused', async (_, change, message) => {
    const source = toySource(toyBags.map((bag, i) => (i === 1 ? { ...bag, ...change } : bag)));
    await expect(writeBagStore(at('differing'), source)).rejects.toThrow(message);
  });
});

describe('checksums', () => {
  /** A store with the bytes at the start of some bags' features changed. */
  async function damaged(name: string, bags: readonly number[], dtype: 'float32' | 'float16' = 'float32') {
    await writeBagStore(at(name), toySource(), { dtype });
    const path = at(name, 'bags.safetensors');
    const bytes = readFileSync(path);
    const file = await SafetensorsFile.open(path);
    const { begin } = file.entry('features');
    await file.close();
    const rowBytes = toyWidth * (dtype === 'float16' ? 2 : 4);
    for (const bag of bags) {
      const rows = toyInfos.slice(0, bag).reduce((sum, { instances = 0 }) => sum + instances, 0);
      const place = begin + rows * rowBytes;
      bytes[place] = (bytes[place] as number) ^ 1;
    }
    writeFileSync(path, bytes);
    return path;
  }

  test.each(['float32', 'float16'] as const)('name the damaged bags of a %s store', async (dtype) => {
    const path = await damaged(`damaged-${dtype}`, [1, 2], dtype);
    const error = await verifyBagStore(at(`damaged-${dtype}`)).catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code: 'file-format', path });
    expect((error as Error).message).toMatch(/checksum differs.*Differing bags: slide-1, slide-2\. .*convert it again/);
  });

  test('blame no bag where the checksums of the bags are not known', async () => {
    await damaged('older', [0]);
    const path = at('older', 'index.json');
    const { bagSha256: _, ...index } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify(index));
    await expect(verifyBagStore(at('older'))).rejects.toThrow(/differs from index.json\. The file/);
  });

  test('a truncated store, a missing one, and one without index', async () => {
    await writeBagStore(at('cut'), toySource());
    const path = at('cut', 'bags.safetensors');
    truncateSync(path, 4200);
    await expect(verifyBagStore(at('cut'))).rejects.toThrow(/checksum differs/);
    await expect(openBagStore(at('cut'))).rejects.toMatchObject({ code: 'file-format', path });
    rmSync(path);
    await expect(verifyBagStore(at('cut'))).rejects.toMatchObject({ code: 'file-missing', path });
    rmSync(at('cut', 'index.json'));
    expect(await verifyBagStore(at('cut'))).toBe(false);
  });

  test('the fingerprint follows content, names and labels, not the place', async () => {
    await writeBagStore(at('here'), toySource());
    const of = async (folder: string) => {
      const store = await openBagStore(folder);
      const print = await store.fingerprint();
      await store.close();
      return print;
    };
    const original = await of(at('here'));
    mkdirSync(at('there'));
    for (const name of ['bags.csv', 'bags.safetensors', 'index.json'])
      copyFileSync(at('here', name), at('there', name));
    expect(await of(at('there'))).toBe(original);
    const table = readFileSync(at('there', 'bags.csv'), 'utf8');
    writeFileSync(at('there', 'bags.csv'), table.replace('case-0', 'case-1'));
    expect(await of(at('there'))).not.toBe(original);
    const path = await damaged('elsewhere', [0]);
    expect(await of(at('elsewhere'))).not.toBe(original);
    // A coarse clock gives the index the time of a file that changed just after it was written.
    for (const file of [path, at('elsewhere', 'index.json')]) utimesSync(file, 1e9, 1e9);
    expect(await of(at('elsewhere'))).not.toBe(original);
  });
});

describe('bags that share rows of one table', () => {
  const tensor = (dtype: HostTensor['dtype'], shape: number[], data: HostTensor['data']): HostTensor => ({
    dtype,
    shape,
    data,
  });
  /** Rows 0 to 5 hold their number; five places, the second bag empty. */
  const tensors: Record<string, HostTensor> = {
    features: tensor(
      'F32',
      [6, 2],
      Float32Array.from({ length: 12 }, (_, i) => Math.floor(i / 2) + (i % 2) / 2),
    ),
    xy: tensor(
      'I64',
      [6, 2],
      BigInt64Array.from({ length: 12 }, (_, i) => BigInt(100 + i)),
    ),
    instance_labels: tensor('U8', [6], Uint8Array.of(0, 1, 0, 1, 0, 1)),
    index: tensor('I32', [5], Int32Array.of(5, 0, 1, 4, 4)),
    offsets: tensor('I64', [4], BigInt64Array.of(0n, 3n, 3n, 5n)),
    labels: tensor('I64', [3], BigInt64Array.of(1n, 0n, -1n)),
  };
  const write = (name: string, change: Record<string, HostTensor> = {}) => {
    writeSafetensors(at(name), Object.entries({ ...tensors, ...change }));
    return at(name);
  };

  test.each([
    ['in memory', {}],
    ['larger than the memory for it, read by pieces', { tableBudget: 8 }],
  ])('a table %s', async (_, options) => {
    const store = await openBagStore(write('shared.safetensors'), options);
    expect(store.bags).toEqual([
      { id: '0', label: 1, instances: 3 },
      { id: '1', label: 0, instances: 0 },
      { id: '2', label: undefined, instances: 2 },
    ]);
    const whole = {
      features: Float32Array.of(5, 5.5, 0, 0.5, 1, 1.5),
      coords: Float32Array.of(110, 111, 100, 101, 102, 103),
      instanceLabels: Int32Array.of(1, 0, 1),
    };
    expect(await store.read(0)).toMatchObject(whole);
    expect(await store.read(2)).toMatchObject({ features: Float32Array.of(4, 4.5, 4, 4.5) });
    await expect(store.read(1)).rejects.toThrow(/bag "1" has no instances/);
    // A second reading, of what may be in memory by now.
    expect(await store.read(0)).toMatchObject(whole);
    await store.close();
  });

  test('pieces of float16 tables', async () => {
    const half = { ...(tensors.features as HostTensor), dtype: 'F16' as const };
    const store = await openBagStore(write('half.safetensors', { features: half }), { tableBudget: 8 });
    expect((await store.read(0)).features).toEqual(Float32Array.of(5, 5.5, 0, 0.5, 1, 1.5));
    await store.close();
  });

  test.each([
    ['index', tensor('I32', [5], Int32Array.of(5, 0, 1, 4, 6)), /its index names row 6 of 6/],
    ['index', tensor('I32', [4], Int32Array.of(5, 0, 1, 4)), /offsets do not run from 0 to 4/],
    ['offsets', tensor('I64', [4], BigInt64Array.of(0n, 4n, 3n, 5n)), /offsets do not run from 0 to 5 in order/],
    ['labels', tensor('I64', [2], BigInt64Array.of(0n, 1n)), /2 labels for 3 bags/],
    ['labels', tensor('I32', [3], Int32Array.of(0, 1, 99999999)), /bag 2 has the label 99999999/],
    ['labels', tensor('F32', [3], Float32Array.of(0, 0.5, 1)), /0.5 is no 32-bit integer/],
    ['xy', tensor('F32', [5, 2], new Float32Array(10)), /"xy" has shape \[5,2\], expected \[6, 2\]/],
    ['instance_labels', tensor('U8', [7], new Uint8Array(7)), /"instance_labels" has shape \[7\], expected \[6\]/],
    ['features', tensor('F32', [12], new Float32Array(12)), /"features" has shape \[12\]/],
  ])('a contradicting %s is one clear error', async (name, value, message) => {
    const path = write('contradicting.safetensors', { [name]: value });
    const error = await openBagStore(path).catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code: 'file-format', path });
    expect((error as Error).message).toMatch(message);
  });
});

describe('bags.csv', () => {
  test.each([
    [
      'another label',
      (row: string) => row.replace('slide-1,case-1,1', 'slide-1,case-1,0'),
      /row 2 gives "slide-1" the label 0/,
    ],
    ['another size', (row: string) => row.replace(',3,1\n', ',3,2\n'), /row 2 gives "slide-1" 2 instances.* 1\./],
    ['fewer bags', (row: string) => row.slice(0, row.lastIndexOf('slide-2')), /lists 2 bags, the store has 3/],
    ['no names', (row: string) => row.replace('bag_id', 'name'), /lists 3 bags.*column bag_id/],
    ['an unclosed quote', (row: string) => `${row}"`, /no valid CSV/],
  ])('with %s contradicts the tensors', async (_, change, message) => {
    rmSync(at('named'), { recursive: true, force: true });
    await writeBagStore(at('named'), toySource());
    const path = at('named', 'bags.csv');
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    const error = await openBagStore(at('named')).catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code: 'file-format', path });
    expect((error as Error).message).toMatch(message);
  });

  test('with a name twice', async () => {
    await writeBagStore(at('twice'), toySource());
    const path = at('twice', 'bags.csv');
    writeFileSync(path, readFileSync(path, 'utf8').replace('slide-2', 'slide-0'));
    await expect(openBagStore(at('twice'))).rejects.toMatchObject({
      ...{ code: 'data', path },
      message: expect.stringMatching(/occur more than once: slide-0/) as string,
    });
  });

  test('with labels where the tensors have none', async () => {
    writeSafetensors(at('unlabelled.safetensors'), [
      ['features', { dtype: 'F32', shape: [2, 1], data: Float32Array.of(1, 2) }],
      ['offsets', { dtype: 'I64', shape: [3], data: BigInt64Array.of(0n, 1n, 2n) }],
    ]);
    mkdirSync(at('other'));
    copyFileSync(at('unlabelled.safetensors'), at('other', 'bags.safetensors'));
    writeFileSync(at('other', 'bags.csv'), 'bag_id,label\na,99999999\nb,\n');
    await expect(openBags(at('other'))).rejects.toThrow(/bags\.csv: row 1 has the label "99999999"/);
    writeFileSync(at('other', 'bags.csv'), 'bag_id,label\na,1\nb,\n');
    const store = await openBagStore(at('other'));
    expect(store.bags).toEqual([
      { id: 'a', label: 1, instances: 1 },
      { id: 'b', instances: 1 },
    ]);
    await store.close();
  });
});

describe('labels given for a store', () => {
  const labels: BagInfo[] = [
    { id: 'slide-2', label: 1 },
    { id: 'slide-0', label: 0, caseId: 'other' },
    { id: 'ghost', label: 1 },
  ];

  test('replace its own, what has no partner is left out on request', async () => {
    await writeBagStore(at('relabelled'), toySource());
    await expect(openBags(at('relabelled'), { labels })).rejects.toThrow(/1 label has no bag: ghost/);
    await expect(openBags(at('relabelled'), { labels: labels.slice(0, 2) })).rejects.toThrow(
      /1 bag has no label: slide-1\..*--on-missing skip/,
    );
    const store = await openBags(at('relabelled'), { labels, onMissing: 'skip' });
    expect(store.skipped).toEqual(['ghost', 'slide-1']);
    expect(store.bags).toEqual([
      { id: 'slide-0', label: 0, caseId: 'other', instances: 3 },
      { id: 'slide-2', label: 1, caseId: 'case-2', instances: 5 },
    ]);
    expect(await store.read(1)).toEqual({ ...toyBags[2], label: 1 });
    const plain = await openBags(at('relabelled'));
    expect(await store.fingerprint()).not.toBe(await plain.fingerprint());
    await Promise.all([store.close(), plain.close()]);
  });

  test('that fit no bag are an error even then', async () => {
    await expect(
      openBags(at('relabelled'), { labels: [{ id: 'ghost', label: 0 }], onMissing: 'skip' }),
    ).rejects.toThrow(/no bag has a label.*slide-0, slide-1, slide-2; the table says ghost/);
  });
});
