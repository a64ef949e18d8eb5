import { randomUUID } from 'node:crypto';
import { cp, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { FigureError } from '@mhim/figures';
import { heatmapFolder } from './heatmap-folder.js';
import { PAGE_FILES, pageFolder } from './page-folder.js';

/**
 * Copies a folder of heatmaps with the page into a folder that any static server can give out and that opens from the disk.
 * Links and features that were made for the heatmaps (`features-…`) are left out. The folder appears whole, and takes the place of an earlier copy, but of nothing else.
 * @throws FigureError `config` when the place is taken by other files
 */
export async function writeStaticPage(path: string, out: string, page: string = pageFolder()): Promise<void> {
  const source = heatmapFolder(path);
  const [from, to] = [resolve(source), resolve(out)];
  if (to === from || to.startsWith(from + sep) || from.startsWith(to + sep)) {
    throw new FigureError('lies in the folder of the heatmaps, or around it.', {
      code: 'config',
      path: out,
      hint: 'Choose a folder beside it.',
    });
  }
  if (existsSync(out) && !statSync(out).isDirectory()) {
    throw new FigureError('is a file, expected a folder.', {
      code: 'config',
      path: out,
      hint: 'Choose another folder.',
    });
  }
  const there = existsSync(out) ? await readdir(out) : [];
  const isEarlierCopy = there.includes('heatmaps.js') && there.includes('viewer.js');
  // Who publishes the copy may have put a domain name or a repository beside it.
  const copied = new Set<string>([...PAGE_FILES, ...(await readdir(source))]);
  const other = there.find((name) => !isEarlierCopy || !copied.has(name));
  if (other !== undefined) {
    throw new FigureError(`holds other files, ${other} for one.`, {
      code: 'config',
      path: out,
      hint: 'Choose a new or empty folder.',
    });
  }
  const temporary = `${to}.${randomUUID()}.tmp`;
  try {
    await mkdir(temporary, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
      throw new FigureError(`the folder cannot be made (${cause.code}).`, {
        code: 'config',
        path: out,
        hint: 'Choose another folder, one that you may write to.',
        cause,
      });
    });
    const filter = async (file: string) =>
      !(await lstat(file)).isSymbolicLink() && !(dirname(file) === source && basename(file).startsWith('features-'));
    await cp(source, temporary, { recursive: true, filter });
    for (const name of PAGE_FILES) await cp(join(page, name), join(temporary, name));
    await rm(out, { recursive: true, force: true });
    await rename(temporary, to);
  } finally {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
  }
}
