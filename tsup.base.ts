import { defineConfig, type Options } from 'tsup';

/** The build of every published package: ESM and CJS with declarations. Dependencies and peers stay external. */
export function library(overrides: Options = {}) {
  return defineConfig({
    entry: ['src/index.ts'],
    format: ['esm', 'cjs'],
    target: 'node20',
    platform: 'node',
    // Declarations are made from the built declarations of the packages below, not from their sources.
    dts: { compilerOptions: { customConditions: [], composite: false, incremental: false } },
    sourcemap: true,
    clean: true,
    treeshake: true,
    shims: true,
    ...overrides,
  });
}
