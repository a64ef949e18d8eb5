import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { obtainEfficientNetLite0 } from '@mhim/encoders';
import { beforeAll, describe, expect, it } from 'vitest';
import { useNativeForTests } from '../../tensor/src/test-helpers.js';
import { adapters } from './adapters/index.js';
import { describeFailures, runConformance } from './run-conformance.js';

const testing = join(import.meta.dirname, '..');
const large = process.env.MHIM_CONFORMANCE ?? join(testing, '../../../shared/conformance');
/** All but what belongs to slides; encoders are by themselves, since their networks are large. */
const builtAreas = [
  ...[
    'abmil',
    'clam',
    'dsmil',
    'dtfd',
    'ibmil',
    'init',
    'mamba2d',
    'metrics',
    'mhim',
    'ops',
    'pooling',
    'realdims',
    'rrt',
  ],
  ...['schedules', 'survival', 'trajectory', 'transmil'],
];

async function failures(directory: string, areas?: string[]): Promise<{ lines: string[]; ran: number }> {
  const { cases } = await runConformance(directory, adapters, { areas });
  const lines = cases.flatMap(describeFailures).filter((line) => !line.includes('kind not built'));
  return { lines, ran: cases.filter(({ failures: f }) => !f[0]?.message.startsWith('kind not built')).length };
}

describe('conformance with the official code', () => {
  beforeAll(async () => {
    await useNativeForTests();
  });

  it('of every case of the selection', async () => {
    const { cases } = await runConformance(join(testing, 'conformance'), adapters);
    expect(cases.length).toBeGreaterThan(60);
    expect(cases.flatMap(describeFailures)).toEqual([]);
  });

  it('of every case of a built kind in the large set', async ({ skip }) => {
    if (!existsSync(large)) {
      console.log(`The large set of conformance cases is not at ${large}; only the selection was run.`);
      return skip();
    }
    const { lines, ran } = await failures(large, builtAreas);
    expect(lines).toEqual([]);
    expect(ran).toBeGreaterThan(80);
  });

  it('of every patch encoder in the large set', async ({ skip }) => {
    const weights = await obtainEfficientNetLite0({ log: () => undefined }).catch(() => undefined);
    if (!existsSync(large) || weights === undefined) {
      console.log('The cases of encoders need the large set and the weights of EfficientNet-Lite0; they were not run.');
      return skip();
    }
    const { lines, ran } = await failures(large, ['encoders']);
    expect(lines).toEqual([]);
    expect(ran).toBeGreaterThan(10);
  }, 300_000);
});
