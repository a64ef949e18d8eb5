import type { HostTensor } from '@mhim/tensor';
import type { AggregatorName } from '@mhim/mil-aggregators';
import type { AggregatorSettings } from '../model-config.js';

/** What an aggregator's own names and shapes tell of it. */
export interface RecognisedAggregator {
  /** In words. */
  name: string;
  /** Which aggregator it is, and how to build it; absent where that is not known or not built. */
  built?: { aggregator: AggregatorName; inputDim: number; classes: number; settings: AggregatorSettings };
  /** Whether it is what the official `MHIM` class runs over. */
  inside?: boolean;
  /** Whether the file leaves out some of the model's tensors. */
  partial?: boolean;
}

/** Recognises one kind of aggregator; undefined for others. */
export type Recogniser = (state: StateShapes) => RecognisedAggregator | undefined;

/** The names and shapes of a state dict, as questions are put to it. */
export class StateShapes {
  constructor(
    readonly tensors: ReadonlyMap<string, HostTensor>,
    /** Whether names are those of the conference version's code, whose activations were others. */
    readonly older: boolean,
  ) {}

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  some(pattern: RegExp): boolean {
    return [...this.tensors.keys()].some((name) => pattern.test(name));
  }

  /** How many numbers the first group of `pattern` takes, as in lists of layers. */
  count(pattern: RegExp): number {
    return new Set([...this.tensors.keys()].flatMap((name) => pattern.exec(name)?.[1] ?? [])).size;
  }

  size(name: string, axis: number): number | undefined {
    return this.tensors.get(name)?.shape[axis];
  }

  /** Sizes that only a file of another model lacks, in the order given; undefined when one is missing. */
  sizes<N extends readonly [string, number][]>(...wanted: N): { [K in keyof N]: number } | undefined {
    const found = wanted.map(([name, axis]) => this.size(name, axis));
    return found.includes(undefined) ? undefined : (found as { [K in keyof N]: number });
  }

  /** After the feature layer: no trace is left of it, so the official code's, then (v1) and now. */
  get activation(): 'relu' | 'gelu' {
    return this.older ? 'relu' : 'gelu';
  }

  /**
   * The linear layer of a feature Sequential and the norm of the raw features, which officially is the Sequential's first
   * element if it is a LayerNorm.
   */
  feature(name: string, batchNorm = 'norm'): { layer: string; norm: 'none' | 'layer' | 'batch' } {
    const layered = this.has(`${name}.1.weight`);
    const norm = layered ? 'layer' : this.has(`${batchNorm}.running_mean`) ? 'batch' : 'none';
    return { layer: `${name}.${layered ? 1 : 0}`, norm };
  }
}
