import type { RgbImage } from '../images/rgb-image.js';

/** What makes features of patches; the encoders of `@mhim/encoders` do, with a name beside. */
export interface PatchEncoder {
  readonly name: string;
  /** As people call it, with what it was trained on; files and tables say it. Default: the name. */
  readonly title?: string;
  /** Features a patch. */
  readonly width: number;
  /** Tells encoders with other weights apart, for resuming; the name where that is enough. */
  readonly identity?: string;
  /** How to open the same again, such as the path of its weights: noted with the features, and no part of the identity. */
  readonly options?: Readonly<Record<string, string>>;
  /**
   * Features of patches. Preprocessing is the encoder's own.
   * @param images R, G, B
   */
  encode(images: readonly RgbImage[]): PatchFeatures | Promise<PatchFeatures>;
  dispose?(): Promise<void> | void;
}

/** A row a patch. */
export interface PatchFeatures {
  /** [n, width] */
  readonly shape: readonly [number, number];
  readonly data: Float32Array;
}
