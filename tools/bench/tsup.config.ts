import { library } from '../../tsup.base.js';

export default library({ entry: ['src/cli.ts', 'src/measure.ts'], format: ['esm'], dts: false });
