import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MhimError, writeFileAtomic, writeSafetensors, type HostTensor } from '@mhim/tensor';
import type { Bag } from './bag.js';
import type { BagSource } from './bag-source.js';
import { writeBagStore, type WriteBagStoreOptions } from './write-bag-store.js';

export type BagFormat = 'store' | 'safetensors' | 'npy' | 'h5';

/**
 * Writes all bags of a source in another format: a bag store, or a folder with one file a bag (`.safetensors`, `.npy`, or `.h5`
 * as CLAM and TRIDENT write it). Coordinates go along where the format has room for them.
 */
export async function convertBags(
  source: BagSource,
  folder: string,
  format: BagFormat,
  options: WriteBagStoreOptions = {},
): Promise<void> {
  if (format === 'store') {
    await writeBagStore(folder, source, options);
    return;
  }
  await mkdir(folder, { recursive: true });
  for (const [i, { id }] of source.bags.entries()) {
    const bag = await source.read(i);
    const path = join(folder, `${safeName(id)}.${format}`);
    if (format === 'safetensors') writeSafetensors(path, tensorsOf(bag, options.dtype));
    else if (format === 'npy') writeFileAtomic(path, npyBytes(bag));
    else await writeH5(path, bag);
    options.onBag?.(i + 1, source.bags.length);
  }
}

/** An id that is a file name and nothing else. */
function safeName(id: string): string {
  if (id !== '' && basename(id) === id && id !== '.' && id !== '..' && !id.includes('\0') && !id.includes('\\'))
    return id;
  throw new MhimError(`the bag id "${id}" is no file name.`, {
    code: 'data',
    hint: 'Rename the bag, or convert to a store.',
  });
}

function tensorsOf(bag: Bag, dtype: WriteBagStoreOptions['dtype']): [string, HostTensor][] {
  const list: [string, HostTensor][] = [
    ['features', { dtype: dtype === 'float16' ? 'F16' : 'F32', shape: [bag.instances, bag.width], data: bag.features }],
  ];
  if (bag.coords) list.push(['coords', { dtype: 'F32', shape: [bag.instances, 2], data: bag.coords }]);
  if (bag.instanceLabels)
    list.push(['instance_labels', { dtype: 'I32', shape: [bag.instances], data: bag.instanceLabels }]);
  return list;
}

function npyBytes({ features, instances, width }: Bag): Uint8Array[] {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${instances}, ${width}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const header = Buffer.alloc(10 + length, ' ');
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(length, 8);
  header.write(text, 10);
  header.write('\n', 9 + length);
  return [header, new Uint8Array(features.buffer, features.byteOffset, features.byteLength)];
}

async function writeH5(path: string, { features, coords, instances, width }: Bag): Promise<void> {
  const h5 = await import('h5wasm/node');
  await h5.ready;
  const file = new h5.File(path, 'w');
  file.create_dataset({ name: 'features', data: features, shape: [instances, width], dtype: '<f4' });
  if (coords)
    file.create_dataset({ name: 'coords', data: Int32Array.from(coords), shape: [instances, 2], dtype: '<i4' });
  file.close();
}
