import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readNpy, writeNpy, type BagSource } from '@mhim/datasets';
import type { HostTensor } from '@mhim/tensor';
import { confoundersOf } from '@mhim/training';
import { StoredModel } from '../models/stored-model.js';

export interface ConfounderPlan {
  /** The stage folder, or the model file, of IBMIL's first stage. */
  baseline: string;
  /** The stage folder of the third, where the dictionary is kept. */
  folder: string;
  source: BagSource;
  train: readonly number[];
  /** K, the rows of the dictionary. */
  count: number;
}

/**
 * IBMIL's second stage: the confounder dictionary from the baseline's bag vectors, [K, d], or the file of it that is there
 * already. The file has its official name, so that the official code reads it too.
 */
export async function confounders({ baseline, folder, source, train, count }: ConfounderPlan): Promise<HostTensor> {
  const path = join(folder, `train_bag_cls_agnostic_feats_proto_${count}.npy`);
  if (existsSync(path)) return readNpy(path);
  const model = await StoredModel.open(baseline);
  try {
    const { aggregator, standardiser } = model;
    const dictionary = await confoundersOf(aggregator, source, train, count, { standardiser });
    writeNpy(path, dictionary);
    return dictionary;
  } finally {
    model.dispose();
  }
}
