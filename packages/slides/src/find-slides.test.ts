import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findSlides } from './find-slides.js';
import { temporaryFolder } from './test-helpers.js';

const path = temporaryFolder();

test('slides of a folder, by extension and in order', () => {
  mkdirSync(path('a', 'inner'), { recursive: true });
  for (const name of ['b.svs', 'A.NDPI', '.hidden.svs', 'notes.txt', 'c.mrxs']) writeFileSync(path('a', name), '');
  expect(findSlides(path('a')).map((file) => file.slice(path('a').length + 1))).toEqual(['A.NDPI', 'b.svs', 'c.mrxs']);
  expect(findSlides(path('a', 'notes.txt'))).toEqual([path('a', 'notes.txt')]);
});

test('nothing to do, and two of one name, are told', () => {
  mkdirSync(path('empty'));
  expect(() => findSlides(path('empty'))).toThrow(/holds no slides/);
  expect(() => findSlides(path('none'))).toThrow(/no such file or folder/);
  mkdirSync(path('twice'));
  for (const name of ['s.svs', 'S.tif']) writeFileSync(path('twice', name), '');
  expect(() => findSlides(path('twice'))).toThrow(/S\.tif and s\.svs would write the same files/);
});
