import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MhimError, toFloat32 } from '@mhim/tensor';
import type { Bag, BagInfo } from './bag.js';
import { classCount, type BagSource } from './bag-source.js';
import { checkUnique, identityOf } from './bag-store.js';
import { readH5Coords } from './formats/h5.js';
import { BAG_EXTENSIONS, bagId, readBagFile } from './formats/read-bag-file.js';

export interface BagFolderOptions {
  /** The label table's rows; without it all files are bags without labels. */
  labels?: readonly BagInfo[];
  /** Whether a label without bag, or a bag without label, is an error (default) or left out and listed in `skipped`. */
  onMissing?: 'error' | 'skip';
  /** One bag a slide (default), or one bag a case: all slides of a case, one after the other (survival). */
  unit?: 'slide' | 'case';
}

/** A folder of feature files, one a slide, matched to labels by exact name. */
export interface BagFolder extends BagSource {
  /** Labels without bag and bags without label that were left out. */
  readonly skipped: readonly string[];
}

/**
 * Opens a folder of feature files (`.pt`, `.safetensors`, `.npy`, `.h5`), or one that holds `pt_files` or `h5_files` as CLAM's do.
 * @throws MhimError `data` naming labels without bags, bags without labels, or names that occur twice
 */
export async function openBagFolder(folder: string, options: BagFolderOptions = {}): Promise<BagFolder> {
  const { labels, onMissing = 'error', unit = 'slide' } = options;
  const files = await listFiles(folder);
  const slides = labels ?? [...files.keys()].map((id): BagInfo => ({ id }));
  checkUnique(slides, folder);
  const { found, skipped } = match(folder, files, slides, onMissing);
  const groups = unit === 'case' ? byCase(found) : found.map((slide) => ({ info: slide, slides: [slide] }));
  const first = await readBagFile(files.get((groups[0] as Group).slides[0]?.id as string) as string);
  const bags = groups.map(({ info }) => info);
  const { width } = first;
  return {
    name: basename(folder),
    path: folder,
    width,
    classes: classCount(bags),
    simulated: false,
    bags,
    skipped,
    async read(index) {
      const { info, slides: members } = groups[index] as Group;
      const parts: Bag[] = [];
      for (const { id } of members) parts.push(await readSlide(files.get(id) as string, width));
      return { ...concatenated(parts), id: info.id, label: info.label };
    },
    async fingerprint() {
      // Names, labels, sizes and times: reading terabytes only to name a run would defeat its purpose.
      const hash = createHash('sha256');
      for (const { info, slides: members } of groups) {
        hash.update(identityOf(info));
        for (const { id } of members) {
          const { size, mtimeMs } = await stat(files.get(id) as string);
          hash.update(`${id}\0${size}\0${mtimeMs}\n`);
        }
      }
      return hash.digest('hex');
    },
    async close() {},
  };
}

interface Group {
  info: BagInfo;
  slides: readonly BagInfo[];
}

async function listFiles(folder: string): Promise<Map<string, string>> {
  if (!existsSync(folder)) {
    throw new MhimError('there is no such folder.', { code: 'file-missing', path: folder, hint: 'Check the path.' });
  }
  const nested = ['pt_files', 'h5_files'].map((name) => join(folder, name)).find((path) => existsSync(path));
  const place = nested ?? folder;
  const files = new Map<string, string>();
  for (const name of (await readdir(place)).sort()) {
    if (!BAG_EXTENSIONS.some((extension) => name.toLowerCase().endsWith(extension))) continue;
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

function match(
  folder: string,
  files: Map<string, string>,
  labels: readonly BagInfo[],
  onMissing: 'error' | 'skip',
): { found: BagInfo[]; skipped: string[] } {
  const named = new Set(labels.map(({ id }) => id));
  const withoutBag = labels.filter(({ id }) => !files.has(id)).map(({ id }) => id);
  const withoutLabel = [...files.keys()].filter((id) => !named.has(id));
  const found = labels.filter(({ id }) => files.has(id));
  if (found.length > 0) checkMatch(folder, withoutBag, withoutLabel, onMissing);
  if (found.length === 0) {
    throw new MhimError('no bag has a label: no file is named like an id of the table.', {
      code: 'data',
      path: folder,
      hint: `Files are named like ${some([...files.keys()])}; the table says ${some([...named])}.`,
    });
  }
  return { found, skipped: [...withoutBag, ...withoutLabel] };
}

/** @throws MhimError `data` naming labels without bags or bags without labels, unless they are to be skipped */
export function checkMatch(
  path: string | undefined,
  withoutBag: string[],
  withoutLabel: string[],
  onMissing: 'error' | 'skip',
): void {
  if (onMissing === 'skip') return;
  if (withoutBag.length > 0) {
    throw new MhimError(`${withoutBag.length} labels have no bag: ${some(withoutBag)}.`, {
      code: 'data',
      path,
      hint: 'Extract these slides, take them out of the label table, or leave them out with --on-missing skip.',
    });
  }
  if (withoutLabel.length > 0) {
    throw new MhimError(`${withoutLabel.length} bags have no label: ${some(withoutLabel)}.`, {
      code: 'data',
      path,
      hint: 'Add them to the label table, or leave them out with --on-missing skip.',
    });
  }
}

function byCase(slides: readonly BagInfo[]): Group[] {
  const cases = new Map<string, BagInfo[]>();
  for (const slide of slides) {
    const id = slide.caseId ?? slide.id;
    cases.set(id, [...(cases.get(id) ?? []), slide]);
  }
  return [...cases].map(([id, members]) => {
    const [first] = members as [BagInfo];
    const other = members.find(({ label }) => label !== first.label);
    if (other) {
      throw new MhimError(`case "${id}" has slides of label ${first.label} and ${other.label}.`, {
        code: 'data',
        hint: 'A case that is one bag needs one label.',
      });
    }
    return { info: { ...first, id, caseId: id, instances: undefined }, slides: members };
  });
}

/** CLAM's `.pt` files hold features only; the coordinates stand in the `.h5` of the same name in the folder beside. */
async function readSlide(path: string, width: number): Promise<Bag> {
  const bag = await readBagFile(path, { expectedWidth: width });
  const beside = join(dirname(dirname(path)), 'h5_files', `${bag.id}.h5`);
  if (bag.coords || basename(dirname(path)) !== 'pt_files' || !existsSync(beside)) return bag;
  const coords = await readH5Coords(beside);
  if (!coords) return bag;
  if (coords.data.length !== 2 * bag.instances) {
    throw new MhimError(`holds ${coords.data.length / 2} coordinates, ${path} ${bag.instances} instances.`, {
      code: 'data',
      path: beside,
      hint: 'Extract both again in one run, or take the folder h5_files away.',
    });
  }
  return { ...bag, coords: toFloat32(coords) };
}

/** The bags of several slides as one. */
function concatenated(parts: Bag[]): Bag {
  const [first] = parts as [Bag];
  if (parts.length === 1) return first;
  const join = (arrays: Float32Array[]) => {
    const joined = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const array of arrays) {
      joined.set(array, at);
      at += array.length;
    }
    return joined;
  };
  const coords = parts.every((part) => part.coords)
    ? join(parts.map((part) => part.coords as Float32Array))
    : undefined;
  const instances = parts.reduce((sum, part) => sum + part.instances, 0);
  return {
    ...first,
    instances,
    coords,
    features: join(parts.map(({ features }) => features)),
    instanceLabels: undefined,
  };
}

function some(names: string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} …` : names.join(', ');
}
