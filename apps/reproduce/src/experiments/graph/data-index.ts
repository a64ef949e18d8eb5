import { createHash } from 'node:crypto';
import { hashFolds, nameFolds, type BagSource } from '@mhim/datasets';
import type { TrainConfig } from '../../config/train-config.js';
import { chooseFolds } from '../../data/choose-folds.js';
import { openData, requireLabels, requireOutcomes, withoutClasses } from '../../data/open-data.js';
import type { DataRef } from '../experiment.js';
import type { DataIdentity } from './job.js';
import type { LocatedData } from './locate-data.js';
import type { SimulatedSets } from './simulated-sets.js';

/** What planning needs to know of a set. */
export interface DataIndex {
  bags: number;
  /** Mean instances a bag. */
  instances: number;
  /** Of the features. */
  width: number;
  simulated: boolean;
  name: string;
  fingerprint: string;
  /** The set was not found: sizes are the paper's, the fingerprint stands for nothing. */
  assumed?: boolean;
}

/** Opens every set once, however many jobs use it. */
export class DataIndices {
  private readonly known = new Map<string, Promise<DataIndex>>();
  private readonly splits = new Map<string, Promise<{ sha256: string; folds: number }>>();

  /** @param simulated has sets that are not written */
  constructor(
    private readonly log: (line: string) => void,
    private readonly simulated?: SimulatedSets,
  ) {}

  index(data: LocatedData, task: DataRef['task']): Promise<DataIndex> {
    return remember(this.known, JSON.stringify([data, task]), () => this.open(data, task, describe));
  }

  /** Of a training: what identifies its data and its split, and how many folds there are. */
  async identity(config: TrainConfig): Promise<DataIdentity & { folds: number }> {
    const { data, dataSet, extractor, labels, folds, foldScheme, unit, onMissing, k, seed } = config;
    const { task = 'classification' } = config;
    const located = { data, dataSet, extractor, labels, folds, unit, onMissing };
    const { fingerprint } = await this.index(located, task);
    const split = await remember(this.splits, JSON.stringify([located, foldScheme, k, seed, task]), () =>
      this.open(located, task, async (source) => {
        const chosen = await chooseFolds(source, config);
        return { sha256: hashFolds(nameFolds(chosen, source.bags)), folds: chosen.length };
      }),
    );
    return { fingerprint, split: split.sha256, folds: split.folds };
  }

  private async open<T>(data: LocatedData, task: DataRef['task'], use: (source: BagSource) => Promise<T>): Promise<T> {
    const opened = this.simulated?.described(data) ?? (await openData({ ...data, log: this.log }));
    try {
      const source = task === 'survival' && data.dataSet === undefined ? withoutClasses(opened) : opened;
      if (task === 'survival') requireOutcomes(source);
      else requireLabels(source);
      return await use(source);
    } finally {
      await opened.close();
    }
  }
}

/**
 * A set that is not there, as the paper describes it (Table 1): for estimates. The paper does not count CPTAC; its sizes are
 * round guesses, which matter for inference only.
 */
export function assumedIndex({ set, extractor, task }: DataRef): DataIndex {
  const [slides, cases, instances] = SIZES[set];
  const bags = task === 'survival' ? cases : slides;
  return {
    bags,
    instances: Math.round((slides * instances) / bags),
    width: extractor === 'plip' ? 512 : 1024,
    simulated: false,
    name: set,
    fingerprint: createHash('sha256').update(`assumed ${set}/${extractor}`).digest('hex'),
    assumed: true,
  };
}

/** Slides, cases, patches a slide. */
const SIZES: Readonly<Record<DataRef['set'], readonly [number, number, number]>> = {
  camelyon: [899, 370, 8108],
  'tcga-nsclc': [1053, 956, 10302],
  'tcga-brca': [1131, 1062, 8746],
  'tcga-luad': [541, 478, 10629],
  'tcga-lusc': [512, 478, 10395],
  'tcga-blca': [457, 376, 14364],
  cptac: [2000, 200, 10000],
};

async function describe(source: BagSource): Promise<DataIndex> {
  return {
    bags: source.bags.length,
    instances: await meanInstances(source),
    width: source.width,
    simulated: source.simulated,
    name: source.name,
    fingerprint: await source.fingerprint(),
  };
}

/** Counts where the source has them, or those of a few bags that are read. */
async function meanInstances(source: BagSource): Promise<number> {
  const counts = source.bags.flatMap(({ instances }) => instances ?? []);
  if (counts.length === 0) {
    const step = Math.max(1, Math.floor(source.bags.length / 8));
    for (let i = 0; i < source.bags.length; i += step) counts.push((await source.read(i)).instances);
  }
  return Math.round(counts.reduce((sum, count) => sum + count, 0) / counts.length);
}

function remember<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const before = known.get(key);
  if (before) return before;
  const made = make();
  known.set(key, made);
  return made;
}
