import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decode } from 'fast-png';
import { MhimError } from '@mhim/tensor';
import { levelsOf, Slide, type Plane, type SlideLevel } from '@mhim/slides';
import type { ConformanceCase } from '../conformance-case.js';

/** A case's slide, where it lies: MHIM_SLIDES, beside the cases, or the shared data. Known by its checksum. */
export async function openCaseSlide(
  { folder }: ConformanceCase,
  name: string,
  sha256?: string,
): Promise<Slide | undefined> {
  const testing = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const roots = [folder, dirname(folder), dirname(dirname(folder))];
  const places = [
    process.env.MHIM_SLIDES,
    ...roots.flatMap((root) => [root, join(root, 'slides'), join(root, 'data', 'slides')]),
    process.env.MHIM_SHARED && join(process.env.MHIM_SHARED, 'data', 'slides'),
    join(testing, '../../../shared/data/slides'),
    join(testing, '../../../../shared/data/slides'),
  ];
  for (const place of places) {
    const path = place ? join(place, basename(name)) : '';
    if (path === '' || !existsSync(path)) continue;
    if (sha256 !== undefined && createHash('sha256').update(readFileSync(path)).digest('hex') !== sha256) continue;
    return Slide.open(path);
  }
  return undefined;
}

/**
 * The saturation plane that the case of the slide's facts stores, with its levels.
 * @throws MhimError `file-missing` when there is neither
 */
export async function storedSaturation(
  { folder }: ConformanceCase,
  name: string,
  level: number,
): Promise<{ plane: Plane; level: number; levels: readonly SlideLevel[] }> {
  for (const file of readdirSync(folder).filter((entry) => /^openslide_.*\.json$/.test(entry))) {
    const { values } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { values: Facts };
    const stored = values.saturation_png;
    if (values.slide !== name || stored?.level !== level) continue;
    const { data, width, height } = decode(readFileSync(join(folder, stored.file)));
    const levels = levelsOf(
      values.level_dimensions.map(([w, h], i) => [w, h, values.level_downsamples[i]] as [number, number, number]),
    );
    return { plane: { data: Uint8Array.from(data), width, height }, level, levels };
  }
  throw new MhimError(`neither the slide ${name} nor its saturation plane is here.`, {
    code: 'file-missing',
    path: folder,
    hint: 'Put the slide beside the cases, or name its folder in MHIM_SLIDES.',
  });
}

interface Facts {
  slide: string;
  level_dimensions: [number, number][];
  level_downsamples: number[];
  saturation_png?: { file: string; level: number };
}
