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
