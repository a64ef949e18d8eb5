import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { fetchWheel, findPython } from './fetch-wheel.js';
import { NativeError } from './native-error.js';
import { run } from './run.js';
import { unpack } from './unpack.js';
import { planWheels, TENSORFLOW_VERSION, type Platform } from './wheels.js';

/** A TensorFlow C library on this machine. */
export interface Library {
  /** Folder with the two libraries. */
  folder: string;
  /** Their file names. */
  names: [string, string];
  /** Folder with the C headers. */
  include: string;
  /** Folders with CUDA's libraries, for a GPU. */
  cuda: string[];
  /** Where it came from, for people. */
  origin: string;
}

export interface LibraryOptions {
  platform: Platform;
  gpu: boolean;
  /** A folder the user names; also MHIM_TENSORFLOW. */
  path?: string;
  cache: string;
  log: (line: string) => void;
}

/** MHIM_CACHE, or `mhim` below the user's cache folder. */
export function defaultCache(): string {
  return process.env.MHIM_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mhim');
}

/** Finds libtensorflow: a named folder, an installed Python tensorflow, the cache, and last the user's pip. */
export async function obtainLibrary(options: LibraryOptions): Promise<Library> {
  const named = options.path ?? process.env.MHIM_TENSORFLOW;
  const { libraries: names } = planWheels(options.platform, options.gpu);
  if (named) {
    const library = at(named, names, `the folder ${named}`);
    if (!library) {
      throw new NativeError(`${named} does not hold ${names.join(' and ')} with a folder include; name one that does.`);
    }
    return library;
  }
  const installed = options.gpu ? undefined : installedTensorflow(names);
  if (installed) return installed;
  const folder = join(
    options.cache,
    `tensorflow-${TENSORFLOW_VERSION}-${options.gpu ? 'gpu' : 'cpu'}-${options.platform.os}-${options.platform.arch}`,
  );
  if (!existsSync(join(folder, 'complete'))) await download(folder, options);
  const library = at(folder, names, 'the cache');
  if (!library) throw new NativeError(`${folder} is incomplete; delete it and try again.`);
  return { ...library, cuda: existsSync(join(folder, 'cuda')) ? [join(folder, 'cuda')] : [] };
}

/** Unpacks beside the final folder and renames at the end, so that a killed download leaves nothing half done in place. */
async function download(folder: string, { platform, gpu, cache, log }: LibraryOptions): Promise<void> {
  const plan = planWheels(platform, gpu);
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'unpack-'));
  try {
    const unpacked = join(work, 'library');
    log(`Downloading ${plan.tensorflow.requirement} with pip (once; about ${gpu ? '570' : '270'} MB) …`);
    const wheel = await fetchWheel(plan.tensorflow, work);
    log('Unpacking its C library …');
    await unpack(wheel, unpacked, (entry) => libraryPlace(entry, plan.libraries));
    await rm(wheel);
    for (const { requirement, tags } of plan.cuda) {
      log(`Downloading ${requirement} with pip …`);
      const cudaWheel = await fetchWheel({ requirement, tags }, work);
      await unpack(cudaWheel, join(unpacked, 'cuda'), cudaPlace);
      await rm(cudaWheel);
    }
    await writeFile(join(unpacked, 'complete'), `${plan.tensorflow.requirement}\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(unpacked, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const headerFolders = ['tensorflow/c/', 'tensorflow/core/platform/', 'tsl/platform/', 'xla/tsl/', 'xla/tsl/platform/'];

/** Only the two libraries and the few headers that the addon includes. */
export function libraryPlace(entry: string, libraries: [string, string]): string | undefined {
  if (libraries.includes(basename(entry)) && entry.startsWith('tensorflow/')) return basename(entry);
  const header = entry.match(/^tensorflow\/include\/(.+\.(?:h|inc))$/)?.[1];
  return header && headerFolders.some((folder) => header.startsWith(folder)) ? `include/${header}` : undefined;
}

/** `nvidia/cublas/lib/libcublas.so.12` → `libcublas.so.12`: all of CUDA in one folder. */
export function cudaPlace(entry: string): string | undefined {
  return entry.match(/^nvidia\/[^/]+\/lib\/([^/]+\.so[^/]*)$/)?.[1];
}

function at(folder: string, names: [string, string], origin: string): Library | undefined {
  const complete = names.every((name) => existsSync(join(folder, name))) && existsSync(join(folder, 'include'));
  return complete ? { folder, names, include: join(folder, 'include'), cuda: [], origin } : undefined;
}

function installedTensorflow(names: [string, string]): Library | undefined {
  let python: string;
  try {
    python = findPython();
  } catch {
    return undefined;
  }
  const script =
    'import importlib.util as u; s = u.find_spec("tensorflow"); print(s.submodule_search_locations[0] if s else "")';
  const folder = run(python, ['-c', script]).stdout.trim();
  return folder ? at(folder, names, `Python's tensorflow in ${folder}`) : undefined;
}

/** Removes unpacking left over by killed runs. */
export async function sweep(cache: string): Promise<void> {
  for (const name of existsSync(cache) ? await readdir(cache) : []) {
    if (name.startsWith('unpack-')) await rm(join(cache, name), { recursive: true, force: true });
  }
}
