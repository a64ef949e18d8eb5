import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cohortFolds, openBags, parsePublishedTable, writeBagStore, writeNpy } from '@mhim/datasets';
import { describe, expect, test } from 'vitest';
import { reproduce, temporaryFolder } from '../test-helpers.js';
import { COHORTS, COHORT_NAMES, findCohort } from './catalogue.js';
import { checkCohort } from './check-cohort.js';
import { locateCohort, openCohort } from './open-cohort.js';

const at = temporaryFolder();

function put(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
}

/** A feature file whose values have the class in them. */
function slide(path: string, { rows = 2, width = 1024, value = 0 } = {}): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  const data = Float32Array.from({ length: rows * width }, (_, i) => value + ((i * 7) % 11) / 11);
  writeNpy(at(`${path}.npy`), { dtype: 'F32', shape: [rows, width], data });
}

const caseName = (i: number) => `TCGA-A${i % 10}-B${String(100 + i)}`;
const slideOf = (i: number, n = 1) => `${caseName(i)}-01Z-00-DX${n}.${'ABCDEF'[n]}`;

describe('the catalogue', () => {
  test('names are understood however they are spelt', () => {
    expect(COHORT_NAMES).toContain('tcga-brca');
    for (const text of ['TCGA-BRCA', 'tcga_brca', 'brca']) expect(findCohort(text)?.name).toBe('tcga-brca');
    expect(findCohort('cptac nsclc')?.name).toBe('cptac-nsclc');
    expect(findCohort('brain')).toBeUndefined();
  });

  test('says what a set needs, and of an unknown one what there is', async () => {
    const all = await reproduce('data', 'list');
    for (const { name } of COHORTS) expect(all.out).toMatch(new RegExp(`^${name} +`, 'm'));
    const one = await reproduce('data', 'list', 'blca');
    expect(one.out).toMatch(/376 cases.*\n.*portal\.gdc.*\n.*MHIM-MIL.*\n.*label\*blca\*surv\*\.csv/);
    const other = await reproduce('data', 'list', 'cptac-nsclc');
    expect(other.out).toContain('ROOT/cptac_nsclc/uni/pt_files');
    const wrong = await reproduce('data', 'list', 'tcga-bcra');
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringMatching(/no data set "tcga-bcra".*tcga-brca/) as string]);
  });
});

test('of several label tables one has to be named', async () => {
  slide('two/a');
  for (const name of ['label_tcga_brca.csv', 'label_brca_new.csv']) put(`two/${name}`, 'TCGA-A1-B101,IDC\n');
  await expect(openCohort({ set: 'tcga-brca', root: at('two') })).rejects.toThrow(/several label tables: .*--labels/);
});

describe('a subtyping set, from features to a run that another set is tested on', () => {
  const cases = Array.from({ length: 8 }, (_, i) => i);
  const lung = (i: number) => (i % 2 ? 'LUSC' : 'LUAD');
  for (const i of cases) {
    for (const n of i === 0 ? [1, 2] : [1]) slide(`all/nsclc/uni/pt_files/${slideOf(i, n)}`, { value: i % 2 });
    slide(`all/nsclc/r50/pt_files/${slideOf(i)}`, { value: i % 2 });
    slide(`all/cptac_nsclc/uni/pt_files/C3L-0000${i}-21`, { value: i % 2 });
  }
  put('all/nsclc/label_tcga_nsclc.csv', cases.map((i) => `${caseName(i)},${lung(i)}`).join('\n'));
  const clinical = cases.map(
    (i) => `C3L-0000${i}\tCPTAC-3\t${i % 2 ? 'Squamous cell carcinoma, NOS' : 'Adenocarcinoma, NOS'}`,
  );
  put('all/cptac_nsclc/clinical.tsv', ['case_submitter_id\tproject_id\tprimary_diagnosis', ...clinical].join('\n'));

  test('slides get their patients’ classes and stay together; encoders and sources are kept apart', async () => {
    const source = await openCohort({ set: 'tcga-nsclc', root: at('all'), extractor: 'uni' });
    expect([source.name, source.width, source.classes, source.bags.length]).toEqual(['tcga-nsclc', 1024, 2, 9]);
    expect(source.bags[0]).toMatchObject({ caseId: caseName(0), label: 0 });
    for (const { train, test: held } of source.folds('patient', { folds: 2 })) {
      expect(train.includes(0)).toBe(train.includes(1));
      expect(train.length + held.length).toBe(9);
    }
    expect(() => source.folds('official')).toThrow(
      /8 rows; the published list of tcga-nsclc has 956.*--fold-scheme patient/,
    );
    expect(() => source.folds('rrt-survival')).toThrow(/no folds of that kind.*patient, official/);
    const other = await openCohort({ set: 'cptac-nsclc', root: at('all'), extractor: 'uni' });
    expect(other.bags[1]).toMatchObject({ id: 'C3L-00001-21', caseId: 'C3L-00001', label: 1 });
    expect(() => other.folds('patient')).toThrow(/test set for models trained on tcga-nsclc.*evaluate/);
    await expect(openCohort({ set: 'tcga-nsclc', root: at('all') })).rejects.toThrow(/several encoders/);
  });

  test('check says that it can be trained on; train, evaluate elsewhere with the mean of the folds, predict', async () => {
    const set = ['--root', at('all'), '--extractor', 'uni'];
    const check = await reproduce('data', 'check', 'tcga-nsclc', ...set);
    expect(check.out).toMatch(/Found: 9 slides of 8 cases, 5 LUAD, 4 LUSC, 2 patches a slide/);
    expect(check.out).toMatch(/note +counts differ from the published lists: 9 slides, published 1051/);
    expect(check.out).toMatch(/tcga-nsclc can be trained on\.$/m);
    const run = await reproduce(
      ...['train', '--data-set', 'nsclc', ...set, '--model', 'mean-pooling', '--k', '2', '--epochs', '2'],
      ...['--protocol', 'both', '--out', at('run')],
    );
    expect(run.code, run.err).toBe(0);
    const config = JSON.parse(readFileSync(at('run', 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(config).toMatchObject({
      dataSet: 'tcga-nsclc',
      task: 'classification',
      patience: 20,
      foldScheme: 'patient',
    });
    const own = await reproduce('evaluate', '--run', at('run'));
    expect(own.out, own.err).toMatch(/fold 1 on its test part +\d/);
    const elsewhere = await reproduce('evaluate', '--run', at('run'), '--data-set', 'cptac-nsclc', ...set);
    expect(elsewhere.out, elsewhere.err).toMatch(/mean of 2 models +8 +1\.0000/);
    const predicted = await reproduce('predict', '--run', at('run'), '--data-set', 'cptac-nsclc', ...set);
    expect(predicted.out.trim().split('\n').length, predicted.err).toBe(9);
  });

  test('options of data sets are refused where they mean nothing', async () => {
    const train = (...args: string[]) => reproduce('train', '--model', 'ab-mil', '--out', at('no'), ...args);
    const refused = async (message: RegExp, ...args: string[]) =>
      expect(await train(...args)).toMatchObject({ code: 2, err: expect.stringMatching(message) as string });
    await refused(/--root: is the folder of a data set/, '--root', at('all'));
    await refused(/--root: is missing/, '--data-set', 'nsclc');
    await refused(/extractor: is an option of data sets/, '--data', at('all'), '--extractor', 'uni');
    await refused(
      /--task: is survival, but tcga-nsclc is of classification/,
      '--data-set',
      'nsclc',
      '--root',
      at('all'),
      '--task',
      'survival',
    );
    await refused(/scheduleEpochs: is 5, but 10/, '--data', at('all'), '--epochs', '10', '--schedule-epochs', '5');
  });
});

test('check names everything that is amiss at once, and nothing of it trains', async () => {
  const files: [string, object?][] = [
    [slideOf(1)],
    [slideOf(2), { value: NaN }],
    [slideOf(3), { width: 512 }],
    [slideOf(4)],
    [slideOf(5)],
    [slideOf(7)],
    ['TCGA-A1-B101-01A-01-TS1.9'],
  ];
  for (const [name, how] of files) slide(`bad/uni/pt_files/${name}`, how);
  copyFileSync(at(`bad/uni/pt_files/${slideOf(1)}.npy`), at('bad/uni/pt_files/TCGA-A1-B101-01Z-00-DX1.npy'));
  const rows = [1, 2, 3, 4, 5, 6].map((i) => `${caseName(i)},${i % 2 ? 'IDC' : 'ILC'}`);
  put('bad/label_tcga_brca.csv', rows.join('\n'));
  const { code, out } = await reproduce(
    'data',
    'check',
    'tcga-brca',
    '--root',
    at('bad'),
    '--extractor',
    'uni',
    '--json',
    at('bad.json'),
  );
  expect(code).toBe(0);
  expect(process.exitCode).toBe(65);
  process.exitCode = 0;
  const said = (...lines: string[]) => expect(out).toMatch(new RegExp(lines.join('\\n +')));
  said('error +1 row of the table without features', caseName(6), '→ extract them, or train with --on-missing skip');
  said('error +1 slide with several files', 'uni/pt_files/.*DX1.*npy and uni/pt_files/.*DX1.*npy', '→ keep one');
  said('error +1 file that cannot be used', 'uni/pt_files/.*instance 0, feature 0 is NaN.*', '→ extract');
  said('error +1 file of another encoder', `${slideOf(3)}: 512 columns, expected 1024`, '→ extract all slides');
  said('warning +1 file that the table does not name, left out', slideOf(7));
  said('note +1 slide of frozen tissue');
  expect(out).toMatch(/cannot be used yet: 4 problems/);
  const report = JSON.parse(readFileSync(at('bad.json'), 'utf8')) as { problems: { kind: string; ids: string[] }[] };
  expect(report.problems.find(({ kind }) => kind === 'width')?.ids).toEqual([slideOf(3)]);
  const trained = await reproduce(
    ...['train', '--data-set', 'brca', '--root', at('bad'), '--model', 'ab-mil', '--out', at('never')],
  );
  expect([trained.code, trained.err]).toEqual([
    65,
    expect.stringMatching(/1 of the table’s rows have no features.*data check tcga-brca/) as string,
  ]);
  expect(existsSync(at('never'))).toBe(false);
});

test('check says where labels are from, where there are none', async () => {
  slide('unlabelled/a');
  const report = await checkCohort({ set: 'tcga-luad', root: at('unlabelled') });
  expect(report).toMatchObject({
    ok: false,
    problems: [{ kind: 'not-found', what: expect.stringMatching(/no label table of tcga-luad.*MHIM-MIL/) as string }],
  });
});

test('check says what is the matter with every file, and of a root that is none nothing else', async () => {
  const names = Array.from({ length: 7 }, (_, i) => slideOf(i));
  for (const [i, name] of names.entries()) slide(`torn/${name}`, { width: 16, value: i < 6 ? NaN : 0 });
  put(
    'torn/label_tcga_luad_surv.csv',
    `case_id,time,status\n${names.map((_, i) => `${caseName(i)},${i + 1},1`).join('\n')}`,
  );
  const { out } = await reproduce('data', 'check', 'tcga-luad', '--root', at('torn'));
  process.exitCode = 0;
  expect(out.match(/feature 0 is NaN/g)).toHaveLength(5);
  expect(out).toContain('All names: the same with --json FILE.');
  const nowhere = await checkCohort({ set: 'tcga-luad', root: at('nowhere') });
  expect(nowhere.problems.map(({ what }) => what)).toEqual([
    expect.stringMatching(/nowhere: there is no such folder/) as string,
  ]);
  const survival = await checkCohort({
    set: 'tcga-nsclc',
    root: at('torn'),
    labels: at('torn/label_tcga_luad_surv.csv'),
  });
  expect(survival.problems[0]?.what).toMatch(/no row of the table says what is to be learnt/);
});

test('check says of an empty folder that features and labels are missing', async () => {
  mkdirSync(at('empty'));
  const { ok, problems } = await checkCohort({ set: 'tcga-luad', root: at('empty') });
  expect(ok).toBe(false);
  expect(problems.map(({ what }) => what)).toEqual([
    expect.stringMatching(/holds no feature files/) as string,
    expect.stringMatching(/no label table of tcga-luad/) as string,
  ]);
});

test('survival: a case with all its slides is a bag', async () => {
  for (const [i, n] of [
    [1, 1],
    [1, 2],
    [2, 1],
    [3, 1],
  ] as const)
    slide(`luad/${slideOf(i, n)}`, { rows: i + n, width: 16 });
  put(
    'luad/label_tcga_luad_surv.csv',
    `Study,ID,Event,Status,WSI\n${[1, 2, 3].map((i) => `LUAD,${caseName(i)},${10 * i},${i % 2},x.pt`).join('\n')}`,
  );
  const single = await openCohort({ set: 'tcga-luad', root: at('luad'), unit: 'slide' });
  expect(single.bags.map(({ id }) => id)).toContain(slideOf(1));
  expect(single.bags.find(({ id }) => id === slideOf(1))).toMatchObject({ caseId: caseName(1) });
  const source = await openCohort({ set: 'tcga-luad', root: at('luad') });
  expect(source.bags.map(({ id, time, event, label }) => [id, time, event, label])).toEqual([
    [caseName(1), 10, 1, undefined],
    [caseName(2), 20, 0, undefined],
    [caseName(3), 30, 1, undefined],
  ]);
  expect((await source.read(0)).instances).toBe(2 + 3);
  const report = await checkCohort({ set: 'tcga-luad', root: at('luad') });
  expect(report.counts).toMatchObject({ cases: 3, slides: 4, deaths: 2, patches: 3 });
});

test('a slide that the official survival list names may not be missing', async () => {
  slide(`part/${slideOf(1)}`, { width: 16 });
  slide(`part/${slideOf(2)}`, { width: 16 });
  const rows = [
    `BLCA,${caseName(1)},10,1,${slideOf(1)}.svs;${slideOf(1, 2)}.svs`,
    `BLCA,${caseName(2)},9,0,${slideOf(2)}.svs`,
  ];
  put('part/label_tcga_blca_surv.csv', ['Study,ID,Event,Status,WSI', ...rows].join('\n'));
  const set = { set: 'tcga-blca', root: at('part') };
  const { ok, problems } = await checkCohort(set);
  expect([ok, problems.find(({ kind }) => kind === 'missing-slides')?.ids]).toEqual([false, [slideOf(1, 2)]]);
  await expect(openCohort(set)).rejects.toThrow(/1 of the slides .* have no features: TCGA-A1-B101-01Z-00-DX2/);
  expect((await openCohort({ ...set, onMissing: 'skip' })).bags.map(({ id }) => id)).toEqual([
    caseName(1),
    caseName(2),
  ]);
});

test('a bag store of another encoder is told', async () => {
  for (const i of [1, 2]) slide(`plip/${slideOf(i)}`, { width: 16 });
  put('plip-labels.csv', `case_id,label\n${caseName(1)},IDC\n${caseName(2)},ILC\n`);
  await writeBagStore(at('plip-store'), await openBags(at('plip')));
  const set = { set: 'tcga-brca', root: at('plip-store'), labels: at('plip-labels.csv') };
  expect((await checkCohort(set)).ok).toBe(true);
  const { ok, problems } = await checkCohort({ ...set, extractor: 'plip' });
  expect([ok, problems[0]?.what]).toEqual([
    false,
    expect.stringMatching(/16 columns, those of PLIP have 512/) as string,
  ]);
});

test('a class that the set does not have is a warning, a number that is none an error', async () => {
  for (const i of [1, 2, 3]) slide(`classes/${slideOf(i)}`);
  put(
    'classes/label_tcga_brca.csv',
    `case_id,label\n${['IDC', 'ILC', 'ILX'].map((c, i) => `${caseName(i + 1)},${c}`).join('\n')}`,
  );
  const set = { set: 'tcga-brca', root: at('classes') };
  const { problems } = await checkCohort(set);
  expect(problems.find(({ kind }) => kind === 'unknown-class')).toMatchObject({
    severity: 'warning',
    what: expect.stringMatching(/class ILX/) as string,
    ids: [caseName(3)],
  });
  const said: string[] = [];
  await openCohort({ ...set, log: (line) => said.push(line) });
  expect(said).toContain(`Left out, class ILX in the table: 1 (${caseName(3)}).`);
  put('classes/label_tcga_brca.csv', `case_id,label\n${[0, 1, 2].map((c, i) => `${caseName(i + 1)},${c}`).join('\n')}`);
  const wrong = await checkCohort(set);
  expect([wrong.ok, wrong.problems[0]?.what]).toEqual([
    false,
    expect.stringMatching(/line 4: class 2 is none of/) as string,
  ]);
});

test('CAMELYON: from the tables of the challenges; nodes of a patient stay together', async () => {
  const nodes = [0, 1, 2, 3].flatMap((p) => [0, 1].map((n) => `patient_00${p}_node_${n}`));
  for (const name of ['normal_001', 'tumor_001', 'test_001', 'test_049', ...nodes])
    slide(`camelyon/${name}`, { width: 16 });
  put('camelyon/reference.csv', 'test_001,Tumor,IDC,Macro\n');
  const stages = nodes.map((name, i) => `${name}.tif,${['negative', 'itc', 'negative', 'macro'][i % 4]}`);
  put('camelyon/stage_labels.csv', `patient,stage\npatient_000.zip,pN0\n${stages.join('\n')}\n`);
  const open = { set: 'camelyon', root: at('camelyon') };
  await expect(openCohort(open)).rejects.toThrow(/268 of the table’s rows have no features: normal_002, normal_003/);
  const said: string[] = [];
  const source = await openCohort({ ...open, onMissing: 'skip', log: (line) => said.push(line) });
  expect(Object.fromEntries(source.bags.map(({ id, label }) => [id, label]))).toMatchObject({
    normal_001: 0,
    tumor_001: 1,
    test_001: 1,
    patient_000_node_1: 0,
    patient_001_node_1: 1,
  });
  expect(said.slice(1)).toEqual(['Left out, excluded: 1 (test_049).']);
  expect(said[0]).toMatch(/^Left out, no features: 268 \(normal_002, /);
  const caseOf = (index: number) => source.bags[index]?.caseId ?? source.bags[index]?.id;
  for (const { train, test: held } of source.folds('patient', { folds: 2 })) {
    const trained = new Set(train.map(caseOf));
    expect(held.filter((index) => trained.has(caseOf(index)))).toEqual([]);
  }
});

const shared = join(import.meta.dirname, '../../../../../shared/data/labels');

/** Features of the published lists' slides, as far as their names go. */
describe.runIf(existsSync(shared))('the published lists', () => {
  const stub = (set: string, list: string, table: string) => {
    const { rows } = parsePublishedTable(readFileSync(`${shared}/${list}`, 'utf8'), list);
    mkdirSync(at('lists', set), { recursive: true });
    for (const { id } of rows) writeFileSync(at('lists', set, `${id}.pt`), '');
    return { set, root: at('lists', set), labels: `${shared}/${table}` };
  };

  test.each([
    ['camelyon', 'camelyon.csv', 'camelyon.csv', ['normal', 'tumor']],
    ['camelyon16', 'camelyon16_mhim_official.csv', 'camelyon16_mhim_official.csv', ['normal', 'tumor']],
    ['tcga-nsclc', 'tcga_nsclc_slides.csv', 'tcga_nsclc_slides.csv', ['LUAD', 'LUSC']],
    ['tcga-brca', 'tcga_brca_slides.csv', 'tcga_brca_slides.csv', ['IDC', 'ILC']],
    ['tcga-nsclc', 'tcga_nsclc_slides.csv', 'tcga_nsclc_cases.csv', ['LUAD', 'LUSC']],
    ['tcga-brca', 'tcga_brca_slides.csv', 'tcga_brca_cases.csv', ['IDC', 'ILC']],
  ])('%s by %s and %s', async (set, list, table, names) => {
    const report = await checkCohort({ ...stub(set, list, table), quick: true });
    const { lists } = findCohort(set) as (typeof COHORTS)[number];
    expect(report.counts).toMatchObject({
      slides: lists?.slides,
      classes: Object.fromEntries(names.map((name, label) => [name, lists?.classes?.[label]])),
    });
    // A case or two of the case lists are in no slide list.
    const absent = { 'tcga-nsclc': 1, 'tcga-brca': 3 }[set] ?? 0;
    const missing = report.problems.find(({ kind }) => kind === 'missing')?.ids.length ?? 0;
    expect(missing).toBe(table.includes('cases') ? absent : 0);
    if (missing === 0) expect(report.ok).toBe(true);
  });

  test.each([
    ['tcga-blca', ['TCGA-DK-A1A6', 'TCGA-K4-A3WU', 'TCGA-CF-A3MF'], 76],
    ['tcga-luad', ['TCGA-55-6543', 'TCGA-55-7816', 'TCGA-49-4507'], 91],
    ['tcga-lusc', ['TCGA-63-A5MG', 'TCGA-77-8007', 'TCGA-46-6026'], 91],
  ])('%s: cases, slides, deaths, and the official folds over cases that are bags', async (set, first, size) => {
    const name = set.replace('-', '_');
    const files = stub(set, `${name}_survival_slides.csv`, `${name}_survival_cases.csv`);
    const report = await checkCohort({ ...files, quick: true });
    const { lists } = findCohort(set) as (typeof COHORTS)[number];
    expect(report.counts).toEqual({ slides: lists?.slides, cases: lists?.cases, deaths: lists?.deaths });
    expect(report.problems).toEqual([]);
    const { tables } = await locateCohort(files);
    const bags = tables.rows.map(({ id, time, event }) => ({ id, caseId: id, time, event }));
    const [fold] = cohortFolds('official', tables.rows, bags);
    expect(fold?.test.slice(0, 3).map((index) => bags[index]?.id)).toEqual(first);
    expect(fold?.test.length).toBe(size);
  });

  test('CAMELYON17: the official split has patients on both sides, ours has none', async () => {
    const { tables, join: joined } = await locateCohort(stub('camelyon', 'camelyon.csv', 'camelyon.csv'));
    const bags = joined.slides.map(({ info }) => info);
    const said: string[] = [];
    cohortFolds('official', tables.rows, bags, { warn: (line) => said.push(line) });
    expect(said).toEqual([expect.stringMatching(/^100 cases are in training and test of one fold/)]);
    const own = cohortFolds('patient', tables.rows, bags, { warn: (line) => said.push(line) });
    expect(own.flatMap(({ test: held }) => held).length).toBe(899);
    expect(said.length).toBe(1);
  });
});
