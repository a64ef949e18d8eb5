import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Of this package, from its sources as from its build. */
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
/** The build of `run-job.ts` by itself: what a job does, without commands, tables and reports. */
const JOB = join(ROOT, 'dist', 'run-job.js');

let known: string | undefined;

/**
 * 12 hexadecimal digits of a hash of the built code that decides what a job computes: `@mhim/training`, all of ours that it is made of, and what
 * this package does in a job. Reports, documentation and help texts are no part of it; nor are TensorFlow and the machine, which
 * `environment.json` names.
 */
export function codeVersion(): string {
  known ??= hashOfCode([...decidingPackages().values()].flatMap(codeOf).concat(existsSync(JOB) ? [JOB] : codeOf(ROOT)));
  return known;
}

/** Folders by name of the packages whose code decides numbers, sorted by name. */
export function decidingPackages(): Map<string, string> {
  const found = new Map<string, string>();
  const add = (name: string, from: string) => {
    if (found.has(name)) return;
    const path = createRequire(from).resolve(`${name}/package.json`);
    found.set(name, dirname(path));
    const { dependencies = {} } = JSON.parse(readFileSync(path, 'utf8')) as { dependencies?: Record<string, string> };
    for (const other of Object.keys(dependencies)) if (other.startsWith('@mhim/')) add(other, path);
  };
  add('@mhim/training', join(ROOT, 'package.json'));
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The modules that a package was built to; where it was not built, its sources. */
export function codeOf(folder: string): string[] {
  const files = (part: string, wanted: RegExp) =>
    existsSync(join(folder, part))
      ? readdirSync(join(folder, part), { recursive: true, encoding: 'utf8' })
          .filter((name) => wanted.test(name))
          .sort()
          .map((name) => join(folder, part, name))
      : [];
  const built = files('dist', /\.js$/);
  return built.length > 0 ? built : files('src', /(?<!\.test|\.d)\.ts$/);
}

export function hashOfCode(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(createHash('sha256').update(readFileSync(file)).digest());
  return hash.digest('hex').slice(0, 12);
}
