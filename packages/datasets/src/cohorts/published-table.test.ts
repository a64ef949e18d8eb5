import { describe, expect, test } from 'vitest';
import { parsePublishedTable, type PublishedTableOptions } from './published-table.js';

const read = (text: string, options?: PublishedTableOptions) => parsePublishedTable(text, 'table.csv', options);
const lung = { classes: { luad: 0, 'tcga-luad': 0, lusc: 1, 'tcga-lusc': 1, '0': 0, '1': 1 } };

describe('tables as they were published', () => {
  test('the official list without header keeps its first patient', () => {
    const { kind, unit, rows } = read('TCGA-62-A46R,LUAD\nTCGA-05-4417,LUAD\nTCGA-85-8582,LUSC\n', lung);
    expect([kind, unit]).toEqual(['labels', 'case']);
    expect(rows.map(({ id, label }) => [id, label])).toEqual([
      ['TCGA-62-A46R', 0],
      ['TCGA-05-4417', 0],
      ['TCGA-85-8582', 1],
    ]);
  });

  test('the official survival list', () => {
    const { unit, rows } = read(
      'Study,ID,Event,Status,WSI\nBLCA,TCGA-2F-A9KT,110.4666667,0,a.pt;b.pt\nBLCA,TCGA-4Z-AA7M,16.5,1,c.pt\n',
    );
    expect(unit).toBe('case');
    expect(rows.map(({ time, event, slides }) => [time, event, slides])).toEqual([
      [110.4666667, 0, ['a.pt', 'b.pt']],
      [16.5, 1, ['c.pt']],
    ]);
  });

  test("MCAT's table: class from the OncoTree code, other classes left out, names without the image's extension", () => {
    const { unit, rows, leftOut } = read(
      'case_id,slide_id,oncotree_code,survival_months,censorship\n' +
        'TCGA-3C-AALI,TCGA-3C-AALI-01Z-00-DX1.F6E9.svs,IDC,131.5,1.0\n' +
        'TCGA-AC-A2QH,TCGA-AC-A2QH-01Z-00-DX1.3C1D.svs,ILC,35,0.0\n' +
        'TCGA-A1-A0SB,TCGA-A1-A0SB-01Z-00-DX1.B34C.svs,MDLC,8.5,1.0\n',
      { classes: { IDC: 0, ILC: 1 } },
    );
    expect(unit).toBe('slide');
    expect(rows.map(({ id, caseId, label, time, event }) => [id, caseId, label, time, event])).toEqual([
      ['TCGA-3C-AALI-01Z-00-DX1.F6E9', 'TCGA-3C-AALI', 0, 131.5, 0],
      ['TCGA-AC-A2QH-01Z-00-DX1.3C1D', 'TCGA-AC-A2QH', 1, 35, 1],
    ]);
    expect(leftOut).toEqual([{ id: 'TCGA-A1-A0SB-01Z-00-DX1.B34C', reason: 'class MDLC', unknownClass: 'MDLC' }]);
    expect(() => read('slide,label\na,0\nb,2\n', { classes: { IDC: 0, ILC: 1, 0: 0, 1: 1 } })).toThrow(
      /line 3: class 2 is none of 0, 1, idc, ilc/,
    );
  });

  test("CAMELYON16's reference of the test slides", () => {
    const { kind, rows } = read('test_001,Tumor,IDC,Macro\ntest_003,Normal,None,None\n');
    expect(kind).toBe('camelyon16-reference');
    expect(rows.map(({ id, label, split }) => [id, label, split])).toEqual([
      ['test_001', 1, 'test'],
      ['test_003', 0, 'test'],
    ]);
    expect(() => read('test_001,Maybe,IDC,Macro\n')).toThrow(/line 1: expected Normal or Tumor, got "Maybe"/);
  });

  test("CAMELYON17's stages: patients left out, isolated tumour cells negative", () => {
    const { kind, rows, leftOut } = read(
      'patient,stage\npatient_000.zip,pN0\npatient_000_node_0.tif,negative\npatient_000_node_1.tif,itc\npatient_004_node_4.tif,macro\n',
    );
    expect(kind).toBe('camelyon17-stages');
    expect(rows.map(({ id, caseId, label }) => [id, caseId, label])).toEqual([
      ['patient_000_node_0', 'patient_000', 0],
      ['patient_000_node_1', 'patient_000', 0],
      ['patient_004_node_4', 'patient_004', 1],
    ]);
    expect(leftOut.length).toBe(1);
    expect(() => read('patient,stage\npatient_000_node_0.tif,pN1\n')).toThrow(/line 2: expected negative, itc/);
  });

  test('GDC: one row a case of several, months of 30 days, classes by project, unknown outcomes absent', () => {
    const header =
      'case_submitter_id\tproject_id\tvital_status\tdays_to_death\tdays_to_last_follow_up\tprimary_diagnosis\n';
    const { kind, rows } = read(
      `${header}TCGA-05-4245\tTCGA-LUAD\tAlive\t'--\t730\tAdenocarcinoma, NOS\n` +
        `TCGA-05-4245\tTCGA-LUAD\tAlive\t'--\t730\tAdenocarcinoma, NOS\n` +
        `TCGA-18-3406\tTCGA-LUSC\tDead\t371\t'--\tSquamous cell carcinoma, NOS\n` +
        `TCGA-18-3407\tTCGA-LUSC\tAlive\t'--\t'--\tSquamous cell carcinoma, NOS\n`,
      lung,
    );
    expect(kind).toBe('gdc-clinical');
    expect(rows.map(({ id, label, event }) => [id, label, event])).toEqual([
      ['TCGA-05-4245', 0, 0],
      ['TCGA-18-3406', 1, 1],
      ['TCGA-18-3407', 1, undefined],
    ]);
    expect(rows[0]?.time).toBeCloseTo(24.33333333, 8);
    const only = read(
      `${header}TCGA-05-4245\tTCGA-LUAD\tDead\t30\t'--\tX\nTCGA-18-3406\tTCGA-LUSC\tDead\t371\t'--\tY\n`,
      { of: ['tcga-luad'] },
    );
    expect(only.rows.map(({ id }) => id)).toEqual(['TCGA-05-4245']);
    expect(only.leftOut).toEqual([{ id: 'TCGA-18-3406', reason: 'TCGA-LUSC' }]);
    const newer = header.replace(/\t/g, '\tcases.').replace('case_submitter_id', 'cases.submitter_id');
    expect(read(`${newer}C3L-00001\tCPTAC-3\tDead\t60\t'--\tAdenocarcinoma, NOS\n`).rows[0]).toMatchObject({
      time: 2,
      event: 1,
    });
  });

  test("GDC's newer header: the case's submitter_id, wherever it stands beside those of its diagnoses and treatments", () => {
    const columns = [
      'project.project_id',
      'cases.submitter_id',
      'demographic.submitter_id',
      'demographic.vital_status',
    ];
    const more = ['demographic.days_to_death', 'diagnoses.days_to_last_follow_up', 'diagnoses.submitter_id'];
    const cells = (treatment: string) => ({
      'project.project_id': 'TCGA-LUAD',
      'cases.submitter_id': 'TCGA-AA-0001',
      'demographic.submitter_id': 'TCGA-AA-0001_demographic',
      'demographic.vital_status': 'Dead',
      'demographic.days_to_death': '60',
      'diagnoses.days_to_last_follow_up': "'--",
      'diagnoses.submitter_id': 'TCGA-AA-0001_diagnosis',
      'treatments.submitter_id': treatment,
    });
    const header = [...columns, ...more, 'treatments.submitter_id'];
    for (const names of [header, header.toReversed()]) {
      const row = (treatment: string) => names.map((name) => cells(treatment)[name as keyof ReturnType<typeof cells>]);
      const lines = [names, row('TCGA-AA-0001_treatment'), row('TCGA-AA-0001_treatment2'), row("'--")];
      const { rows } = read(`${lines.map((line) => line.join('\t')).join('\n')}\n`, lung);
      expect(rows).toEqual([{ id: 'TCGA-AA-0001', caseId: 'TCGA-AA-0001', line: 2, label: 0, time: 2, event: 1 }]);
    }
  });

  test('cBioPortal: comments above the header', () => {
    const { kind, rows } = read(
      '#Patient\tStatus\tMonths\n#STRING\tSTRING\tNUMBER\nPATIENT_ID\tOS_STATUS\tOS_MONTHS\nTCGA-05-4244\t0:LIVING\t12.5\nTCGA-05-4249\t1:DECEASED\t50\n',
    );
    expect(kind).toBe('cbioportal-clinical');
    expect(rows.map(({ id, time, event }) => [id, time, event])).toEqual([
      ['TCGA-05-4244', 12.5, 0],
      ['TCGA-05-4249', 50, 1],
    ]);
  });

  test('a table of another data set is said to be one', () => {
    expect(() => read('case_id,label\nTCGA-05-4244,LUAD\n', { classes: { IDC: 0, ILC: 1 } })).toThrow(
      /table\.csv: none of its rows belongs to this data set.*class LUAD/,
    );
  });
});
