import { program } from './program.mjs';

program('tools/bench/dist/torch-check.js');
