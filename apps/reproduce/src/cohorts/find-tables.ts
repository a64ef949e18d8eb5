import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { readPublishedTable, type CohortTable, type LabelRow, type PublishedTable } from '@mhim/datasets';
import { MhimError } from '@mhim/tensor';
import { foldersOf, isCalled, type Cohort } from './cohort.js';

/** The rows of a data set's tables, and what was left out of them. */
export interface CohortTables extends CohortTable {
  readonly files: readonly PublishedTable[];
}

/**
 * Reads a data set's label table: a file, a folder that holds it, or by default what lies below the root under one of its published names.
 * @throws MhimError `file-missing` naming what is expected and where it comes from
 */
export async function readTables(cohort: Cohort, root: string, labels?: string): Promise<CohortTables> {
  const isFile = labels !== undefined && existsSync(labels) && !statSync(labels).isDirectory();
  const paths = isFile ? [labels] : await findTables(cohort, labels ?? root);
  const { classes, of } = cohort;
  const files: PublishedTable[] = [];
  for (const path of paths) files.push(await readPublishedTable(path, { classes: classes?.numbers, of }));
  const units = new Set(files.map(({ unit }) => unit));
  if (units.size > 1) {
    throw new MhimError(`${paths.map((path) => basename(path)).join(' and ')} list slides and cases.`, {
      code: 'data',
      path: labels ?? root,
      hint: 'Name one table with --labels.',
    });
  }
  return { files, rows: unique(files), unit: files[0]?.unit ?? 'slide' };
}

async function findTables(cohort: Cohort, root: string): Promise<string[]> {
  if (!existsSync(root)) {
    throw new MhimError('there is no such file or folder.', {
      code: 'file-missing',
      path: root,
      hint: 'Check the path.',
    });
  }
  const all = await tablesBelow(cohort, root);
  for (const wanted of cohort.tables) {
    const found = wanted.map((name) => all.filter((path) => isCalled(basename(path), name)));
    const several = found.find((paths) => paths.length > 1);
    if (several) {
      throw new MhimError(`several label tables: ${several.map((path) => relative(root, path)).join(', ')}.`, {
        code: 'config',
        path: root,
        hint: 'Name one of them with --labels.',
      });
    }
    if (found.every((paths) => paths.length === 1)) return found.flat();
  }
  const there =
    all.length === 0
      ? ''
      : ` There are ${all
          .slice(0, 5)
          .map((path) => relative(root, path))
          .join(', ')}.`;
  throw new MhimError(`no label table of ${cohort.name} here.${there}`, {
    code: 'file-missing',
    path: root,
    hint: `Put it there or name it with --labels: ${cohort.labels.what} (${cohort.labels.where}).`,
  });
}

/** Tables in the folder and two levels below, but not those of other data sets' folders. */
async function tablesBelow(cohort: Cohort, root: string, folder = root, depth = 0): Promise<string[]> {
  const { own, any } = foldersOf(cohort);
  const tables: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.')) continue;
    if (!entry.isDirectory()) {
      if (/\.(?:csv|tsv|txt)$/i.test(entry.name)) tables.push(path);
      continue;
    }
    const below = relative(root, path);
    if (depth < 2 && (!any(below) || own.some((name) => name(below)))) {
      tables.push(...(await tablesBelow(cohort, root, path, depth + 1)));
    }
  }
  return tables.sort();
}

/** Rows of several tables together. @throws MhimError `data` for one that two of them have */
function unique(files: readonly PublishedTable[]): LabelRow[] {
  const whence = new Map<string, string>();
  return files.flatMap(({ path, rows }) =>
    rows.map((row) => {
      const before = whence.get(row.id);
      if (before !== undefined && before !== path) {
        throw new MhimError(`"${row.id}" stands in ${before} already.`, {
          code: 'data',
          path,
          hint: 'Name one table with --labels.',
        });
      }
      whence.set(row.id, path);
      return row;
    }),
  );
}
