export interface EarlyStoppingConfig {
  /** Epochs without improvement to wait. Default 30. */
  patience?: number;
  /** No stop at or before this epoch, counted from 0. Default −1. */
  earliestEpoch?: number;
  /** Stop as soon as the metric is perfect (1) at or after this epoch. Default never. */
  perfectFrom?: number;
}

export interface EarlyStoppingState {
  best: number | null;
  counter: number;
}

/**
 * The official early stopping: higher is better, an equal value counts as improvement and resets the counter
 * (MHIM-v2 repository, `EarlyStopping`).
 */
export class EarlyStopping {
  private best: number | null = null;
  private counter = 0;
  private readonly config: Required<EarlyStoppingConfig>;

  constructor(config: EarlyStoppingConfig = {}) {
    this.config = { patience: 30, earliestEpoch: -1, perfectFrom: Infinity, ...config };
  }

  get state(): EarlyStoppingState {
    return { best: this.best, counter: this.counter };
  }

  restore({ best, counter }: EarlyStoppingState): void {
    this.best = best;
    this.counter = counter;
  }

  /** Takes an epoch's metric and says whether to stop after it. */
  update(metric: number, epoch: number): { improved: boolean; stop: boolean } {
    const improved = this.best === null || metric >= this.best;
    if (improved) {
      this.best = metric;
      this.counter = 0;
    } else {
      this.counter++;
    }
    const { patience, earliestEpoch, perfectFrom } = this.config;
    const exhausted = !improved && this.counter >= patience && epoch > earliestEpoch;
    return { improved, stop: exhausted || (metric >= 1 && epoch >= perfectFrom) };
  }
}
