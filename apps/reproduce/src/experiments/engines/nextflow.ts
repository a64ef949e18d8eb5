import { EXIT } from '../../failure.js';
import type { Job } from '../graph/job.js';
import { levelsOf } from './levels.js';
import type { EngineFiles, EngineOptions } from './resources.js';

/** A Nextflow pipeline (DSL 2): a job starts when what it starts from is done. The folder of the plan is the record, not Nextflow's. */
export function nextflowFiles(jobs: readonly Job[], options: EngineOptions): EngineFiles {
  return {
    'main.nf': pipeline(levelsOf(jobs).length, options),
    'job.nf': PROCESS,
    'nextflow.config': configuration(options),
  };
}

function pipeline(levels: number, { plan, command }: EngineOptions): string {
  const later = Array.from({ length: levels - 1 }, (_, i) => i + 1);
  const ready = (level: number) =>
    `    done_${level} = LEVEL_${level}(waiting.combine(done_${level - 1}.map { id -> [id, true] }, by: 0).map { row -> row[1] })`;
  return `nextflow.enable.dsl = 2

params.plan = ${groovy(plan)}
params.command = ${groovy(command)}

include { JOB as LEVEL_0 } from './job.nf'
${later.map((level) => `include { JOB as LEVEL_${level} } from './job.nf'\n`).join('')}
workflow {
    jobs = Channel.fromPath(params.plan)
        .splitText()
        .map { line -> new groovy.json.JsonSlurper().parseText(line) }
    waiting = jobs.filter { job -> !job.needs.isEmpty() }.map { job -> [job.needs[0], job.id] }
    done_0 = LEVEL_0(jobs.filter { job -> job.needs.isEmpty() }.map { job -> job.id })
${later.map(ready).join('\n')}
}
`;
}

const PROCESS = `// One job of the plan. A job whose machine died may be locked for ten minutes, which ten tries a minute apart outlast.
// Exit code ${EXIT.again}: stopped with its checkpoint kept. ${EXIT.configuration} and ${EXIT.data}: trying again would not help.
process JOB {
    tag "$id"
    errorStrategy { task.exitStatus in [${EXIT.configuration}, ${EXIT.data}] ? 'ignore' : 'retry' }
    maxRetries 10

    input:
    val id

    output:
    val id

    script:
    """
    sleep \${task.attempt == 1 ? 0 : 60}
    exec \${params.command} run --plan '\${params.plan}' --job $id
    """
}
`;

function configuration({ time, cpus, gpus, memory, parallel }: EngineOptions): string {
  const seconds = time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return `process {
    cpus = ${cpus}
    memory = '${memory} GB'
    time = '${seconds}s'
${gpus > 0 ? `    accelerator = ${gpus}\n` : ''}}

executor {
    queueSize = ${parallel}
}
`;
}

function groovy(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
