import { basename, join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { makeFolder, MhimError, writeFileAtomic } from '@mhim/tensor';
import type { BagInfo } from './bag.js';
import { FOLDER_INDEX } from './bag-folder.js';
import type { BagSource } from './bag-source.js';
import { checkBagFormat, writeBagFile, type BagFileFormat } from './formats/write-bag-file.js';
import { requireOutside, requireOwnFolder, requireSame } from './own-folder.js';
import { writeBagStore, type WriteBagStoreOptions } from './write-bag-store.js';

export type BagFormat = 'store' | BagFileFormat;

/**
 * Writes all bags of a source in another format: a bag store, or a folder with one file a bag (`.safetensors`; `.pt`, the plain
 * tensor that CLAM and MHIM-MIL read; `.npy`; `.h5` as CLAM and TRIDENT write it), a `labels.csv`, and an `index.json` that says
 * whose files these are. Coordinates and instance labels go along where the format has room for them: not in `.pt` and `.npy`.
 * @throws MhimError `config` where the folder is the source's or lies in it, or where it holds others' files of these names;
 * `data` for a bag whose id is no file name or whose values are beyond float16, `config` for h5 in float16
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
  checkBagFormat(format, options.dtype);
  checkCase(source.bags);
  for (const { id } of source.bags) safeName(id);
  const labelled = source.bags.every(({ label, time }) => label !== undefined || time !== undefined);
  const labels = labelTable(source.bags);
  const [table, index] = [join(folder, 'labels.csv'), join(folder, FOLDER_INDEX)];
  const fileOf = ({ id }: BagInfo) => join(folder, `${id}.${format}`);
  requireOutside(source, folder);
  if (labelled) requireSame(table, labels);
  requireOwnFolder(index, source.bags.map(fileOf));
  makeFolder(folder);
  // First, so that what a kill leaves is known as ours.
  const content = { format: 'mhim-bag-folder', version: 1, ...(source.simulated && { simulated: true }) };
  writeFileAtomic(index, `${JSON.stringify(content, null, 2)}\n`);
  for (const [i, info] of source.bags.entries()) {
    const bag = await source.read(i);
    await writeBagFile(fileOf(info), bag, format, options.dtype);
    options.onBag?.(i + 1, source.bags.length);
  }
  if (labelled) writeFileAtomic(table, labels);
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
