import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { MhimError } from '@mhim/tensor';
import { BAG_EXTENSIONS, bagId } from '../formats/read-bag-file.js';
import { EXTRACTORS, extractorOf, type ExtractorName } from './extractors.js';

/** A feature file of a slide. */
export interface FeatureFile {
  readonly id: string;
  readonly path: string;
}

/** A folder that holds feature files itself. */
export interface FeatureFolder {
  readonly path: string;
  readonly files: readonly FeatureFile[];
  /** The encoder that the folder, or one above it, is named after. */
  readonly extractor?: ExtractorName;
}

export interface FindFeaturesOptions {
  /** Only folders of this encoder; those that are named after none count where none is named after it. */
  extractor?: ExtractorName;
  /** Only folders of one data set. */
  dataSet?: DataSetFolders;
}

/** Tells a data set's folders by their paths below the root. */
export interface DataSetFolders {
  /** Names of its folders; the first that any folder has counts: a set's own folder goes before one that it shares. */
  readonly own: readonly ((path: string) => boolean)[];
  /** Names of any data set's; folders without count where none is the set's own. */
  readonly any: (path: string) => boolean;
}

/**
 * Looks for feature files below a folder, in the layouts that are in use:
 * - CLAM: `ENCODER/pt_files/*.pt`, whose coordinates lie in `h5_files` beside it;
 * - TRIDENT: `20x_256px_0px_overlap/features_ENCODER/*.h5`;
 * - the release of MHIM-v2's authors: `SET/r50/pt_files/*.pt`, coordinates in `SET/patches/*.h5`;
 * - files in the folder itself, or in `SET/ENCODER/`.
 * @returns the folders, by name; several where a set comes in parts (LUAD and LUSC)
 * @throws MhimError `file-missing` where there is nothing, `data` where encoder or data set are other ones
 */
export async function findFeatures(root: string, options: FindFeaturesOptions = {}): Promise<FeatureFolder[]> {
  const { extractor, dataSet } = options;
  if (!existsSync(root) || !statSync(root).isDirectory()) {
    throw new MhimError('there is no such folder.', { code: 'file-missing', path: root, hint: 'Check the path.' });
  }
  const all = await walk(root, root, 0);
  if (all.length === 0) {
    throw new MhimError('holds no feature files.', {
      code: 'file-missing',
      path: root,
      hint: `Expected files ending in ${BAG_EXTENSIONS.join(', ')}, in the folder or in SET/ENCODER/pt_files and the like.`,
    });
  }
  const ofSet = dataSet ? ofDataSet(all, root, dataSet) : all;
  if (ofSet.length === 0) throw other(root, all, 'of this data set');
  if (extractor === undefined) return oneExtractor(root, ofSet);
  const named = ofSet.filter((folder) => folder.extractor === extractor);
  const found = named.length > 0 ? named : ofSet.filter((folder) => folder.extractor === undefined);
  if (found.length > 0) return found;
  throw other(root, ofSet, `of ${EXTRACTORS[extractor].title}`);
}

/** Folders of a run that hold files of the same endings, but no features of slides. */
const NO_FEATURES =
  /^(?:patches|masks|stitches|contours.*|visualization.*|thumbnails|splits.*|slide_features_.*|models?|checkpoints?)$/i;
const DEPTH = 6;

async function walk(root: string, folder: string, depth: number): Promise<FeatureFolder[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'));
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const isFolder = (entry: (typeof entries)[number]) =>
    entry.isDirectory() ||
    (entry.isSymbolicLink() && statSync(join(folder, entry.name), { throwIfNoEntry: false })?.isDirectory());
  const folders = entries.filter(isFolder);
  const files = entries
    .filter((entry) => !isFolder(entry) && BAG_EXTENSIONS.some((end) => entry.name.toLowerCase().endsWith(end)))
    .map(({ name }): FeatureFile => ({ id: bagId(name), path: join(folder, name) }));
  const parts = relative(root, folder).split(sep);
  const extractor = parts.map(extractorOf).findLast((name) => name !== undefined);
  const own = files.length > 0 ? [{ path: folder, files, ...(extractor && { extractor }) }] : [];
  if (depth === DEPTH) return own;
  const isClam = folders.some(({ name }) => name === 'pt_files');
  const below: FeatureFolder[] = [];
  for (const { name } of folders) {
    if (NO_FEATURES.test(name) || (isClam && name === 'h5_files')) continue;
    below.push(...(await walk(root, join(folder, name), depth + 1)));
  }
  return [...own, ...below];
}

function ofDataSet(
  folders: readonly FeatureFolder[],
  root: string,
  { own, any }: DataSetFolders,
): readonly FeatureFolder[] {
  const called = (name: (path: string) => boolean) => folders.filter(({ path }) => name(relative(root, path)));
  const mine = own.map(called).find((found) => found.length > 0);
  return mine ?? folders.filter(({ path }) => !any(relative(root, path)));
}

/** Without a choice there must be nothing to choose. */
function oneExtractor(root: string, folders: readonly FeatureFolder[]): FeatureFolder[] {
  const names = new Set(folders.map(({ extractor }) => extractor));
  if (names.size === 1) return [...folders];
  throw new MhimError(`holds features of several encoders: ${shown(root, folders)}.`, {
    code: 'config',
    path: root,
    hint: `Choose one with --extractor: ${[...names].flatMap((name) => name ?? []).join(', ')}.`,
  });
}

function other(root: string, folders: readonly FeatureFolder[], what: string): MhimError {
  return new MhimError(`holds no features ${what}; there are ${shown(root, folders)}.`, {
    code: 'data',
    path: root,
    hint: 'Name the folder that holds them, or check set and encoder.',
  });
}

function shown(root: string, folders: readonly FeatureFolder[]): string {
  const names = folders.map(({ path, files }) => `${relative(root, path) || basename(root)} (${files.length} files)`);
  return names.length > 6 ? `${names.slice(0, 6).join(', ')} …` : names.join(', ');
}
