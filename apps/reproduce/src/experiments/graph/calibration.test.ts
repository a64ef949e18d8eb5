import { expect, test } from 'vitest';
import { RunFolder } from '../../run/run-folder.js';
import { temporaryFolder } from '../../test-helpers.js';
import { calibration } from './calibration.js';
import { JobStore } from './job-store.js';
import type { Job } from './job.js';

const at = temporaryFolder();

/** A training of ten epochs that is estimated at 100 seconds. */
function job(id: string, model: string): Job {
  const about = { id, kind: 'train', name: id, fold: 0, needs: [], cost: { seconds: 100, bytes: 1 } };
  return { ...about, config: { model, protocol: 'paper', epochs: 10 } } as unknown as Job;
}

function finish(store: JobStore, { id, config }: Job, stepSeconds: number): void {
  store.finish({ format: 'mhim-job-result', version: 1, id, fold: 0, seed: 1, simulated: false });
  const cost = { machine: 'M', parameters: 1, stepSeconds, predictSeconds: 0.1, trainBags: 10, selectBags: 10 };
  new RunFolder(store.folder(id).file('fold-0', 'paper', config.model)).writeJson(cost, 'cost.json');
}

test('finished trainings correct the estimates of their model, and of all that have none of their own', () => {
  const store = new JobStore(at('paper'));
  const jobs = [job('a', 'ab-mil'), job('b', 'ab-mil'), job('c', 'clam-sb'), job('d', 'ds-mil')];
  expect(calibration(jobs, store)).toBeUndefined();
  const [a, b, c, d] = jobs as [Job, Job, Job, Job];
  // Ten seconds an epoch are estimated; six and sixteen are taken.
  finish(store, a, 0.5);
  finish(store, c, 1.5);
  const known = calibration(jobs, store);
  expect(known).toMatchObject({ trainings: 2, machines: ['M'], factor: 22 / 20 });
  expect(known?.corrected(b)).toEqual({ seconds: 60, bytes: 1 });
  expect(known?.corrected(c)?.seconds).toBeCloseTo(160, 9);
  expect(known?.corrected(d)?.seconds).toBeCloseTo(110, 9);
});
