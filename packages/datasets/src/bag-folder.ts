import { createHash, type Hash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MhimError, openForReading, readExactly, toFloat32 } from '@mhim/tensor';
import type { Bag, BagInfo } from './bag.js';
import { identityOf } from './bag-identity.js';
import { classCount, type BagSource } from './bag-source.js';
import { caseBags } from './case-bags.js';
import { coordsFileOf } from './coords-file.js';
import { readH5Coords } from './formats/h5.js';
import { BAG_EXTENSIONS, bagId, bringsCoords, readBagFile, type ReadBagFileOptions } from './formats/read-bag-file.js';
import { matchLabels } from './match-labels.js';

export interface BagFolderOptions {
  /** The label table's rows; without it all files are bags without labels. */
  labels?: readonly BagInfo[];
  /** Whether a label without bag, or a bag without label, is an error (default) or left out and listed in `skipped`. */
  onMissing?: 'error' | 'skip';
  /** One bag a slide (default), or one bag a case: all slides of a case, one after the other (survival). */
  unit?: 'slide' | 'case';
}

/** Bags of which some may have been left out. */
export interface BagFolder extends BagSource {
  /** Labels without bag and bags without label that were left out. */
  readonly skipped: readonly string[];
}

/** A file that converted folders carry: that they are ours to replace, and whether their slides are simulated. */
export const FOLDER_INDEX = 'index.json';

/**
 * Opens a folder of feature files (`.pt`, `.safetensors`, `.npy`, `.h5`), or one that holds `pt_files` or `h5_files` as CLAM's do.
 * @throws MhimError `data` naming labels without bags, bags without labels, or names that occur twice
 */
export async function openBagFolder(folder: string, options: BagFolderOptions = {}): Promise<BagFolder> {
  return openBagFiles(folder, await listFiles(folder), options);
}

/**
 * Opens feature files that may lie in several folders.
 * @param folder what they have in common, for messages
 * @param files path of each bag's file, by id
 * @throws MhimError as {@link openBagFolder}
 */
export async function openBagFiles(
  folder: string,
  files: ReadonlyMap<string, string>,
  { labels, onMissing, unit = 'slide' }: BagFolderOptions = {},
): Promise<BagFolder> {
  const { found, skipped } = labels
    ? matchLabels(folder, files.keys(), labels, onMissing)
    : { found: [...files.keys()].map((id): BagInfo => ({ id })), skipped: [] };
  const fileOf = (info: BagInfo | undefined) => files.get(info?.id as string) as string;
  const { id: first, width } = await readBagFile(fileOf(found[0]));
  const slides: BagSource = {
    name: basename(folder),
    path: folder,
    width,
    classes: classCount(found),
    simulated: await isSimulated(folder),
    bags: found,
    async read(index) {
      const info = found[index];
      if (!info) throw new MhimError(`there is no bag ${index}.`, { code: 'data', path: folder });
      return { ...(await readSlide(fileOf(info), { expectedWidth: width, widthOf: first })), label: info.label };
    },
    async fingerprint() {
      const hash = createHash('sha256');
      for (const info of found) {
        hash.update(identityOf(info));
        await addSamples(hash, fileOf(info));
        const beside = coordsFileOf(fileOf(info));
        if (beside && !(await bringsCoords(fileOf(info)))) await addSamples(hash, beside.path);
      }
      return hash.digest('hex');
    },
    async close() {},
  };
  return { ...(unit === 'case' ? caseBags(slides) : slides), skipped };
}

async function listFiles(folder: string): Promise<Map<string, string>> {
  if (!existsSync(folder)) {
    throw new MhimError('there is no such folder.', { code: 'file-missing', path: folder, hint: 'Check the path.' });
  }
  if (!statSync(folder).isDirectory()) {
    throw new MhimError('is a file, expected a folder of feature files.', {
      code: 'file-missing',
      path: folder,
      hint: 'Name the folder that holds it.',
    });
  }
  const nested = ['pt_files', 'h5_files'].map((name) => join(folder, name)).find((path) => existsSync(path));
  const place = nested ?? folder;
  const files = new Map<string, string>();
  for (const name of (await readdir(place)).sort()) {
    // macOS puts a hidden `._slide.pt` beside every file on foreign disks.
    if (name.startsWith('.') || !BAG_EXTENSIONS.some((extension) => name.toLowerCase().endsWith(extension))) continue;
    const id = bagId(name);
    if (files.has(id)) {
      throw new MhimError(`two files are named ${id}: ${basename(files.get(id) as string)} and ${name}.`, {
        code: 'data',
        path: place,
        hint: 'Keep one file a slide in the folder.',
      });
    }
    files.set(id, join(place, name));
  }
  if (files.size > 0) return files;
  throw new MhimError('holds no feature files.', {
    code: 'data',
    path: place,
    hint: `Expected files ending in ${BAG_EXTENSIONS.join(', ')}, or a bag store with bags.safetensors.`,
  });
}

const SAMPLES = 4;
const SAMPLE_BYTES = 16_384;

/**
 * Adds a file's size and a few pieces of its content to a hash: reading terabytes only to name a run would defeat its purpose, and
 * the file's time would change when the folder is copied.
 */
async function addSamples(hash: Hash, path: string): Promise<void> {
  const handle = await openForReading(path);
  try {
    const { size } = await handle.stat();
    hash.update(`${size}\n`);
    const length = Math.min(SAMPLE_BYTES, size);
    for (let i = 0; i < SAMPLES; i++) {
      const at = Math.floor(((size - length) * i) / (SAMPLES - 1));
      hash.update(await readExactly(handle, at, length, path));
    }
  } finally {
    await handle.close();
  }
}

async function isSimulated(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, FOLDER_INDEX), 'utf8').catch(() => '{}');
  try {
    const { format, simulated } = JSON.parse(text) as { format?: unknown; simulated?: unknown };
    return format === 'mhim-bag-folder' && simulated === true;
  } catch {
    // A file of others that happens to have this name.
    return false;
  }
}

/** CLAM's `.pt` files hold features only; the coordinates stand in a `.h5` of the same name. */
async function readSlide(path: string, options: ReadBagFileOptions): Promise<Bag> {
  const bag = await readBagFile(path, options);
  const beside = bag.coords ? undefined : coordsFileOf(path);
  const coords = beside && (await readH5Coords(beside.path));
  if (!coords) return bag;
  if (coords.data.length === 2 * bag.instances) return { ...bag, coords: toFloat32(coords) };
  // Those of the whole set are another run's, and in the authors' release of other length for some slides.
  if (beside.shared) return bag;
  throw new MhimError(`holds ${coords.data.length / 2} coordinates, ${path} ${bag.instances} instances.`, {
    code: 'data',
    path: beside.path,
    hint: 'Extract both again in one run, or take the folder h5_files away.',
  });
}
