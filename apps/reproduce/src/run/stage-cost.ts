import { existsSync } from 'node:fs';
import { useBackend } from '@mhim/tensor';
import type { FitObserver } from '@mhim/training';
import { describeMachine } from './environment.js';
import { RunFolder } from './run-folder.js';

/** What training a stage took on the machine at hand: `cost.json` beside its result, no part of what two runs have in common. */
export interface StageCost {
  machine: string;
  /** Scalars that training changes. */
  parameters: number;
  /** Seconds of a training step and of a prediction, means over the bags, reading them included. */
  stepSeconds: number;
  predictSeconds: number;
  /** Bags learnt from and predicted in an epoch. */
  trainBags: number;
  selectBags: number;
  /** Of the process, the most that was resident after a step. */
  residentBytes: number;
}

interface Spent {
  training: number;
  steps: number;
  predicting: number;
  predictions: number;
}

const nothing = (): Spent => ({ training: 0, steps: 0, predicting: 0, predictions: 0 });

/**
 * Listens to a training and times it. The first epoch, in which everything is read and compiled for the first time, counts only
 * where there is no other; after a kill only what was trained since.
 */
export class CostMeter implements FitObserver {
  parameters = 0;
  private readonly first = nothing();
  private readonly later = nothing();
  private current = this.first;
  private resident = 0;
  private last = 0;

  constructor(
    private readonly trainBags: number,
    private readonly selectBags: number,
  ) {}

  onStart(): void {
    this.last = performance.now();
  }

  onStep(): void {
    this.current.training += this.sinceLast();
    this.current.steps++;
    this.resident = Math.max(this.resident, process.memoryUsage.rss());
  }

  onEpoch(): void {
    this.current.predicting += this.sinceLast();
    this.current.predictions += this.selectBags;
    this.current = this.later;
  }

  /** Writes `cost.json`; nothing where nothing was trained, so that what an earlier process wrote stays. */
  async write(folder: string): Promise<void> {
    const { training, steps, predicting, predictions } = this.later.predictions > 0 ? this.later : this.first;
    if (steps === 0 || predictions === 0) return;
    const cost: StageCost = {
      machine: describeMachine(await useBackend({ log: () => {} })),
      parameters: this.parameters,
      stepSeconds: training / steps,
      predictSeconds: predicting / predictions,
      trainBags: this.trainBags,
      selectBags: this.selectBags,
      residentBytes: this.resident,
    };
    new RunFolder(folder).writeJson(cost, 'cost.json');
  }

  private sinceLast(): number {
    const now = performance.now();
    const seconds = (now - this.last) / 1000;
    this.last = now;
    return seconds;
  }
}

/** What a stage took, where that was written. */
export function stageCost(folder: string): StageCost | undefined {
  return existsSync(folder) ? new RunFolder(folder).readJson<StageCost>('cost.json') : undefined;
}
