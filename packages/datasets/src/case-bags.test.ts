import { expect, test } from 'vitest';
import type { Bag, BagInfo } from './bag.js';
import { openBagFolder } from './bag-folder.js';
import { caseBags } from './case-bags.js';
import { convertBags } from './convert.js';
import { openBags } from './open-bags.js';
import { temporaryFolder, toyBags, toyInfos, toySource, toyWidth } from './test-helpers.js';

const at = temporaryFolder();
/** The first and the last slide are one patient's. */
const infos: BagInfo[] = toyInfos.map((info, i) => ({
  ...info,
  caseId: i === 1 ? 'B' : 'A',
  time: i === 1 ? 3 : 20,
  event: i === 1 ? 1 : 0,
}));
const [a, b, c] = toyBags as [Bag, Bag, Bag];
const both = {
  id: 'A',
  label: 0,
  instances: 8,
  width: toyWidth,
  features: Float32Array.of(...a.features, ...c.features),
  coords: Float32Array.of(...(a.coords as Float32Array), ...(c.coords as Float32Array)),
  instanceLabels: Int32Array.of(...(a.instanceLabels as Int32Array), ...(c.instanceLabels as Int32Array)),
};

test('the slides of a case are one bag', async () => {
  const cases = caseBags(toySource(toyBags, { bags: infos }));
  expect(cases.bags).toEqual([
    { id: 'A', caseId: 'A', label: 0, instances: 8, time: 20, event: 0 },
    { id: 'B', caseId: 'B', label: 1, instances: 1, time: 3, event: 1 },
  ]);
  expect(await cases.read(0)).toEqual(both);
  expect(await cases.read(1)).toEqual({ ...b, id: 'B' });
});

test('of a folder and of a store', async () => {
  await convertBags(toySource(), at('folder'), 'safetensors');
  await convertBags(toySource(), at('store'), 'store');
  const folder = await openBagFolder(at('folder'), { labels: infos, unit: 'case' });
  const store = await openBags(at('store'), { labels: infos, unit: 'case' });
  expect(await folder.read(0)).toEqual(both);
  expect(await store.read(0)).toEqual(both);
  expect(store.bags).toMatchObject(folder.bags.map(({ id, label, time, event }) => ({ id, label, time, event })));
  const slides = await openBags(at('store'), { labels: infos });
  expect(await store.fingerprint()).not.toBe(await slides.fingerprint());
  await Promise.all([store.close(), slides.close()]);
});

test('coordinates go along only where all slides have them, in one unit', async () => {
  const read = (change: Partial<Bag>) => caseBags(toySource([a, b, { ...c, ...change }], { bags: infos })).read(0);
  expect((await read({ coords: undefined })).coords).toBeUndefined();
  expect((await read({ coordsUnit: 'um' })).coords).toBeUndefined();
  expect((await read({ instanceLabels: undefined })).instanceLabels).toBeUndefined();
});

test.each([
  ['label', { label: 1 }, /case "A" has slides of label 0 \("slide-0"\) and 1 \("slide-2"\)/],
  ['outcome', { time: 21 }, /slides of time 20 .* and 21/],
  ['split', { split: 'test' }, /slides of split undefined .* and test/],
])('a case of two values of its %s is refused', (_, change, message) => {
  const bags = infos.map((info, i) => (i === 2 ? { ...info, ...change } : info));
  expect(() => caseBags(toySource(toyBags, { bags }))).toThrow(message);
});
