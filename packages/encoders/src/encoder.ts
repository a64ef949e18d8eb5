import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { MhimError } from '@mhim/tensor';
import { checkImage, type RgbImage } from './image.js';
import { normalise, resizeAndCrop, type Preprocessing } from './preprocessing/preprocessing.js';

/** Features of images, a row an image: ready for a file of bags, or for `tf.tensor2d(data, shape)`. */
export interface EncodedImages {
  readonly dtype: 'F32';
  /** [images, width] */
  readonly shape: [number, number];
  readonly data: Float32Array;
}

export interface EncoderDescription {
  /** As {@link createEncoder} takes it. */
  readonly name: string;
  /** As people call it, with what it was trained on where that is known. */
  readonly title: string;
  /** Values an image. */
  readonly width: number;
  readonly preprocessing: Preprocessing;
  /** Path of the weights. */
  readonly weights: string;
  /** Which tensor of the network is the feature, where there is a choice. */
  readonly output?: string;
}

/** Images of one size as a network takes them. */
export interface ImageBatch {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** [count, height, width, 3] */
  readonly values: Float32Array;
}

/** What turns numbers into numbers behind an {@link Encoder}. */
export interface EncoderEngine {
  /** → [count, width], row by row */
  run(batch: ImageBatch): Promise<Float32Array>;
  /** Frees weights. */
  dispose(): Promise<void> | void;
}

/** Turns patches into features. Made by {@link createEncoder}. */
export class Encoder {
  readonly width: number;

  constructor(
    readonly description: EncoderDescription,
    readonly batchSize: number,
    private readonly engine: EncoderEngine,
  ) {
    this.width = description.width;
  }

  /**
   * Features of patches of any size, in batches; memory does not grow with their number beyond images and features.
   * @throws MhimError `data` for bytes that do not fill an image, `non-finite` when the network gives no numbers
   */
  async encode(images: readonly RgbImage[]): Promise<EncodedImages> {
    const data = new Float32Array(images.length * this.width);
    let done = 0;
    for (const batch of batchesOf(images, this.description.preprocessing, this.batchSize)) {
      const features = await this.engine.run(batch);
      const bad = features.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        throw new MhimError(`the features of image ${done + Math.floor(bad / this.width)} are not all finite.`, {
          code: 'non-finite',
          path: this.description.weights,
          hint: 'Check that the weights are whole and belong to this encoder.',
        });
      }
      data.set(features, done * this.width);
      done += batch.count;
    }
    return { dtype: 'F32', shape: [images.length, this.width], data };
  }

  /** Tells features apart that other weights, another output or other preprocessing would give. Reads the weights file. */
  async fingerprint(): Promise<string> {
    const { name, output, preprocessing, weights } = this.description;
    const hash = createHash('sha256').update(JSON.stringify([name, output ?? null, preprocessing]));
    for await (const chunk of createReadStream(weights)) hash.update(chunk as Buffer);
    return hash.digest('hex');
  }

  async dispose(): Promise<void> {
    await this.engine.dispose();
  }
}

/** At most `size` images at a time; a change of size begins a new batch. */
export function* batchesOf(
  images: readonly RgbImage[],
  preprocessing: Preprocessing,
  size: number,
): Generator<ImageBatch> {
  let waiting: RgbImage[] = [];
  for (const [i, image] of images.entries()) {
    checkImage(image, `image ${i}`);
    const ready = resizeAndCrop(image, preprocessing);
    const [first] = waiting;
    if (first && (waiting.length === size || first.width !== ready.width || first.height !== ready.height)) {
      yield stack(waiting, preprocessing);
      waiting = [];
    }
    waiting.push(ready);
  }
  if (waiting.length > 0) yield stack(waiting, preprocessing);
}

function stack(images: readonly RgbImage[], preprocessing: Preprocessing): ImageBatch {
  const { width, height } = images[0] as RgbImage;
  const length = 3 * width * height;
  const values = new Float32Array(images.length * length);
  images.forEach((image, i) => normalise(image, preprocessing, values.subarray(i * length, (i + 1) * length)));
  return { count: images.length, height, width, values };
}
