import { dirname } from 'node:path';
import { stringify } from 'yaml';
import type { Job } from '../graph/job.js';
import { EXIT } from '../../failure.js';
import { levelsOf } from './levels.js';
import { quoted, type EngineFiles, type EngineOptions } from './resources.js';

/**
 * An Indexed Job a level of the plan (Kubernetes 1.29 and later), and a script that starts each when the one before has ended. Bad data and bad
 * configuration fail their index only; a stopped job is tried again without being counted.
 */
export function kubernetesFiles(jobs: readonly Job[], options: EngineOptions): EngineFiles {
  const levels = levelsOf(jobs);
  const files: EngineFiles = {};
  let offset = 0;
  levels.forEach((level, index) => {
    files[`level-${index}.yaml`] = stringify(manifest(index, offset, level.length, options));
    offset += level.length;
  });
  files['submit.sh'] = submitScript(levels.length, options);
  return files;
}

function manifest(level: number, offset: number, count: number, options: EngineOptions): object {
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
    volumeMounts: [{ name: 'mhim', mountPath: dirname(plan) }],
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `mhim-level-${level}`, namespace, labels: { app: 'mhim' } },
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
        metadata: { labels: { app: 'mhim' } },
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

function submitScript(levels: number, { namespace }: EngineOptions): string {
  const names = Array.from({ length: levels }, (_, level) => level).join(' ');
  return `#!/bin/sh
# Starts the levels one after the other: what others start from first.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
for level in ${names}; do
  kubectl apply -f "$here/level-$level.yaml"
  until kubectl get job "mhim-level-$level" --namespace ${quoted(namespace)} -o 'jsonpath={.status.conditions[*].type}' | grep -Eq 'Complete|Failed'; do
    sleep 30
  done
done
`;
}
