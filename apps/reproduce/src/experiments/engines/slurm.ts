import type { Job } from '../graph/job.js';
import { quoted, type EngineFiles, type EngineOptions } from './resources.js';

/** Tasks of one array; SLURM's MaxArraySize is 1001 unless the site says otherwise. */
const ARRAY = 1000;

/** An array of jobs; a task waits for the task of the same index in `after`. */
export interface SlurmArray {
  name: string;
  after?: string;
  /** Number of the job by index of the task. */
  tasks: Map<number, number>;
}

/**
 * Array jobs with the edges of the plan. A job that starts from another has that one's index in an array of its own, so that
 * `aftercorr` makes it wait for exactly that task. Tasks that are warned of their end or stopped requeue themselves (exit code 75).
 */
export function slurmFiles(jobs: readonly Job[], options: EngineOptions): EngineFiles {
  const arrays = slurmArrays(jobs);
  const files: EngineFiles = { 'job.sh': jobScript(options), 'submit.sh': submitScript(arrays, options) };
  for (const { name, tasks } of arrays) {
    files[`${name}.txt`] = [...tasks].map(([index, number]) => `${index} ${number}\n`).join('');
  }
  return files;
}

export function slurmArrays(jobs: readonly Job[]): SlurmArray[] {
  const arrays: SlurmArray[] = [];
  const places = new Map<string, { array: SlurmArray; index: number }>();
  const place = (job: Job, number: number, index: number, after?: SlurmArray) => {
    let array = arrays.find(
      (one) => one.after === after?.name && !one.tasks.has(index) && (after || one.tasks.size < ARRAY),
    );
    if (!array) {
      array = { name: `array-${arrays.length}`, ...(after ? { after: after.name } : {}), tasks: new Map() };
      arrays.push(array);
    }
    array.tasks.set(index, number);
    places.set(job.id, { array, index });
  };
  let free = 0;
  jobs.forEach((job, number) => {
    const need = job.needs[0] === undefined ? undefined : places.get(job.needs[0]);
    if (need) place(job, number, need.index, need.array);
    else place(job, number, free++ % ARRAY);
  });
  return arrays;
}

function jobScript({ plan, command, time, cpus, gpus, memory, partition }: EngineOptions): string {
  const directives = [
    ...['--job-name=mhim', '--requeue', '--open-mode=append', '--signal=B:USR1@120'],
    ...[`--time=${time}`, `--cpus-per-task=${cpus}`, `--mem=${memory}G`],
    ...(gpus > 0 ? [`--gres=gpu:${gpus}`] : []),
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
  ];
  return `#!/bin/bash
${directives.map((directive) => `#SBATCH ${directive}`).join('\n')}
# One job of the plan. $1: file of "index number" lines, of which this task's index picks the job.
number=$(awk -v index_="$SLURM_ARRAY_TASK_ID" '$1 == index_ { print $2 }' "$1")
export OMP_NUM_THREADS="\${SLURM_CPUS_PER_TASK:-1}"

${command} run --plan ${quoted(plan)} --job "$number" &
pid=$!
# The warning before the time limit, and the end of a preempted job: the job stops after the bag at hand, its last checkpoint kept.
trap 'kill -USR1 "$pid" 2>/dev/null' USR1 TERM
wait "$pid"
code=$?
# A trapped signal ends "wait", not the job.
while [ "$code" -gt 128 ] && kill -0 "$pid" 2>/dev/null; do
  wait "$pid"
  code=$?
done
if [ "$code" -eq 75 ]; then
  scontrol requeue "\${SLURM_ARRAY_JOB_ID}_\${SLURM_ARRAY_TASK_ID}"
  sleep 60
fi
exit "$code"
`;
}

function submitScript(arrays: readonly SlurmArray[], { parallel }: EngineOptions): string {
  const variable = (name: string) => name.replace('-', '_');
  const submissions = arrays.map(({ name, after, tasks }) => {
    const dependency =
      after === undefined ? '' : ` --dependency="aftercorr:$${variable(after)}" --kill-on-invalid-dep=yes`;
    return `${variable(name)}=$(sbatch --parsable --array=${ranges([...tasks.keys()])}%${parallel}${dependency} --output="$here/log/%A_%a.log" "$@" "$here/job.sh" "$here/${name}.txt")`;
  });
  return `#!/bin/bash
# Submits the plan: ${arrays.reduce((sum, { tasks }) => sum + tasks.size, 0)} jobs in ${arrays.length} arrays. Arguments go to every sbatch.
# Run again at any time: jobs that are done say so and end.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$here/log"
${submissions.join('\n')}
echo "Submitted ${arrays.length} arrays. See: squeue --me; then: reproduce collect"
`;
}

/** 0, 1, 2, 5 → `0-2,5`. */
export function ranges(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const runs: [number, number][] = [];
  for (const number of sorted) {
    const last = runs.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}
