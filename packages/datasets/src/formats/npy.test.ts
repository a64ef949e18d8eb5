import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../test-helpers.js';
import { readNpy, writeNpy } from './npy.js';
import { readBagFile } from './read-bag-file.js';

const at = temporaryFolder();
const path = at('bag.npy');

/** A `.npy` file of version 1, or of a later one, whose header is longer. */
function write(header: string, data: ArrayBufferView = new Uint8Array(0), version = 1): void {
  const text = `${header}\n`;
  const start = Buffer.alloc(version === 1 ? 10 : 12);
  start.write('\x93NUMPY', 'latin1');
  start[6] = version;
  if (version === 1) start.writeUInt16LE(text.length, 8);
  else start.writeUInt32LE(text.length, 8);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  writeFileSync(path, Buffer.concat([start, Buffer.from(text, 'latin1'), bytes]));
}

const headerOf = (descr: string, shape: string, fortran = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
const numbers = Float32Array.of(1, 2, 3, 4, 5, 6);

test.each([
  ['row by row', '(2, 3)', 'False', [2, 3], [1, 2, 3, 4, 5, 6]],
  ['column by column', '(2, 3)', 'True', [2, 3], [1, 3, 5, 2, 4, 6]],
  ['column by column with a leading batch axis', '(1, 2, 3)', 'True', [1, 2, 3], [1, 3, 5, 2, 4, 6]],
  ['column by column of one row', '(1, 6)', 'True', [1, 6], [1, 2, 3, 4, 5, 6]],
  ['sizes as Python 2 wrote them', '(2L, 3L)', 'False', [2, 3], [1, 2, 3, 4, 5, 6]],
])('%s', async (_, shape, fortran, expectedShape, expected) => {
  write(headerOf('<f4', shape, fortran), numbers);
  expect(await readNpy(path)).toEqual({ dtype: 'F32', shape: expectedShape, data: Float32Array.from(expected) });
});

test('what is written is read again', async () => {
  const tensor = { dtype: 'F32' as const, shape: [3, 2], data: numbers };
  writeNpy(path, tensor);
  expect(await readNpy(path)).toEqual(tensor);
});

test('a header of version 2', async () => {
  write(headerOf('<f4', '(2, 3)'), numbers, 2);
  expect((await readNpy(path)).shape).toEqual([2, 3]);
});

test.each([
  ['<f8', Float64Array.from(numbers)],
  ['<f2', Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600)],
  ['<i8', BigInt64Array.from(numbers, BigInt)],
  ['|u1', Uint8Array.from(numbers)],
  ['=i4', Int32Array.from(numbers)],
])('%s becomes float32', async (descr, data) => {
  write(headerOf(descr, '(2, 3)'), data);
  expect((await readBagFile(path)).features).toEqual(numbers);
});

test.each([
  ['an impossible size', headerOf('<f4', '(99999999999, 99999999999)'), /its shape \(.*\) is impossible/],
  ['a negative size', headerOf('<f4', '(-2, 3)'), /impossible/],
  ['sizes that are no numbers', headerOf('<f4', '(2 3)'), /impossible/],
  ['more than the file holds', headerOf('<f4', '(1000000, 3)'), /truncated/],
  ['no header at all', 'nonsense', /its header is not understood/],
  ['an order that is no order', headerOf('<f4', '(2, 3)', 'Maybe'), /not understood/],
  [
    'Fortran order of three axes',
    headerOf('<u1', '(2, 3, 4)', 'True'),
    /order \(Fortran\) of shape \(2,3,4\) is not supported/,
  ],
  ['big-endian numbers', headerOf('>f4', '(2, 3)'), /its type >f4 is not supported/],
  ['complex numbers', headerOf('<c8', '(2, 3)'), /its type <c8 is not supported/],
  ['pickled objects', headerOf('|O', '(2, 3)'), /holds Python objects.*not loaded/],
  ['one axis', headerOf('<f4', '(6,)'), /features have shape \[6\], expected \[instances, width\]/],
])('%s: refused, naming the file', async (_, header, message) => {
  write(header, numbers);
  const error = await readBagFile(path).catch((reason: unknown) => reason as Error);
  expect(error).toMatchObject({ name: 'MhimError', path });
  expect((error as Error).message).toMatch(message);
});
