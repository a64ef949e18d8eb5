import type { Bag } from './bag.js';
import type { BagSource } from './bag-source.js';

export interface ReadAheadOptions {
  /** Bags read ahead of the one in use. Default 2. */
  ahead?: number;
  /** Keeps bags across epochs. */
  cache?: BagCache;
}

/**
 * Yields bags in the given order and reads the next ones while the current one is used. A bag that cannot be read throws when
 * its turn comes.
 */
export async function* readAhead(
  source: BagSource,
  order: readonly number[],
  { ahead = 2, cache }: ReadAheadOptions = {},
): AsyncGenerator<Bag, void, undefined> {
  const pending: Promise<Bag>[] = [];
  const start = (index: number) => {
    const reading = cache ? cache.read(source, index) : source.read(index);
    // Reported when awaited; until then it must not count as unhandled.
    reading.catch(() => undefined);
    pending.push(reading);
  };
  for (let i = 0; i < Math.min(ahead + 1, order.length); i++) start(order[i] as number);
  for (let i = 0; i < order.length; i++) {
    const bag = await (pending.shift() as Promise<Bag>);
    const next = order[i + ahead + 1];
    if (next !== undefined) start(next);
    yield bag;
  }
}

/** The most recently used bags of a source, within a budget of bytes. */
export class BagCache {
  private readonly bags = new Map<number, Bag>();
  private bytes = 0;

  /** @param budget bytes of features to keep; default 1 GiB */
  constructor(private readonly budget = 2 ** 30) {}

  async read(source: BagSource, index: number): Promise<Bag> {
    const known = this.bags.get(index);
    if (known) {
      // To the end of the map: the order of insertion is the order of use.
      this.bags.delete(index);
      this.bags.set(index, known);
      return known;
    }
    const bag = await source.read(index);
    if (bag.features.byteLength <= this.budget && !this.bags.has(index)) {
      this.bags.set(index, bag);
      this.bytes += bag.features.byteLength;
    }
    for (const [oldest, { features }] of this.bags) {
      if (this.bytes <= this.budget) break;
      this.bags.delete(oldest);
      this.bytes -= features.byteLength;
    }
    return bag;
  }
}
