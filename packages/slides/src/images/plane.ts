/** One byte a pixel, in ordinary memory. */
export interface Plane {
  /** [height, width] */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}
