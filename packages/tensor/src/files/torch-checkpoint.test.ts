import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { MhimError } from '../errors.js';
import { storedZip } from './stored-zip.js';
import { readTorchFile, readTorchTensors } from './torch-checkpoint.js';
import { writeTorchFile } from './write-torch-file.js';

/** Written by PyTorch: fixtures/make_fixtures.py. */
const fixture = (name: string) => join(import.meta.dirname, '../../fixtures', name);
const folder = mkdtempSync(join(tmpdir(), 'mhim-torch-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const counted = Float32Array.from({ length: 24 }, (_, i) => i);
const columns = Float32Array.from({ length: 24 }, (_, i) => (i % 4) * 6 + Math.floor(i / 4));

describe('files of PyTorch', () => {
  test('a transposed tensor and a view come out row by row', async () => {
    expect(await readTorchFile(fixture('transposed.pt'))).toEqual({ dtype: 'F32', shape: [6, 4], data: columns });
    expect(await readTorchFile(fixture('view.pt'))).toEqual({
      dtype: 'F32',
      shape: [2, 3],
      data: Float32Array.of(8, 9, 10, 14, 15, 16),
    });
  });

  test('the format before PyTorch 1.6, with tensors of several types and one storage twice', async () => {
    expect(await readTorchFile(fixture('before-1.6.pt'))).toEqual({ dtype: 'F32', shape: [4, 6], data: counted });
    const tensors = await readTorchTensors(fixture('checkpoint-before-1.6.pt'));
    expect([...tensors.keys()]).toEqual(['model.w', 'model.t', 'model.i']);
    expect(tensors.get('model.w')?.data).toEqual(counted);
    expect(tensors.get('model.t')).toEqual({ dtype: 'F32', shape: [6, 4], data: columns });
    expect(tensors.get('model.i')?.data).toEqual(BigInt64Array.from(counted, BigInt));
  });

  test('a checkpoint: nested tensors of several types, plain values, a NumPy number', async () => {
    const value = (await readTorchFile(fixture('checkpoint.pt'))) as Map<string, unknown>;
    expect([value.get('epoch'), value.get('best'), value.get('list')]).toEqual([3, 0.5, [1, 2.5, 'x', null, true]]);
    const tensors = await readTorchTensors(fixture('checkpoint.pt'));
    expect([...tensors.keys()]).toEqual(['model.w', 'model.h', 'model.b', 'model.i']);
    for (const name of ['model.w', 'model.h', 'model.b']) expect(tensors.get(name)?.data).toEqual(counted);
    expect(tensors.get('model.i')?.data).toEqual(BigInt64Array.from(counted, BigInt));
  });

  test.each(['numpy.pt', 'numpy-fortran.pt'])('%s: the array that TRIDENT saves', async (name) => {
    expect(await readTorchFile(fixture(name))).toEqual({ dtype: 'F32', shape: [4, 6], data: counted });
  });

  test.each([
    ['calls-system.pt', 'unsafe-file', /posix\.system/],
    ['module.pt', 'unsafe-file', /torch\.nn\.modules\.linear\.Linear/],
  ])('%s is refused by name', async (name, code, message) => {
    const error = (await readTorchFile(fixture(name)).catch((reason: unknown) => reason)) as MhimError;
    expect(error).toBeInstanceOf(MhimError);
    expect(error).toMatchObject({ code, path: fixture(name) });
    expect(error.message).toMatch(message);
  });
});

test('the official checkpoints, where they are', async (context) => {
  const shared = '/work/shared/checkpoints';
  if (!existsSync(shared)) return context.skip();
  const abmil = await readTorchTensors(join(shared, 'abmil_c16_fold0.pt'));
  expect(abmil.get('patch_to_emb.0.weight')?.shape).toEqual([512, 1024]);
  const dsmil = await readTorchTensors(join(shared, 'dsmil_c16_fold0.pt'));
  expect(dsmil.get('model.online_encoder.b_classifier.fcc.weight')?.shape).toEqual([2, 2, 512]);
  expect((await readTorchTensors(join(shared, 'dsmil_init_legacy.pth'))).size).toBe(4);
});

describe('hostile files', () => {
  test.each([['checkpoint.pt'], ['checkpoint-before-1.6.pt']])(
    '%s cut anywhere, or with a bit flipped: a result or one clear error, never anything else',
    async (name) => {
      const path = join(folder, 'mutated.pt');
      const whole = readFileSync(fixture(name));
      for (let cut = 0; cut < whole.length; cut += 7) {
        writeFileSync(path, whole.subarray(0, cut));
        await expect(readTorchFile(path)).rejects.toMatchObject({ name: 'MhimError', path });
      }
      for (let at = 0; at < whole.length; at += 3) {
        const mutated = Buffer.from(whole);
        mutated[at] = (whole[at] as number) ^ (1 << (at % 8));
        writeFileSync(path, mutated);
        await readTorchFile(path).catch((error: unknown) => {
          if (!(error instanceof MhimError)) throw error;
          expect(error.path).toBe(path);
        });
      }
    },
  );

  const long = '\x8a\x04'; // LONG1 of four bytes
  const storage = (elements: string) =>
    `(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu${elements}tQ`;
  const tensor = (numel: string, offset: string, shape: string, strides: string) =>
    `ctorch._utils\n_rebuild_tensor_v2\n(${storage(numel)}${offset}(${shape}t(${strides}t\x89ccollections\nOrderedDict\n)RtR.`;

  test.each([
    ['lists that double thirty times', `](e${'q\x00](h\x00h\x00e'.repeat(30)}.`, /unfolds/],
    ['a list that holds itself', ']q\x00h\x00a.', /unfolds/],
    ['a storage larger than its entry', tensor('K\x05', 'K\x00', 'K\x04', 'K\x01'), /outside its storage/],
    ['an offset beyond the storage', tensor('K\x04', 'K\x02', 'K\x04', 'K\x01'), /outside its storage/],
    ['a stride beyond the storage', tensor('K\x04', 'K\x00', 'K\x02', 'K\x09'), /outside its storage/],
    ['a terabyte by a stride of 0', tensor('K\x04', 'K\x00', `${long}\xff\xff\xff\x7f`, 'K\x00'), /unfolds/],
    [
      'a shape whose product overflows',
      tensor('K\x04', 'K\x00', `${`${long}\xff\xff\xff\x7f`.repeat(3)}K\x00`, 'K\x00K\x00K\x00K\x00'),
      /no valid tensor/,
    ],
    ['a negative size', tensor('K\x04', 'K\x00', `${long}\xff\xff\xff\xff`, 'K\x01'), /no valid tensor/],
    ['a dictionary made of numbers', 'ccollections\nOrderedDict\n](K\x01e\x85R.', /no valid dictionary/],
    ['a call through attributes', 'cbuiltins\ngetattr\n(NX\x01\0\0\0atR.', /builtins\.getattr/],
    ['an object with a state', 'N}b.', /object\.__setstate__/],
    ['an instruction to build any object', '(cos\nsystem\no.', /opcode 0x6f/],
    ['a stack that is empty', 'a.', /empty stack/],
  ])('%s', async (_, pickle, message) => {
    const path = hostileFile(pickle);
    await expect(readTorchFile(path)).rejects.toThrow(message);
    await expect(readTorchFile(path)).rejects.toBeInstanceOf(MhimError);
  });

  // Each pickle puts one long object into the memo and hands it to call after call, so that little is asked for often.
  const size = (length: number) => String.fromCharCode(...[0, 8, 16, 24].map((shift) => (length >> shift) & 255));
  const text = (length: number) => `X${size(length)}${'a'.repeat(length)}q\x00`;
  const latin1 = 'X\x06\0\0\0latin1q\x01';
  const repeated = (setUp: string, times: number, once: string) => `${setUp}](${once.repeat(times)}e.`;
  test.each([
    ['a text encoded many times', `c_codecs\nencode\nq\x02${text(100_000)}${latin1}`, 300, 'h\x02h\x00h\x01\x86R'],
    ['a long text likewise', `c_codecs\nencode\nq\x02${text(2 ** 20 + 1)}${latin1}`, 30, 'h\x02h\x00h\x01\x86R'],
    [
      'a dictionary made many times of one list',
      `ccollections\nOrderedDict\nq\x01](${'K\x01K\x02\x86'.repeat(50_000)}eq\x00`,
      100,
      'h\x01h\x00\x85R',
    ],
    [
      'arrays of one text',
      `cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\ndtype\nX\x02\0\0\0u1\x85Rq\x02${text(100_000)}`,
      300,
      'h\x01)R(K\x01J\xa0\x86\x01\0\x85h\x02\x89h\x00tb',
    ],
    ['a tensor many times', `${tensor('K\x04', 'K\x00', 'K\x04', 'K\x01').slice(0, -1)}q\x00`, 5000, 'h\x00'],
  ])('%s: refused before the work is done', async (_, setUp, times, once) => {
    const path = hostileFile(repeated(setUp, times, once));
    await expect(readTorchFile(path)).rejects.toMatchObject({ name: 'MhimError', code: 'unsafe-file', path });
    await expect(readTorchFile(path)).rejects.toThrow(/unfolds to more bytes/);
  });

  test('keys of storages that are no text, before PyTorch 1.6', async () => {
    const path = join(folder, 'hostile-legacy.pt');
    const whole = readFileSync(fixture('before-1.6.pt'));
    const keys = whole.indexOf(Buffer.from('\x80\x02]q\x00X', 'latin1'));
    expect(keys).toBeGreaterThan(0);
    const deep = Buffer.from(`\x80\x02](N${'\x85'.repeat(100_000)}e.`, 'latin1');
    writeFileSync(path, Buffer.concat([whole.subarray(0, keys), deep]));
    await expect(readTorchFile(path)).rejects.toMatchObject({ name: 'MhimError', path });
  });

  test('axes of one change nothing in a view', async () => {
    const ones = 'K\x01'.repeat(62);
    const path = hostileFile(tensor('K\x04', 'K\x00', `K\x02${ones}K\x02`, `K\x01${ones}K\x02`));
    expect((await readTorchFile(path)) as object).toMatchObject({ data: new Float32Array(4) });
  });

  function hostileFile(pickle: string): string {
    const path = join(folder, 'hostile.pt');
    const entries = [
      { name: 'archive/data.pkl', bytes: Buffer.from(`\x80\x02${pickle}`, 'latin1') },
      { name: 'archive/data/0', bytes: new Uint8Array(16) },
    ];
    writeFileSync(path, Buffer.concat([...storedZip(entries, path)]));
    return path;
  }
});

test('what we write, we read', async () => {
  const tensors = new Map([
    ['features', { dtype: 'F16' as const, shape: [2, 2], data: Float32Array.of(1, 2, 3, 0.5) }],
    ['coords', { dtype: 'I64' as const, shape: [2], data: BigInt64Array.of(1n, -5n) }],
  ]);
  const path = join(folder, 'written.pt');
  writeTorchFile(path, tensors);
  expect(await readTorchFile(path)).toEqual(tensors);
  const first = readFileSync(path);
  writeTorchFile(path, tensors);
  expect(readFileSync(path).equals(first)).toBe(true);
});
