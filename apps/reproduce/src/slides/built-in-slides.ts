import { existsSync } from 'node:fs';
import { BUILT_IN_SLIDES, obtainBuiltInSlide } from '@mhim/slides';

/** A path as it is, or the file of a built-in slide that is named. */
export async function slidesOf(path: string, log: (line: string) => void): Promise<string> {
  if (existsSync(path) || !Object.hasOwn(BUILT_IN_SLIDES, path)) return path;
  return obtainBuiltInSlide(path, { log });
}
