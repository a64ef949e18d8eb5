import { expect, test } from 'vitest';
import type { LabelRow } from '../label-row.js';
import { joinCohort, type CohortRules, type CohortTable } from './join-cohort.js';

const files = (...ids: string[]) => ids.map((id) => ({ id, path: `/features/${id}.pt` }));
const table = (unit: 'slide' | 'case', ...rows: Omit<LabelRow, 'line'>[]): CohortTable => ({
  unit,
  rows: rows.map((row, i) => ({ line: i + 2, ...row })),
});
const label: CohortRules = { target: 'label' };

test('a case has all its diagnostic slides, whatever their files are called', () => {
  const found = joinCohort(
    files(
      'TCGA-05-4244-01Z-00-DX1.d4ff32cd',
      'TCGA-05-4244-01Z-00-DX2.svs',
      'TCGA-05-4244-01A-01-TS1.99',
      'TCGA-05-42449-01Z-00-DX1',
      '11LU013-21',
    ),
    table('case', { id: 'TCGA-05-4244', label: 0 }, { id: '11LU013', label: 1 }, { id: 'TCGA-05-9999', label: 1 }),
    label,
  );
  expect(found.slides.map(({ info }) => info)).toEqual([
    { id: 'TCGA-05-4244-01Z-00-DX1.d4ff32cd', caseId: 'TCGA-05-4244', label: 0 },
    { id: 'TCGA-05-4244-01Z-00-DX2', caseId: 'TCGA-05-4244', label: 0 },
    { id: '11LU013-21', caseId: '11LU013', label: 1 },
  ]);
  expect(found.frozen.map(({ id }) => id)).toEqual(['TCGA-05-4244-01A-01-TS1.99']);
  expect(found.unlabelled.map(({ id }) => id)).toEqual(['TCGA-05-42449-01Z-00-DX1']);
  expect(found.missing.map(({ id }) => id)).toEqual(['TCGA-05-9999']);
});

test('a case without some of the slides that its row names', () => {
  const slides = [
    'svs/TCGA-05-4244-01Z-00-DX1.d4ff.svs',
    'TCGA-05-4244-01Z-00-DX2.pt',
    'TCGA-05-4244-01A-01-TS1.99',
    'x',
  ];
  const rows = table('case', { id: 'TCGA-05-4244', label: 0, slides }, { id: 'TCGA-05-9999', label: 1, slides });
  const { missing, missingSlides } = joinCohort(files('TCGA-05-4244-01Z-00-DX1'), rows, label);
  expect([missing.map(({ id }) => id), missingSlides]).toEqual([['TCGA-05-9999'], ['TCGA-05-4244-01Z-00-DX2']]);
  const whole = joinCohort(files('TCGA-05-4244-01Z-00-DX1.d4ff', 'TCGA-05-4244-01Z-00-DX2'), rows, label);
  expect(whole.missingSlides).toEqual([]);
});

test('a slide is found by its whole name, else by its barcode where that says which', () => {
  const found = joinCohort(
    files('TCGA-3C-AALI-01Z-00-DX1', 'TCGA-3C-AALI-01Z-00-DX2.A', 'TCGA-3C-AALI-01Z-00-DX2'),
    table(
      'slide',
      { id: 'TCGA-3C-AALI-01Z-00-DX1.F6E9', caseId: 'TCGA-3C-AALI', label: 0 },
      { id: 'TCGA-3C-AALI-01Z-00-DX2.A', caseId: 'TCGA-3C-AALI', label: 0 },
      { id: 'TCGA-3C-AALI-01Z-00-DX2.B', caseId: 'TCGA-3C-AALI', label: 0 },
    ),
    label,
  );
  expect(found.slides.map(({ info }) => info.id)).toEqual(['TCGA-3C-AALI-01Z-00-DX1', 'TCGA-3C-AALI-01Z-00-DX2.A']);
  expect(found.unlabelled.map(({ id }) => id)).toEqual(['TCGA-3C-AALI-01Z-00-DX2']);
  expect(found.missing.map(({ id }) => id)).toEqual(['TCGA-3C-AALI-01Z-00-DX2.B']);
});

test('two files of one slide are named, and the first is taken', () => {
  const twice = [...files('TCGA-05-4244-01Z-00-DX1'), { id: 'TCGA-05-4244-01Z-00-DX1.d4ff', path: '/other/x.pt' }];
  const { slides, duplicates } = joinCohort(twice, table('case', { id: 'TCGA-05-4244', label: 0 }), label);
  expect(slides.length).toBe(1);
  expect(duplicates).toEqual([
    { id: 'TCGA-05-4244-01Z-00-DX1', paths: ['/features/TCGA-05-4244-01Z-00-DX1.pt', '/other/x.pt'] },
  ]);
});

test('excluded slides, classes in names, rows without the target', () => {
  const rules: CohortRules = {
    target: 'label',
    excluded: { test_114: 'a copy of test_113' },
    labelOfName: (name) => (name.startsWith('normal_') ? 0 : undefined),
  };
  const rows = [{ id: 'test_114', label: 0 }, { id: 'test_001', label: 1 }, { id: 'test_002' }];
  const found = joinCohort(files('normal_001', 'test_001', 'test_002', 'test_114'), table('slide', ...rows), rules);
  expect(found.slides.map(({ info }) => [info.id, info.label])).toEqual([
    ['normal_001', 0],
    ['test_001', 1],
  ]);
  expect(found.excluded).toEqual([{ id: 'test_114', reason: 'a copy of test_113' }]);
  expect(found.withoutTarget.map(({ id }) => id)).toEqual(['test_002']);
  expect(found.unlabelled).toEqual([]);
});

test('outcomes instead of classes', () => {
  const rows = table('case', { id: 'TCGA-05-4244', label: 1, time: 3, event: 1 });
  const [slide] = joinCohort(files('TCGA-05-4244-01Z-00-DX1'), rows, { target: 'outcome' }).slides;
  expect(slide?.info).toEqual({ id: 'TCGA-05-4244-01Z-00-DX1', caseId: 'TCGA-05-4244', time: 3, event: 1 });
});
