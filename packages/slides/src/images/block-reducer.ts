import type { RgbImage } from './rgb-image.js';

/** Averages blocks of whole pixels, as Pillow's `Image.reduce`; blocks at the right and lower edge may be smaller. */
export class BlockReducer {
  readonly width: number;
  readonly height: number;
  private readonly data: Uint8Array;

  /** @param width size of the picture that will come, with `height` */
  constructor(
    private readonly sourceWidth: number,
    private readonly sourceHeight: number,
    private readonly factorX: number,
    private readonly factorY: number,
  ) {
    this.width = Math.ceil(sourceWidth / factorX);
    this.height = Math.ceil(sourceHeight / factorY);
    this.data = new Uint8Array(3 * this.width * this.height);
  }

  /** Takes rows from `top` on, a multiple of the factor; all strips but the last have a multiple of it, too. */
  add(top: number, strip: RgbImage): void {
    const { factorX, factorY, width } = this;
    for (let y = 0; y < strip.height; y += factorY) {
      const rows = Math.min(factorY, this.sourceHeight - top - y);
      let at = 3 * ((top + y) / factorY) * width;
      for (let x = 0; x < strip.width; x += factorX) {
        const columns = Math.min(factorX, this.sourceWidth - x);
        const pixels = rows * columns;
        let [red, green, blue] = [pixels >> 1, pixels >> 1, pixels >> 1];
        for (let row = 0; row < rows; row++) {
          let from = 3 * ((y + row) * strip.width + x);
          for (let column = 0; column < columns; column++, from += 3) {
            red += strip.data[from] as number;
            green += strip.data[from + 1] as number;
            blue += strip.data[from + 2] as number;
          }
        }
        // Pillow divides by a reciprocal of 32 bits.
        const reciprocal = Math.floor(2 ** 24 / pixels);
        this.data[at++] = (red * reciprocal) / 2 ** 24;
        this.data[at++] = (green * reciprocal) / 2 ** 24;
        this.data[at++] = (blue * reciprocal) / 2 ** 24;
      }
    }
  }

  image(): RgbImage {
    return { data: this.data, width: this.width, height: this.height };
  }
}
