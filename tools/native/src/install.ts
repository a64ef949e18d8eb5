import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addonKey, buildAddon, findTfjsNode, installAddon, isInstalled } from './addon.js';
import { defaultCache, obtainLibrary, sweep } from './library.js';
import { run } from './run.js';
import { verify, type Verification } from './verify.js';
import type { Platform } from './wheels.js';

export interface InstallOptions {
  /** Folder with libtensorflow and its headers, instead of looking for one. */
  library?: string;
  /** `auto` (default) looks for an NVIDIA driver. */
  gpu?: 'auto' | 'yes' | 'no';
  cache?: string;
  /** Folder of tfjs-node-gpu, instead of looking for it. */
  package?: string;
  /** Builds and verifies again even if nothing changed. */
  force?: boolean;
  platform?: Platform;
  log?: (line: string) => void;
}

/** Sets up the native backend: library, addon, one product to prove it. What is done already is skipped. */
export async function install(options: InstallOptions = {}): Promise<Verification> {
  const { log = console.log, force = false } = options;
  const platform = options.platform ?? { os: process.platform, arch: process.arch };
  const cache = options.cache ?? defaultCache();
  const tfjsNode = findTfjsNode(options.package);
  const stamp = join(tfjsNode, 'lib', 'mhim-native.json');
  const gpu = wantsGpu(options.gpu ?? 'auto');
  const request = JSON.stringify({ gpu, library: options.library ?? process.env.MHIM_TENSORFLOW ?? null, platform });
  if (!force && isInstalled(tfjsNode) && existsSync(stamp)) {
    const done = JSON.parse(await readFile(stamp, 'utf8')) as { request: string; folder: string } & Verification;
    if (done.request === request && existsSync(done.folder)) {
      log(`Native backend: ready (${done.device.toUpperCase()}).`);
      return done;
    }
  }
  await sweep(cache);
  const library = await obtainLibrary({ platform, gpu, path: options.library, cache, log });
  log(`Native backend: libtensorflow from ${library.origin}.`);
  const addon = await buildAddon(tfjsNode, library, platform, cache, log);
  await installAddon(tfjsNode, addon, library);
  const verification = verify(tfjsNode);
  const key = addonKey(tfjsNode, library, platform);
  await writeFile(stamp, JSON.stringify({ request, folder: library.folder, key, ...verification }));
  log(`Native backend: works on the ${verification.device.toUpperCase()} (one product checked).`);
  return verification;
}

/** Whether the CUDA libraries are wanted: asked for, or an NVIDIA driver is there. */
export function wantsGpu(choice: 'auto' | 'yes' | 'no', platform: NodeJS.Platform = process.platform): boolean {
  if (choice !== 'auto') return choice === 'yes';
  return platform === 'linux' && (existsSync('/proc/driver/nvidia/version') || run('nvidia-smi', ['-L']).ok);
}
