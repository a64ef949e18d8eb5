import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { elementBytes, MhimError, SafetensorsFile } from '@mhim/tensor';
import { some } from './bag-identity.js';
import { openBagStore } from './bag-store.js';
import { readIndex, sha256OfFile } from './bag-store-files.js';

/**
 * Checks the whole file against the checksums in `index.json`.
 * @returns false when the store has no index to check against
 * @throws MhimError `file-format` naming the bags whose features differ
 */
export async function verifyBagStore(folder: string): Promise<boolean> {
  const index = await readIndex(folder);
  if (!index) return false;
  const path = join(folder, 'bags.safetensors');
  if (!existsSync(path)) {
    throw new MhimError('there is no such file.', {
      code: 'file-missing',
      path,
      hint: 'Only index.json is there; copy or convert the store again.',
    });
  }
  if ((await sha256OfFile(path)) === index.sha256) return true;
  // A file that does not even open has no bags to name.
  const damaged = index.bagSha256 ? await damagedBags(path, index.bagSha256).catch(() => []) : [];
  const which = damaged.length > 0 ? ` Differing bags: ${some(damaged)}.` : '';
  throw new MhimError(`its checksum differs from index.json.${which}`, {
    code: 'file-format',
    path,
    hint: 'The file was changed or damaged; copy or convert it again.',
  });
}

async function damagedBags(path: string, expected: readonly string[]): Promise<string[]> {
  const store = await openBagStore(path);
  const tensors = await SafetensorsFile.open(path);
  try {
    const { dtype, begin, shape } = tensors.entry('features');
    const rowBytes = elementBytes[dtype] * (shape[1] as number);
    const damaged: string[] = [];
    let at = begin;
    for (const [i, { id, instances = 0 }] of store.bags.entries()) {
      const end = at + instances * rowBytes;
      if ((await sha256OfFile(path, [at, end])) !== expected[i]) damaged.push(id);
      at = end;
    }
    return damaged;
  } finally {
    await tensors.close();
    await store.close();
  }
}
