import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MhimError, Rng } from '@mhim/tensor';
import { convertBags, type BagFormat } from '../convert.js';
import { readLabels } from '../labels.js';
import { temporaryFolder, toySource } from '../test-helpers.js';
import { readBagFile } from './read-bag-file.js';

const at = temporaryFolder();
const MUTATIONS = 150;

/** Reads a file cut at every seventh byte, and with up to three of its bytes replaced: a result, or one clear error. */
async function damage(path: string, read: () => Promise<unknown>): Promise<void> {
  const whole = readFileSync(path);
  const attempt = async (bytes: Uint8Array, what: string) => {
    writeFileSync(path, bytes);
    const error = await read().catch((reason: unknown) => reason);
    if (!(error instanceof Error)) return;
    expect(error, what).toBeInstanceOf(MhimError);
    expect((error as MhimError).path, what).toBe(path);
  };
  for (let cut = 0; cut < whole.length; cut += 7) await attempt(whole.subarray(0, cut), `cut at ${cut}`);
  const rng = new Rng(2026);
  for (let i = 0; i < MUTATIONS; i++) {
    const mutated = Buffer.from(whole);
    const places: string[] = [];
    for (let k = 0; k <= i % 3; k++) {
      const [place, byte] = [rng.integer(0, whole.length - 1), rng.integer(0, 255)];
      mutated[place] = byte;
      places.push(`byte ${place} is ${byte}`);
    }
    await attempt(mutated, places.join(', '));
  }
}

test.each<BagFormat>(['safetensors', 'pt', 'npy', 'h5'])('%s', async (format) => {
  await convertBags(toySource(), at(format), format);
  const path = at(format, `slide-2.${format}`);
  await damage(path, () => readBagFile(path));
});

test('csv', async () => {
  const path = at('labels.csv');
  writeFileSync(path, 'slide_id,case_id,label,split\na,c1,0,train\nb,c2,1,test\n"c,d",c3,1,val\n');
  await damage(path, () => readLabels(path));
});
