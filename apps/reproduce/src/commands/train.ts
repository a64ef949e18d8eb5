import { FOLD_SCHEMES } from '@mhim/datasets';
import { Option, type Command } from 'commander';
import { COHORT_NAMES } from '../cohorts/catalogue.js';
import { mergeInput } from '../config/merge-input.js';
import { readConfig } from '../config/read-config.js';
import { withSettings } from '../config/settings.js';
import {
  BIN_SOURCES,
  PRESETS,
  PROTOCOLS,
  resolveTrainConfig,
  TASKS,
  trainInputSchema,
  type TrainInput,
} from '../config/train-config.js';
import type { Interrupts } from '../interrupt.js';
import { BASES, METHODS, MODELS } from '../models/model-names.js';
import { writeRunReport } from '../report/run-report.js';
import { resultsTable } from '../report/results-table.js';
import { trainRun } from '../run/train-run.js';
import { dataOf, integer, nameOf, number } from './option-types.js';

interface TrainFlags extends Omit<TrainInput, 'learningRate' | 'mhim' | 'aggregator'> {
  root?: string;
  lr?: number;
  set: string[];
  config?: string;
  out: string;
  onlyFold?: number;
  baselineDir?: string;
  checkpointSeconds?: number;
}

export function trainCommand(program: Command, interrupts: Interrupts): void {
  program
    .command('train')
    .description('cross-validate a model on bags with labels; the same command again resumes or says it is done')
    .option(
      '--data <path|name>',
      'bag store, folder of feature files, or built-in: ucsb-breast, musk1, musk2, elephant',
    )
    .option('--labels <csv>', 'label table (slide_id,label …); default labels.csv in the data folder')
    .option('--data-set <name>', `a data set of the paper below --root: ${COHORT_NAMES.join(', ')}`)
    .option('--root <dir>', 'where the features of --data-set lie, and its label table unless --labels names it')
    .option('--extractor <name>', 'encoder of the features of --data-set: resnet-50, plip, uni …')
    .addOption(new Option('--fold-scheme <name>', 'of --data-set (default: patient)').choices(FOLD_SCHEMES))
    .option('--model <name>', `what to train: ${MODELS.join(', ')}`, nameOf(MODELS))
    .option('--mining <method>', `train the model by a method: ${METHODS.join(', ')}`, nameOf(METHODS))
    .addOption(new Option('--task <name>', 'what is learnt (default: classification)').choices(TASKS))
    .option('--bins <n>', 'survival: time bins by quantiles of the times of deaths (default: 4)', integer)
    .addOption(
      new Option('--bins-from <what>', 'survival: whose deaths; cohort as the official code (default: train)').choices(
        BIN_SOURCES,
      ),
    )
    .option('--base <name>', 'aggregator of --model mhim or mhim-v2 (default: ab-mil)', nameOf(BASES))
    .option('--preset <name>', `options of the method: ${PRESETS.join(', ')}`, nameOf(PRESETS))
    .option('--set <key=value>', 'any option of the method, or aggregator.KEY; repeatable', collect, [])
    .option('--config <file>', 'YAML or JSON with any of these options; the command line goes first')
    .option('--folds <file>', 'folds: JSON, or a folder of CLAM or official split CSVs')
    .option('--k <n>', 'make n stratified folds, whole cases (default: 5)', integer)
    .option('--only-fold <n>', 'train fold n only, from 0', integer)
    .addOption(
      new Option('--protocol <name>', 'where epoch and threshold are chosen (default: paper)').choices(PROTOCOLS),
    )
    .option('--validation-ratio <x>', 'share of the training part for that under honest (default: 0.2)', number)
    .option('--epochs <n>', 'at most 100000 (default: 200; survival 30)', integer)
    .option(
      '--schedule-epochs <n>',
      'stretch the cosine over n epochs, of which --epochs are run (default: --epochs; official survival 200)',
      integer,
    )
    .option('--lr <rate>', 'learning rate of Adam at the start, cosine to 1e-7 (default: 2e-4)', number)
    .option('--weight-decay <x>', 'L2, added to the gradient (default: 1e-5)', number)
    .option(
      '--patience <n>',
      'epochs without improvement before stopping; ties count as improvement (default: 30)',
      integer,
    )
    .option('--seed <n>', 'fold k trains with seed + k, up to 4294967295 and then from 0 (default: 2021)', integer)
    .option('--standardise', 'standardise features by the training fold (default)')
    .option('--no-standardise', 'take features as they are')
    .addOption(
      new Option('--on-missing <what>', 'bags or labels without partner (default: error)').choices(['error', 'skip']),
    )
    .addOption(
      new Option('--unit <what>', 'what a bag is in a folder of slides (default: slide; survival case)').choices([
        'slide',
        'case',
      ]),
    )
    .option(
      '--baseline-dir <run>',
      'start the method, or ib-mil, from this finished run’s baselines instead of training them',
    )
    .option('--checkpoint-seconds <n>', 'least seconds between checkpoints (default: 10)', number)
    .requiredOption('--out <dir>', 'run folder; one that holds something else is left as it is')
    .addHelpText('after', HELP)
    .action(async (flags: TrainFlags) => {
      const { out, onlyFold, baselineDir, checkpointSeconds } = flags;
      const config = resolveTrainConfig(inputOf(flags));
      const log = (line: string) => void process.stderr.write(`${line}\n`);
      if (config.protocol === 'paper') {
        log(
          'Paper protocol: epoch and threshold are chosen on the test fold, which flatters; see --protocol honest|both.',
        );
      }
      const outcome = await trainRun({ config, out, onlyFold, baselineDir, checkpointSeconds, interrupts, log });
      const report = await writeRunReport(out, config, outcome);
      if (outcome.alreadyDone) process.stdout.write(`${out} is done already.\n`);
      process.stdout.write(`${resultsTable(outcome.results)}\nResults: ${out}/results.json\nReport: ${report}\n`);
    });
}

const HELP = `
Files: config.json (all choices; a valid --config), data.json, folds.json (a valid --folds), environment.json, results.json,
predictions.csv, report.html, timing.json; fold-K/PROTOCOL/STAGE/ holds best.safetensors and last.safetensors with PyTorch's names.

Examples:
  $ reproduce train --data musk1 --model ab-mil --epochs 40 --out runs/musk1
  $ reproduce train --data bags/ --folds bags/folds.json --model mhim-v2 --base ab-mil --set maskRatioHigh=0.05 --out runs/mhim
  $ reproduce train --data features/ --labels slides.csv --model mhim-v2 --protocol both --out runs/camelyon
  $ reproduce train --data features/ --labels survival.csv --task survival --model mhim-v2 --out runs/survival
  $ reproduce train --data features/ --labels slides.csv --model max-pooling --mining mhim --set score=probability --out runs/max
  $ reproduce train --data-set tcga-brca --root features/ --extractor uni --model mhim-v2 --protocol both --out runs/brca
  $ reproduce train --config runs/mhim/config.json --seed 2022 --out runs/mhim-2022`;

/** Options over the configuration file, `--set` over both. */
function inputOf(flags: TrainFlags): TrainInput {
  const { lr, set, config, root, ...others } = flags;
  const { out: _out, onlyFold: _fold, baselineDir: _baseline, checkpointSeconds: _seconds, ...rest } = others;
  const file: TrainInput = config === undefined ? {} : readConfig(config, trainInputSchema);
  const data = dataOf(rest.data, root, rest.dataSet);
  const given = Object.fromEntries(
    Object.entries({ ...rest, data, learningRate: lr }).filter(([, v]) => v !== undefined),
  );
  return withSettings(mergeInput(file, given as TrainInput), set);
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
