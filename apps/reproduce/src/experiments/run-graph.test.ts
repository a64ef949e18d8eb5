import { cpSync, existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reproduce, temporaryFolder } from '../test-helpers.js';
import { codeVersion } from '../code-version.js';
import type { Environment } from '../run/environment.js';
import { jobIdOf, type Job } from './graph/job.js';
import type { ExperimentResult } from './results/experiment-result.js';

const at = temporaryFolder();
const read = (...parts: string[]) => readFileSync(at(...parts), 'utf8');
const jobsOf = (...parts: string[]) =>
  read(...parts)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Job);
const small = (out: string) => ['--simulated', '--slides', '8', '--folds', '0', '--epochs', '1', '--out', at(out)];
const done = (out: string) =>
  readdirSync(at(out, 'jobs')).filter((id) => existsSync(at(out, 'jobs', id, 'result.json')));
const modified = (out: string, id: string) => read(out, 'jobs', id, 'result.json');

/** Every command of the paper, on few rows so that it takes seconds: all kinds of trainings are among them. */
const COMMANDS: [string, string, string[]][] = [
  ['table', '2', ['--only', 'IBMIL,CLAM,MHIM(DSMIL)', '--only', 'ResNet-50', '--only', 'CAMELYON']],
  ['table', '3', ['--only', 'DTFD-MIL,R2T-MIL,2DMamba', '--only', 'PLIP']],
  ['table', '4', ['--only', 'AB-MIL,CLAM,IBMIL,MHIM-v2(Tr.)', '--only', 'UNI', '--only', 'BLCA']],
  ['table', '5', ['--only', 'AB-MIL,MHIM(AB.)', '--only', 'R50']],
  ['table', '6', ['--only', 'ABMIL,TransMIL,MHIM-v2(Trans.)', '--only', 'Parameter,Memory,Inference Speed,Train Time']],
  ['table', '7', ['--only', 'R50', '--only', 'AB.', '--only', 'CAMELYON']],
  ['table', '8', ['--only', 'R50', '--only', 'AB.', '--only', 'CAMELYON']],
  ['table', '9', ['--only', '+*', '--only', 'R50', '--only', 'CAMELYON', '--only', 'ab-mil,mhim-v2']],
  ['table', '10', ['--only', 'R50', '--only', 'AB.', '--only', 'CAMELYON']],
  ['table', '11', ['--only', 'AB-MIL,CLAM-SB', '--only', 'R50', '--only', 'CAMELYON']],
  ['table', '12', ['--only', 'MHIM-v2(AB.),w/o*', '--only', 'R50', '--only', 'CAMELYON']],
  ['figure', '1', []],
  ['figure', '5', ['--only', 'R50', '--only', 'AB.', '--only', 'CAMELYON', '--only', '0*,Ours']],
  ['figure', '6', ['--only', 'R50', '--only', 'AB.', '--only', 'CAMELYON', '--only', '0.05,0.9,0,0.5']],
  ['figure', '7', []],
  ['figure', '8', []],
];

describe('every table and figure runs on simulated slides', () => {
  test.each(COMMANDS)('%s %s', async (kind, number, only) => {
    const { code, out, err } = await reproduce(kind, number, ...only, ...small('all'));
    expect(code, err).toBe(0);
    const id = `${kind}-${number}`;
    if (['1', '7', '8'].includes(number) && kind === 'figure') {
      expect(out).toMatch(/2 slides|4 slides|3 slides/);
      const page = read('all', `${id}.html`);
      expect(page).toContain('instance');
      if (number === '8') return;
      const models = number === '1' ? ['AB-MIL'] : ['AB-MIL', 'DSMIL', 'TransMIL'];
      const shown = [...page.matchAll(/<h4>(.*?)<\/h4>/g)].map(([, model]) => model);
      expect(shown.slice(0, 2 * models.length)).toEqual(models.flatMap((base) => [base, `MHIM-v2(${base})`]));
      expect(page).toMatch(/attention\.\s+Instance AUC.*probability of positive\.\s+Instance AUC/s);
      if (number === '1') expect(page.match(/masked: 1 of \d+\./g)).toHaveLength(2);
      return;
    }
    expect(out).toContain('SIMULATED, small models');
    const result = JSON.parse(read('all', `${id}.json`)) as ExperimentResult;
    expect(result).toMatchObject({ id, simulated: true, comparable: false, missing: [] });
    const cells = result.rows.flatMap((row) => row.cells).filter((cell) => cell !== null);
    expect(cells.length).toBeGreaterThan(0);
    for (const cell of cells) {
      expect(cell.ours?.mean).toBeTypeOf('number');
      if (kind === 'table') expect(cell.paper?.mean).toBeGreaterThan(0);
      expect(cell).not.toHaveProperty('difference');
    }
    expect(read('all', `${id}.csv`).split('\n')[0]).toContain('ours_mean,ours_std');
    expect(read('all', `${id}-tests.csv`).split('\n')[0]).toContain('model_a,model_b');
    expect(read('all', `${id}.tex`)).toContain('\\begin{tabular}');
    const report = read('all', 'report.html');
    expect(report).toContain(kind === 'table' ? 'Beside the published figures' : 'id="sweeps"');
    if (id === 'table-4') expect(report).toMatch(/log-rank p/);
    if (id === 'table-5') expect(report).toMatch(/MHIM\(AB\.\) − AB-MIL\s*<span class="relation">its baseline/);
    if (id === 'table-5') expect(report).toMatch(/id="roc".*, CPTAC-NSCLC R50.*id="precision-recall"/s);
    if (id === 'table-6') expect(report).toContain('peak memory, MB');
    if (id === 'table-7') expect(report).toMatch(/id="cost".*parameters.*bags predicted a second.*process, MB/s);
    if (id === 'figure-6') expect(report).toMatch(/id="roc".*id="training"/s);
    if (id === 'table-8')
      expect(report).toMatch(/Instance Probability − Baseline\s*<span class="relation">its baseline/);
    expect(report).not.toContain('NaN');
  });

  test('trainings of several tables are one job', () => {
    const baselines = (name: string) =>
      jobsOf('all', `${name}.jobs.jsonl`).filter(
        ({ config, data }) => config.model === 'ab-mil' && data.set === 'camelyon',
      );
    const [id] = baselines('table-7').map((job) => job.id);
    for (const name of ['table-8', 'table-10', 'table-12', 'figure-1', 'figure-6'])
      expect(
        baselines(name).map((job) => job.id),
        name,
      ).toEqual([id]);
  });
});

describe('the run graph', () => {
  const run = (...more: string[]) =>
    reproduce('table', '8', '--only', 'R50', '--only', 'AB.', '--only', 'CAMELYON', ...small('graph'), ...more);
  let first: string[] = [];

  beforeAll(async () => {
    expect((await run()).code).toBe(0);
    first = done('graph');
  });

  test('a finished sweep does nothing again', async () => {
    expect(first).toHaveLength(3);
    const before = first.map((id) => modified('graph', id));
    const { code, err } = await run();
    expect(code).toBe(0);
    expect(err).not.toContain('fold 1/2');
    expect(first.map((id) => modified('graph', id))).toEqual(before);
  });

  test('another option reruns only what depends on it', async () => {
    const { err } = await run('--set', 'maskRatioHigh=0.2');
    expect(err).not.toContain('paper ab-mil');
    expect(err.match(/paper mhim-v2/g)).toHaveLength(2);
    expect(done('graph')).toHaveLength(5);
  });

  test('the order of options changes nothing, a seed changes all', async () => {
    const { err } = await run('--set', 'weightDecay=1e-5', '--set', 'temperature=0.1');
    expect(err).not.toContain('fold 1/2');
    const plan = (await run('--seeds', '2022', '--dry-run')).out;
    expect(plan).toMatch(/table-8 +3 +3 +0 +0 +3 /);
    expect(plan).not.toContain('Corrected by');
    expect((await run('--set', 'maskRatioHigh=0.3', '--dry-run')).out).toMatch(
      /Corrected by 1 finished training of this folder, which took [\d.e-]+ times as long an epoch \(.*cores; .*\)\./,
    );
  });

  test('what does not matter to a training does not make it another', async () => {
    const store = at('graph', 'simulated', 'camelyon_resnet-50_8_10-24_16');
    for (const more of [
      ['--set', 'validationRatio=0.1'],
      ['--set', 'onMissing=skip'],
      ['--data', `camelyon/resnet-50=${store}`],
      ['--data', `camelyon=${store}`, '--set', 'onMissing=skip'],
    ])
      expect((await run(...more, '--dry-run')).out, more.join(' ')).toMatch(/table-8 +3 +3 +0 +3 +0 /);
  });

  test('a training that was stopped goes on though it is described in another way', async () => {
    const id = first[0] as string;
    const before = modified('graph', id);
    for (const file of ['result.json', 'results.json', 'fold-0/metrics.json']) rmSync(at('graph', 'jobs', id, file));
    const { code, err } = await run('--set', 'onMissing=skip', '--set', 'validationRatio=0.1');
    expect(code, err).toBe(0);
    expect(modified('graph', id)).toBe(before);
  });

  test('both protocols are two jobs, of which one is there', async () => {
    const before = done('graph');
    const { code, out, err } = await run('--protocol', 'both');
    expect(code, err).toBe(0);
    expect(err).not.toMatch(/fold 1\/2 paper/);
    expect(err.match(/fold 1\/2 honest/g)).toHaveLength(3);
    expect(done('graph')).toHaveLength(before.length + 3);
    expect(out).toMatch(/Baseline +[\d.]+ \/ [\d.]+ \(/);
    const result = JSON.parse(read('graph', 'table-8.json')) as ExperimentResult;
    expect(result).toMatchObject({ protocol: 'paper', missing: [] });
    const report = read('graph', 'report.html');
    for (const model of first) expect(modified('graph', model)).not.toContain('"honest"');
    expect(report).toContain('honest');
    const alone = await run('--protocol', 'honest');
    expect(alone.err).not.toContain('fold 1/2');
    expect(alone.out).toContain('chosen on a part of the training fold');
  });

  test('results of another version of the code are named and shown when asked for, and not used', async () => {
    const other = '0123456789ab';
    for (const id of first) {
      const job = JSON.parse(read('graph', 'jobs', id, 'job.json')) as Job;
      const own = jobIdOf(job.work, other);
      cpSync(at('graph', 'jobs', id), at('other', 'jobs', own), { recursive: true });
      const put = (name: string, value: object) => writeFileSync(at('other', 'jobs', own, name), JSON.stringify(value));
      put('job.json', { ...job, id: own, code: other });
      put('result.json', { ...(JSON.parse(modified('graph', id)) as object), id: own });
    }
    cpSync(at('graph', 'simulated'), at('other', 'simulated'), { recursive: true });
    const there = ['--out', at('other')];
    expect((await run(...there, '--dry-run')).out).toMatch(/table-8 +3 +3 +0 +0 +3 /);
    expect((await run(...there, '--dry-run', '--code-version', other)).out).toMatch(/table-8 +3 +3 +0 +3 +0 /);
    const shown = await run(...there, '--code-version', other);
    expect([shown.code, shown.err]).toEqual([0, expect.not.stringContaining('fold 1/2') as string]);
    expect(shown.out).not.toContain('not done');
    expect(await run(...there, '--code-version', 'ffffffffffff')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/no job of this plan was done by .*ffffffffffff.*\(3 by 0123456789ab/) as string,
    });
    const plan = ['--only', 'R50', '--only', 'AB.', '--only', 'CAMELYON', ...small('other')];
    expect((await reproduce('plan', 'table', '8', ...plan)).code).toBe(0);
    const collected = await reproduce('collect', ...there);
    expect(collected.out).toMatch(/0 of 3 jobs are done[^]*3 by 0123456789ab; this is [0-9a-f]{12}/);
    expect((await reproduce('collect', ...there, '--code-version', other)).out).toContain('3 of 3 jobs are done');
    const { code, err } = await run(...there);
    expect(code, err).toBe(0);
    expect(err).toContain('3 by 0123456789ab');
    expect(err.match(/fold 1\/2/g)).toHaveLength(3);
    for (const id of first) expect(modified('other', id)).toBe(modified('graph', id));
    const environment = JSON.parse(read('other', 'jobs', first[0] as string, 'environment.json')) as Environment;
    expect(environment.versions.code).toBe(codeVersion());
    writeFileSync(at('other', 'old.jsonl'), read('other', 'jobs.jsonl').replaceAll(codeVersion(), other));
    for (const id of first) rmSync(at('other', 'jobs', id), { recursive: true });
    expect(await reproduce('run', '--plan', at('other', 'old.jsonl'), '--job', '0')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/was planned by the code version 0123456789ab, this is/) as string,
    });
  });

  test('a result of something else is none', async () => {
    const id = first[0] as string;
    writeFileSync(at('graph', 'jobs', id, 'result.json'), JSON.stringify({ format: 'mhim-job-result', id: 'other' }));
    const { out, code } = await run();
    expect(code).toBe(0);
    expect(out).not.toContain('not done');
    expect(JSON.parse(modified('graph', id))).toMatchObject({ id });
  });

  test('a job that fails takes only those with it that start from it', async () => {
    const args = ['--only', 'IBMIL,CLAM,MHIM(AB-MIL)', '--only', 'ResNet-50', '--only', 'CAMELYON', '--only', 'AUC'];
    const { code, err, out } = await reproduce(
      ...['table', '2', ...args, '--set', 'aggregator.confounders=100', ...small('all')],
    );
    expect(code).toBe(65);
    expect(err).toMatch(
      /1 jobs failed, the first camelyon · resnet-50 · IBMIL · fold 0 · seed 2021: .*dictionary of 100/,
    );
    expect(out).toMatch(/ResNet-50 IBMIL +– \(/);
    expect(out).toMatch(/ResNet-50 CLAM +\d/);
    expect(out).toContain('1 jobs are not done, e.g. camelyon · resnet-50 · IBMIL');
  });
});

test('several tables: a report of all, and one of each', async () => {
  const few = ['--only', 'R50', '--only', 'AB.', '--only', 'CAMELYON', '--only', 'Baseline'];
  expect((await reproduce('plan', 'table', '7', 'table', '8', ...few, ...small('both'))).code).toBe(0);
  for (const job of jobsOf('both', 'jobs.jsonl'))
    expect((await reproduce('run', '--plan', at('both', 'jobs.jsonl'), '--job', job.id)).code).toBe(0);
  expect((await reproduce('collect', '--out', at('both'))).out).toContain('one a table and figure beside it');
  expect(read('both', 'report.html')).toContain('2 tables and figures');
  expect(read('both', 'table-8.html')).toMatch(/<title>.*Table 8/);
});

describe('estimates', () => {
  const before = process.env.MHIM_CACHE;
  beforeAll(() => void (process.env.MHIM_CACHE = at('cache')));
  afterAll(() => {
    if (before === undefined) delete process.env.MHIM_CACHE;
    else process.env.MHIM_CACHE = before;
  });
  const dry = ['table', '8', '--dry-run', '--only', 'Baseline', '--only', 'AB.', '--out', at('estimates')];

  test('are of the machine that the program was made on, until its own steps are timed', async () => {
    expect((await reproduce(...dry)).out).toMatch(/Not of this machine: reproduce measure/);
    const size = ['--models', 'ab-mil', '--instances', '4,8', '--width', '8', '--repeats', '1'];
    const { code, out, err } = await reproduce('measure', ...size);
    expect(code, err).toBe(0);
    expect(out).toMatch(/ms a bag +train 4 +train 8 +predict 4 +predict 8\nab-mil +[\d.]+/);
    const own = (await reproduce(...dry)).out;
    expect(own).toMatch(/Times by measured steps: .*medians of 1 steps .*reproduce measure/);
    expect(own).not.toContain('Not of this machine');
    // A model that was not timed is named.
    expect((await reproduce('table', '8', '--dry-run', '--out', at('estimates'))).out).toMatch(
      /Not measured and not in the times: .*TransMIL/,
    );
    writeFileSync(at('cache', 'step-times.json'), '{}');
    expect(await reproduce(...dry)).toMatchObject({
      code: 65,
      err: expect.stringMatching(/step-times\.json: holds no step times.*reproduce measure/) as string,
    });
  });
});

test.each([
  ['8', ['R50', 'AB.', 'CAMELYON']],
  ['4', ['UNI', 'AB-MIL', 'BLCA']],
  ['5', ['R50', 'AB-MIL']],
])('a rehearsal of table %s that is only planned writes nothing, and is the one that is run', async (number, names) => {
  const only = names.flatMap((name) => ['--only', name]);
  const { code, out, err } = await reproduce('table', number, ...only, ...small('nothing'), '--dry-run');
  expect(code, err).toBe(0);
  expect(existsSync(at('nothing'))).toBe(false);
  const planned = await reproduce('plan', 'table', number, ...only, ...small('something'));
  const row = (text: string) => text.match(/^table-\d.*$/m)?.[0];
  expect(row(out)).toMatch(/^table-\d +[1-9]/);
  expect(row(out)).toBe(row(planned.out));
  expect(out).not.toContain('Not found');
});

describe('plan, run, collect', () => {
  const out = 'cluster';
  const only = ['--only', 'AB-MIL,MHIM-v2(AB.)', '--only', 'R50', '--only', 'CPTAC-NSCLC'];

  test('plan writes a line a job, with edges', async () => {
    const { code, out: said } = await reproduce('plan', 'table', '5', ...only, ...small(out));
    expect(code).toBe(0);
    expect(said).toContain('4 jobs');
    const jobs = jobsOf(out, 'jobs.jsonl');
    expect(jobs.map(({ kind }) => kind)).toEqual(['train', 'evaluate', 'train', 'evaluate']);
    const [baseline, external, mined, both] = jobs as [Job, Job, Job, Job];
    expect(baseline.needs).toEqual([]);
    expect([external.needs, mined.needs, both.needs]).toEqual([[baseline.id], [baseline.id], [mined.id]]);
  });

  test('run does a job, says that it is done, and does first what is missing', async () => {
    const plan = at(out, 'jobs.jsonl');
    const [, , mined] = jobsOf(out, 'jobs.jsonl') as [Job, Job, Job];
    const { code, out: said, err } = await reproduce('run', '--plan', plan, '--job', '0', '--offset', '2');
    expect(code, err).toBe(0);
    expect(said).toBe(`${mined.id} done\n`);
    expect(err).toMatch(/paper ab-mil[\s\S]*paper mhim-v2/);
    expect((await reproduce('run', '--plan', plan, '--job', mined.id)).out).toBe(`${mined.id} is done already\n`);
    expect((await reproduce('run', '--plan', plan, '--job', '4')).code).toBe(2);
  });

  test('collect lists what is missing and takes over what another machine did', async () => {
    const left = await reproduce('collect', '--out', at(out));
    expect(left.out).toMatch(/2 of 4 jobs are done\.\nMissing:\n {2}1 .*\n {2}3 /);
    expect((await reproduce('collect', '--out', at(out), '--missing')).out).toBe('1\n3\n');
    const there = at('elsewhere');
    expect((await reproduce('plan', 'table', '5', ...only, ...small('elsewhere'))).code).toBe(0);
    for (const job of ['1', '3'])
      expect((await reproduce('run', '--plan', at('elsewhere', 'jobs.jsonl'), '--job', job)).code).toBe(0);
    const merged = await reproduce('collect', '--out', at(out), '--from', there);
    expect(merged.err).toContain('2 finished jobs were taken over');
    expect(merged.out).toContain('4 of 4 jobs are done');
    // What was done here and there is the same.
    const [, , mined] = jobsOf(out, 'jobs.jsonl') as [Job, Job, Job];
    expect(read('elsewhere', 'jobs', mined.id, 'result.json')).toBe(read(out, 'jobs', mined.id, 'result.json'));
  });

  test('a job that another process has is to be tried again: 75', async () => {
    const [job] = jobsOf(out, 'jobs.jsonl') as [Job];
    rmSync(at(out, 'jobs', job.id, 'result.json'));
    writeFileSync(at(out, 'jobs', job.id, '.lock'), JSON.stringify({ pid: process.ppid, host: hostname() }));
    const { code, err } = await reproduce('run', '--plan', at(out, 'jobs.jsonl'), '--job', '0');
    expect(code).toBe(75);
    expect(err).toContain('another process is training into this folder');
  });

  test('a lock of another machine is waited for, and taken over when nothing was heard of it for ten minutes', async () => {
    const [job] = jobsOf(out, 'jobs.jsonl') as [Job];
    const lock = at(out, 'jobs', job.id, '.lock');
    writeFileSync(lock, JSON.stringify({ pid: 17, host: 'node-9' }));
    const run = () => reproduce('run', '--plan', at(out, 'jobs.jsonl'), '--job', '0');
    expect(await run()).toMatchObject({
      code: 75,
      err: expect.stringMatching(/process 17 on node-9, .* abandoned at/) as string,
    });
    const before = new Date(Date.now() - 11 * 60_000);
    utimesSync(lock, before, before);
    expect((await run()).code).toBe(0);
    expect(existsSync(lock)).toBe(false);
  });

  test('bad data are 65, bad plans 2', async () => {
    const [job] = jobsOf(out, 'jobs.jsonl') as [Job];
    rmSync(at(out, 'jobs', job.id), { recursive: true });
    writeFileSync(
      at('broken.jsonl'),
      `${JSON.stringify({ ...job, config: { ...job.config, data: at('nowhere') } })}\n`,
    );
    expect((await reproduce('run', '--plan', at('broken.jsonl'), '--job', '0')).code).toBe(65);
    writeFileSync(at('nonsense.jsonl'), 'nonsense\n');
    expect((await reproduce('run', '--plan', at('nonsense.jsonl'), '--job', '0')).err).toContain('line 1 is no job');
    expect((await reproduce('plan', 'table', '99', '--simulated', '--out', at('x'))).code).toBe(2);
    expect((await reproduce('table', '2', '--out', at('x'))).err).toContain('no data were found');
    expect((await reproduce('table', '2', '--only', 'Nobody', '--simulated', '--out', at('x'))).err).toContain(
      '--only: selects nothing',
    );
    expect((await reproduce('table', '2', '--data', 'cameleon=x', '--out', at('x'))).err).toContain('no data set');
  });
});
