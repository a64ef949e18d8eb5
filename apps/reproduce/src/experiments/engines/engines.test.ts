import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Job } from '../graph/job.js';
import { kubernetesFiles } from './kubernetes.js';
import { nextflowFiles } from './nextflow.js';
import type { EngineOptions } from './resources.js';
import { ranges, slurmArrays, slurmFiles } from './slurm.js';
import { volumeRoot } from './volume.js';

const options: EngineOptions = {
  ...{
    plan: '/shared/paper/jobs.jsonl',
    command: 'reproduce',
    time: '02:00:00',
    cpus: 4,
    gpus: 1,
    memory: 16,
    parallel: 50,
  },
  ...{ partition: 'gpu', image: 'mhim:1', claim: 'mhim', namespace: 'default' },
};
const job = (id: string, ...needs: string[]) => ({ id, needs, config: { data: '/shared/data/uni' } }) as unknown as Job;
// Two baselines, of which the second has two dependants, and an evaluation of one of those.
const jobs = [job('a'), job('b'), job('a1', 'a'), job('b1', 'b'), job('b2', 'b'), job('b2x', 'b2')];

test('SLURM: every task waits for the task of its index in the array that it starts from', () => {
  const arrays = slurmArrays(jobs);
  expect(arrays.map(({ name, after, tasks }) => [name, after, [...tasks]])).toEqual([
    [
      'array-0',
      undefined,
      [
        [0, 0],
        [1, 1],
      ],
    ],
    [
      'array-1',
      'array-0',
      [
        [0, 2],
        [1, 3],
      ],
    ],
    ['array-2', 'array-0', [[1, 4]]],
    ['array-3', 'array-2', [[1, 5]]],
  ]);
  const files = slurmFiles(jobs, options);
  expect(files['submit.sh']).toContain('--array=1%50 --dependency="aftercorr:$array_0" --kill-on-invalid-dep=yes');
  expect(files['job.sh']).toContain('#SBATCH --gres=gpu:1');
  expect(files['array-2.txt']).toBe('1 4\n');
});

test('SLURM: no array has more tasks than sites allow', () => {
  const many = Array.from({ length: 2500 }, (_, i) => job(`j${i}`));
  const arrays = slurmArrays([...many, job('last', 'j2400')]);
  expect(arrays.map(({ tasks }) => tasks.size)).toEqual([1000, 1000, 500, 1]);
  expect(arrays[3]).toMatchObject({ after: 'array-2' });
  expect([...(arrays[3]?.tasks ?? [])]).toEqual([[400, 2500]]);
});

test('ranges of indices', () => {
  expect(ranges([5, 0, 1, 2, 7, 8])).toBe('0-2,5,7-8');
});

test('Kubernetes: an Indexed Job a level, exit codes in its pod failure policy', () => {
  const files = kubernetesFiles(jobs, options);
  expect(Object.keys(files)).toEqual(['level-0.yaml', 'level-1.yaml', 'level-2.yaml', 'submit.sh']);
  const [document] = parseAllDocuments(files['level-1.yaml'] as string);
  expect(document?.toJS()).toMatchObject({
    kind: 'Job',
    spec: {
      completionMode: 'Indexed',
      completions: 3,
      podFailurePolicy: {
        rules: [
          { action: 'FailIndex', onExitCodes: { values: [2, 65] } },
          { action: 'Ignore', onExitCodes: { values: [75] } },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
        ],
      },
      template: {
        spec: {
          restartPolicy: 'Never',
          containers: [
            {
              args: ['exec reproduce run --plan /shared/paper/jobs.jsonl --job "$JOB_COMPLETION_INDEX" --offset 2'],
              volumeMounts: [{ mountPath: '/shared' }],
            },
          ],
        },
      },
    },
  });
});

test('Kubernetes: the volume holds plan and data, and what lies outside is refused', () => {
  const at = (data: string, test?: string, mount?: string) =>
    volumeRoot(
      '/mhim/runs/paper/jobs.jsonl',
      [{ config: { data }, test: test && { data: test } } as unknown as Job],
      mount,
    );
  expect(at('/mhim/runs/paper/simulated/a')).toBe('/mhim/runs/paper');
  expect(at('/mhim/runs/paper-data')).toBe('/mhim/runs');
  expect(at('musk1')).toBe('/mhim/runs/paper');
  expect(at('/mhim/runs/data', '/mhim/cptac')).toBe('/mhim');
  expect(at('/mhim/data', undefined, '/mhim/')).toBe('/mhim');
  expect(() => at('/mhim/data', '/data/cptac', '/mhim')).toThrow(/--mount: \/data\/cptac lies outside of \/mhim/);
  expect(() => at('/data/uni')).toThrow(/have no folder in common .*\/mhim\/runs\/paper, \/data\/uni/);
  expect(() => at('/data/uni', undefined, '/')).toThrow('--mount');
});

test('Kubernetes: several plans have names of their own in a namespace', () => {
  const named = (plan: string) => {
    const files = kubernetesFiles(jobs, { ...options, plan });
    const { metadata } = parseAllDocuments(files['level-0.yaml'] as string)[0]?.toJS() as {
      metadata: { name: string };
    };
    expect(files['submit.sh']).toContain(metadata.name.replace('-0', '-$level'));
    return metadata.name;
  };
  expect(named('/shared/paper/jobs.jsonl')).toMatch(/^mhim-[0-9a-f]{8}-level-0$/);
  expect(named('/shared/other/jobs.jsonl')).not.toBe(named('/shared/paper/jobs.jsonl'));
});

test('Nextflow: a process a level, joined by what jobs start from', () => {
  const files = nextflowFiles(jobs, options);
  expect(files['main.nf']).toContain("include { JOB as LEVEL_2 } from './job.nf'");
  expect(files['main.nf']).toContain('done_2 = LEVEL_2(waiting.combine(done_1');
  expect(files['job.nf']).toContain('task.exitStatus in [2, 65]');
  expect(files['job.nf']).toContain('sleep ${task.attempt == 1 ? 0 : 60}\n');
  expect(files['nextflow.config']).toContain("time = '7200s'");
});
