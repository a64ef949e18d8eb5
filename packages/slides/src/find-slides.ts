import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { MhimError } from '@mhim/tensor';

/** Extensions of slides that are one file, or one file with a folder beside it. DICOM slides are named one by one. */
export const SLIDE_EXTENSIONS = [
  '.svs',
  '.tif',
  '.tiff',
  '.ndpi',
  '.vms',
  '.vmu',
  '.scn',
  '.mrxs',
  '.svslide',
  '.bif',
  '.czi',
] as const;

/**
 * The slides of a folder (not of folders in it), sorted by name, or the one slide that is named.
 * @throws MhimError `file-missing`; `data` when there is none, or two would write the same files
 */
export function findSlides(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) {
    throw new MhimError('there is no such file or folder.', { code: 'file-missing', path, hint: 'Check the path.' });
  }
  if (!stat.isDirectory()) return [path];
  const files = readdirSync(path, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.') && isSlideName(entry.name))
    .map(({ name }) => name)
    .sort();
  if (files.length === 0) {
    throw new MhimError('holds no slides.', {
      code: 'data',
      path,
      hint: `Expected files ending in ${SLIDE_EXTENSIONS.join(', ')}.`,
    });
  }
  const names = new Map<string, string>();
  for (const file of files) {
    const name = slideName(file).toLowerCase();
    const other = names.get(name);
    if (other !== undefined) {
      throw new MhimError(`${other} and ${file} would write the same files.`, {
        code: 'data',
        path,
        hint: 'Rename one of them.',
      });
    }
    names.set(name, file);
  }
  return files.map((file) => join(path, file));
}

/** File name without extension, as CLAM and TRIDENT call a slide. */
export function slideName(path: string): string {
  return basename(path, extname(path));
}

function isSlideName(file: string): boolean {
  return SLIDE_EXTENSIONS.some((extension) => file.toLowerCase().endsWith(extension));
}
