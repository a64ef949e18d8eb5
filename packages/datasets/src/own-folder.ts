import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { MhimError, openForReading, readExactly } from '@mhim/tensor';
import type { BagSource } from './bag-source.js';

/** The columns that a store of ours begins with; tables of others have no `offset`. */
export const STORE_COLUMNS = ['bag_id', 'case_id', 'label', 'offset', 'n_instances'] as const;
/** Room for the header of a store of ours, which is known only when the last bag is written; others have headers as long as they need. */
export const HEADER_BYTES = 4096;

/**
 * Bags are not written over or among those that they are read from: files would be replaced while they are read, or the folder
 * would hold bags twice.
 * @throws MhimError `config` where `folder` is the source's or lies in it
 */
export function requireOutside(source: BagSource, folder: string): void {
  if (source.path === undefined || !existsSync(source.path)) return;
  const isFolder = statSync(source.path).isDirectory();
  // A file of others may lie anywhere, beside its results too.
  if (!isFolder && basename(source.path) !== 'bags.safetensors') return;
  const from = realpathSync(isFolder ? source.path : dirname(source.path));
  const below = relative(from, real(resolve(folder)));
  if (/^\.\.([\\/]|$)/.test(below)) return;
  throw new MhimError(
    below === '' ? 'holds the bags that are read.' : 'lies in the folder of the bags that are read.',
    {
      code: 'config',
      path: folder,
      hint: 'Choose a folder beside it.',
    },
  );
}

/** @throws MhimError `config` naming a file of a folder that a store would replace and that is of no store of ours */
export async function requireOwnStore(folder: string): Promise<void> {
  const [index, table, bags] = [join(folder, 'index.json'), join(folder, 'bags.csv'), join(folder, 'bags.safetensors')];
  if (existsSync(index)) requireOwnIndex(index, 'mhim-bag-store');
  if (existsSync(table) && !readFileSync(table, 'utf8').startsWith(STORE_COLUMNS.join(','))) throw foreign(table);
  if (existsSync(bags) && !(await isOwnStore(bags))) throw foreign(bags);
}

/** @throws MhimError `config` for an `index.json` of something else, and without one for bag files that are there already */
export function requireOwnFolder(index: string, files: readonly string[]): void {
  if (existsSync(index)) return requireOwnIndex(index, 'mhim-bag-folder');
  const there = files.find((path) => existsSync(path));
  if (there !== undefined) throw foreign(there);
}

/** @throws MhimError `config` for an `index.json` that is there, of something else */
function requireOwnIndex(path: string, format: string): void {
  try {
    if ((JSON.parse(readFileSync(path, 'utf8')) as { format?: unknown } | null)?.format === format) return;
  } catch {
    // No index of ours either.
  }
  throw foreign(path);
}

/** @throws MhimError `config` for a file that is there and says something else than what is to be written */
export function requireSame(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') !== text) throw foreign(path);
}

async function isOwnStore(path: string): Promise<boolean> {
  if (statSync(path).size < 8) return false;
  const file = await openForReading(path);
  try {
    const start = Buffer.from(await readExactly(file, 0, 8, path));
    return start.readBigUInt64LE() === BigInt(HEADER_BYTES - 8);
  } finally {
    await file.close();
  }
}

/** A path as the system knows it, of which the end may not be there yet. */
function real(path: string): string {
  return existsSync(path) || dirname(path) === path ? realpathSync(path) : join(real(dirname(path)), basename(path));
}

function foreign(path: string): MhimError {
  return new MhimError('is there already, with something else in it.', {
    code: 'config',
    path,
    hint: 'Choose another folder, or move the file away.',
  });
}
