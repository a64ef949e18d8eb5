import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { MhimError, writeFileAtomic, writeSafetensors, writeTorchFile, type HostTensor } from '@mhim/tensor';
import type { Bag, BagInfo } from './bag.js';
import { FOLDER_INDEX } from './bag-folder.js';
import type { BagSource } from './bag-source.js';
import { writeH5 } from './formats/h5-sandbox.js';
import { writeNpy } from './formats/npy.js';
import { featuresOf, writeBagStore, type WriteBagStoreOptions } from './write-bag-store.js';

export type BagFormat = 'store' | 'safetensors' | 'pt' | 'npy' | 'h5';

/**
 * Writes all bags of a source in another format: a bag store, or a folder with one file a bag (`.safetensors`; `.pt`, the plain
 * tensor that CLAM and MHIM-MIL read; `.npy`; `.h5` as CLAM and TRIDENT write it) and a `labels.csv`.
 * Coordinates and instance labels go along where the format has room for them: not in `.pt` and `.npy`.
 * @throws MhimError `data` for a bag whose id is no file name or whose values are beyond float16, `config` for h5 in float16
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
  if (format === 'h5' && options.dtype === 'float16') {
    throw new MhimError('HDF5 files are written in float32 only.', {
      code: 'config',
      path: 'dtype',
      hint: 'Choose another format, or float32.',
    });
  }
  checkCase(source.bags);
  for (const { id } of source.bags) safeName(id);
  await mkdir(folder, { recursive: true });
  for (const [i, { id }] of source.bags.entries()) {
    const bag = await source.read(i);
    const path = join(folder, `${id}.${format}`);
    const features = featuresOf(bag, options.dtype);
    if (format === 'safetensors') writeSafetensors(path, tensorsOf(bag, features));
    else if (format === 'npy') writeNpy(path, features);
    else if (format === 'pt') writeTorchFile(path, features);
    else await writeH5Bag(path, bag);
    options.onBag?.(i + 1, source.bags.length);
  }
  const labelled = source.bags.every(({ label, time }) => label !== undefined || time !== undefined);
  if (labelled) writeFileAtomic(join(folder, 'labels.csv'), labelTable(source.bags));
  if (source.simulated) {
    const index = { format: 'mhim-bag-folder', version: 1, simulated: true };
    writeFileAtomic(join(folder, FOLDER_INDEX), `${JSON.stringify(index, null, 2)}\n`);
  }
}

/** Two ids that differ in case only are one file on the disks of Windows and macOS. */
function checkCase(bags: readonly BagInfo[]): void {
  const seen = new Map<string, string>();
  for (const { id } of bags) {
    const other = seen.get(id.toLowerCase());
    if (other !== undefined) {
      throw new MhimError(`the bags "${other}" and "${id}" would be one file.`, {
        code: 'data',
        hint: 'Rename one of them, or convert to a store.',
      });
    }
    seen.set(id.toLowerCase(), id);
  }
}

/** With the columns that any bag has a value for. */
function labelTable(bags: readonly BagInfo[]): string {
  const columns: [string, (bag: BagInfo) => string | number | undefined][] = [
    ['slide_id', ({ id }) => id],
    ['case_id', ({ caseId, id }) => caseId ?? id],
    ['label', ({ label }) => label],
    ['time', ({ time }) => time],
    ['status', ({ event }) => event],
    ['split', ({ split }) => split],
  ];
  const used = columns.filter(([, value]) => bags.some((bag) => value(bag) !== undefined));
  return stringify([used.map(([name]) => name), ...bags.map((bag) => used.map(([, value]) => value(bag)))]);
}

/** @throws MhimError `data` unless the id is a file name and nothing else; hidden files are not read back */
function safeName(id: string): void {
  if (id !== '' && basename(id) === id && !id.startsWith('.') && !id.includes('\0') && !id.includes('\\')) return;
  throw new MhimError(`the bag id "${id}" is no file name.`, {
    code: 'data',
    hint: 'Rename the bag, or convert to a store.',
  });
}

function tensorsOf(bag: Bag, features: HostTensor): [string, HostTensor][] {
  const list: [string, HostTensor][] = [['features', features]];
  if (bag.coords) list.push(['coords', { dtype: 'F32', shape: [bag.instances, 2], data: bag.coords }]);
  if (bag.instanceLabels)
    list.push(['instance_labels', { dtype: 'I32', shape: [bag.instances], data: bag.instanceLabels }]);
  return list;
}

function writeH5Bag(path: string, { features, coords, instanceLabels, instances, width }: Bag): Promise<void> {
  return writeH5(path, (file) => {
    file.create_dataset({ name: 'features', data: features, shape: [instances, width], dtype: '<f4' });
    if (coords) {
      const whole = coords.every((value) => Number.isInteger(value));
      const data = whole ? Int32Array.from(coords) : coords;
      file.create_dataset({ name: 'coords', data, shape: [instances, 2], dtype: whole ? '<i4' : '<f4' });
    }
    if (instanceLabels)
      file.create_dataset({ name: 'instance_labels', data: instanceLabels, shape: [instances], dtype: '<i4' });
  });
}
