import { resolve } from 'node:path';
import { createEncoder, encoderNames, encoders, type EncoderOptions, type PreprocessingName } from '@mhim/encoders';
import { MhimError } from '@mhim/tensor';
import { colourEncoder, type PatchEncoder } from '@mhim/slides';

/** Those of `@mhim/encoders`, and one for trials. */
export const ENCODERS = [...encoderNames, 'colour'] as const;
export type EncoderChoice = (typeof ENCODERS)[number];

/** Whose weights come with a package, so that features can be made where none are named. */
export const DEFAULT_ENCODER = 'effnet_lite0' satisfies EncoderChoice;

export interface OpenEncoderOptions {
  /** Default {@link DEFAULT_ENCODER}. */
  encoder?: EncoderChoice;
  /** A file of the user's. */
  weights?: string;
  preprocessing?: PreprocessingName;
  /** Which tensor of the network is the feature. */
  output?: string;
  batchSize?: number;
  log?: (line: string) => void;
}

/**
 * What makes features of patches, by name. The one place where the command line learns of an encoder.
 * @throws MhimError `config` for options that cannot be, and what `createEncoder` throws
 */
export async function openEncoder(options: OpenEncoderOptions = {}): Promise<PatchEncoder> {
  const { encoder: name = DEFAULT_ENCODER, weights, preprocessing, output, batchSize, log } = options;
  if (name === 'colour') {
    for (const [path, value] of Object.entries({ weights, preprocessing, 'encoder-output': output })) {
      if (value === undefined) continue;
      throw new MhimError('is nothing that the encoder colour has.', { code: 'config', path: `--${path}` });
    }
    return colourEncoder();
  }
  if (options.encoder === undefined && weights !== undefined) {
    throw new MhimError('weights need the name of their encoder.', {
      code: 'config',
      path: '--weights',
      hint: 'Name it with --encoder.',
    });
  }
  if (name !== DEFAULT_ENCODER && weights === undefined) {
    throw new MhimError(`the encoder ${name} needs weights.`, {
      code: 'config',
      path: '--weights',
      hint: `Name a file: ${encoders[name].weights}. Without --encoder, ${encoders[DEFAULT_ENCODER].title}, is taken.`,
    });
  }
  const given = { name, weights, preprocessing, output, batchSize, log } as EncoderOptions;
  const encoder = await createEncoder(given);
  const { description } = encoder;
  return {
    name: description.name,
    title: description.title,
    width: encoder.width,
    identity: `${description.name} ${await encoder.fingerprint()}`,
    options: optionsOf({ weights: weights && resolve(weights), preprocessing, output }),
    encode: (images) => encoder.encode(images),
    dispose: () => encoder.dispose(),
  };
}

function optionsOf(options: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}
