import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { bagId } from './formats/read-bag-file.js';

export interface CoordsFile {
  readonly path: string;
  /** Whether it serves the features of several encoders, so that it may be of another run than these. */
  readonly shared: boolean;
}

/**
 * Where the coordinates of a feature file without any are: CLAM's `h5_files` beside `pt_files`, `patches` beside the encoder's folder
 * (the release of MHIM-v2's authors), or TRIDENT's `patches/SLIDE_patches.h5`.
 */
export function coordsFileOf(path: string): CoordsFile | undefined {
  const [id, folder] = [bagId(path), dirname(path)];
  const isClam = basename(folder) === 'pt_files';
  const shared = isClam
    ? [join(folder, '..', '..', 'patches', `${id}.h5`)]
    : [join(folder, '..', 'patches', `${id}_patches.h5`), join(folder, '..', 'patches', `${id}.h5`)];
  const candidates = [
    ...(isClam ? [{ path: join(folder, '..', 'h5_files', `${id}.h5`), shared: false }] : []),
    ...shared.map((file) => ({ path: file, shared: true })),
  ];
  return candidates.find((file) => existsSync(file.path));
}
