import type { HostTensor, SafetensorsFile } from '@mhim/tensor';

/**
 * Tables of instances whose rows the bags of a store share: kept in memory up to `budget` bytes each; of a larger one the
 * rows that a bag needs are read each time.
 */
export class SharedTables {
  private readonly tables = new Map<string, Promise<HostTensor>>();

  constructor(
    private readonly tensors: SafetensorsFile,
    private readonly budget: number,
  ) {}

  /** The given rows of a table, in their order. */
  async rows(name: string, rows: Int32Array): Promise<HostTensor> {
    const { begin, end } = this.tensors.entry(name);
    if (end - begin > this.budget) return gather(rows, await this.pieces(name, rows));
    let table = this.tables.get(name);
    if (!table) {
      table = this.tensors.read(name);
      this.tables.set(name, table);
      // A failed reading is not kept: the disk may be back the next time.
      table.catch(() => this.tables.delete(name));
    }
    return gather(rows, new Map([[0, await table]]));
  }

  /** The needed rows, neighbours in one read; by their first row. */
  private async pieces(name: string, rows: Int32Array): Promise<Map<number, HostTensor>> {
    const pieces = new Map<number, HostTensor>();
    const sorted = Int32Array.from(new Set(rows)).sort();
    for (let i = 0; i < sorted.length;) {
      const first = sorted[i] as number;
      let next = i + 1;
      while (sorted[next] === (sorted[next - 1] as number) + 1) next++;
      pieces.set(first, await this.tensors.read(name, [first, first + next - i]));
      i = next;
    }
    return pieces;
  }
}

/** The given rows, one at least, of a table that is there in pieces. */
function gather(rows: Int32Array, pieces: ReadonlyMap<number, HostTensor>): HostTensor {
  const starts = Int32Array.from(pieces.keys()).sort();
  const [{ dtype, shape, data }] = pieces.values() as unknown as [HostTensor];
  const columns = shape[1] ?? 1;
  const result = new (data.constructor as new (length: number) => Float32Array)(rows.length * columns);
  rows.forEach((row, i) => {
    const start = starts[lastAtMost(starts, row)] as number;
    const piece = (pieces.get(start) as HostTensor).data as Float32Array;
    const from = (row - start) * columns;
    result.set(piece.subarray(from, from + columns), i * columns);
  });
  return { dtype, shape: [rows.length, ...shape.slice(1)], data: result };
}

/** Place of the last of the sorted values that is ≤ `value`. */
function lastAtMost(sorted: Int32Array, value: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((sorted[middle] as number) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
