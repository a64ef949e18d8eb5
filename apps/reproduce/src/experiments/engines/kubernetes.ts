import { stringify } from 'yaml';
import { hashOf } from '@mhim/training';
import type { Job } from '../graph/job.js';
import { EXIT } from '../../failure.js';
import { levelsOf } from './levels.js';
import { quoted, type EngineFiles, type EngineOptions } from './resources.js';
import { volumeRoot } from './volume.js';

/**
 * An Indexed Job a level of the plan (Kubernetes 1.29 and later), and a script that starts each when the one before has ended. Bad data and bad
 * configuration fail their index only; a stopped job is tried again without being counted. Names carry a hash of the plan, so that
 * several can be in one namespace.
 */
export function kubernetesFiles(jobs: readonly Job[], options: EngineOptions): EngineFiles {
  const levels = levelsOf(jobs);
  const place: Place = {
    name: `mhim-${hashOf([options.plan, jobs.map(({ id }) => id)]).slice(0, 8)}`,
    mount: volumeRoot(options.plan, jobs, options.mount),
  };
  const files: EngineFiles = {};
  let offset = 0;
  levels.forEach((level, index) => {
    files[`level-${index}.yaml`] = stringify(manifest({ level: index, offset, count: level.length }, place, options));
    offset += level.length;
  });
  files['submit.sh'] = submitScript(levels.length, place, options);
  return files;
}

interface Place {
  /** What the names of the plan's jobs begin with. */
  name: string;
  /** Where the volume is in the pods. */
  mount: string;
}

interface Level {
  level: number;
  /** Number of its first job, and how many there are. */
  offset: number;
  count: number;
}

function manifest({ level, offset, count }: Level, { name, mount }: Place, options: EngineOptions): object {
  const { plan, command, cpus, gpus, memory, parallel, image, claim, namespace } = options;
  const container = {
    name: 'mhim',
    image,
    // The shell gives way to the program, which so gets the signals.
    command: ['/bin/sh', '-c'],
    args: [`exec ${command} run --plan ${quoted(plan)} --job "$JOB_COMPLETION_INDEX" --offset ${offset}`],
    resources: {
      requests: { cpu: String(cpus), memory: `${memory}Gi` },
      limits: { memory: `${memory}Gi`, ...(gpus > 0 ? { 'nvidia.com/gpu': String(gpus) } : {}) },
    },
    volumeMounts: [{ name: 'mhim', mountPath: mount }],
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `${name}-level-${level}`, namespace, labels: { app: 'mhim', plan: name } },
    spec: {
      completionMode: 'Indexed',
      completions: count,
      parallelism: Math.min(parallel, count),
      backoffLimitPerIndex: 3,
      // All may fail without stopping the others.
      maxFailedIndexes: count,
      podFailurePolicy: {
        rules: [
          {
            action: 'FailIndex',
            onExitCodes: { containerName: 'mhim', operator: 'In', values: [EXIT.configuration, EXIT.data] },
          },
          { action: 'Ignore', onExitCodes: { containerName: 'mhim', operator: 'In', values: [EXIT.again] } },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      template: {
        metadata: { labels: { app: 'mhim', plan: name } },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 120,
          containers: [container],
          volumes: [{ name: 'mhim', persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  };
}

function submitScript(levels: number, { name, mount }: Place, { namespace, claim }: EngineOptions): string {
  const numbers = Array.from({ length: levels }, (_, level) => level).join(' ');
  return `#!/bin/sh
# Starts the levels one after the other: what others start from first. The volume of the claim ${claim} is mounted at ${mount},
# below which the pods must find plan and data under the paths that they have here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
for level in ${numbers}; do
  kubectl apply -f "$here/level-$level.yaml"
  until kubectl get job "${name}-level-$level" --namespace ${quoted(namespace)} -o 'jsonpath={.status.conditions[*].type}' | grep -Eq 'Complete|Failed'; do
    sleep 30
  done
done
`;
}
