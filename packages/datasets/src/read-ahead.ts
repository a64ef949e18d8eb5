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
  let started = 0;
  for (let i = 0; i < order.length; i++) {
    while (started < order.length && started <= i + ahead) start(order[started++] as number);
    yield await (pending.shift() as Promise<Bag>);
  }
}

/** The most recently used bags, of any sources, within a budget of bytes. A bag asked for twice at once is read once. */
export class BagCache {
  private readonly bags = new Map<string, Bag>();
  private readonly reading = new Map<string, Promise<Bag>>();
  private readonly sources = new WeakMap<BagSource, number>();
  private known = 0;
  private bytes = 0;

  /** @param budget bytes to keep; default 1 GiB */
  constructor(private readonly budget = 2 ** 30) {}

  async read(source: BagSource, index: number): Promise<Bag> {
    const key = `${this.numberOf(source)}:${index}`;
    const known = this.bags.get(key);
    if (known) {
      // To the end of the map: the order of insertion is the order of use.
      this.bags.delete(key);
      this.bags.set(key, known);
      return known;
    }
    const started = this.reading.get(key);
    if (started) return started;
    const reading = source.read(index).finally(() => this.reading.delete(key));
    this.reading.set(key, reading);
    const bag = await reading;
    this.keep(key, bag);
    return bag;
  }

  private keep(key: string, bag: Bag): void {
    if (bytesOf(bag) > this.budget) return;
    this.bags.set(key, bag);
    this.bytes += bytesOf(bag);
    for (const [oldest, other] of this.bags) {
      if (this.bytes <= this.budget) break;
      this.bags.delete(oldest);
      this.bytes -= bytesOf(other);
    }
  }

  private numberOf(source: BagSource): number {
    const number = this.sources.get(source) ?? this.known++;
    this.sources.set(source, number);
    return number;
  }
}

function bytesOf({ features, coords, instanceLabels }: Bag): number {
  return features.byteLength + (coords?.byteLength ?? 0) + (instanceLabels?.byteLength ?? 0);
}
