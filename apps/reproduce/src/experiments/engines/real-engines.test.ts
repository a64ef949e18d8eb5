import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../test-helpers.js';

const at = temporaryFolder();
const cli = join(import.meta.dirname, '../../../dist/cli.js');
const out = at('paper');

function found(program: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program)));
}

function run(program: string, args: readonly string[], env: Record<string, string> = {}): string {
  return execFileSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function reproduce(...args: string[]): string {
  return run(process.execPath, [cli, ...args]);
}

/** A baseline, its evaluation, MHIM-v2 from the baseline, its evaluation: two levels of edges; long enough to be stopped. */
function plan(epochs: number): void {
  const only = ['--only', 'AB-MIL,MHIM-v2(AB.)', '--only', 'CPTAC-NSCLC', '--only', 'R50'];
  const size = ['--simulated', '--slides', '24', '--folds', '0', '--epochs', String(epochs)];
  reproduce('plan', 'table', '5', ...only, ...size, '--out', out);
}

// Starts daemons of its own, as root: with `apt-get install slurm-wlm munge` and MHIM_TEST_SLURM=1 only.
const slurm = process.env.MHIM_TEST_SLURM === '1' && found('slurmctld') && userInfo().uid === 0 && existsSync(cli);

describe.skipIf(!slurm)('a real SLURM of one node (MHIM_TEST_SLURM=1, slurm-wlm, munge, root, a build)', () => {
  const folder = at('slurm');
  const env = { SLURM_CONF: join(folder, 'slurm.conf') };
  const queue = () => run('squeue', ['-h', '-a', '-o', '%F_%K %t %r'], env).trim();
  const until = async (what: () => boolean, seconds: number) => {
    for (let i = 0; i < seconds * 4 && !what(); i++) await new Promise((resolve) => setTimeout(resolve, 250));
    expect(what(), queue()).toBe(true);
  };
  const logs = () =>
    readdirSync(at('paper', 'slurm', 'log'))
      .sort()
      .map((name) => readFileSync(at('paper', 'slurm', 'log', name), 'utf8'));

  beforeAll(async () => {
    startSlurm(folder);
    await until(() => run('sinfo', ['-h', '-o', '%t'], env).includes('idle'), 20);
  });

  afterAll(() => {
    for (const path of [join(folder, 'slurmd.pid'), join(folder, 'slurmctld.pid'), '/run/munge/munged.pid'])
      if (existsSync(path)) process.kill(Number(readFileSync(path, 'utf8')));
  });

  test('arrays with edges; a task that is warned requeues itself and goes on', async () => {
    plan(80);
    const command = `${process.execPath} ${cli}`;
    reproduce(
      'export',
      'slurm',
      '--out',
      out,
      '--command',
      command,
      '--cpus',
      '1',
      '--memory',
      '1',
      '--time',
      '00:10:00',
    );
    run(at('paper', 'slurm', 'submit.sh'), [], env);
    // The others wait for the baseline.
    await until(() => /_0 R /.test(queue()), 20);
    expect(queue().match(/PD Dependency/g)).toHaveLength(3);
    const [task] = /^\d+_0(?= R )/m.exec(queue()) ?? [''];
    await until(() => /fold 1|Backend/.test(logs()[0] ?? ''), 20);
    run('scancel', ['--signal=USR1', '--batch', task.split('_')[0] as string], env);
    await until(() => /_0 PD (BeginTime|None|Resources)/.test(queue()), 20);
    expect(logs()[0]).toContain('Stopped. Run the same command again to continue.');
    // SLURM lets a requeued task wait for two minutes.
    run('scontrol', ['update', `JobId=${task}`, 'StartTime=now'], env);
    await until(() => queue() === '', 150);
    expect(reproduce('collect', '--out', out)).toContain('4 of 4 jobs are done');
  }, 240_000);
});

const validator = process.env.MHIM_KUBERNETES_VALIDATE ?? (found('kubernetes-validate') ? 'kubernetes-validate' : '');

// The published schemas come with the PyPI package kubernetes-validate.
test.skipIf(validator === '' || !existsSync(cli))('Kubernetes manifests are valid by the published schemas', () => {
  plan(2);
  reproduce('export', 'kubernetes', '--out', out, '--gpus', '1');
  const manifests = readdirSync(at('paper', 'kubernetes')).filter((name) => name.endsWith('.yaml'));
  expect(manifests).toHaveLength(3);
  for (const name of manifests)
    for (const version of ['1.29', '1.33'])
      run(validator, ['--strict', '--quiet', '-k', version, at('paper', 'kubernetes', name)]);
  const broken = readFileSync(at('paper', 'kubernetes', 'level-0.yaml'), 'utf8').replace(
    'backoffLimitPerIndex',
    'backoff',
  );
  writeFileSync(at('broken.yaml'), broken);
  expect(() => run(validator, ['--strict', '--quiet', '-k', '1.33', at('broken.yaml')])).toThrow();
});

const nextflow = process.env.MHIM_NEXTFLOW ?? '';

// MHIM_NEXTFLOW says how Nextflow is called: nextflow, or java with the class path of the artifact io.nextflow:nextflow (24.10.0 was tried)
// and nextflow.cli.Launcher.
test.skipIf(nextflow === '' || !existsSync(cli))(
  'a real Nextflow runs the pipeline on its local executor; a job that stops is tried again (MHIM_NEXTFLOW)',
  () => {
    plan(2);
    const stops = at('stops-once.sh');
    // The first job to start ends with 75.
    writeFileSync(stops, `mkdir "${at('stopped')}" 2>/dev/null && exit 75\nexec "${process.execPath}" "${cli}" "$@"\n`);
    reproduce(...['export', 'nextflow', '--out', out, '--command', `sh ${stops}`, '--cpus', '1', '--memory', '1']);
    mkdirSync(at('nextflow'));
    const command = `cd "${at('nextflow')}" && ${nextflow} run "${at('paper', 'nextflow', 'main.nf')}" -ansi-log false`;
    const said = run('/bin/sh', ['-c', command], { NXF_OFFLINE: 'true', NXF_HOME: at('nextflow', 'home') });
    for (const level of [0, 1, 2]) expect(said).toContain(`Submitted process > LEVEL_${level}`);
    expect(said).toMatch(/terminated with an error exit status \(75\) -- Execution is retried/);
    expect(reproduce('collect', '--out', out)).toContain('4 of 4 jobs are done');
  },
  240_000,
);

function startSlurm(folder: string): void {
  for (const name of ['state', 'spool', '/run/munge'])
    mkdirSync(name.startsWith('/') ? name : join(folder, name), { recursive: true });
  const host = hostname().split('.')[0] as string;
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(run('id', [flag, 'munge']))) as [number, number];
  const key = '/etc/munge/munge.key';
  if (!existsSync(key)) writeFileSync(key, randomBytes(1024), { mode: 0o400 });
  chownSync(key, uid, gid);
  chownSync('/run/munge', uid, gid);
  run('runuser', ['-u', 'munge', '--', '/usr/sbin/munged', '--force']);
  const path = join(folder, 'slurm.conf');
  writeFileSync(
    path,
    `ClusterName=mhim
SlurmctldHost=${host}(127.0.0.1)
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation=${join(folder, 'state')}
SlurmdSpoolDir=${join(folder, 'spool')}
SlurmctldPidFile=${join(folder, 'slurmctld.pid')}
SlurmdPidFile=${join(folder, 'slurmd.pid')}
SlurmctldLogFile=${join(folder, 'slurmctld.log')}
SlurmdLogFile=${join(folder, 'slurmd.log')}
SlurmUser=root
JobRequeue=1
NodeName=${host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=test Nodes=${host} Default=YES MaxTime=INFINITE State=UP
`,
  );
  run('slurmctld', ['-f', path]);
  run('slurmd', ['-f', path]);
}
