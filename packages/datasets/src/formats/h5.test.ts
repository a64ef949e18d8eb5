import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../test-helpers.js';
import { writeH5 } from './h5-sandbox.js';
import { readH5Coords, readH5Features } from './h5.js';
import { readBagFile } from './read-bag-file.js';

const fixture = (name: string) => join(import.meta.dirname, '../../fixtures', `${name}.h5`);
const at = temporaryFolder();

/** What make_fixtures.py writes: [4, 6] and [4, 2]. */
const features = Float32Array.from({ length: 24 }, (_, i) => i);
const coords = Float32Array.from({ length: 8 }, (_, i) => i);

test.each([
  ['CLAM and TRIDENT: one chunk a row, 64-bit coordinates', 'clam', { coords }],
  ['a leading batch axis, compressed', 'batch-axis', { coords }],
  [
    'STAMP: float16 as feats, coordinates in micrometres',
    'stamp',
    { coords: coords.map((v) => 1.5 * v), coordsUnit: 'um' },
  ],
  ['big-endian float64', 'big-endian', {}],
])('%s', async (_, name, more) => {
  expect(await readH5Features(fixture(name))).toEqual({ features, instances: 4, width: 6, ...more });
});

test.each([
  ['a slide without tissue', 'empty-slide', 'data', /bag "empty-slide" has no instances.*extract it again/],
  ['text', 'text', 'file-format', /its "features" is no table of numbers/],
  ['coordinates only', 'coords-only', 'file-format', /no data set features or feats.*It has: coords/],
  ['a claim of terabytes', 'huge', 'unsafe-file', /claims 4096000000000 bytes in a file of \d+.*not loaded/],
  ['a link to another file', 'external-link', 'file-format', /its "features" is no table of numbers.*in this file/],
  ['storage in another file', 'external-storage', 'file-format', /its data lie outside of it/],
  ['a virtual data set, whose missing parts would read as zeros', 'virtual', 'file-format', /lies in other files/],
  ['a compression that only a plug-in knows', 'lzf', 'file-format', /compressed with lzf.*h5repack/],
])('%s is refused', async (_, name, code, message) => {
  const path = fixture(name);
  const error = await readBagFile(path).catch((reason: unknown) => reason as Error);
  expect(error).toMatchObject({ name: 'MhimError', code, path });
  expect((error as Error).message).toMatch(message);
});

test('the file beside which a link points is not reached even when it is there', async () => {
  // clam.h5, which external-link.h5 and virtual.h5 name, lies in the same folder.
  expect(readFileSync(fixture('clam')).length).toBeGreaterThan(0);
  await expect(readBagFile(fixture('external-link'))).rejects.toThrow(/no table of numbers/);
  await expect(readBagFile(fixture('virtual'))).rejects.toThrow(/other files/);
});

test('coordinates alone', async () => {
  expect((await readH5Coords(fixture('coords-only')))?.shape).toEqual([4, 2]);
  expect(await readH5Coords(fixture('big-endian'))).toBeUndefined();
});

test('coordinates and instance labels have to be as many as instances', async () => {
  const write = (name: string, dataset: string, shape: number[]) =>
    writeH5(at(name), (file) => {
      file.create_dataset({ name: 'features', data: features, shape: [4, 6], dtype: '<f4' });
      const data = new Int32Array(shape.reduce((a, b) => a * b, 1));
      file.create_dataset({ name: dataset, data, shape, dtype: '<i4' });
    });
  await write('three-coords.h5', 'coords', [3, 2]);
  await expect(readBagFile(at('three-coords.h5'))).rejects.toThrow(/coords have shape \[3,2\], expected \[4, 2\]/);
  await write('three-labels.h5', 'instance_labels', [3]);
  await expect(readBagFile(at('three-labels.h5'))).rejects.toThrow(/has 3 instance labels, expected 4/);
});

test('a file that crashes the library leaves it usable for the next', async () => {
  const bytes = readFileSync(fixture('big-endian'));
  // Found by replacing bytes at random; traps in WebAssembly, after which that instance answers nothing any more.
  bytes[881] = 250;
  const path = at('crash.h5');
  writeFileSync(path, bytes);
  for (let i = 0; i < 3; i++) {
    await expect(readBagFile(path)).rejects.toMatchObject({ name: 'MhimError', code: 'file-format', path });
    expect(await readH5Features(fixture('clam'))).toMatchObject({ instances: 4, width: 6 });
  }
});

test('reading leaves nothing open, also when it fails', async () => {
  writeFileSync(at('foreign.h5'), 'not HDF5 at all');
  for (let i = 0; i < 40; i++) {
    await readBagFile(fixture('clam'));
    await expect(readBagFile(at('foreign.h5'))).rejects.toThrow(/truncated or no HDF5 file/);
  }
});
