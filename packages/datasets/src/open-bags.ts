import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MhimError } from '@mhim/tensor';
import type { BagInfo } from './bag.js';
import { checkMatch, openBagFolder, type BagFolderOptions } from './bag-folder.js';
import { classCount, type BagSource } from './bag-source.js';
import { checkUnique, identityOf, openBagStore } from './bag-store.js';

/**
 * Opens bags wherever they are: a bag store (folder or file), or a folder of feature files.
 * Labels given for a store replace its own, matched by id.
 */
export async function openBags(path: string, options: BagFolderOptions = {}): Promise<BagSource> {
  if (!existsSync(path)) {
    throw new MhimError('there is no such file or folder.', { code: 'file-missing', path, hint: 'Check the path.' });
  }
  const isStore = statSync(path).isDirectory()
    ? existsSync(join(path, 'bags.safetensors'))
    : path.endsWith('.safetensors');
  if (!isStore) return openBagFolder(path, options);
  const store = await openBagStore(path);
  return options.labels ? relabelled(store, options.labels, options.onMissing) : store;
}

function relabelled(store: BagSource, labels: readonly BagInfo[], onMissing: 'error' | 'skip' = 'error'): BagSource {
  checkUnique(labels);
  const byId = new Map(labels.map((label) => [label.id, label]));
  const known = new Set(store.bags.map(({ id }) => id));
  const withoutLabel = store.bags.filter(({ id }) => !byId.has(id)).map(({ id }) => id);
  const withoutBag = labels.filter(({ id }) => !known.has(id)).map(({ id }) => id);
  checkMatch(store.path, withoutBag, withoutLabel, onMissing);
  const places = store.bags.flatMap(({ id }, place) => (byId.has(id) ? [place] : []));
  const bags = places.map((place): BagInfo => {
    const bag = store.bags[place] as BagInfo;
    return { ...bag, ...byId.get(bag.id), instances: bag.instances };
  });
  return {
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
}
