import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Bag } from './bag.js';
import { convertBags, type BagFormat } from './convert.js';
import { readLabels } from './labels.js';
import { openBags } from './open-bags.js';
import { temporaryFolder, toyBags, toyInfos, toySource } from './test-helpers.js';

const at = temporaryFolder();
const FORMATS: BagFormat[] = ['store', 'safetensors', 'pt', 'npy', 'h5'];
/** What a format has room for. */
const carried = (format: BagFormat, bag: Bag): Bag => {
  const { coords: _, instanceLabels: __, ...features } = bag;
  return format === 'pt' || format === 'npy' ? features : bag;
};

describe.each(FORMATS)('%s', (format) => {
  test('there and back', async () => {
    let done = 0;
    await convertBags(toySource(), at(format), format, { onBag: (i, total) => (done += total === 3 ? i : 100) });
    expect(done).toBe(1 + 2 + 3);
    const labels = format === 'store' ? undefined : toyInfos;
    const opened = await openBags(at(format), { labels });
    expect(opened.bags).toEqual(toyInfos);
    for (const [i, bag] of toyBags.entries()) expect(await opened.read(i)).toEqual(carried(format, bag));
    // From any format to a store and on to any other.
    await convertBags(opened, at(`${format}-store`), 'store');
    await opened.close();
    const store = await openBags(at(`${format}-store`));
    expect(store.bags).toEqual(toyInfos);
    for (const other of FORMATS) {
      await convertBags(store, at(`${format}-${other}-2`), other);
      const again = await openBags(at(`${format}-${other}-2`), other === 'store' ? {} : { labels: toyInfos });
      const expected = carried(other, carried(format, toyBags[2] as Bag));
      expect(await again.read(2), other).toEqual(expected);
      await again.close();
    }
    await store.close();
  });

  test('float16, or a clear refusal', async () => {
    const converting = convertBags(toySource(), at(`${format}-half`), format, { dtype: 'float16' });
    if (format === 'h5') return expect(converting).rejects.toMatchObject({ code: 'config' });
    await converting;
    await convertBags(toySource(), at(`${format}-full`), format, { dtype: 'float32' });
    const opened = await openBags(at(`${format}-half`));
    expect((await opened.read(2)).features).toEqual(toyBags[2]?.features);
    await opened.close();
    const file = format === 'store' ? 'bags.safetensors' : `slide-2.${format}`;
    const size = (folder: string) => readFileSync(at(folder, file)).length;
    expect(size(`${format}-full`) - size(`${format}-half`)).toBeGreaterThanOrEqual(5 * 8 * 2 - 8);
  });

  test('what is simulated stays marked', async () => {
    await convertBags(toySource(toyBags, { simulated: true }), at(`${format}-simulated`), format);
    const opened = await openBags(at(`${format}-simulated`));
    expect(opened.simulated).toBe(true);
    await opened.close();
  });
});

test('labels.csv carries labels and outcomes, and is not written where some are missing', async () => {
  const bags = toyInfos.map((info, i) => ({ ...info, time: i + 0.5, event: (i % 2) as 0 | 1, split: 'test' }));
  await convertBags(toySource(toyBags, { bags }), at('outcomes'), 'npy');
  const { rows } = await readLabels(at('outcomes', 'labels.csv'));
  expect(rows.map(({ line: _, ...row }) => row)).toEqual(bags.map(({ instances: _, ...info }) => info));
  await convertBags(toySource(toyBags.map(({ label: _, ...bag }) => bag)), at('unlabelled'), 'npy');
  expect(existsSync(at('unlabelled', 'labels.csv'))).toBe(false);
});

describe('files of others', () => {
  const write = (folder: string, files: Record<string, string>) => {
    mkdirSync(at(folder), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(at(folder, name), text);
  };

  test.each<[string, BagFormat]>([
    ['labels.csv', 'h5'],
    ['index.json', 'npy'],
    ['index.json', 'store'],
    ['bags.csv', 'store'],
    ['bags.safetensors', 'store'],
    ['slide-1.pt', 'pt'],
  ])('%s is not replaced by a conversion to %s', async (name, format) => {
    const text = name === 'bags.csv' ? 'bag_id,label\nslide-0,tumour\n' : '{"lines": ["slide_id,label,stage"]}';
    const folder = `others-${name}-${format}`;
    write(folder, { [name]: text });
    await expect(convertBags(toySource(toyBags, { simulated: true }), at(folder), format)).rejects.toMatchObject({
      code: 'config',
      message: `${at(folder, name)}: is there already, with something else in it. Choose another folder, or move the file away.`,
    });
    expect(readdirSync(at(folder))).toEqual([name]);
    expect(readFileSync(at(folder, name), 'utf8')).toBe(text);
  });

  test.each(FORMATS)('an earlier conversion to %s is', async (format) => {
    const source = toySource(toyBags, { simulated: true });
    for (let i = 0; i < 2; i++) await convertBags(source, at(`again-${format}`), format);
    // A store may be of other bags than before.
    if (format !== 'store') return;
    await convertBags(toySource(toyBags.slice(1)), at('again-store'), format);
    const opened = await openBags(at('again-store'));
    expect(opened.bags).toHaveLength(2);
    await opened.close();
  });

  test.each<[BagFormat, BagFormat]>([
    ['npy', 'h5'],
    ['npy', 'store'],
    ['store', 'store'],
    ['store', 'npy'],
  ])('are never among those that are read: %s to %s', async (from, to) => {
    const folder = at(`read-${from}-${to}`);
    await convertBags(toySource(), folder, from);
    symlinkSync(folder, `${folder}-link`);
    const before = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'hex'));
    const source = await openBags(folder);
    for (const target of [folder, `${folder}-link`, join(folder, '..', basename(folder), 'new')]) {
      await expect(convertBags(source, target, to)).rejects.toThrow(
        `${target}: ${target.endsWith('new') ? 'lies in the folder of' : 'holds'} the bags that are read.`,
      );
    }
    expect(readdirSync(folder).map((name) => readFileSync(join(folder, name), 'hex'))).toEqual(before);
    await convertBags(source, `${folder}-new`, to);
    await source.close();
  });
});

test.each([
  ['a folder', ['../slide'], /bag id "\.\.\/slide" is no file name/],
  ['a folder of Windows', ['..\\slide'], /no file name/],
  ['nothing', [''], /bag id "" is no file name/],
  ['a hidden file', ['.slide'], /no file name/],
  ['another file on some disks', ['Slide', 'slide'], /the bags "Slide" and "slide" would be one file/],
])('ids that name %s are refused before anything is written', async (_, ids, message) => {
  const bags = ids.map((id) => ({ ...(toyBags[0] as Bag), id }));
  await expect(convertBags(toySource(bags), at('ids'), 'npy')).rejects.toThrow(message);
  expect(existsSync(at('ids'))).toBe(false);
});

test('a bag that cannot be read leaves the whole files before it and nothing half', async () => {
  const bags = toySource(toyBags, {
    read: async (i) => (i === 2 ? Promise.reject(new Error('bad bag')) : (toyBags[i] as Bag)),
  });
  await expect(convertBags(bags, at('broken'), 'pt')).rejects.toThrow('bad bag');
  expect(readdirSync(at('broken'))).toEqual(['index.json', 'slide-0.pt', 'slide-1.pt']);
  await convertBags(toySource(), at('broken'), 'pt');
});
