import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { MhimError } from '../errors.js';
import { writeFileAtomic } from './atomic-write.js';
import { narrowHalf, widenHalf, type HostTensor } from './host-tensor.js';
import { readSafetensors, SafetensorsFile, writeSafetensors } from './safetensors.js';

const folder = mkdtempSync(join(tmpdir(), 'mhim-safetensors-'));
const path = join(folder, 'a.safetensors');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tensors: [string, HostTensor][] = [
  ['f64', { dtype: 'F64', shape: [2], data: Float64Array.of(Math.PI, -1e300) }],
  ['f32', { dtype: 'F32', shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ['f16', { dtype: 'F16', shape: [2], data: Float32Array.of(0.5, -65504) }],
  ['i64', { dtype: 'I64', shape: [1], data: BigInt64Array.of(-(2n ** 60n)) }],
  ['bool', { dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) }],
  ['u16', { dtype: 'U16', shape: [1], data: Uint16Array.of(65535) }],
  ['none', { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) }],
  ['__proto__', { dtype: 'I32', shape: [], data: Int32Array.of(7) }],
];

test('every type comes back, with metadata, and the same input gives the same bytes', async () => {
  writeSafetensors(path, tensors, { step: '3' });
  const { tensors: read, metadata } = await readSafetensors(path);
  expect([...read]).toEqual(tensors);
  expect(metadata).toEqual({ step: '3' });
  const first = readFileSync(path);
  writeSafetensors(path, tensors, { step: '3' });
  expect(readFileSync(path).equals(first)).toBe(true);
});

test('rows of one tensor', async () => {
  writeSafetensors(path, tensors);
  const file = await SafetensorsFile.open(path);
  expect((await file.read('f32', [1, 3])).data).toEqual(Float32Array.of(3, 4, 5, 6));
  await expect(file.read('f32', [1, 4])).rejects.toThrow(/rows 1…4/);
  await expect(file.read('other')).rejects.toThrow(/has no tensor "other".*f64/);
  await file.close();
});

test('all 65,536 halves survive widening and narrowing; floats round to the nearest, ties to even', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const back = narrowHalf(widenHalf(all));
  const isNaN16 = (bits: number) => (bits & 0x7fff) > 0x7c00;
  expect(all.every((bits, i) => back[i] === bits || (isNaN16(bits) && isNaN16(back[i] as number)))).toBe(true);
  const half = (value: number) => widenHalf(narrowHalf(Float32Array.of(value)))[0];
  // 2049 and 2051 lie between representable neighbours 2048, 2050 and 2052.
  expect([2049, 2051, 65519, 65520, 2 ** -25, 3 * 2 ** -25].map(half)).toEqual([
    2048,
    2052,
    65504,
    Infinity,
    0,
    2 ** -23,
  ]);
});

describe('broken files', () => {
  const file = (header: string, data = 0, claimed?: bigint) => {
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(claimed ?? BigInt(Buffer.byteLength(header)));
    return Buffer.concat([start, Buffer.from(header), Buffer.alloc(data)]);
  };
  const entry = (begin: number, end: number, shape = `[${(end - begin) / 4}]`) =>
    `{"dtype":"F32","shape":${shape},"data_offsets":[${begin},${end}]}`;

  test.each([
    ['empty', Buffer.alloc(0), /truncated/],
    ['a header larger than the bound', file('{}', 0, 2n ** 60n), /header claims/],
    ['a header larger than the file', file('{}', 0, 1000n), /truncated/],
    ['no JSON', file('{"a":'), /no JSON/],
    ['a list', file('[]'), /no object/],
    ['an unknown type', file('{"a":{"dtype":"F31","shape":[],"data_offsets":[0,4]}}', 4), /unknown dtype F31/],
    ['a key of every object', file('{"a":{"dtype":"toString","shape":[],"data_offsets":[0,4]}}', 4), /unknown dtype/],
    ['data cut off', file(`{"a":${entry(0, 8)}}`, 4), /truncated/],
    ['data too many', file(`{"a":${entry(0, 4)}}`, 8), /belong to no tensor/],
    ['an overlap', file(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12), /overlaps/],
    ['a hole', file(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12), /hole/],
    ['a shape of other size', file(`{"a":${entry(0, 8, '[3]')}}`, 8), /does not fill/],
    ['a shape that overflows to nothing', file(`{"a":${entry(0, 0, '[4294967296,4294967296,0]')}}`), /no valid shape/],
    [
      'a type that is a deep list',
      file(`{"a":{"dtype":${'['.repeat(50_000)}${']'.repeat(50_000)},"shape":[],"data_offsets":[0,0]}}`),
      /unknown dtype object/,
    ],
    ['a negative size', file(`{"a":${entry(0, 4, '[-1]')}}`, 4), /no valid shape/],
    ['offsets that run backwards', file(`{"a":${entry(4, 0, '[1]')}}`, 4), /does not fill/],
    ['a name twice', file(`{"a":${entry(0, 4)},"\\u0061" : ${entry(0, 4)}}`, 4), /"a" stands in its header twice/],
    ['metadata that are no text', file('{"__metadata__":{"a":1}}'), /not all text/],
    ['a header that is no UTF-8', Buffer.concat([file('', 0, 4n), Buffer.from('{"\xff"', 'latin1')]), /no JSON/],
  ])('%s', async (_, bytes, message) => {
    writeFileSync(path, bytes);
    await expect(readSafetensors(path)).rejects.toThrow(message);
    await expect(readSafetensors(path)).rejects.toMatchObject({ name: 'MhimError', code: 'file-format', path });
  });

  test('cut at every byte, or with any bit flipped: a result or one clear error', async () => {
    writeSafetensors(path, tensors.slice(0, 3), { a: 'b' });
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at++) {
      writeFileSync(path, whole.subarray(0, at));
      await expect(readSafetensors(path)).rejects.toBeInstanceOf(MhimError);
      const mutated = Buffer.from(whole);
      mutated[at] = (whole[at] as number) ^ (1 << (at % 8));
      writeFileSync(path, mutated);
      await readSafetensors(path).catch((error: unknown) => expect(error).toBeInstanceOf(MhimError));
    }
  });

  test('a missing file and a folder say so', async () => {
    await expect(readSafetensors(join(folder, 'no'))).rejects.toMatchObject({ code: 'file-missing' });
    await expect(readSafetensors(folder)).rejects.toBeInstanceOf(MhimError);
  });
});

describe('writeFileAtomic', () => {
  test('a failure half-way leaves the old file and no remains', () => {
    const target = join(folder, 'kept', 'a');
    expect(() => writeFileAtomic(target, 'x')).toThrow(/folder does not exist/);
    writeFileAtomic(path, 'old');
    const failing = function* () {
      yield Buffer.from('half');
      throw new Error('disk full');
    };
    expect(() => writeFileAtomic(path, failing())).toThrow('disk full');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
