import { existsSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { openPicture, type SlideImage } from '@mhim/figures/heatmap';
import { MhimError } from '@mhim/tensor';

export interface OpenSlideImage extends SlideImage {
  close(): Promise<void> | void;
}

/** Pictures that need no slide library. */
const PICTURES = ['.png', '.jpg', '.jpeg', '.webp'];

/** What OpenSlide reads; `.tif` is tried as a picture where OpenSlide is not there. */
const SLIDES = ['.svs', '.ndpi', '.mrxs', '.scn', '.bif', '.vms', '.vmu', '.svslide', '.dcm', '.czi'];

export const SLIDE_EXTENSIONS = [...PICTURES, '.tif', '.tiff', ...SLIDES];

/** Opens a slide or a picture by its name's extension. The only place that knows how slides are read. */
export async function openSlideFile(path: string): Promise<OpenSlideImage> {
  if (!existsSync(path) || statSync(path).isDirectory()) {
    throw new MhimError('there is no such slide.', { code: 'file-missing', path, hint: 'Check the path.' });
  }
  const extension = extname(path).toLowerCase();
  if (SLIDES.includes(extension)) {
    throw new MhimError(`whole-slide files (${extension}) cannot be opened by this version.`, {
      code: 'dependency',
      path,
      hint: 'Export the slide as PNG, JPEG or TIFF at the resolution that the coordinates belong to.',
    });
  }
  if (SLIDE_EXTENSIONS.includes(extension)) return openPicture(path);
  throw new MhimError(`is no kind of slide or picture that we know (${extension || 'no extension'}).`, {
    code: 'data',
    path,
    hint: `Known are ${SLIDE_EXTENSIONS.join(', ')}.`,
  });
}

/** The slide's id: the file's name without extension. */
export function slideId(path: string): string {
  return basename(path, extname(path));
}
