import { hashOf } from '@mhim/training';
import { idleOptions } from '../../config/idle-options.js';
import type { TrainConfig } from '../../config/train-config.js';
import { comparable } from '../../models/later-options.js';
import type { Protocol } from '../../run/train-run.js';
import type { DataRef } from '../experiment.js';
import type { LocatedData } from './locate-data.js';

/** One unit of work, a line of `jobs.jsonl`. */
export interface Job {
  /** Hash of `work` and `code`: of all that decides the result. */
  id: string;
  /** Hash of what is to be done, whatever code does it: configuration, split, content of the data, and the work that it starts from. */
  work: string;
  /** The version of the code that planned it, and alone may do it. */
  code: string;
  /**
   * `train`: one model on one fold. `evaluate`: the model of another job on all bags of a second set. `measure`: what a model
   * costs on this machine.
   */
  kind: 'train' | 'evaluate' | 'measure';
  /** In words. */
  name: string;
  data: DataRef;
  /** Of one protocol: both of them are two jobs. */
  config: TrainConfig & { protocol: Protocol };
  fold: number;
  /** Jobs whose results this one starts from. */
  needs: readonly string[];
  /** `evaluate`: the set to judge on. */
  test?: LocatedData;
  /** `train`: epochs after which the teacher is kept. */
  moments?: readonly number[];
  /** What it will cost at most, by measured step times; absent where the model has none. */
  cost?: JobCost;
}

export interface JobCost {
  seconds: number;
  bytes: number;
}

/** What of the data decides a result. */
export interface DataIdentity {
  fingerprint: string;
  /** SHA-256 of the folds by name. */
  split: string;
}

/** What a job has to do, in 16 hexadecimal digits. @param needs the work of the jobs that it starts from */
export function workOf(
  job: Pick<Job, 'kind' | 'config' | 'fold' | 'moments'>,
  needs: readonly string[],
  data: DataIdentity,
  test?: DataIdentity,
): string {
  const { kind, fold, moments } = job;
  const own = kind === 'evaluate' ? { test: test?.fingerprint } : { settings: settingsOf(job), fold, moments, data };
  return hashOf({ kind, needs, ...own }).slice(0, 16);
}

/** What the id of a job looks like. */
export const JOB_ID = /^[0-9a-f]{16}$/;

/** The id of a job: 16 hexadecimal digits. */
export function jobIdOf(work: string, code: string): string {
  return hashOf({ work, code }).slice(0, 16);
}

/** What of a configuration decides a result: of a cost, the model. What an evaluation judges is what it needs. */
function settingsOf({ kind, config }: Pick<Job, 'kind' | 'config'>): Partial<TrainConfig> {
  const { model, base, aggregator, mhim, bins } = comparable(config);
  if (kind === 'measure') return { model, base, aggregator, mhim, bins };
  const idle: readonly string[] = idleOptions(config);
  return Object.fromEntries(Object.entries(comparable(config)).filter(([key]) => !idle.includes(key)));
}
