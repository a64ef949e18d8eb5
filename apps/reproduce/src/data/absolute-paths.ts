import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TrainInput } from '../config/train-config.js';

type Places = Pick<TrainInput, 'data' | 'labels' | 'folds'>;

/** Where data lie, so that it is found from any working folder; the name of a built-in set stays as it is. */
export function absolutePaths<P extends Places>(places: P): P {
  const { data, labels, folds } = places;
  return {
    ...places,
    ...(data !== undefined && existsSync(data) && { data: resolve(data) }),
    ...(labels !== undefined && { labels: resolve(labels) }),
    ...(folds !== undefined && { folds: resolve(folds) }),
  };
}
