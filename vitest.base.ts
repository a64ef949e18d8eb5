import { defineConfig } from 'vitest/config';

/** The test run of every package: its dependencies are taken from source, so tests need no build. */
export function tests() {
  const conditions = ['@mhim/source', 'node', 'import', 'module', 'default'];
  return defineConfig({
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: conditions } },
    test: {
      include: ['src/**/*.test.ts'],
      environment: 'node',
      // TensorFlow's addon loads once a process and not in worker threads (tfjs#8388).
      pool: 'forks',
      maxWorkers: 2,
      testTimeout: 60_000,
      hookTimeout: 60_000,
      passWithNoTests: true,
      server: { deps: { inline: [/^@mhim\//] } },
      reporters: ['default', 'json'],
      outputFile: { json: '.reports/vitest.json' },
    },
  });
}
