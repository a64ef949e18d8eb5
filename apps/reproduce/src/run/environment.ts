import { execFileSync } from 'node:child_process';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import type { BackendInfo } from '@mhim/tensor';
import { codeVersion } from '../code-version.js';
import { VERSION } from '../version.js';
import { cacheFolder } from './cache-folder.js';

/** Under what a run was made: written beside its results, and not part of what must be equal to resume it. */
export interface Environment {
  backend: { name: string; summary: string };
  /** `code`: the hash of what decides numbers, see `codeVersion`. */
  versions: { mhim: string; code: string; node: string; tfjs: string };
  machine: { platform: string; cpu: string; cores: number; memoryBytes: number };
  /** Of this software, where it runs from a clone. */
  commit?: string;
  commandLine: string[];
  startedAt: string;
  cache: string;
}

export function describeEnvironment({ name, summary }: BackendInfo): Environment {
  const processors = cpus();
  return {
    backend: { name, summary },
    versions: { mhim: VERSION, code: codeVersion(), node: process.version, tfjs: tf.version.tfjs },
    machine: {
      platform: `${platform()} ${release()} ${arch()}`,
      cpu: processors[0]?.model.trim() ?? 'unknown',
      cores: processors.length,
      memoryBytes: totalmem(),
    },
    commit: commitOf(dirname(fileURLToPath(import.meta.url))),
    commandLine: process.argv.slice(2),
    startedAt: new Date().toISOString(),
    cache: cacheFolder(),
  };
}

/** Processor and backend in words, for what was timed. */
export function describeMachine({ summary }: Pick<BackendInfo, 'summary'>): string {
  const processors = cpus();
  const name = processors[0]?.model.trim() ?? 'unknown processor';
  return `${name}, ${processors.length} cores; ${summary.replace(/^Backend: |\.$/g, '')}`;
}

function commitOf(folder: string): string | undefined {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const dirty = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' with changes';
    return `${git('rev-parse', 'HEAD')}${dirty}`;
  } catch {
    return undefined;
  }
}
