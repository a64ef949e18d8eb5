import { existsSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { openPicture, type SlideImage } from '@mhim/figures/heatmap';
import { Slide, SLIDE_EXTENSIONS, slideName } from '@mhim/slides';
import { MhimError } from '@mhim/tensor';

export interface OpenSlideImage extends SlideImage {
  close(): Promise<void> | void;
}

/** Pictures that need no slide library. */
const PICTURES = ['.png', '.jpg', '.jpeg', '.webp'];

/** All that {@link openSlideFile} opens. */
export const PICTURE_EXTENSIONS: readonly string[] = [
  ...new Set([...PICTURES, '.tif', '.tiff', '.dcm', ...SLIDE_EXTENSIONS]),
];

/**
 * Opens a slide by OpenSlide, or a picture. The only place that knows how slides are read.
 * @throws MhimError or FigureError for a file that is missing, damaged or neither
 */
export async function openSlideFile(path: string): Promise<OpenSlideImage> {
  if (!existsSync(path) || statSync(path).isDirectory()) {
    throw new MhimError('there is no such slide.', { code: 'file-missing', path, hint: 'Check the path.' });
  }
  const extension = extname(path).toLowerCase();
  if (PICTURES.includes(extension)) return openPicture(path);
  if (!PICTURE_EXTENSIONS.includes(extension)) {
    throw new MhimError(`is no kind of slide or picture that we know (${extension || 'no extension'}).`, {
      code: 'data',
      path,
      hint: `Known are ${PICTURE_EXTENSIONS.join(', ')}.`,
    });
  }
  try {
    return onWhite(await Slide.open(path));
  } catch (error) {
    // Plain TIFF files are pictures, which OpenSlide does not take.
    if (/^\.tiff?$/.test(extension)) return openPicture(path).catch(() => Promise.reject(error as Error));
    throw error;
  }
}

/** The slide's id: the name of its bag. */
export const slideId = slideName;

/** What scanners left out is white, as in their own viewers. */
function onWhite(slide: Slide): OpenSlideImage {
  return {
    levels: slide.levels,
    mpp: slide.mpp,
    async readRegion(x, y, level, width, height) {
      const rgba = await slide.readRegionRgba(x, y, level, width, height);
      const data = new Uint8Array(3 * width * height);
      for (let from = 0, at = 0; at < data.length; from += 4, at += 3) {
        const alpha = (rgba[from + 3] as number) / 255;
        for (let c = 0; c < 3; c++) data[at + c] = 255 + Math.round(alpha * ((rgba[from + c] as number) - 255));
      }
      return { data, width, height };
    },
    close: () => slide.close(),
  };
}
