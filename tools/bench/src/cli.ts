import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { benchSlides, type SlidesBenchOptions } from './slides.js';
import type { Measurement, Result, Task } from './task.js';

const MODELS = [
  'ab-mil',
  'mhim-v2:ab-mil',
  'ds-mil',
  'mhim-v2:ds-mil',
  'clam-sb',
  'clam-mb',
  'dtfd-mil',
  'ib-mil',
  'trans-mil',
  'mhim-v2:trans-mil',
  'r2t-mil',
  'mamba-2d',
];

interface Options {
  models: string[];
  instances: number[];
  phases: Task['phase'][];
  inputDim: number;
  repeats?: number;
  peer?: string;
  json?: string;
}

const program = new Command('bench')
  .description(
    'Times training steps and inference of a bag, each in a process of its own, beside the same model in PyTorch.',
  )
  .option('--models <list>', MODELS.join(', '), choice('model', MODELS), MODELS)
  .option('--instances <list>', 'instances of the bag', counts, [100, 1000, 10000, 100000])
  .option('--phases <list>', 'train, infer', choice('phase', ['train', 'infer']), ['train', 'infer'])
  .option('--input-dim <n>', 'width of the features', (value) => counts(value)[0], 1024)
  .option('--repeats <n>', 'timed repeats; default by bag size', (value) => counts(value)[0])
  .option(
    '--peer <name>',
    '`torch`: PyTorch in the Python named by MHIM_BENCH_PYTHON (default python3)',
    choice('peer', ['torch']),
  )
  .option('--json <file>', 'also writes the results as JSON')
  .addHelpText(
    'after',
    `
Examples:
  npm run bench -- --instances 10000 --phases train,infer
  npm run bench -- slides
  MHIM_BENCH_PYTHON=/path/to/venv/bin/python npm run bench -- --peer torch --json bench.json`,
  )
  .action(run);

program
  .command('slides')
  .argument('[slide]', 'slide, or built-in', 'cmu-1-small-region')
  .description('Times `reproduce slides` from a slide to features; with defaults the table of docs/performance.md.')
  .option('--encoders <list>', 'that need no weights', (list) => list.split(','), ['colour', 'effnet_lite0'])
  .option('--runs <n>', 'runs of each', (value) => counts(value)[0], 3)
  .action((slide: string, options: SlidesBenchOptions) => {
    try {
      benchSlides(slide, options);
    } catch (error) {
      console.error(`error: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  });

program.parse();

function run(options: Options): void {
  const results: Result[] = [];
  const versions = new Set<string>();
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, ${process.version}`);
  console.log('model            phase  instances    ours ms    peer ms   ratio   peak MB');
  for (const instances of options.instances) {
    for (const model of options.models) {
      for (const phase of options.phases) {
        const { repeats = instances <= 1000 ? 100 : instances <= 10000 ? 15 : 5, inputDim } = options;
        const task: Task = { model, phase, instances, inputDim, repeats, warmup: Math.max(2, Math.ceil(repeats / 5)) };
        const ours = measure(process.execPath, [fileURLToPath(new URL('./measure.js', import.meta.url))], task);
        const peer = options.peer ? measure(python(), [peerScript()], task) : undefined;
        versions.add(ours.version);
        if (peer) versions.add(peer.version);
        const result: Result = {
          model,
          phase,
          instances,
          ours_ms: ours.ms,
          peer_ms: peer?.ms ?? null,
          ratio: peer ? ours.ms / peer.ms : null,
          peak_mb: ours.peak_mb,
          peer_peak_mb: peer?.peak_mb ?? null,
        };
        results.push(result);
        console.log(row(result));
      }
    }
  }
  console.log([...versions].join(' · '));
  if (options.json) {
    const machine = {
      processor: cpus()[0]?.model,
      cores: cpus().length,
      memory_gb: totalmem() / 2 ** 30,
      node: process.version,
    };
    writeFileSync(options.json, `${JSON.stringify({ machine, versions: [...versions], results }, null, 2)}\n`);
  }
}

/** Runs one task in a fresh process, so that its peak memory and its caches are its own. */
function measure(command: string, args: string[], task: Task): Measurement {
  try {
    const output = execFileSync(command, [...args, JSON.stringify(task)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return JSON.parse(output.trim().split('\n').at(-1) as string) as Measurement;
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    console.error(`error: ${command} could not time ${task.model}: ${stderr.trim().split('\n').at(-1) || message}`);
    if (command === python())
      console.error('Install PyTorch there, or name a Python that has it in MHIM_BENCH_PYTHON.');
    process.exit(1);
  }
}

function python(): string {
  return process.env.MHIM_BENCH_PYTHON ?? 'python3';
}

function peerScript(): string {
  return fileURLToPath(new URL('../peer/torch_peer.py', import.meta.url));
}

function row({ model, phase, instances, ours_ms, peer_ms, ratio, peak_mb }: Result): string {
  const number = (value: number | null, width: number, digits: number) =>
    (value === null ? '–' : value.toFixed(digits)).padStart(width);
  return [
    model.padEnd(16),
    phase.padEnd(6),
    String(instances).padStart(9),
    number(ours_ms, 10, 2),
    number(peer_ms, 10, 2),
    number(ratio, 7, 2),
    number(peak_mb, 9, 0),
  ].join(' ');
}

function choice(what: string, allowed: string[]) {
  return (value: string): string[] => {
    const chosen = value.split(',').map((item) => item.trim());
    const wrong = chosen.find((item) => !allowed.includes(item));
    if (wrong !== undefined) throw new InvalidArgumentError(`${what} "${wrong}" is none of ${allowed.join(', ')}.`);
    return chosen;
  };
}

function counts(value: string): number[] {
  return value.split(',').map((item) => {
    const count = Number(item);
    if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError(`"${item}" is no positive whole number.`);
    return count;
  });
}
