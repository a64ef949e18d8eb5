import { expect, test } from 'vitest';
import type { Bag } from './bag.js';
import { BagCache, readAhead } from './read-ahead.js';
import { fitStandardiser, standardise } from './standardise.js';
import { toyBags, toySource, toyWidth } from './test-helpers.js';

/** A source that counts. */
function counting(): { reads: number[]; source: ReturnType<typeof toySource> } {
  const reads: number[] = [];
  const read = async (i: number) => {
    reads.push(i);
    return toyBags[i] as Bag;
  };
  return { reads, source: toySource(toyBags, { read }) };
}

test('bags come in the given order, those to come are being read', async () => {
  const order = [2, 0, 1, 0];
  for (const ahead of [0, 1, 2, 10]) {
    const { reads, source } = counting();
    const seen: string[] = [];
    for await (const { id } of readAhead(source, order, { ahead })) {
      seen.push(id);
      expect(reads.length).toBe(Math.min(order.length, seen.length + ahead));
    }
    expect(seen).toEqual(['slide-2', 'slide-0', 'slide-1', 'slide-0']);
    expect(reads).toEqual(order);
  }
});

test('a bad bag is reported in its turn', async () => {
  const read = async (i: number) => (i === 1 ? Promise.reject(new Error('bad bag')) : (toyBags[i] as Bag));
  const before: string[] = [];
  const run = async () => {
    for await (const { id } of readAhead(toySource(toyBags, { read }), [0, 1, 2])) before.push(id);
  };
  await expect(run()).rejects.toThrow('bad bag');
  expect(before).toEqual(['slide-0']);
});

test('stopping early leaves no rejection behind', async () => {
  const read = async (i: number) => (i === 1 ? Promise.reject(new Error('bad bag')) : (toyBags[i] as Bag));
  for await (const { id } of readAhead(toySource(toyBags, { read }), [0, 1, 2])) {
    expect(id).toBe('slide-0');
    break;
  }
  await new Promise((done) => setTimeout(done, 10));
});

test('a cache reads a bag once, also when it is asked for twice at the same time', async () => {
  const { reads, source } = counting();
  const cache = new BagCache();
  const [first, second] = await Promise.all([cache.read(source, 0), cache.read(source, 0)]);
  expect(first).toBe(second);
  expect(await cache.read(source, 0)).toBe(first);
  expect(reads).toEqual([0]);
  // Another source's bag of the same number is another bag.
  const other = counting();
  await cache.read(other.source, 0);
  expect(other.reads).toEqual([0]);
});

test('a cache keeps the most recently used bags within its budget', async () => {
  const { reads, source } = counting();
  const bytes = ({ features, coords, instanceLabels }: Bag) =>
    features.byteLength + (coords as Float32Array).byteLength + (instanceLabels as Int32Array).byteLength;
  const [a, b, c] = toyBags.map(bytes) as [number, number, number];
  const cache = new BagCache(a + c);
  for (const i of [0, 1, 0, 2]) await cache.read(source, i);
  expect(reads).toEqual([0, 1, 2]);
  // The third did not fit beside both; the second had not been used for longest.
  for (const i of [0, 2, 1]) await cache.read(source, i);
  expect(reads).toEqual([0, 1, 2, 1]);
  const small = new BagCache(b);
  for (const i of [2, 2]) await small.read(source, i);
  expect(reads.slice(4)).toEqual([2, 2]);
});

test('a bag that could not be read is asked for again', async () => {
  let broken = true;
  const read = async (i: number) => (broken ? Promise.reject(new Error('disk away')) : (toyBags[i] as Bag));
  const cache = new BagCache();
  const source = toySource(toyBags, { read });
  await expect(cache.read(source, 0)).rejects.toThrow('disk away');
  broken = false;
  expect(await cache.read(source, 0)).toBe(toyBags[0]);
});

test('standardising gives training instances mean 0 and deviation 1', async () => {
  const standardiser = await fitStandardiser(toySource(), [0, 2]);
  const values = [0, 2].flatMap((i) => Array.from(standardise(toyBags[i] as Bag, standardiser).features));
  const column = values.filter((_, i) => i % toyWidth === 3);
  const mean = column.reduce((a, b) => a + b) / column.length;
  expect(mean).toBeCloseTo(0, 5);
  expect(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length).toBeCloseTo(1, 5);
});

test('a deviation too small for float32 is none', async () => {
  const bag: Bag = { id: 'a', instances: 2, width: 1, features: Float32Array.of(0, 1.5e-45) };
  expect((await fitStandardiser(toySource([bag]), [0])).std).toEqual(Float32Array.of(1));
});
