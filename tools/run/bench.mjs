import { program } from './program.mjs';

program('tools/bench/dist/cli.js');
