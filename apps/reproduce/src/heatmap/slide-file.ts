import { existsSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { openPicture, type SlideImage } from '@mhim/figures/heatmap';
import { readOnBackground, Slide, SLIDE_EXTENSIONS as SCANS } from '@mhim/slides';
import { MhimError } from '@mhim/tensor';

export interface OpenSlideImage extends SlideImage {
  close(): Promise<void> | void;
}

/** Pictures that need no slide library. */
const PICTURES = ['.png', '.jpg', '.jpeg', '.webp'];

/** What may be either: a scan where OpenSlide takes it. */
const EITHER = ['.tif', '.tiff'];

export const SLIDE_EXTENSIONS: readonly string[] = [...PICTURES, ...SCANS, '.dcm'];

/** Opens a slide or a picture by its name's extension. The only place that knows how slides are read. */
export async function openSlideFile(path: string): Promise<OpenSlideImage> {
  if (!existsSync(path) || statSync(path).isDirectory()) {
    throw new MhimError('there is no such slide.', { code: 'file-missing', path, hint: 'Check the path.' });
  }
  const extension = extname(path).toLowerCase();
  if (PICTURES.includes(extension)) return openPicture(path);
  if (EITHER.includes(extension)) return (await openScanOf(path)) ?? openPicture(path);
  if (SLIDE_EXTENSIONS.includes(extension)) return asImage(await Slide.open(path));
  throw new MhimError(`is no kind of slide or picture that we know (${extension || 'no extension'}).`, {
    code: 'data',
    path,
    hint: `Known are ${SLIDE_EXTENSIONS.join(', ')}.`,
  });
}

/** Undefined for what is no scan, and where OpenSlide is not there. */
async function openScanOf(path: string): Promise<OpenSlideImage | undefined> {
  try {
    return asImage(await Slide.open(path));
  } catch (error) {
    if (error instanceof MhimError && ['file-format', 'dependency'].includes(error.code)) return undefined;
    throw error;
  }
}

function asImage(slide: Slide): OpenSlideImage {
  return {
    levels: slide.levels,
    mpp: slide.mpp,
    readRegion: (x, y, level, width, height) =>
      readOnBackground(slide, Math.round(x), Math.round(y), level, width, height),
    close: () => slide.close(),
  };
}

/** The slide's id: the file's name without extension. */
export function slideId(path: string): string {
  return basename(path, extname(path));
}
