import { library } from '../../tsup.base.js';

export default library({ entry: ['src/index.ts', 'src/cli.ts'], format: ['esm'], shims: false });
