import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Bag, BagInfo, BagSource } from '@mhim/datasets';
import { readCoordsFile, readSlidesConfig } from '@mhim/slides';
import { MhimError } from '@mhim/tensor';
import { openCohort } from '../cohorts/open-cohort.js';
import { openData } from '../data/open-data.js';
import { runConfig } from '../models/joined-runs.js';

/** A slide's bag, and what its source knows of it. */
export interface SlideBag {
  info: BagInfo;
  /** Number of classes among the labels of its source. */
  classes: number;
  read(): Promise<Bag>;
  /** Side of a patch in level-0 pixels, where `reproduce slides` noted it. */
  patchSize?: number;
}

/** The bags of slides by the slides' names, from several sources: the first that has one counts. */
export class SlideBags {
  private readonly sources: BagSource[] = [];

  /** @param features of the user's choice, which go before the run's own data */
  static async open(run: string, features?: string): Promise<SlideBags> {
    const bags = new SlideBags();
    if (features !== undefined) await bags.add(openData({ data: features, onMissing: 'skip' }));
    const config = runConfig(run);
    const { data } = config;
    if (data === undefined) {
      if (features !== undefined) return bags;
      throw new MhimError('is missing.', { code: 'config', path: '--features', hint: 'Name bags with coordinates.' });
    }
    // A run whose data are gone can still explain the features that are named.
    if (features === undefined || existsSync(data)) await bags.add(openRunData(config, data));
    return bags;
  }

  async add(source: Promise<BagSource> | BagSource): Promise<void> {
    this.sources.push(await source);
  }

  async find(id: string): Promise<SlideBag | undefined> {
    for (const source of this.sources) {
      const index = source.bags.findIndex((info) => info.id === id);
      if (index < 0) continue;
      const { classes, path } = source;
      const info = source.bags[index] as BagInfo;
      return { info, classes, read: () => source.read(index), patchSize: await notedPatchSize(path, id) };
    }
    return undefined;
  }

  has(id: string): boolean {
    return this.sources.some(({ bags }) => bags.some((info) => info.id === id));
  }

  /** Some of their names, to show what names look like. */
  examples(): string {
    const names = this.sources.flatMap(({ bags }) => bags.map(({ id }) => id));
    return `${names.slice(0, 3).join(', ')}${names.length > 3 ? ' …' : ''}`;
  }

  async close(): Promise<void> {
    for (const source of this.sources) await source.close();
  }
}

/** Slides one by one, also where the run's bags are cases. */
function openRunData({ dataSet, extractor, labels }: ReturnType<typeof runConfig>, data: string): Promise<BagSource> {
  if (dataSet === undefined) return openData({ data, labels, onMissing: 'skip' });
  return openCohort({ set: dataSet, root: data, extractor, labels, onMissing: 'skip', unit: 'slide' });
}

async function notedPatchSize(features: string | undefined, id: string): Promise<number | undefined> {
  const made = features === undefined ? undefined : readSlidesConfig(features);
  const path = made && join(made.path, 'patches', `${id}_patches.h5`);
  return path !== undefined && existsSync(path) ? (await readCoordsFile(path)).patchSizeLevel0 : undefined;
}
