import { program } from './program.mjs';

program('packages/testing/dist/cli.js', ['conformance']);
