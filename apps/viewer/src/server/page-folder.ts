import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FigureError } from '@mhim/figures';

/** The files of the page. */
export const PAGE_FILES = ['index.html', 'viewer.js', 'viewer.css'] as const;

/** Where the built page lies: beside this module in a package, in `dist` when run from source. */
export function pageFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const found = [join(here, 'page'), join(here, '..', '..', 'dist', 'page')].find((folder) =>
    PAGE_FILES.every((name) => existsSync(join(folder, name))),
  );
  if (found !== undefined) return found;
  throw new FigureError('the page is not built.', {
    code: 'file',
    path: here,
    hint: 'Run: pnpm nx run @mhim/viewer:build.',
  });
}
