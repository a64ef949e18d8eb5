import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labelBags } from './labels-join.js';
import type { ReadLabelsOptions } from './label-row.js';
import { parseLabels, readLabels } from './labels.js';

const parse = (text: string, options?: ReadLabelsOptions) => parseLabels(text, 'labels.csv', options);
const labelsOf = (text: string, options?: ReadLabelsOptions) => parse(text, options).rows.map(({ label }) => label);

describe('parseLabels', () => {
  it('keeps the first row of a header-less list', () => {
    const table = parse('TCGA-85-8582,LUSC\nTCGA-62-A46R,LUAD\nTCGA-05-4417,LUAD\nTCGA-39-5019,LUSC\n');
    expect(table.hasHeader).toBe(false);
    expect(table.rows.map(({ id, label }) => [id, label])).toEqual([
      ['TCGA-85-8582', 1],
      ['TCGA-62-A46R', 0],
      ['TCGA-05-4417', 0],
      ['TCGA-39-5019', 1],
    ]);
    expect(table.classNames).toEqual(['LUAD', 'LUSC']);
  });

  it('does not take a class called like a column for a header', () => {
    expect(labelsOf('p1,case\np2,control\np3,case\n')).toEqual([0, 1, 0]);
    expect(() => parse('a,whatever\np1,0\np2,1\np3,1\n', { header: false })).toThrow(
      /line 1.*unknown class "whatever"/,
    );
  });

  it('asks when the first row may be a header', () => {
    expect(() => parse('p,grade\np1,low\np2,high\np3,low\np4,high\n')).toThrow(
      /is it a header\? Say so with the option "header"/,
    );
    expect(labelsOf('p,grade\np1,low\np2,high\n', { header: true, columns: { id: 'p', label: 'grade' } })).toEqual([
      1, 0,
    ]);
  });

  it("reads CLAM's columns in any order, tabs, quotes, a byte order mark and Windows line ends", () => {
    const clam = parse('\ufeffcase_id,slide_id,label\r\npatient_0,"slide,1",tumor\r\npatient_1,slide_2,normal\r\n');
    expect(clam.unit).toBe('slide');
    expect(clam.rows[0]).toEqual({ id: 'slide,1', caseId: 'patient_0', label: 1, line: 2 });
    expect(labelsOf('Label\tSlide ID\n1\ta\n0\tb\n')).toEqual([1, 0]);
  });

  it('knows the cases in TCGA and CAMELYON17 names', () => {
    const ids = ['TCGA-05-4244-01Z-00-DX1.d4ff', 'patient_004_node_2', 'tumor_001', 'TCGA-05-4244'];
    const { rows } = parse(`slide_id,label\n${ids.map((id, i) => `${id},${i % 2}`).join('\n')}\n`);
    expect(rows.map(({ caseId }) => caseId)).toEqual(['TCGA-05-4244', 'patient_004', undefined, undefined]);
  });

  it('reads the official four columns with their split', () => {
    const table = parse('c1,s1,1,Train\nc1,s2,1,train\nc2,s3,0,test\n');
    expect(table.rows.map(({ id, caseId, split }) => [id, caseId, split])).toEqual([
      ['s1', 'c1', 'train'],
      ['s2', 'c1', 'train'],
      ['s3', 'c2', 'test'],
    ]);
  });

  it('reads survival tables, with status or censorship', () => {
    const official = parse('Study,ID,Event,Status,WSI\nLUAD,TCGA-1,24.3,0,a.pt;b.pt\nLUAD,TCGA-2,3,1,c.pt\n');
    expect(official.unit).toBe('row');
    expect(official.rows.map(({ id, time, event }) => [id, time, event])).toEqual([
      ['TCGA-1', 24.3, 0],
      ['TCGA-2', 3, 1],
    ]);
    const censored = parse('case_id,survival_months,censorship,oncotree_code\nA,24,1.0,LUAD\nB,3,0.0,LUAD\n');
    expect(censored.rows.map(({ event }) => event)).toEqual([0, 1]);
    expect(parse('id,time,event\nA,24,0\nB,3,1\n').rows.map(({ event }) => event)).toEqual([0, 1]);
  });

  it('numbers classes by the mapping, else as they are, else by sorted names', () => {
    expect(labelsOf('id,label\na,x\nb,y\n', { classes: { y: 0, x: 1 } })).toEqual([1, 0]);
    expect(labelsOf('id,label\na,2\nb,0\nc,1.0\n')).toEqual([2, 0, 1]);
    expect(labelsOf('id,label\na,tumor\nb,normal\n')).toEqual([1, 0]);
  });

  const wrong: [string, string, RegExp, ReadLabelsOptions?][] = [
    ['an empty file', '', /labels\.csv: the table is empty/],
    ['a header alone', 'slide_id,label\n', /a header and no rows/],
    ['a ragged row', 'id,label\na,1\n\nb\n', /line 4 has 1 columns, line 1 has 2.*Give every row the same columns/],
    ['a missing label', 'id,Label\na,1\nb,\n', /line 3, column "Label": expected a class, got ""\. Fill it in/],
    ['a missing label of pandas', 'id,label\na,1\nb,nan\n', /line 3.*got "nan"/],
    ['a duplicate', 'slide_id,label\na,1\nb,0\na,1\n', /line 4, column "slide_id": "a" stands in line 2 already/],
    [
      'an unknown class',
      'id,label\na,x\nb,z\n',
      /line 3, column "label": unknown class "z".*Known are x, y/,
      { classes: { x: 0, y: 1 } },
    ],
    ['a name among numbers', 'id,label\na,0\nb,tumour\n', /line 3.*unknown class "tumour" among numbers/],
    [
      'a number that is no class',
      'id,label\na,0\nb,99999999\n',
      /labels\.csv: line 3, column "label": class number 99999999 is beyond 999/,
    ],
    ['a number beyond 32 bits', 'id,label\na,5000000000\nb,1\n', /line 2, column "label": class number 5000000000/],
    [
      'a class given too large a number',
      'id,label\na,x\nb,y\n',
      /classes: class "y" has the number 99999999.*0, 1, 2 … to 999/,
      { classes: { x: 0, y: 99999999 } },
    ],
    ['negative classes', 'id,label\na,-1\nb,1\n', /line 2.*unknown class "-1"/],
    ['no label column', 'slide_id,size\na,7\n', /no column with the label.*header is slide_id,size/],
    ['a time without status', 'id,time\na,7\n', /no status or censorship column/],
    ['a status that is no flag', 'id,time,status\na,7,2\n', /line 2, column "status": expected 0 or 1, got 2/],
    ['a negative time', 'id,time,status\na,-7,1\n', /line 2, column "time": expected a time of 0 or more, got -7/],
    [
      'two outcomes of a case',
      'slide_id,case_id,time,status\na,c,7,1\nb,c,8,1\n',
      /lines 2 and 3 give case "c" two outcomes/,
    ],
    ['a binary file', 'PK\u0003\u0004\0\0', /no UTF-8 text/],
    ['an open quote', 'id,label\n"a,1\nb,0\n', /no valid CSV/],
    ['a column that is not there', 'id,label\na,1\n', /no column "grade" for label/, { columns: { label: 'grade' } }],
  ];
  it.each(wrong)('names file, line and remedy for %s', (_, text, message, options) => {
    expect(() => parse(text, options)).toThrow(message);
  });

  it('names a file that is not there', async () => {
    await expect(readLabels('/nowhere/labels.csv')).rejects.toThrow(
      /^\/nowhere\/labels\.csv: the label table cannot be read/,
    );
  });
});

describe('labelBags', () => {
  const slides = ['TCGA-05-4244-01Z-00-DX1', 'TCGA-05-4244-01Z-00-DX2', 'TCGA-05-42441-01Z'].map((id) => ({ id }));

  it('gives all slides of a case its label, and the case', () => {
    const table = parse('TCGA-05-4244,1\nTCGA-05-42441,0\n');
    expect(labelBags(slides, table).map(({ info }) => [info.caseId, info.label])).toEqual([
      ['TCGA-05-4244', 1],
      ['TCGA-05-4244', 1],
      ['TCGA-05-42441', 0],
    ]);
  });

  it('reports bags without label and rows without bag, or leaves them out', () => {
    const table = parse('slide_id,label\nTCGA-05-4244-01Z-00-DX2,1\nelsewhere,0\n');
    expect(() => labelBags(slides, table)).toThrow(
      /no label for 2 bags \("TCGA-05-4244-01Z-00-DX1", "TCGA-05-42441-01Z"\)/,
    );
    expect(() => labelBags(slides, table, { unlabelledBags: 'drop' })).toThrow(/no bag for 1 row \("elsewhere"\)/);
    const kept = labelBags(slides, table, { unlabelledBags: 'drop', unusedRows: 'ignore' });
    expect(kept.map(({ index }) => index)).toEqual([1]);
  });

  it('refuses a bag that two cases claim', () => {
    const table = parse('case_id,label\nTCGA-05,1\nTCGA-05-4244,0\n');
    expect(() => labelBags(slides.slice(0, 1), table)).toThrow(
      /fits the rows "TCGA-05" \(line 2\) and "TCGA-05-4244" \(line 3\)/,
    );
  });
});

const shared = join(import.meta.dirname, '../../../../shared/data/labels');
describe.runIf(existsSync(shared))('the cohorts of the paper', () => {
  it.each([
    ['camelyon.csv', 899, [597, 302]],
    ['camelyon16_mhim_official.csv', 398, [239, 159]],
    ['tcga_nsclc_cases.csv', 956, [478, 478]],
    ['tcga_nsclc_slides.csv', 1051, [539, 512]],
    ['tcga_brca_cases.csv', 977, [779, 198]],
    ['tcga_brca_slides.csv', 1036, [825, 211]],
  ])('%s', async (file, rows, perClass) => {
    const table = await readLabels(`${shared}/${file}`);
    expect(table.rows.length).toBe(rows);
    expect(perClass.map((_, label) => table.rows.filter((row) => row.label === label).length)).toEqual(perClass);
  });

  it.each([
    ['blca', 376, 446, 171],
    ['luad', 455, 518, 159],
    ['lusc', 452, 484, 190],
  ])('survival of %s', async (name, cases, slides, deaths) => {
    const perCase = await readLabels(`${shared}/tcga_${name}_survival_cases.csv`);
    expect([perCase.unit, perCase.rows.length]).toEqual(['case', cases]);
    expect(perCase.rows.filter((row) => row.event === 1).length).toBe(deaths);
    const perSlide = await readLabels(`${shared}/tcga_${name}_survival_slides.csv`);
    expect([perSlide.unit, perSlide.rows.length]).toEqual(['slide', slides]);
  });
});
