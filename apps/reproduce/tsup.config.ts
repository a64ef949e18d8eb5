import { library } from '../../tsup.base.js';

/** The program, and by itself what a job does: nothing imports that, it is what the code version is a hash of (`code-version.ts`). */
export default library({
  entry: { cli: 'src/cli.ts', 'run-job': 'src/experiments/graph/run-job.ts' },
  format: ['esm'],
  dts: false,
  splitting: false,
});
