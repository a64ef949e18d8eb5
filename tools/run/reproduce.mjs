import { program } from './program.mjs';

program('apps/reproduce/dist/cli.js');
