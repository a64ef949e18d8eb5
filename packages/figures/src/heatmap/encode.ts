import sharp from 'sharp';
import { FigureError } from '../errors.js';
import type { RgbPixels } from './slide-image.js';

/** A picture with opacity. */
export interface RgbaPixels {
  /** [height, width, 4] */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export function encodeJpeg({ data, width, height }: RgbPixels, quality: number): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality, chromaSubsampling: '4:4:4' })
    .toBuffer();
}

export function encodePng({ data, width, height }: RgbPixels | RgbaPixels): Promise<Buffer> {
  const channels = data.length === 4 * width * height ? 4 : 3;
  return sharp(data, { raw: { width, height, channels } }).png({ compressionLevel: 6 }).toBuffer();
}

/** Not larger than `longest`, shape kept; `enlarge` lets small pictures grow to it. */
export async function resized(picture: RgbPixels, longest: number, enlarge = false): Promise<RgbPixels> {
  const { data, width, height } = picture;
  const factor = longest / Math.max(width, height);
  if (factor === 1 || (factor > 1 && !enlarge)) return picture;
  const [w, h] = [Math.max(1, Math.round(width * factor)), Math.max(1, Math.round(height * factor))];
  const result = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(w, h, { fit: 'fill' })
    .raw()
    .toBuffer();
  return { data: result, width: w, height: h };
}

/** A picture file as bytes. @throws FigureError `data` for one that is damaged */
export async function decodeRgb(path: string): Promise<RgbPixels> {
  try {
    const { data, info } = await sharp(path)
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  } catch (cause) {
    throw new FigureError('cannot be read as a picture.', {
      code: 'data',
      path,
      hint: 'Delete it to make it again.',
      cause,
    });
  }
}
