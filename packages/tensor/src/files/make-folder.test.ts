import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeFileAtomic } from './atomic-write.js';
import { makeFolder } from './make-folder.js';

const folder = mkdtempSync(join(tmpdir(), 'mhim-folder-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'file');
writeFileSync(file, 'x');

test('makes a folder and those above it, and leaves one that is there', () => {
  const deep = join(folder, 'a', 'b');
  for (let i = 0; i < 2; i++) makeFolder(deep);
  expect(statSync(deep).isDirectory()).toBe(true);
});

test.each([file, join(file, 'sub'), join(file, 'sub', 'deeper')])('names the file that is in the way of %s', (path) => {
  expect(() => makeFolder(path)).toThrow(`${file}: is a file, expected a folder. Choose another folder.`);
  expect(() => makeFolder(path)).toThrow(expect.objectContaining({ code: 'config', path: file }) as Error);
});

test('says why it cannot be made otherwise', () => {
  const path = join(folder, 'n'.repeat(300));
  expect(() => makeFolder(path)).toThrow(`${path}: the folder cannot be made (ENAMETOOLONG).`);
});

test('a file is not written over a folder', () => {
  expect(() => writeFileAtomic(folder, 'x')).toThrow(`${folder}: is a folder, expected a file.`);
  expect(existsSync(file)).toBe(true);
});
