import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeSafetensors } from '@mhim/tensor';
import type { Bag, BagInfo } from '../bag.js';
import { openBagFolder } from '../bag-folder.js';
import type { BagSource } from '../bag-source.js';
import { openBagStore, verifyBagStore } from '../bag-store.js';
import { convertBags, type BagFormat } from '../convert.js';
import { openBags } from '../open-bags.js';
import { BagCache, readAhead } from '../read-ahead.js';
import { fitStandardiser, standardise } from '../standardise.js';
import { readBagFile } from './read-bag-file.js';

const width = 8;
const infos: BagInfo[] = [3, 1, 5].map((instances, i) => ({
  id: `slide-${i}`,
  label: i % 2,
  instances,
  caseId: `case-${i}`,
}));
const bags: Bag[] = infos.map(({ id, label, instances = 0 }, i) => ({
  id,
  label,
  instances,
  width,
  // Halves are exact in float16 too.
  features: Float32Array.from({ length: instances * width }, (_, k) => i + k / 2),
  coords: Float32Array.from({ length: instances * 2 }, (_, k) => 256 * k),
  instanceLabels: Int32Array.from({ length: instances }, (_, k) => k % 2),
}));
const source: BagSource = {
  name: 'toy',
  width,
  classes: 2,
  simulated: true,
  bags: infos,
  read: async (i) => bags[i] as Bag,
  fingerprint: async () => 'toy',
  close: async () => {},
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mhim-formats-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (...parts: string[]) => join(folder, ...parts);

describe('bag store', () => {
  test.each(['float32', 'float16'] as const)(
    '%s: written and read back, with names, coordinates and instance labels',
    async (dtype) => {
      await convertBags(source, at(dtype), 'store', { dtype });
      const store = await openBags(at(dtype));
      expect(store.bags).toEqual(infos);
      expect(store.simulated).toBe(true);
      for (const [i, bag] of bags.entries()) expect(await store.read(i)).toEqual(bag);
      expect(await verifyBagStore(at(dtype))).toBe(true);
      await store.close();
    },
  );

  test('a changed byte fails the checksum', async () => {
    await convertBags(source, at('changed'), 'store');
    const path = at('changed', 'bags.safetensors');
    const bytes = readFileSync(path);
    bytes[4100] = (bytes[4100] as number) ^ 1;
    writeFileSync(path, bytes);
    await expect(verifyBagStore(at('changed'))).rejects.toThrow(/checksum differs/);
  });

  test('bags share rows of one table through `index`', async () => {
    writeSafetensors(at('shared.safetensors'), [
      ['features', { dtype: 'F32', shape: [3, 2], data: Float32Array.of(0, 1, 10, 11, 20, 21) }],
      ['instance_labels', { dtype: 'I32', shape: [3], data: Int32Array.of(5, 6, 7) }],
      ['index', { dtype: 'I32', shape: [4], data: Int32Array.of(2, 0, 2, 2) }],
      ['offsets', { dtype: 'I64', shape: [3], data: BigInt64Array.of(0n, 2n, 4n) }],
      ['labels', { dtype: 'I64', shape: [2], data: BigInt64Array.of(1n, 0n) }],
    ]);
    const store = await openBagStore(at('shared.safetensors'));
    expect(await store.read(0)).toMatchObject({
      features: Float32Array.of(20, 21, 0, 1),
      instanceLabels: Int32Array.of(7, 5),
    });
    expect(await store.read(1)).toMatchObject({ features: Float32Array.of(20, 21, 20, 21), label: 0 });
    await store.close();
  });
});

describe('one file a bag', () => {
  test.each(['safetensors', 'npy', 'h5'] as BagFormat[])('%s: written and read back', async (format) => {
    await convertBags(source, at(format), format);
    const opened = await openBagFolder(at(format), { labels: infos });
    expect(opened.bags).toEqual(infos);
    for (const [i, bag] of bags.entries()) {
      const read = await opened.read(i);
      expect(read.features).toEqual(bag.features);
      if (format !== 'npy') expect(read.coords).toEqual(bag.coords);
    }
  });

  test.each(['safetensors', 'npy', 'h5'] as BagFormat[])(
    '%s: truncated anywhere it is one clear error naming the file',
    async (format) => {
      await convertBags(source, at(`cut-${format}`), format);
      const path = at(`cut-${format}`, `slide-2.${format}`);
      const whole = readFileSync(path);
      for (const share of [0.9, 0.5, 0.1, 0]) {
        writeFileSync(path, whole);
        truncateSync(path, Math.floor(whole.length * share));
        await expect(readBagFile(path)).rejects.toMatchObject({ name: 'MhimError', path });
      }
    },
  );

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

  test('labels without bags and bags without labels are named, or skipped on request', async () => {
    await convertBags(source, at('partial'), 'npy');
    const [first, second] = infos as [BagInfo, BagInfo];
    await expect(openBagFolder(at('partial'), { labels: [...infos, { id: 'ghost', label: 0 }] })).rejects.toThrow(
      /ghost/,
    );
    await expect(openBagFolder(at('partial'), { labels: [first, second] })).rejects.toThrow(/slide-2/);
    const some = await openBagFolder(at('partial'), { labels: [first, { id: 'ghost', label: 0 }], onMissing: 'skip' });
    expect(some.bags.map(({ id }) => id)).toEqual(['slide-0']);
    expect(some.skipped).toEqual(['ghost', 'slide-1', 'slide-2']);
    await expect(openBagFolder(at('partial'), { labels: [first, first] })).rejects.toThrow(/more than once: slide-0/);
  });
});

test('reading ahead keeps the order and reports a bad bag in its turn', async () => {
  const cache = new BagCache();
  const seen: string[] = [];
  for await (const { id } of readAhead(source, [2, 0, 1, 0], { cache })) seen.push(id);
  expect(seen).toEqual(['slide-2', 'slide-0', 'slide-1', 'slide-0']);
  const broken = {
    ...source,
    read: async (i: number) => (i === 1 ? Promise.reject(new Error('bad bag')) : (bags[i] as Bag)),
  };
  const before: string[] = [];
  const run = async () => {
    for await (const { id } of readAhead(broken, [0, 1, 2])) before.push(id);
  };
  await expect(run()).rejects.toThrow('bad bag');
  expect(before).toEqual(['slide-0']);
});

test('standardising gives training instances mean 0 and deviation 1', async () => {
  const standardiser = await fitStandardiser(source, [0, 2]);
  const values = [0, 2].flatMap((i) => Array.from(standardise(bags[i] as Bag, standardiser).features));
  const column = values.filter((_, i) => i % width === 3);
  const mean = column.reduce((a, b) => a + b) / column.length;
  expect(mean).toBeCloseTo(0, 5);
  expect(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length).toBeCloseTo(1, 5);
});
