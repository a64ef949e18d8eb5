import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FigureError } from '@mhim/figures';

/**
 * The folder of heatmaps that a path names: the folder itself, or `heatmaps` in a run folder.
 * @throws FigureError `config` when there are none
 */
export function heatmapFolder(path: string): string {
  const found = [path, join(path, 'heatmaps')].find((folder) => existsSync(join(folder, 'heatmaps.js')));
  if (found !== undefined) return found;
  throw new FigureError(existsSync(path) ? 'holds no heatmaps.' : 'there is no such folder.', {
    code: 'config',
    path,
    hint: 'Make some with: reproduce heatmap SLIDE --run RUN.',
  });
}
