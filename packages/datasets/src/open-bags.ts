import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MhimError } from '@mhim/tensor';
import type { BagInfo } from './bag.js';
import { openBagFolder, type BagFolder, type BagFolderOptions } from './bag-folder.js';
import { identityOf } from './bag-identity.js';
import { classCount, type BagSource } from './bag-source.js';
import { openBagStore } from './bag-store.js';
import { caseBags } from './case-bags.js';
import { matchLabels } from './match-labels.js';

/**
 * Opens bags wherever they are: a bag store (folder or file), or a folder of feature files.
 * Labels given for a store replace its own, matched by id.
 */
export async function openBags(path: string, options: BagFolderOptions = {}): Promise<BagFolder> {
  if (!existsSync(path)) {
    throw new MhimError('there is no such file or folder.', { code: 'file-missing', path, hint: 'Check the path.' });
  }
  const isStore = statSync(path).isDirectory()
    ? existsSync(join(path, 'bags.safetensors'))
    : path.endsWith('.safetensors');
  if (!isStore) return openBagFolder(path, options);
  const store = await openBagStore(path);
  try {
    const { labels, onMissing, unit } = options;
    const { source, skipped } = labels ? relabelled(store, labels, onMissing) : { source: store, skipped: [] };
    return withSkipped(unit === 'case' ? caseBags(source) : source, skipped);
  } catch (error) {
    await store.close();
    throw error;
  }
}

function withSkipped(source: BagSource, skipped: readonly string[]): BagFolder {
  return Object.assign(source, { skipped });
}

function relabelled(
  store: BagSource,
  labels: readonly BagInfo[],
  onMissing?: 'error' | 'skip',
): { source: BagSource; skipped: readonly string[] } {
  const ids = store.bags.map(({ id }) => id);
  const { found, skipped } = matchLabels(store.path, ids, labels, onMissing);
  const byId = new Map(found.map((label) => [label.id, label]));
  const places = store.bags.flatMap(({ id }, place) => (byId.has(id) ? [place] : []));
  const bags = places.map((place): BagInfo => {
    const bag = store.bags[place] as BagInfo;
    return { ...bag, ...byId.get(bag.id), instances: bag.instances };
  });
  const source: BagSource = {
    name: store.name,
    path: store.path,
    width: store.width,
    simulated: store.simulated,
    classes: classCount(bags),
    bags,
    read: async (index) => ({ ...(await store.read(places[index] as number)), label: bags[index]?.label }),
    async fingerprint() {
      const hash = createHash('sha256').update(await store.fingerprint());
      for (const bag of bags) hash.update(identityOf(bag));
      return hash.digest('hex');
    },
    close: () => store.close(),
  };
  return { source, skipped };
}
