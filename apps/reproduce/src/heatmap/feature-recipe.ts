import { readSlidesConfig, type SlidePipelineConfig, type StoredConfig } from '@mhim/slides';
import { MhimError } from '@mhim/tensor';
import { ENCODERS, type EncoderChoice, type OpenEncoderOptions } from '../slides/open-encoder.js';
import { pipelineConfig, saysPatches, type EncoderFlags, type PatchFlags } from '../slides/pipeline-options.js';
import { runConfig } from '../models/joined-runs.js';

/** How features of slides are made so that they suit a run. */
export interface FeatureRecipe {
  config: SlidePipelineConfig;
  encoder: OpenEncoderOptions;
  /** What the recipe follows, for people. */
  like: string;
}

/** What an encoder is known by: `effnet_lite0 SHA-256`. */
export interface TrainedOn {
  run: string;
  identity: string;
}

/** The encoders of runs, where their data say. */
export function encodersOf(runs: readonly string[]): TrainedOn[] {
  return runs.flatMap((run) => {
    const identity = identityOf(runConfig(run).data);
    return identity === undefined ? [] : [{ run, identity }];
  });
}

/** The encoder that a folder's features are of, where it says. */
export function identityOf(folder: string | undefined): string | undefined {
  return (folder === undefined ? undefined : readSlidesConfig(folder)?.config.encoder) ?? undefined;
}

/**
 * The options that the features at hand were made with, and what the command line says instead. Undefined when neither says an encoder.
 * @param features of the user's choice, which go before the run's own data
 * @throws MhimError `config` for options that cannot be
 */
export function featureRecipe(
  run: string,
  features: string | undefined,
  flags: PatchFlags & EncoderFlags,
): FeatureRecipe | undefined {
  const folders = [features, runConfig(run).data].flatMap((folder) => folder ?? []);
  const made = folders
    .flatMap((folder) => readSlidesConfig(folder) ?? [])
    .find(({ config }) => config.encoder !== null);
  const encoder = encoderOptions(made?.config, flags, made?.path);
  if (!encoder) return undefined;
  const config = pipelineConfig(flags, made && withCoordinates(made.config));
  const but = saysPatches(flags) ? ' but for the options given' : '';
  return { config, encoder, like: made ? `as those of ${made.path}${but}` : 'as the command line says' };
}

/** Files that have a place for coordinates, without which there is no heatmap. */
function withCoordinates(config: StoredConfig): SlidePipelineConfig {
  const format = config.format === 'pt' ? (config.dtype === 'float16' ? 'safetensors' : 'h5') : config.format;
  return { ...pipelineOf(config), format } as SlidePipelineConfig;
}

/** The pipeline's own options: what `config.json` holds beside them is written anew. */
export function pipelineOf({ encoder: _encoder, encoderOptions: _options, ...pipeline }: StoredConfig) {
  return pipeline as SlidePipelineConfig;
}

function encoderOptions(
  made: StoredConfig | undefined,
  flags: EncoderFlags,
  path: string | undefined,
): OpenEncoderOptions | undefined {
  const { encoder, weights, preprocessing, encoderOutput: output, batchSize } = flags;
  if (encoder !== undefined) return { encoder, weights, preprocessing, output, batchSize };
  const name = made?.encoder?.split(' ')[0];
  if (name === undefined) return undefined;
  if (!ENCODERS.includes(name as EncoderChoice)) {
    throw new MhimError(`its features are of the encoder "${name}", which is not known here.`, {
      code: 'config',
      path,
      hint: `Name one with --encoder (${ENCODERS.join(', ')}), or make the features elsewhere and name them with --features.`,
    });
  }
  const noted = made?.encoderOptions as Pick<OpenEncoderOptions, 'weights' | 'preprocessing' | 'output'> | undefined;
  return {
    encoder: name as EncoderChoice,
    weights: weights ?? noted?.weights,
    preprocessing: preprocessing ?? noted?.preprocessing,
    output: output ?? noted?.output,
    batchSize,
  };
}

/**
 * Features of one encoder mean nothing to a model that was trained on those of another.
 * @param what whose encoder it is: an option or a folder
 * @throws MhimError `config` naming both encoders
 */
export function requireSameEncoder(what: string, identity: string, trained: readonly TrainedOn[]): void {
  const other = trained.find((on) => on.identity !== identity);
  if (!other) return;
  throw new MhimError(
    `the encoder is ${short(identity)}, but ${other.run} was trained on features of ${short(other.identity)}.`,
    {
      code: 'config',
      path: what,
      hint: 'Name the encoder of the run with --encoder and --weights; the numbers tell weights, outputs and preprocessing apart.',
    },
  );
}

/** `uni 0123456789ab…` */
function short(identity: string): string {
  const [name, hash] = identity.split(' ');
  return hash === undefined ? String(name) : `${name} (${hash.slice(0, 12)})`;
}
