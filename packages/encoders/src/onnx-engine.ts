import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { MhimError } from '@mhim/tensor';
import type { EncoderEngine, ImageBatch } from './encoder.js';

export interface OnnxEngineOptions {
  /** Name of the output that is the feature; default the first. */
  output?: string;
  /** Axes of the input; default channels first, as models from PyTorch have it. */
  layout?: 'NCHW' | 'NHWC';
}

/** The few things of `onnxruntime-node` that are used. */
export interface OnnxRuntime {
  InferenceSession: { create(path: string): Promise<OnnxSession> };
  Tensor: new (type: 'float32', data: Float32Array, dims: number[]) => OnnxTensor;
}

interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata?: readonly { readonly type?: string; readonly shape?: readonly (number | string)[] }[];
  run(feeds: Record<string, OnnxTensor>, fetches: readonly string[]): Promise<Record<string, OnnxTensor>>;
  release(): Promise<void>;
}

interface OnnxTensor {
  readonly dims: readonly number[];
  readonly data: unknown;
}

/** Runs any ONNX model that takes one batch of images and gives a row of numbers an image. */
export class OnnxEngine implements EncoderEngine {
  private constructor(
    private readonly path: string,
    private readonly runtime: OnnxRuntime,
    private readonly session: OnnxSession,
    private readonly input: string,
    private readonly output: string,
    private readonly channelsFirst: boolean,
    /** Images a run, where the model fixes it. */
    readonly fixedBatch: number | undefined,
  ) {}

  /**
   * @throws MhimError `dependency` when `onnxruntime-node` is not installed, `file-missing`, `file-format` for a model that cannot
   * be read or takes something else than one batch of images
   */
  static async open(path: string, options: OnnxEngineOptions = {}, runtime = loadRuntime()): Promise<OnnxEngine> {
    if (!existsSync(path)) {
      throw new MhimError('there is no such file.', { code: 'file-missing', path, hint: 'Check the path.' });
    }
    const session = await runtime.InferenceSession.create(path).catch((cause: Error) => {
      throw foreign(path, `ONNX Runtime cannot read it (${cause.message})`, cause);
    });
    const { output = session.outputNames[0] as string, layout = 'NCHW' } = options;
    const [input] = session.inputNames;
    const [metadata] = session.inputMetadata ?? [];
    if (input === undefined || session.inputNames.length > 1) {
      throw foreign(path, `it has ${session.inputNames.length} inputs, expected one batch of images`);
    }
    if (metadata?.type !== undefined && metadata.type !== 'float32') {
      throw foreign(path, `its input is of type ${metadata.type}, expected float32`);
    }
    if (!session.outputNames.includes(output)) {
      throw new MhimError(`it has no output "${output}".`, {
        code: 'config',
        path,
        hint: `It has ${session.outputNames.join(', ')}.`,
      });
    }
    const batch = metadata?.shape?.[0];
    const fixed = typeof batch === 'number' && batch > 0 ? batch : undefined;
    return new OnnxEngine(path, runtime, session, input, output, layout === 'NCHW', fixed);
  }

  /** Values an image, found by a run on one black image. */
  async measureWidth(side: number): Promise<number> {
    const blank = { count: 1, height: side, width: side, values: new Float32Array(3 * side * side) };
    return (await this.run(blank)).length;
  }

  async run(batch: ImageBatch): Promise<Float32Array> {
    const { count, height, width } = batch;
    // A model made for a fixed number of images gets black ones on top.
    const images = Math.max(count, this.fixedBatch ?? 0);
    const values = new Float32Array(3 * images * height * width);
    if (this.channelsFirst) toChannelsFirst(batch, values);
    else values.set(batch.values);
    const dims = this.channelsFirst ? [images, 3, height, width] : [images, height, width, 3];
    const { [this.output]: result } = await this.session
      .run({ [this.input]: new this.runtime.Tensor('float32', values, dims) }, [this.output])
      .catch((cause: Error) => {
        throw foreign(this.path, `it does not take images of shape [${dims}] (${cause.message})`, cause);
      });
    const [rows, ...rest] = result?.dims ?? [];
    const flat = rest.length > 0 && rest.slice(1).every((size) => size === 1);
    if (!(result?.data instanceof Float32Array) || rows !== images || !flat) {
      throw new MhimError(`its output "${this.output}" of shape [${result?.dims}] is no row of numbers an image.`, {
        code: 'config',
        path: this.path,
        hint: `Choose another of ${this.session.outputNames.join(', ')}.`,
      });
    }
    return result.data.slice(0, count * (rest[0] as number));
  }

  async dispose(): Promise<void> {
    await this.session.release();
  }
}

/** The user's installation is looked for first, then one beside this package. */
function loadRuntime(): OnnxRuntime {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    const require = createRequire(from);
    let path: string;
    try {
      path = require.resolve('onnxruntime-node');
    } catch {
      continue;
    }
    try {
      return require(path) as OnnxRuntime;
    } catch (cause) {
      throw new MhimError(`onnxruntime-node does not load: ${(cause as Error).message.split('\n')[0]}.`, {
        code: 'dependency',
        path,
        hint: 'Install it again: npm install onnxruntime-node.',
        cause,
      });
    }
  }
  throw new MhimError('ONNX models need the package onnxruntime-node, which is not installed.', {
    code: 'dependency',
    hint: 'Run `npm install onnxruntime-node`.',
  });
}

function toChannelsFirst({ count, height, width, values }: ImageBatch, target: Float32Array): void {
  const pixels = height * width;
  for (let image = 0; image < count; image++) {
    const start = 3 * image * pixels;
    for (let channel = 0; channel < 3; channel++) {
      const plane = start + channel * pixels;
      for (let i = 0; i < pixels; i++) target[plane + i] = values[start + 3 * i + channel] as number;
    }
  }
}

function foreign(path: string, what: string, cause?: Error): MhimError {
  return new MhimError(`${what}.`, { code: 'file-format', path, hint: 'Expected an ONNX image encoder.', cause });
}
