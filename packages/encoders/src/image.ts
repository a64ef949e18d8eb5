import { MhimError } from '@mhim/tensor';

/** An image as bytes: red, green, blue of each pixel, row by row. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** @throws MhimError `data` unless the bytes fill the image */
export function checkImage({ data, width, height }: RgbImage, name = 'an image'): void {
  const valid = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (valid && data instanceof Uint8Array && data.length === 3 * width * height) return;
  const found = data instanceof Uint8Array ? `${data.length} bytes` : 'no bytes';
  throw new MhimError(`${name} of ${width}×${height} pixels comes with ${found}.`, {
    code: 'data',
    hint: 'Expected a Uint8Array of red, green, blue for each pixel, without alpha and without padding.',
  });
}
