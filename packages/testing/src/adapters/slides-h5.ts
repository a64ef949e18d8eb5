import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { withH5 } from '@mhim/datasets';
import { readCoordsFile, writeClamCoords, type SlideLevel } from '@mhim/slides';
import type { ConformanceCase } from '../conformance-case.js';

/** What a file of ours says of its patches, in the form in which the case describes CLAM's. */
export async function clamFileFacts(
  { config, values }: ConformanceCase,
  coords: Int32Array,
  levels: readonly SlideLevel[],
  level: number,
  patchSize: number,
): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), 'mhim-conformance-'));
  const path = join(folder, 'coords.h5');
  const slide = String(config.slide ?? values.slide);
  const savePath = '(the directory given as save_path)';
  try {
    await writeClamCoords(path, coords, { name: basename(slide, extname(slide)), levels, level, patchSize, savePath });
    const { attributes } = await readCoordsFile(path);
    return await withH5(path, (file) => {
      const dataset = file.get('coords') as unknown as Described;
      const facts = Object.entries(attributes).map(([name, value]) => {
        const { dtype } = dataset.attrs[name] as { dtype: unknown };
        return [name, { value, dtype: dtypes[String(dtype)] ?? 'string' }] as const;
      });
      const { dtype, shape, metadata } = dataset;
      const unlimited = metadata.maxshape?.map((size, axis) => (Number(size) > (shape[axis] as number) ? null : size));
      const table = {
        name: 'coords',
        dtype: dtypes[String(dtype)],
        shape,
        chunks: metadata.chunks,
        maxshape: unlimited,
      };
      return { ...Object.fromEntries(facts), _dataset: table };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Described {
  dtype: unknown;
  shape: number[];
  attrs: Record<string, { dtype: unknown }>;
  metadata: { chunks: number[] | null; maxshape: (number | null)[] | null };
}

const dtypes: Record<string, string> = { '<d': 'float64', '<q': 'int64' };
