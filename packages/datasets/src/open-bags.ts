import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MhimError } from '@mhim/tensor';
import type { BagInfo } from './bag.js';
import { openBagFolder, type BagFolderOptions } from './bag-folder.js';
import { classCount, type BagSource } from './bag-source.js';
import { openBagStore } from './bag-store.js';

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
  return options.labels ? relabelled(store, options.labels) : store;
}

function relabelled(store: BagSource, labels: readonly BagInfo[]): BagSource {
  const byId = new Map(labels.map((label) => [label.id, label]));
  const missing = store.bags.filter(({ id }) => !byId.has(id)).map(({ id }) => id);
  const known = new Set(store.bags.map(({ id }) => id));
  const unknown = labels.filter(({ id }) => !known.has(id)).map(({ id }) => id);
  if (missing.length + unknown.length > 0) {
    const [what, ids] = missing.length > 0 ? ['bags have no label', missing] : ['labels have no bag', unknown];
    throw new MhimError(`${ids.length} ${what}: ${ids.slice(0, 5).join(', ')}.`, {
      code: 'data',
      path: store.path,
      hint: 'Make the label table and the store name the same bags.',
    });
  }
  const bags = store.bags.map((bag) => ({ ...bag, ...byId.get(bag.id), instances: bag.instances }));
  return {
    name: store.name,
    path: store.path,
    width: store.width,
    simulated: store.simulated,
    classes: classCount(bags),
    bags,
    read: async (index) => ({ ...(await store.read(index)), label: bags[index]?.label }),
    fingerprint: async () => `${await store.fingerprint()}:${bags.map(({ label }) => label ?? '').join(',')}`,
    close: () => store.close(),
  };
}
