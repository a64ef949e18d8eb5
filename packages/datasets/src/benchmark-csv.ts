import { createHash } from 'node:crypto';
import { MhimError } from '@mhim/tensor';
import type { Bag, BagInfo } from './bag.js';
import type { BagSource } from './bag-source.js';

/** Bags as the classical benchmark files have them: a row is label of the bag, number of the bag, features; no header. */
export class BenchmarkCsv implements BagSource {
  readonly classes = 2;
  readonly simulated = false;
  readonly width: number;
  readonly bags: readonly BagInfo[];
  private readonly contents: Bag[];

  /** @throws MhimError `file-format` naming the row that is not as expected */
  constructor(
    readonly name: string,
    prefix: string,
    private readonly csv: string,
    readonly path: string,
  ) {
    // Numbers only, of a pinned file: splitting is several times faster than a CSV parser.
    const lines = csv.split(/\r?\n/).filter((line) => line !== '');
    const rows = lines.map((line) => line.split(',').map((cell) => (cell === '' ? Number.NaN : Number(cell))));
    this.width = (rows[0]?.length ?? 0) - 2;
    const bad = rows.findIndex((row) => row.length !== this.width + 2 || !row.every(Number.isFinite));
    if (bad >= 0 || this.width < 1) {
      throw new MhimError(`row ${bad + 1} of ${name} is not label, bag, features.`, { code: 'file-format', path });
    }
    this.contents = groupByBag(rows).map((group, i) => {
      const features = new Float32Array(group.length * this.width);
      group.forEach((row, at) => features.set(row.slice(2), at * this.width));
      const id = `${prefix}_${String(i).padStart(4, '0')}`;
      return { id, label: group[0]?.[0], instances: group.length, width: this.width, features };
    });
    this.bags = this.contents.map(({ id, label, instances }) => ({ id, label, instances }));
  }

  async read(index: number): Promise<Bag> {
    const bag = this.contents[index];
    if (!bag) throw new MhimError(`there is no bag ${index}.`, { code: 'data', path: this.path });
    return bag;
  }

  async fingerprint(): Promise<string> {
    return createHash('sha256').update(this.csv).digest('hex');
  }

  async close(): Promise<void> {}
}

function groupByBag(rows: readonly number[][]): number[][][] {
  const groups = new Map<number, number[][]>();
  for (const row of rows) {
    const number = row[1] as number;
    const group = groups.get(number);
    if (group) group.push(row);
    else groups.set(number, [row]);
  }
  return [...groups.values()];
}
