import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertBags, simulatedSlides } from '@mhim/datasets';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const packages = join(import.meta.dirname, '../..');
/** The files that examples read, and where those that they write go. */
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhim-readmes-'));
  const slides = simulatedSlides({ slides: 12, seed: 1, instances: [4, 8], width: 8 });
  await convertBags(slides, join(folder, 'features'), 'h5');
  writeFileSync(join(folder, 'labels.csv'), readFileSync(join(folder, 'features', 'labels.csv')));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const examples = readdirSync(packages).flatMap((name) => {
  const readme = join(packages, name, 'README.md');
  if (!existsSync(readme)) return [];
  const blocks = [...readFileSync(readme, 'utf8').matchAll(/^```(?:js|ts)\n([\s\S]*?)^```/gm)];
  return blocks.map(([, code = ''], i) => ({
    name,
    number: i + 1,
    code,
    built: existsSync(join(packages, name, 'dist')),
  }));
});

test('every published package shows how it is used', () => {
  const published = readdirSync(packages).filter(
    (name) =>
      !(JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')) as { private?: boolean }).private,
  );
  expect(new Set(examples.map(({ name }) => name))).toEqual(new Set(published));
});

// Run as a user's program, against the built packages, which `npm test` makes first.
describe.each(examples)('README of @mhim/$name', ({ name, number, code, built }) => {
  test.runIf(built && !needsNetwork(code))(`example ${number} runs and prints what it says`, () => {
    // Beside the package, so that its name and those of its dependencies are found.
    const place = join(packages, name, '.reports');
    mkdirSync(place, { recursive: true });
    const script = join(place, `readme-${number}.mjs`);
    writeFileSync(script, code);
    const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', FORCE_COLOR: '0' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], { cwd: folder, env, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    // `console.log(x); // [ 1, 2 ]` promises an output; words after `//` only explain.
    for (const [, promised = ''] of code.matchAll(/^console\.log\(.*\); \/\/ (\d[\d. ]*|\{.*\}|\[.*\])/gm))
      expect(stdout).toContain(promised);
    rmSync(script);
  });
});

/** Benchmarks, slides and the default encoder are fetched on first use; where they are in the cache, the example is run. */
function needsNetwork(code: string): boolean {
  const cache =
    process.env.MHIM_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(process.env.HOME ?? '', '.cache'), 'mhim');
  const [, benchmark] = /openBenchmark\('([\w-]+)'\)/.exec(code) ?? [];
  const needed = [
    ...(benchmark === undefined ? [] : [join('benchmarks', benchmark, 'index.json')]),
    ...(code.includes('createEncoder()') ? [join('encoders', 'efficientnet-lite0-57934424.pth')] : []),
    ...(code.includes('obtainBuiltInSlide(') ? [join('slides', 'CMU-1-Small-Region.svs')] : []),
  ];
  return needed.some((file) => !existsSync(join(cache, file)));
}
