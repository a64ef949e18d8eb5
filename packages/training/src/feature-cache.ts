import * as tf from '@tensorflow/tfjs';
import {
  BagCache,
  standardise,
  type Bag,
  type BagInfo,
  type BagSource,
  type Standardiser,
  gridPositions,
  type GridPositions,
} from '@mhim/datasets';

/** Bags as tensors, kept on the device within a budget, so that epochs after the first read nothing. */
export class FeatureCache {
  private readonly tensors = new Map<number, tf.Tensor2D>();
  private readonly host: BagCache;
  private readonly positions = new Map<number, GridPositions | undefined>();
  private readonly reading = new Map<number, Promise<Bag>>();
  private bytes = 0;
  private full = false;

  /**
   * @param budget bytes of features to keep as tensors; as much again is kept in ordinary memory for what does not fit
   * @param usesPositions whether the model asks where instances lie
   */
  constructor(
    private readonly source: BagSource,
    private readonly standardiser: Standardiser | undefined,
    private readonly budget = 2 ** 30,
    private readonly usesPositions = false,
  ) {
    this.host = new BagCache(budget);
  }

  /** Starts reading a bag that will be used soon. A bag that cannot be read throws when it is used. */
  prefetch(index: number): void {
    if (!this.tensors.has(index)) this.read(index).catch(() => undefined);
  }

  /** Calls `use` with the features [n, d] of a bag; they stay valid until it returns. */
  async with<T>(index: number, use: (features: tf.Tensor2D, bag: BagInfo, positions?: GridPositions) => T): Promise<T> {
    const info = this.source.bags[index] as BagInfo;
    const known = this.tensors.get(index);
    if (known) return use(known, info, this.positions.get(index));
    const read = await this.read(index);
    this.reading.delete(index);
    const bag = this.standardiser ? standardise(read, this.standardiser) : read;
    const positions = this.positionsOf(index, read);
    const features = tf.tensor2d(bag.features, [bag.instances, bag.width]);
    if (this.bytes + bag.features.byteLength <= this.budget) {
      this.tensors.set(index, features);
      this.bytes += bag.features.byteLength;
      return use(features, info, positions);
    }
    this.full = true;
    try {
      return use(features, info, positions);
    } finally {
      features.dispose();
    }
  }

  dispose(): void {
    for (const tensor of this.tensors.values()) tensor.dispose();
    this.tensors.clear();
    this.reading.clear();
  }

  /** Where a bag's instances lie; worked out once, since beside the features they take no room. */
  private positionsOf(index: number, bag: Bag): GridPositions | undefined {
    if (!this.usesPositions) return undefined;
    if (!this.positions.has(index)) {
      const { coords } = bag;
      this.positions.set(index, coords && gridPositions(coords));
    }
    return this.positions.get(index);
  }

  /** One reading of a bag at a time. Ordinary memory is for the bags that come after the device is full. */
  private read(index: number): Promise<Bag> {
    const started = this.reading.get(index);
    if (started) return started;
    const reading = this.full ? this.host.read(this.source, index) : this.source.read(index);
    this.reading.set(index, reading);
    return reading;
  }
}
