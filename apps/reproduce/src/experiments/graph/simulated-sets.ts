import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { simulatedSlides, writeBagStore, type BagInfo, type BagSource } from '@mhim/datasets';
import { makeFolder, writeFileAtomic } from '@mhim/tensor';
import { stringify } from 'csv-stringify/sync';
import type { DataRef } from '../experiment.js';
import type { LocatedData } from './locate-data.js';

export interface SimulatedSize {
  slides: number;
  instances: readonly [number, number];
  width: number;
}

/** Bag stores of made-up slides in the place of every set: other slides for each, other features for every extractor. */
export class SimulatedSets {
  private readonly folder: string;
  /** Sets that are not written, by where they would be. */
  private readonly unwritten = new Map<string, BagSource>();

  /** @param write whether sets are written; else they are described only */
  constructor(
    folder: string,
    private readonly size: SimulatedSize,
    private readonly write: boolean,
  ) {
    this.folder = resolve(folder);
  }

  async locate({ set, extractor, task }: DataRef): Promise<LocatedData> {
    const { slides, instances, width } = this.size;
    const name = [set, extractor, slides, instances.join('-'), width].join('_');
    const data = join(this.folder, name);
    const survival = task === 'survival';
    const labels = join(this.folder, `${name}-survival.csv`);
    const located: LocatedData = survival ? { data, labels, unit: 'case' } : { data };
    const source = simulatedSlides({
      ...{ slides, instances, difficulty: 'easy' },
      width: extractor === 'plip' ? Math.max(4, width >> 1) : width,
      seed: createHash('sha256').update(`${set}/${extractor}`).digest().readUInt16LE(0),
    });
    const stored = existsSync(join(data, 'index.json'));
    const labelled = !survival || existsSync(labels);
    if (stored && labelled) return located;
    if (!this.write) {
      this.unwritten.set(keyOf(located), survival ? withOutcomes(source) : source);
      return located;
    }
    if (!stored) await writeBagStore(data, source);
    if (!labelled) {
      makeFolder(this.folder);
      const rows = source.bags.map((bag, i) => [bag.id, bag.id, timeOf(bag, i), eventOf(i)]);
      writeFileAtomic(labels, stringify([['slide_id', 'case_id', 'time', 'event'], ...rows]));
    }
    return located;
  }

  /** The bags of a set that is described only. */
  described(located: Pick<LocatedData, 'data' | 'labels'>): BagSource | undefined {
    return this.unwritten.get(keyOf(located));
  }
}

function keyOf({ data, labels = '' }: Pick<LocatedData, 'data' | 'labels'>): string {
  return `${data}\n${labels}`;
}

function withOutcomes(source: BagSource): BagSource {
  const { name, width, classes, simulated } = source;
  return {
    ...{ name, width, classes, simulated },
    bags: source.bags.map((bag, i) => ({ ...bag, caseId: bag.id, time: timeOf(bag, i), event: eventOf(i) })),
    read: (index) => source.read(index),
    fingerprint: () => source.fingerprint(),
    close: () => source.close(),
  };
}

/** Slides with tumour die early; every fourth patient is censored. */
function timeOf({ label }: BagInfo, index: number): number {
  return (label === 1 ? 6 : 40) + 1.5 * index;
}

function eventOf(index: number): 0 | 1 {
  return index % 4 === 3 ? 0 : 1;
}
