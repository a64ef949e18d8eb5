import { MhimError } from '@mhim/tensor';
import type { Bag, BagInfo } from './bag.js';

/** Bags that are read one at a time: a folder of feature files, a bag store, simulated slides. */
export interface BagSource {
  readonly name: string;
  /** File or folder, where there is one. */
  readonly path?: string;
  /** Width of the features. */
  readonly width: number;
  /** Number of classes among the labels. */
  readonly classes: number;
  /** Numbers from a simulated source are labelled as such wherever they are shown. */
  readonly simulated: boolean;
  readonly bags: readonly BagInfo[];
  /** Reads bag `index` of {@link bags}. */
  read(index: number): Promise<Bag>;
  /** SHA-256 of what identifies the content, for run hashes. */
  fingerprint(): Promise<string>;
  close(): Promise<void>;
}

/** One more than the largest label; at least 2. */
export function classCount(bags: readonly BagInfo[]): number {
  return bags.reduce((most, { label = 0 }) => Math.max(most, label + 1), 2);
}

/**
 * Classes are numbered 0, 1, …: a number that no bag has would be an output that is never right.
 * @param path where the labels come from
 * @throws MhimError `data` naming the numbers that there are
 */
export function checkClassNumbers(bags: readonly BagInfo[], path: string): void {
  const classes = [...new Set(bags.flatMap(({ label }) => label ?? []))].sort((a, b) => a - b);
  if (classes.every((label, index) => label === index)) return;
  throw new MhimError(`the classes are ${classes.join(', ')}.`, {
    code: 'data',
    path,
    hint: `Number them ${classes.map((_, index) => index).join(', ')}, or give them names.`,
  });
}
