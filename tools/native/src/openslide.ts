import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import koffi from 'koffi';
import { fetchWheel } from './fetch-wheel.js';
import { defaultCache, sweep } from './library.js';
import { NativeError } from './native-error.js';
import { unpack } from './unpack.js';
import type { Platform, Wheel } from './wheels.js';

/** The release of the wheel `openslide-bin`, which carries OpenSlide with all it needs in one library. */
export const OPENSLIDE_VERSION = '4.0.1.2';

export interface InstallOpenSlideOptions {
  cache?: string;
  /** Fetches it again even if it is there. */
  force?: boolean;
  platform?: Platform;
  log?: (line: string) => void;
}

/** An OpenSlide that loads on this machine. */
export interface OpenSlideInstallation {
  /** The shared library: a path, or a name that the system finds. */
  file: string;
  /** What the library says of itself, such as `4.0.1`. */
  version: string;
}

/**
 * Sets up OpenSlide 4: a library named in MHIM_OPENSLIDE, the one in the cache, the Python wheel (checksum pinned, nothing of
 * it run), and last the system's. What is done already is skipped.
 * @throws NativeError when none can be had or loaded
 */
export async function installOpenSlide(options: InstallOpenSlideOptions = {}): Promise<OpenSlideInstallation> {
  const { log = console.log, force = false, cache = defaultCache() } = options;
  const platform = options.platform ?? { os: process.platform, arch: process.arch };
  const named = process.env.MHIM_OPENSLIDE;
  if (named) return announce(load(named), log);
  const folder = openSlideFolder(cache, platform);
  const file = join(folder, openSlideFile(platform));
  if (!force && (await isComplete(folder)) && existsSync(file)) {
    const installed = tryLoad(file);
    if (installed) {
      log('OpenSlide: ready.');
      return installed;
    }
  }
  let reason: unknown;
  try {
    await download(folder, platform, cache, log);
    return announce(load(file), log);
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    reason = error;
  }
  const system = tryLoad(openSlideFile(platform));
  if (system) return announce(system, log);
  throw reason;
}

/** Where the library lies in the cache; `@mhim/slides` looks there. */
export function openSlideFolder(cache: string, { os, arch }: Platform): string {
  return join(cache, `openslide-4-${os}-${arch}`);
}

/** The library's file name, which is also what the system knows it by. */
export function openSlideFile({ os }: Pick<Platform, 'os'>): string {
  if (os === 'win32') return 'libopenslide-1.dll';
  return os === 'darwin' ? 'libopenslide.1.dylib' : 'libopenslide.so.1';
}

/** @throws NativeError where `openslide-bin` publishes no wheel */
export function openSlideWheel({ os, arch }: Platform): Wheel {
  const wheel = wheels[`${os}-${arch}`];
  if (wheel) return { requirement: `openslide-bin==${OPENSLIDE_VERSION}`, ...wheel };
  throw new NativeError(
    `openslide-bin has no library for ${os} on ${arch}; install OpenSlide 4 with the system's packages, or name its file in MHIM_OPENSLIDE.`,
  );
}

const universal: Omit<Wheel, 'requirement'> = {
  tags: ['macosx_11_0_universal2'],
  sha256: '230cdb1e2cfa88b9f28ca8f51a7b47065b20a855ad3e7ba141cd663e5a713e8c',
};

const wheels: Record<string, Omit<Wheel, 'requirement'>> = {
  'linux-x64': {
    tags: ['manylinux_2_28_x86_64'],
    sha256: '8ac4aa3a2277ed5e218ca0019db65bdd6e853f865eb4edd3da00e2f4acf0c923',
  },
  'linux-arm64': {
    tags: ['manylinux_2_28_aarch64'],
    sha256: '0dff14807e1b7ccfd476ca5b6945edf46908b76ec61777d35acb2a514e205c30',
  },
  'darwin-x64': universal,
  'darwin-arm64': universal,
  'win32-x64': {
    tags: ['win_amd64'],
    sha256: '0c882f0693e4b43e187a51469bff8057de381e865765ac5508a7e1feba319116',
  },
};

/** Unpacks beside the final folder and renames at the end, as the TensorFlow library is. */
async function download(folder: string, platform: Platform, cache: string, log: (line: string) => void): Promise<void> {
  const wheel = openSlideWheel(platform);
  await mkdir(cache, { recursive: true });
  await sweep(cache);
  const work = await mkdtemp(join(cache, 'unpack-'));
  try {
    log(`Downloading ${wheel.requirement} with pip (once; 4 MB) …`);
    const unpacked = join(work, 'openslide');
    await unpack(await fetchWheel(wheel, work), unpacked, (entry) => openSlidePlace(entry, platform));
    await writeFile(join(unpacked, 'complete'), `${wheel.requirement}\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(unpacked, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The library, and the licences that go with it. */
export function openSlidePlace(entry: string, platform: Pick<Platform, 'os'>): string | undefined {
  if (entry.startsWith('openslide_bin/') && basename(entry) === openSlideFile(platform)) return basename(entry);
  return entry.match(/^openslide_bin-[^/]+\.dist-info\/(licenses\/.+)$/)?.[1];
}

async function isComplete(folder: string): Promise<boolean> {
  const stamp = await readFile(join(folder, 'complete'), 'utf8').catch(() => '');
  return stamp.trim() === `openslide-bin==${OPENSLIDE_VERSION}`;
}

function announce(installed: OpenSlideInstallation, log: (line: string) => void): OpenSlideInstallation {
  log(`OpenSlide: ${installed.version} works (${installed.file}).`);
  return installed;
}

function tryLoad(file: string): OpenSlideInstallation | undefined {
  try {
    return load(file);
  } catch {
    return undefined;
  }
}

/** @throws NativeError unless the library loads and is OpenSlide 4 */
function load(file: string): OpenSlideInstallation {
  let version: unknown;
  try {
    version = koffi.load(file).func('const char *openslide_get_version()')();
  } catch (cause) {
    throw new NativeError(`OpenSlide in ${file} does not load: ${cause instanceof Error ? cause.message : cause}`);
  }
  if (typeof version === 'string' && /^[4-9]\./.test(version)) return { file, version };
  throw new NativeError(`${file} is OpenSlide ${String(version)}, version 4 is needed; install a newer one.`);
}
