import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodePng } from './encode.js';
import type { HeatLayer } from './heat-layer.js';
import { halved } from './slide-image.js';
import { dziDescription, dziLevels } from './write-slide-tiles.js';
import { writeWhole, writeWholeFolder } from './write-whole.js';

export interface LayerTilesOptions {
  /** Size of the slide at level 0. */
  slide: { width: number; height: number };
  /** Size and tiles of the pyramid; those of the slide's own make one lie over the other. */
  tiles: { width: number; height: number; tileSize: number };
  signal?: AbortSignal;
}

/**
 * A deep-zoom pyramid of a heat layer, transparent PNG tiles, for any viewer that lays images over each other. Every tile is painted from
 * the patches, so edges are sharp at all levels and one tile is in memory at a time.
 * @param path of the description, `….dzi`; the tiles go into `…_files` beside it
 */
export async function writeLayerTiles(
  layer: HeatLayer,
  path: string,
  { slide, tiles: { width, height, tileSize }, signal }: LayerTilesOptions,
): Promise<void> {
  const highest = dziLevels({ width, height });
  const name = path.replace(/\.dzi$/, '');
  await writeWholeFolder(`${name}_files`, async (files) => {
    for (let level = 0; level <= highest; level++) {
      const folder = join(files, String(level));
      await mkdir(folder);
      const size = halved({ width, height }, highest - level);
      const [scaleX, scaleY] = [size.width / slide.width, size.height / slide.height];
      for (let top = 0, row = 0; top < size.height; top += tileSize, row++) {
        for (let left = 0, column = 0; left < size.width; left += tileSize, column++) {
          signal?.throwIfAborted();
          const extent = {
            width: Math.min(tileSize, size.width - left),
            height: Math.min(tileSize, size.height - top),
          };
          const bytes = await encodePng(layer.paint({ left, top, ...extent, scaleX, scaleY }));
          await writeFile(join(folder, `${column}_${row}.png`), bytes);
        }
      }
    }
  });
  await mkdir(dirname(path), { recursive: true });
  await writeWhole(`${name}.dzi`, dziDescription({ width, height, tileSize, format: 'png' }));
}
