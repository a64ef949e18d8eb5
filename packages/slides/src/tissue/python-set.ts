/**
 * The order in which CPython goes through `set(a) - set(b)`, whole numbers from 0: that of its hash table, which CLAM's kept
 * contours, and so its patches, are in.
 */
export function differenceOrder(a: Iterable<number>, b: Iterable<number>): number[] {
  const [from, without] = [new PythonSet(a), new PythonSet(b)];
  // CPython copies the larger set and discards, unless the other one is about as large.
  if (from.size >> 2 > without.size) return from.copy().filter((value) => !without.has(value));
  return new PythonSet(from.values().filter((value) => !without.has(value))).values();
}

const LINEAR_PROBES = 9;

/** An open-addressing table with CPython's probing and growth; a number's hash is the number. */
class PythonSet {
  private table: (number | undefined)[] = new Array<undefined>(8).fill(undefined);
  size = 0;

  constructor(values: Iterable<number>) {
    for (const value of values) {
      const at = this.find(value);
      if (this.table[at] !== undefined) continue;
      this.table[at] = value;
      this.size++;
      if (this.size * 5 >= (this.table.length - 1) * 3) this.resize(this.size > 50_000 ? this.size * 2 : this.size * 4);
    }
  }

  has(value: number): boolean {
    return this.table[this.find(value)] !== undefined;
  }

  values(): number[] {
    return this.table.filter((value) => value !== undefined);
  }

  /** The order of a copy, whose table may be smaller. */
  copy(): number[] {
    const copy = new PythonSet([]);
    if (this.size * 5 >= (copy.table.length - 1) * 3) copy.resize(this.size * 2);
    for (const value of this.values()) copy.table[copy.find(value)] = value;
    return copy.table.length === this.table.length ? this.values() : copy.values();
  }

  /** The value's place, or the free one where it belongs. */
  private find(value: number): number {
    const mask = this.table.length - 1;
    let [perturbation, at] = [value, value & mask];
    for (;;) {
      const probes = at + LINEAR_PROBES <= mask ? LINEAR_PROBES : 0;
      for (let i = at; i <= at + probes; i++) {
        if (this.table[i] === undefined || this.table[i] === value) return i;
      }
      perturbation >>>= 5;
      at = (at * 5 + 1 + perturbation) & mask;
    }
  }

  private resize(minimum: number): void {
    let size = 8;
    while (size <= minimum) size *= 2;
    const values = this.values();
    this.table = new Array<undefined>(size).fill(undefined);
    for (const value of values) this.table[this.find(value)] = value;
  }
}
