import { existsSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { openPicture, type SlideImage } from '@mhim/figures/heatmap';
import { readOnBackground, Slide, SLIDE_EXTENSIONS, slideName } from '@mhim/slides';
import { MhimError } from '@mhim/tensor';

export interface OpenSlideImage extends SlideImage {
  close(): Promise<void> | void;
}

/** Pictures that need no slide library. */
const PICTURES = ['.png', '.jpg', '.jpeg', '.webp'];

/** Whether a file is a picture by its name, of which no features are made. */
export function isPicture(path: string): boolean {
  return PICTURES.includes(extname(path).toLowerCase());
}

/** All that {@link openSlideFile} opens. */
export const PICTURE_EXTENSIONS: readonly string[] = [
  ...new Set([...PICTURES, '.tif', '.tiff', '.dcm', ...SLIDE_EXTENSIONS]),
];

/**
 * Opens a slide by OpenSlide, or a picture. The only place that knows how slides are read.
 * @throws MhimError or FigureError for a file that is missing, damaged or neither
 */
export async function openSlideFile(path: string): Promise<OpenSlideImage> {
  checkSlideFile(path);
  const extension = extname(path).toLowerCase();
  if (isPicture(path)) return openPicture(path);
  try {
    return asImage(await Slide.open(path));
  } catch (error) {
    // Plain TIFF files are pictures, which OpenSlide does not take.
    if (/^\.tiff?$/.test(extension)) return openPicture(path).catch(() => Promise.reject(error as Error));
    throw error;
  }
}

/** @throws MhimError for a file that is not there, or neither slide nor picture by its name */
export function checkSlideFile(path: string): void {
  if (!existsSync(path) || statSync(path).isDirectory()) {
    throw new MhimError('there is no such slide.', { code: 'file-missing', path, hint: 'Check the path.' });
  }
  const extension = extname(path).toLowerCase();
  if (PICTURE_EXTENSIONS.includes(extension)) return;
  throw new MhimError(`is no kind of slide or picture that we know (${extension || 'no extension'}).`, {
    code: 'data',
    path,
    hint: `Known are ${PICTURE_EXTENSIONS.join(', ')}.`,
  });
}

/** The slide's id: the name of its bag. */
export const slideId = slideName;

/** What scanners left out has the slide's background colour, as in their own viewers. */
function asImage(slide: Slide): OpenSlideImage {
  return {
    levels: slide.levels,
    mpp: slide.mpp,
    readRegion: (x, y, level, width, height) =>
      readOnBackground(slide, Math.round(x), Math.round(y), level, width, height),
    close: () => slide.close(),
  };
}
