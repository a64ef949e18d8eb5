/** A picture in ordinary memory. */
export interface RgbImage {
  /** [height, width, 3], bytes R, G, B. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}
