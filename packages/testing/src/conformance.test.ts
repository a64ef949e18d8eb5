import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { useNativeForTests } from '../../tensor/src/test-helpers.js';
import { adapters } from './adapters/index.js';
import { OfficialArguments } from './adapters/official-config.js';
import { loadCases, type LoadedCase } from './load-cases.js';
import { officialLayouts } from './official-layouts.js';
import { describeFailures, runConformance } from './run-conformance.js';

const testing = join(import.meta.dirname, '..');
const large = process.env.MHIM_CONFORMANCE ?? join(testing, '../../../shared/conformance');
const builtAreas = ['abmil', 'pooling', 'metrics', 'schedules', 'init', 'mhim', 'trajectory', 'ops', 'realdims'];

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
});

/** The official class of a kind of case, where the case does not say. */
const classes: Record<string, string> = {
  'mhim.dsmil': 'DSMIL',
  'mhim.transmil': 'TransMIL',
  'mhim.dtfd': 'DTFD',
  'mhim.ibmil': 'Dattention_ori',
  'mhim.rrt': 'RRTMIL',
  'mhim.mamba2d': 'MambaMIL_2D',
};

describe('official layouts', () => {
  it('name the parameters of every official model that is not built yet, with their shapes', ({ skip }) => {
    if (!existsSync(large)) return skip();
    const wrong: string[] = [];
    let compared = 0;
    for (const fixture of loadCases(large)) {
      const layout = officialLayouts[classOf(fixture) ?? ''];
      if (!layout) continue;
      compared++;
      const ours = layout(new OfficialArguments(fixture.constructorArgs)).map(
        ({ name, shape }) => `${name} [${shape}]`,
      );
      const theirs = Object.entries(fixture.tensors)
        .filter(([name]) => name.startsWith('param.'))
        .map(([name, { shape }]) => `${name.slice('param.'.length)} [${shape}]`);
      const difference = [...ours.filter((p) => !theirs.includes(p)), ...theirs.filter((p) => !ours.includes(p))];
      if (difference.length > 0) wrong.push(`${fixture.area}/${fixture.name}: ${difference.join(', ')}`);
    }
    expect(wrong).toEqual([]);
    // Of models that are built, the cases above load every parameter by name.
    expect(compared).toBeGreaterThan(0);
  });
});

function classOf({ kind, constructorArgs }: LoadedCase): string | undefined {
  if (kind === 'mhim.clam') return String(constructorArgs.cls);
  const isMHIM = ['mhim.student', 'mhim.infer', 'mhim.pure', 'mhim.score'].includes(kind);
  if (isMHIM && constructorArgs.baseline !== 'attn') return 'MHIM';
  return classes[kind];
}
