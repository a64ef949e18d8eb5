import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { codeOf, codeVersion, decidingPackages, hashOfCode } from './code-version.js';
import { temporaryFolder } from './test-helpers.js';

const at = temporaryFolder();

test('is of the packages that decide numbers, and of no others', () => {
  const names = ['datasets', 'hard-mining', 'metrics', 'mil-aggregators', 'recycle-network', 'survival-losses'];
  expect([...decidingPackages().keys()]).toEqual([...names, 'tensor', 'training'].map((name) => `@mhim/${name}`));
  expect(codeVersion()).toMatch(/^[0-9a-f]{12}$/);
});

test('changes with the built code, and not with what is beside it', () => {
  const write = (name: string, text: string) => writeFileSync(at('package', name), text);
  const version = () => hashOfCode(codeOf(at('package')));
  mkdirSync(at('package', 'dist'), { recursive: true });
  mkdirSync(at('package', 'src'));
  write('src/index.ts', 'export const one: number = 1;');
  const source = version();
  write('src/index.test.ts', 'test');
  expect(version()).toBe(source);
  write('dist/index.js', 'export const one = 1;');
  const built = version();
  expect(built).not.toBe(source);
  for (const name of ['dist/index.js.map', 'dist/index.d.ts', 'dist/index.cjs', 'README.md', 'src/index.ts'])
    write(name, 'other');
  expect(version()).toBe(built);
  write('dist/chunk.js', 'export const two = 2;');
  expect(version()).not.toBe(built);
});
