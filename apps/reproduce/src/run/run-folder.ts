import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeFolder, MhimError, writeFileAtomic } from '@mhim/tensor';
import { foldFolders, requireRunFolder, requireRunFolds } from './foreign-files.js';

/** The files of a run. Each is there whole or not at all. */
export class RunFolder {
  constructor(readonly path: string) {}

  file(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  has(...parts: string[]): boolean {
    return existsSync(this.file(...parts));
  }

  readJson<T>(...parts: string[]): T | undefined {
    const path = this.file(...parts);
    if (!existsSync(path)) return undefined;
    try {
      return JSON.parse(readFileSync(path, 'utf8')) as T;
    } catch (cause) {
      throw new MhimError('is no valid JSON.', {
        code: 'file-format',
        path,
        hint: 'Delete it to make it again.',
        cause,
      });
    }
  }

  writeJson(value: unknown, ...parts: string[]): void {
    this.writeText(`${JSON.stringify(value, null, 2)}\n`, ...parts);
  }

  writeText(text: string, ...parts: string[]): void {
    const path = this.file(...parts);
    makeFolder(dirname(path));
    writeFileAtomic(path, text);
  }

  /**
   * Makes the folder that of this run: writes what the run is, or checks that the folder's run is the same. A run that has
   * computed nothing yet (its data were bad, say) gives way.
   * @param what file name and content, compared field by field
   * @param ignored fields that may differ
   * @param comparable what is compared of a content
   * @throws MhimError `config` naming the first field that differs, or a file that would be replaced and that no run wrote
   */
  claim(
    what: Record<string, object>,
    ignored: readonly string[] = [],
    comparable: (content: object) => object = (content) => content,
  ): void {
    requireRunFolder(this);
    for (const [name, wanted] of Object.entries(what)) {
      const stored = this.readJson<object>(name);
      if (stored === undefined) {
        this.writeJson(wanted, name);
        continue;
      }
      const difference = firstDifference(
        comparable(stored),
        comparable(JSON.parse(JSON.stringify(wanted)) as object),
        ignored,
      );
      if (!difference) continue;
      if (this.isUnused()) {
        const folds = foldFolders(this);
        requireRunFolds(folds);
        for (const path of folds) rmSync(path, { recursive: true });
        for (const file of [...Object.keys(what), 'environment.json']) rmSync(this.file(file), { force: true });
        this.claim(what, ignored, comparable);
        return;
      }
      throw new MhimError(
        `this folder holds another run: ${difference.path || name} is ${difference.stored} there and ${difference.wanted} now.`,
        { code: 'config', path: this.file(name), hint: 'Choose another folder with --out, or delete this one.' },
      );
    }
  }

  /** Whether a run began here that has computed nothing yet. */
  private isUnused(): boolean {
    if (!this.has('config.json') || !this.has('data.json') || this.has('results.json')) return false;
    return !foldFolders(this).some((path) => readdirSync(path, { recursive: true }).some(isKept));
  }
}

/** What a training leaves behind that is worth keeping. */
const KEPT = ['result.json', 'state.safetensors', 'state.previous.safetensors', 'best.safetensors'];

function isKept(path: string | Buffer): boolean {
  return KEPT.includes(basename(String(path)));
}

/** Checksums under the name of what they stand for. */
const inWords: Record<string, string> = { sha256: 'folds', fingerprint: 'the content of data' };

/** A field that differs, and both values, in words. */
export interface Difference {
  path: string;
  stored: string;
  wanted: string;
}

/** The first field in which two contents of a run's files differ. */
export function firstDifference(
  stored: unknown,
  wanted: unknown,
  ignored: readonly string[] = [],
  path = '',
): Difference | undefined {
  if (isNested(stored) && isNested(wanted)) {
    for (const key of new Set([...Object.keys(stored), ...Object.keys(wanted)])) {
      const at = path === '' ? key : `${path}.${key}`;
      const difference = ignored.includes(at) ? undefined : firstDifference(stored[key], wanted[key], ignored, at);
      if (difference) return difference;
    }
    return undefined;
  }
  if (JSON.stringify(stored) === JSON.stringify(wanted)) return undefined;
  return { path: inWords[path] ?? path, stored: short(stored), wanted: short(wanted) };
}

function isNested(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function short(value: unknown): string {
  const text = value === undefined ? 'not set' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
