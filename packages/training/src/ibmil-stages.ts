import * as tf from '@tensorflow/tfjs';
import type { BagSource, Standardiser } from '@mhim/datasets';
import { confounderDictionary, type Aggregator, type ConfounderOptions } from '@mhim/mil-aggregators';
import type { HostTensor } from '@mhim/tensor';
import { FeatureCache } from './feature-cache.js';

export interface BagVectorOptions {
  /** The one that the model was trained with, if any. */
  standardiser?: Standardiser;
}

/** The bag embeddings [d] of some bags at inference, in the order of `indices`. */
export async function bagVectors(
  model: Aggregator,
  source: BagSource,
  indices: readonly number[],
  { standardiser }: BagVectorOptions = {},
): Promise<Float32Array[]> {
  // Every bag is needed once: none is kept.
  const cache = new FeatureCache(source, standardiser, 0);
  const vectors: Float32Array[] = [];
  try {
    for (const [i, index] of indices.entries()) {
      for (const next of indices.slice(i + 1, i + 3)) cache.prefetch(next);
      vectors.push(await cache.with(index, (features) => embeddingOf(model, features)));
    }
  } finally {
    cache.dispose();
  }
  return vectors;
}

/**
 * The second stage of IBMIL: the confounder dictionary of a fold, from the model of the first stage on the fold's training
 * bags (Lin et al. 2023 §3). The third stage is a new model with it: `model.setConfounders(await confoundersOf(…))`.
 * @param confounders K
 * @returns [K, d]
 * @throws MhimError `data` when the training bags give fewer than K different bag vectors
 */
export async function confoundersOf(
  model: Aggregator,
  source: BagSource,
  train: readonly number[],
  confounders: number,
  { standardiser, ...options }: BagVectorOptions & ConfounderOptions = {},
): Promise<HostTensor> {
  return confounderDictionary(await bagVectors(model, source, train, { standardiser }), confounders, options);
}

function embeddingOf(model: Aggregator, features: tf.Tensor2D): Float32Array {
  const embedding = tf.tidy(() => model.aggregate(model.embed(features)).embedding);
  const values = embedding.dataSync().slice() as Float32Array;
  embedding.dispose();
  return values;
}
