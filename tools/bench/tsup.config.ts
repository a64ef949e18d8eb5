import { library } from '../../tsup.base.js';

export default library({ entry: ['src/cli.ts', 'src/measure.ts', 'src/torch-check.ts'], format: ['esm'], dts: false });
