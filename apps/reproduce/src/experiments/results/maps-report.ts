import type { MapExperiment } from '../experiment.js';
import type { Job } from '../graph/job.js';
import type { JobStore } from '../graph/job-store.js';
import type { PlannedCell } from '../graph/plan.js';

export interface MapsInput {
  experiment: MapExperiment;
  cells: readonly PlannedCell[];
  jobs: ReadonlyMap<string, Job>;
  store: JobStore;
}

export async function writeMaps({ experiment }: MapsInput): Promise<string> {
  return `${experiment.id}\n`;
}
