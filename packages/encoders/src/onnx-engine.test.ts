import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { OnnxEngine, type OnnxRuntime } from './onnx-engine.js';

const folder = mkdtempSync(join(tmpdir(), 'mhim-onnx-'));
const path = join(folder, 'model.onnx');
writeFileSync(path, 'model');
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** A stand-in for ONNX Runtime, which is 250 MB: its model gives the first value of each image twice. */
function runtime(of: { shape?: (number | string)[]; type?: string; inputs?: string[]; dims?: number[] } = {}) {
  const seen: { dims: number[]; data: Float32Array }[] = [];
  class Tensor {
    constructor(
      readonly type: string,
      readonly data: Float32Array,
      readonly dims: number[],
    ) {}
  }
  const session = {
    inputNames: of.inputs ?? ['pixels'],
    outputNames: ['tokens', 'feature'],
    inputMetadata: [{ type: of.type ?? 'float32', shape: of.shape ?? ['n', 3, 'h', 'w'] }],
    async run(feeds: Record<string, Tensor>, [name]: readonly string[]) {
      const { dims, data } = feeds.pixels as Tensor;
      seen.push({ dims, data });
      const n = dims[0] as number;
      const values = Float32Array.from(
        { length: 2 * n },
        (_, i) => data[Math.floor(i / 2) * (data.length / n)] as number,
      );
      return { [name as string]: new Tensor('float32', values, name === 'tokens' ? [n, 1, 2] : (of.dims ?? [n, 2])) };
    },
    release: async () => undefined,
  };
  const result = { InferenceSession: { create: async () => session }, Tensor } as unknown as OnnxRuntime;
  return { result, seen };
}

const batch = { count: 2, height: 1, width: 2, values: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) };

describe('OnnxEngine', () => {
  it('gives the model channels first and takes its rows', async () => {
    const { result, seen } = runtime();
    const engine = await OnnxEngine.open(path, { output: 'feature' }, result);
    expect(await engine.measureWidth(4)).toBe(2);
    expect(await engine.run(batch)).toEqual(Float32Array.of(1, 1, 7, 7));
    expect(seen[1]).toEqual({ dims: [2, 3, 1, 2], data: Float32Array.of(1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12) });
  });

  it('leaves channels last where the model wants them, and fills a fixed number of images', async () => {
    const { result, seen } = runtime({ shape: [3, 1, 2, 3] });
    const engine = await OnnxEngine.open(path, { output: 'feature', layout: 'NHWC' }, result);
    expect(await engine.run(batch)).toEqual(Float32Array.of(1, 1, 7, 7));
    expect(seen[0]).toEqual({ dims: [3, 1, 2, 3], data: Float32Array.of(...batch.values, 0, 0, 0, 0, 0, 0) });
  });

  it.each([
    [{}, { output: 'logits' }, /no output "logits"\. It has tokens, feature/],
    [{ inputs: ['a', 'b'] }, {}, /has 2 inputs, expected one batch of images/],
    [{ type: 'float16' }, {}, /of type float16, expected float32/],
  ])('refuses a model that does not fit: %j %j', async (of, options, message) => {
    await expect(OnnxEngine.open(path, options, runtime(of).result)).rejects.toThrow(message);
  });

  it('refuses an output that is no row an image', async () => {
    const engine = await OnnxEngine.open(path, {}, runtime().result);
    await expect(engine.run(batch)).rejects.toThrow(
      /"tokens" of shape \[2,1,2\] is no row of numbers an image\. Choose another of tokens, feature/,
    );
    const pooled = await OnnxEngine.open(path, { output: 'feature' }, runtime({ dims: [2, 2, 1, 1] }).result);
    expect((await pooled.run(batch)).length).toBe(4);
  });

  it('says that the package has to be installed', async () => {
    await expect(OnnxEngine.open(join(folder, 'none.onnx'), {}, runtime().result)).rejects.toThrow(/no such file/);
    vi.spyOn(process, 'cwd').mockReturnValue(folder);
    const error = await OnnxEngine.open(path).catch((reason: Error) => reason);
    expect(String(error)).toMatch(/onnxruntime-node.*npm install onnxruntime-node|ONNX Runtime cannot read it/);
  });
});
