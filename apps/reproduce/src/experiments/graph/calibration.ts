import { stageCost } from '../../run/stage-cost.js';
import type { Job, JobCost } from './job.js';
import type { JobStore } from './job-store.js';
import { timesKey } from './step-times.js';

/** How finished trainings compare with their estimates. */
export interface Calibration {
  /** Finished trainings that say what they took. */
  trainings: number;
  machines: readonly string[];
  /** Seconds taken over seconds estimated, all together. */
  factor: number;
  /** An estimate in the light of what the same model's trainings took, else of what all took. */
  corrected(job: Job): JobCost | undefined;
}

/** Learns from the finished trainings of a plan what an epoch takes here; undefined where none is finished. */
export function calibration(jobs: readonly Job[], store: JobStore): Calibration | undefined {
  const totals = new Map<string, { taken: number; estimated: number }>();
  const all = { taken: 0, estimated: 0 };
  const machines = new Set<string>();
  let trainings = 0;
  for (const job of jobs) {
    const { kind, id, fold, config, cost } = job;
    if (kind !== 'train' || !cost || !store.result(id)) continue;
    const spent = stageCost(store.folder(id).file(`fold-${fold}`, config.protocol, config.model));
    if (!spent) continue;
    const own = totals.get(timesKey(config)) ?? { taken: 0, estimated: 0 };
    totals.set(timesKey(config), own);
    for (const total of [own, all]) {
      total.taken += spent.stepSeconds * spent.trainBags + spent.predictSeconds * spent.selectBags;
      total.estimated += cost.seconds / config.epochs;
    }
    machines.add(spent.machine);
    trainings++;
  }
  if (trainings === 0) return undefined;
  return {
    trainings,
    machines: [...machines],
    factor: all.taken / all.estimated,
    corrected({ cost, config }) {
      const { taken, estimated } = totals.get(timesKey(config)) ?? all;
      return cost && { ...cost, seconds: (cost.seconds * taken) / estimated };
    },
  };
}
