import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Library } from './library.js';
import { NativeError } from './native-error.js';
import { lastLine, run } from './run.js';
import type { Platform } from './wheels.js';

const PACKAGE = '@tensorflow/tfjs-node-gpu';
const ADDON = join('lib', 'napi-v8', 'tfjs_binding.node');

/** The folder of the user's tfjs-node-gpu: named, installed in the current project, or beside this tool. */
export function findTfjsNode(named?: string): string {
  if (named) {
    if (existsSync(join(named, 'binding'))) return named;
    throw new NativeError(`${named} is not the folder of ${PACKAGE}: it has no folder binding.`);
  }
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return dirname(createRequire(from).resolve(`${PACKAGE}/package.json`));
    } catch {
      // Not installed there.
    }
  }
  throw new NativeError(`${PACKAGE} is not installed here; run npm install ${PACKAGE} --ignore-scripts and try again.`);
}

/** What the addon is made of: two sets of equal inputs give the same addon. */
export function addonKey(tfjsNode: string, library: Library, platform: Platform): string {
  const hash = createHash('sha256').update(
    `${platform.os} ${platform.arch} ${library.names.join(' ')} ${library.origin}`,
  );
  for (const name of readdirSync(join(tfjsNode, 'binding')).sort())
    hash.update(readFileSync(join(tfjsNode, 'binding', name)));
  return hash.digest('hex').slice(0, 16);
}

/** Compiles tfjs' N-API addon against the library, once per key; later installs copy it from the cache. */
export async function buildAddon(
  tfjsNode: string,
  library: Library,
  platform: Platform,
  cache: string,
  log: (line: string) => void,
): Promise<string> {
  const addon = join(cache, `addon-${addonKey(tfjsNode, library, platform)}.node`);
  if (existsSync(addon)) return addon;
  const compiler = findCompiler();
  log(`Compiling the addon with ${compiler} …`);
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'unpack-'));
  try {
    const output = join(work, 'tfjs_binding.node');
    const { ok, stderr } = run(compiler, compilerArguments(tfjsNode, library, platform, output));
    if (!ok) throw new NativeError(`${compiler} could not build the addon: ${firstError(stderr)}`);
    await rename(output, addon);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return addon;
}

/** The compiler's arguments: C++17, Node-API 8, the two libraries, and where the addon looks for them. */
export function compilerArguments(tfjsNode: string, library: Library, { os }: Platform, output: string): string[] {
  const napi = createRequire(import.meta.url)('node-api-headers') as { include_dir: string };
  const sources = readdirSync(join(tfjsNode, 'binding')).filter((name) => name.endsWith('.cc'));
  const linking =
    os === 'darwin'
      ? [
          '-undefined',
          'dynamic_lookup',
          ...library.names.map((name) => join(library.folder, name)),
          '-Wl,-rpath,@loader_path/../../deps/lib',
        ]
      : [
          ...library.names.map((name) => `-l:${name}`),
          `-L${library.folder}`,
          // DT_RPATH, not RUNPATH: it also serves the CUDA libraries that TensorFlow itself opens later.
          '-Wl,--disable-new-dtags,-rpath,$ORIGIN/../../deps/lib',
        ];
  return [
    '-std=c++17',
    '-O2',
    '-fPIC',
    '-shared',
    '-DNAPI_VERSION=8',
    `-I${napi.include_dir}`,
    `-I${library.include}`,
    ...sources.map((name) => join(tfjsNode, 'binding', name)),
    '-o',
    output,
    ...linking,
  ];
}

/** Puts addon and libraries where tfjs-node looks: the addon copied, the libraries linked (copied where links fail). */
export async function installAddon(tfjsNode: string, addon: string, library: Library): Promise<void> {
  const deps = join(tfjsNode, 'deps', 'lib');
  await rm(deps, { recursive: true, force: true });
  await mkdir(deps, { recursive: true });
  await mkdir(dirname(join(tfjsNode, ADDON)), { recursive: true });
  for (const name of library.names) await link(join(library.folder, name), join(deps, name));
  for (const folder of library.cuda) {
    for (const name of await readdir(folder)) await link(join(folder, name), join(deps, name));
  }
  await copyFile(addon, join(tfjsNode, ADDON));
}

export function isInstalled(tfjsNode: string): boolean {
  return existsSync(join(tfjsNode, ADDON));
}

async function link(from: string, to: string): Promise<void> {
  try {
    await symlink(from, to);
  } catch {
    await copyFile(from, to);
  }
}

function findCompiler(): string {
  for (const compiler of [process.env.CXX, 'c++', 'g++', 'clang++']) {
    if (compiler && run(compiler, ['--version']).ok) return compiler;
  }
  throw new NativeError('no C++ compiler was found; install one (Debian: apt install g++) or name it in CXX.');
}

function firstError(stderr: string): string {
  return stderr.split('\n').find((line) => /error/.test(line)) ?? lastLine(stderr);
}
