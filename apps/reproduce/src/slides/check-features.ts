import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BAG_EXTENSIONS, bagId, labelBags, readBagFile, readLabels, type BagInfo } from '@mhim/datasets';
import { MhimError } from '@mhim/tensor';

export interface FeatureCheck {
  /** What was found, line by line. */
  lines: string[];
  /** What is wrong; none when training can start. */
  problems: string[];
}

/**
 * Reads every feature file of a folder, and joins them with a label table: width, NaN, empty bags, slides without label and
 * rows without slide.
 * @throws MhimError `file-missing` without the folder, `data` when it holds no feature files
 */
export async function checkFeatures(
  folder: string,
  labels?: string,
  onFile: (done: number, total: number) => void = () => {},
): Promise<FeatureCheck> {
  const files = featureFiles(folder);
  const lines: string[] = [];
  const problems: string[] = [];
  const bags: { id: string; instances: number; width: number; coords: boolean }[] = [];
  for (const [i, file] of files.entries()) {
    onFile(i, files.length);
    try {
      const { id, instances, width, coords } = await readBagFile(file);
      bags.push({ id, instances, width, coords: coords !== undefined });
    } catch (error) {
      if (!(error instanceof MhimError)) throw error;
      problems.push(error.message);
    }
  }
  lines.push(`${files.length} feature files in ${folder}${problems.length > 0 ? `, ${problems.length} unusable` : ''}`);
  if (bags.length > 0) {
    const counts = bags.map(({ instances }) => instances).sort((a, b) => a - b);
    lines.push(`instances: ${counts[0]} to ${counts.at(-1)}, median ${counts[Math.floor(counts.length / 2)]}`);
    problems.push(...widthProblems(bags));
    lines.push(`width ${commonest(bags.map(({ width }) => width))}`);
    const placed = bags.filter(({ coords }) => coords).length;
    lines.push(`coordinates in ${placed} of ${bags.length}`);
  }
  if (labels !== undefined)
    await joinLabels(
      labels,
      files.map((file) => ({ id: bagId(file) })),
      lines,
      problems,
    );
  return { lines, problems };
}

function featureFiles(folder: string): string[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new MhimError('there is no such folder.', { code: 'file-missing', path: folder, hint: 'Check the path.' });
  }
  // The folder that `reproduce slides` wrote into, or CLAM's.
  const place = ['features', 'h5_files', 'pt_files'].map((name) => join(folder, name)).find((path) => existsSync(path));
  const root = place ?? folder;
  const files = readdirSync(root)
    .filter((name) => !name.startsWith('.') && BAG_EXTENSIONS.some((end) => name.toLowerCase().endsWith(end)))
    .sort()
    .map((name) => join(root, name));
  if (files.length > 0) return files;
  throw new MhimError('holds no feature files.', {
    code: 'data',
    path: root,
    hint: `Expected files ending in ${BAG_EXTENSIONS.join(', ')}; reproduce slides makes them.`,
  });
}

function widthProblems(bags: readonly { id: string; width: number }[]): string[] {
  const usual = commonest(bags.map(({ width }) => width));
  const others = bags.filter(({ width }) => width !== usual);
  if (others.length === 0) return [];
  const named = others.slice(0, 5).map(({ id, width }) => `${id} (${width})`);
  return [`${others.length} slides have another width than ${usual}: ${named.join(', ')}. Use one encoder for all.`];
}

function commonest(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}

async function joinLabels(path: string, bags: readonly BagInfo[], lines: string[], problems: string[]): Promise<void> {
  const table = await readLabels(path);
  for (const strict of [{ unusedRows: 'ignore' }, { unlabelledBags: 'drop' }] as const) {
    try {
      labelBags(bags, table, strict);
    } catch (error) {
      if (!(error instanceof MhimError)) throw error;
      problems.push(error.message);
    }
  }
  const joined = labelBags(bags, table, { unlabelledBags: 'drop', unusedRows: 'ignore' }).map(({ info }) => info);
  lines.push(`labels: ${joined.length} of ${bags.length} slides`);
  const classes = new Map<number, number>();
  for (const { label } of joined) if (label !== undefined) classes.set(label, (classes.get(label) ?? 0) + 1);
  const named = [...classes]
    .sort(([a], [b]) => a - b)
    .map(([label, count]) => `${table.classNames[label] ?? label}: ${count}`);
  if (named.length > 0) lines.push(`classes: ${named.join(', ')}`);
  const events = joined.filter(({ event }) => event === 1).length;
  if (joined.some(({ event }) => event !== undefined)) lines.push(`events: ${events}`);
}
