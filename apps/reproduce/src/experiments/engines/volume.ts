import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { MhimError } from '@mhim/tensor';
import type { Job } from '../graph/job.js';

/**
 * Where a volume is mounted so that the paths of a plan hold there too: `mount`, or the deepest folder that has the plan and all
 * data in it. Built-in data sets have no path; they are fetched where they are not there.
 * @param plan path of jobs.jsonl, whose folder takes the results
 * @throws MhimError `config` naming what lies outside
 */
export function volumeRoot(plan: string, jobs: readonly Job[], mount?: string): string {
  const places = [...new Set([dirname(plan), ...jobs.flatMap(pathsOf)])];
  const root = mount === undefined ? places.reduce(common) : resolve(mount);
  const outside = places.filter((path) => !contains(root, path));
  if (root !== sep && outside.length === 0) return root;
  throw new MhimError(
    root === sep
      ? `the plan and its data have no folder in common that a volume could be: ${places.slice(0, 4).join(', ')}${places.length > 4 ? ' …' : ''}.`
      : `${outside.join(', ')} ${outside.length === 1 ? 'lies' : 'lie'} outside of ${root}, where no pod would see ${outside.length === 1 ? 'it' : 'them'}.`,
    {
      code: 'config',
      path: '--mount',
      hint: 'Put plan and data below the root of the volume, under the paths that pods see, and plan again.',
    },
  );
}

function pathsOf({ config, test }: Job): string[] {
  return [config, test]
    .flatMap((located) => [located?.data, located?.labels, located?.folds])
    .filter((path) => path !== undefined && isAbsolute(path)) as string[];
}

function contains(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** The deepest folder that two paths are in, or are. */
function common(one: string, other: string): string {
  return contains(one, other) ? one : common(dirname(one), other);
}
