import { describe, expect, test } from 'vitest';
import { writeH5 } from '@mhim/datasets';
import { levelsOf } from '../openslide/level.js';
import { temporaryFolder } from '../test-helpers.js';
import { readCoordsFile, writeClamCoords, writeTridentCoords } from './coords-file.js';
import { planPatches } from './patch-plan.js';

const path = temporaryFolder();
const levels = levelsOf([
  [4000, 3000],
  [2000, 1500],
]);
const coords = Int32Array.of(0, 512, 512, 0, 100_000, 7);

describe('files of patches', () => {
  test('CLAM’s, with its attributes', async () => {
    await writeClamCoords(path('a.h5'), coords, { name: 'a', levels, level: 1, patchSize: 256, savePath: '/out' });
    expect(await readCoordsFile(path('a.h5'))).toEqual({
      coords,
      patches: 3,
      name: 'a',
      patchSizeLevel0: 512,
      attributes: {
        patch_size: 256,
        patch_level: 1,
        downsample: [2, 2],
        downsampled_level_dim: [2000, 1500],
        level_dim: [2000, 1500],
        name: 'a',
        save_path: '/out',
      },
    });
  });

  test('TRIDENT’s, with its attributes', async () => {
    const slide = { name: 'a', path: 'a.svs', levels, properties: {}, objectivePower: 40 } as never;
    const plan = planPatches(slide, { overlap: 32 });
    await writeTridentCoords(path('a_patches.h5'), coords, { name: 'a', levels, plan, savePath: '/out' });
    const read = await readCoordsFile(path('a_patches.h5'));
    expect(read).toMatchObject({ coords, name: 'a', patchSizeLevel0: 512 });
    expect(read.attributes).toMatchObject({
      patch_size: 256,
      level0_magnification: 40,
      target_magnification: 20,
      overlap: 32,
      level0_width: 4000,
      level0_height: 3000,
      savetodir: '/out',
    });
  });

  test('a file without coordinates says so', async () => {
    await writeH5(path('b.h5'), (file) => void file.create_dataset({ name: 'features', data: new Float32Array(4) }));
    await expect(readCoordsFile(path('b.h5'))).rejects.toThrow(/b\.h5: has no table "coords"/);
    await expect(readCoordsFile(path('none.h5'))).rejects.toThrow(/no such file/);
  });
});
