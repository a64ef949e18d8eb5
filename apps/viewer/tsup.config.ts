import { defineConfig } from 'tsup';
import { library } from '../../tsup.base.js';

/** Two builds side by side, so neither may clean the other's files. */
const node = library({ clean: ['!page/**'] });

/** The page: one script with everything in it, one style sheet, the HTML beside them. */
const page = defineConfig({
  entry: { viewer: 'src/page/main.ts' },
  outDir: 'dist/page',
  format: ['iife'],
  outExtension: () => ({ js: '.js' }),
  target: 'es2022',
  platform: 'browser',
  noExternal: [/.*/],
  esbuildOptions(options) {
    options.conditions = ['@mhim/source'];
  },
  publicDir: 'src/page/public',
  minify: true,
  clean: true,
});

export default [node, page];
