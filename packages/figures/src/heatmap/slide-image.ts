/** A picture in ordinary memory. */
export interface RgbPixels {
  /** [height, width, 3], bytes R, G, B. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * What heatmaps need of a slide: a pyramid whose first level is the finest. `Slide` of `@mhim/slides` is one, {@link openPicture}
 * makes one of a PNG or JPEG file.
 */
export interface SlideImage {
  readonly levels: readonly { readonly width: number; readonly height: number }[];
  /** Microns per pixel at level 0, in x and y, where known. */
  readonly mpp?: readonly [number, number];
  /**
   * @param x left edge, pixels of level 0, with `y`
   * @param width size in pixels of `level`, with `height`; what lies beyond the slide may have any colour
   */
  readRegion(x: number, y: number, level: number, width: number, height: number): Promise<RgbPixels>;
}

/** Size at level 0. */
export function slideSize({ levels }: SlideImage): { width: number; height: number } {
  const [{ width, height }] = levels as [{ width: number; height: number }];
  return { width, height };
}

/** The size after halving `times` times, rounded up as deep-zoom pyramids are. */
export function halved({ width, height }: { width: number; height: number }, times: number) {
  return { width: Math.ceil(width / 2 ** times), height: Math.ceil(height / 2 ** times) };
}
