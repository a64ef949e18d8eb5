import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Bag, BagInfo } from './bag.js';
import type { BagSource } from './bag-source.js';

export const toyWidth = 8;

export const toyInfos: BagInfo[] = [3, 1, 5].map((instances, i) => ({
  id: `slide-${i}`,
  label: i % 2,
  instances,
  caseId: `case-${i}`,
}));

/** Three bags with coordinates and instance labels; their features are halves, which float16 holds exactly. */
export const toyBags: Bag[] = toyInfos.map(({ id, label, instances = 0 }, i) => ({
  id,
  label,
  instances,
  width: toyWidth,
  features: Float32Array.from({ length: instances * toyWidth }, (_, k) => i + k / 2),
  coords: Float32Array.from({ length: instances * 2 }, (_, k) => 256 * k),
  instanceLabels: Int32Array.from({ length: instances }, (_, k) => k % 2),
}));

/** The toy bags, or other ones, as a source. */
export function toySource(bags: readonly Bag[] = toyBags, more: Partial<BagSource> = {}): BagSource {
  return {
    name: 'toy',
    width: bags[0]?.width ?? toyWidth,
    classes: 2,
    simulated: false,
    bags: bags === toyBags ? toyInfos : bags.map(({ id, label, instances }) => ({ id, caseId: id, label, instances })),
    read: async (i) => bags[i] as Bag,
    fingerprint: async () => 'toy',
    close: async () => {},
    ...more,
  };
}

/** A folder that is removed after the tests of the file; gives paths in it. */
export function temporaryFolder(): (...parts: string[]) => string {
  const folder = mkdtempSync(join(tmpdir(), 'mhim-datasets-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (...parts) => join(folder, ...parts);
}
