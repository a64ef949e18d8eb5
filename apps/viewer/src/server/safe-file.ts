import { realpath, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';

/** What heatmaps consist of; nothing else is given out, whatever lies in the folder. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.dzi': 'application/xml',
  '.geojson': 'application/geo+json',
};

export interface SafeFile {
  path: string;
  size: number;
  type: string;
}

/**
 * The file below a folder that a request's path names. Undefined for whatever leads out of the folder (`..`, links, absolute
 * and doubly encoded paths), hidden files, folders, other kinds of files, and what is not there: the asker learns no difference.
 * @param root as `realpath` gives it
 * @param urlPath still encoded, beginning with `/`
 */
export async function safeFile(root: string, urlPath: string): Promise<SafeFile | undefined> {
  let decoded: string;
  try {
    decoded = decodeURIComponent(urlPath);
  } catch {
    return undefined;
  }
  const parts = decoded.split('/').slice(1);
  if (parts.some((part) => part === '' || part.startsWith('.') || /[\\\0:]/.test(part))) return undefined;
  const type = TYPES[extname(decoded).toLowerCase()];
  if (type === undefined) return undefined;
  try {
    const path = await realpath(join(root, ...parts));
    if (!path.startsWith(root + sep)) return undefined;
    const found = await stat(path);
    return found.isFile() ? { path, size: found.size, type } : undefined;
  } catch {
    return undefined;
  }
}
