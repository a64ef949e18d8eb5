import type * as tf from '@tensorflow/tfjs';
import type { RgbImage } from '../images/rgb-image.js';

/** What makes features of patches. */
export interface PatchEncoder {
  readonly name: string;
  /** Features a patch. */
  readonly width: number;
  /** Tells encoders with other weights apart, for resuming; the name where that is enough. */
  readonly identity?: string;
  /**
   * Features of patches of one size, [n, width]; the caller disposes them. Preprocessing is the encoder's own.
   * @param images R, G, B
   */
  encode(images: readonly RgbImage[]): tf.Tensor2D | Promise<tf.Tensor2D>;
  dispose?(): void;
}
