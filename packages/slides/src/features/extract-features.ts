import { MhimError } from '@mhim/tensor';
import type { RgbImage } from '../images/rgb-image.js';
import type { SlideReader } from '../openslide/slide-reader.js';
import { readPatch, type PatchReading } from '../tiling/patch-plan.js';
import type { PatchEncoder } from './encoder.js';

export interface ExtractFeaturesOptions {
  /** Patches that are encoded together. Default 32. */
  batchSize?: number;
  /** Batches that are read ahead of the one being encoded. Default 1. */
  ahead?: number;
  signal?: AbortSignal;
  onPatches?: (done: number, total: number) => void;
}

/**
 * Features of a slide's patches, in their order, [n, width] row by row. The next batches are read, decoded and resampled while
 * one is encoded; no more pixels than those are in memory.
 * @param coords [n, 2]: upper left corners in level-0 pixels
 * @throws MhimError `shape` when the encoder gives another width than it says, `non-finite` for NaN or infinity
 */
export async function extractFeatures(
  slide: SlideReader,
  plan: PatchReading,
  coords: Int32Array,
  encoder: PatchEncoder,
  { batchSize = 32, ahead = 1, signal, onPatches }: ExtractFeaturesOptions = {},
): Promise<Float32Array> {
  const patches = coords.length / 2;
  const features = new Float32Array(patches * encoder.width);
  const read = (from: number): Promise<RgbImage[]> => {
    const count = Math.max(0, Math.min(batchSize, patches - from));
    const batch = Promise.all(
      Array.from({ length: count }, (_, i) => {
        const at = 2 * (from + i);
        return readPatch(slide, plan, coords[at] as number, coords[at + 1] as number);
      }),
    );
    // Reported when its turn comes.
    batch.catch(() => undefined);
    return batch;
  };
  const pending: Promise<RgbImage[]>[] = [];
  let reading = 0;
  try {
    for (let done = 0; done < patches; done += batchSize) {
      signal?.throwIfAborted();
      for (; reading < patches && reading <= done + ahead * batchSize; reading += batchSize)
        pending.push(read(reading));
      const images = await (pending.shift() as Promise<RgbImage[]>);
      const encoded = await encode(encoder, images, slide.path);
      features.set(encoded, done * encoder.width);
      onPatches?.(Math.min(patches, done + batchSize), patches);
    }
  } finally {
    // The slide may be closed only when nothing reads from it.
    await Promise.allSettled(pending);
  }
  return features;
}

async function encode(encoder: PatchEncoder, images: readonly RgbImage[], path: string): Promise<Float32Array> {
  const { shape, data } = await encoder.encode(images);
  const [rows, width] = shape;
  if (rows !== images.length || width !== encoder.width || data.length !== rows * width) {
    throw new MhimError(
      `encoder ${encoder.name} gave features [${shape}], expected [${images.length}, ${encoder.width}].`,
      { code: 'shape', path },
    );
  }
  if (!data.every(Number.isFinite)) {
    throw new MhimError(`encoder ${encoder.name} gave NaN or infinity.`, {
      code: 'non-finite',
      path,
      hint: 'Are its weights whole?',
    });
  }
  return data;
}
