import { EXTRACTORS } from '@mhim/datasets';
import { Option, type Command } from 'commander';
import type { Interrupts } from '../interrupt.js';
import { evaluateModels, type EvaluateOptions, type Evaluation } from '../run/evaluate-models.js';
import type { Metrics } from '../run/results.js';
import { aligned } from '../text-table.js';

export function evaluateCommand(program: Command, interrupts: Interrupts): void {
  program
    .command('evaluate')
    .description('figures of stored models on bags with labels, at the thresholds that were stored with them')
    .option('--run <dirs...>', 'run folders that were trained alike; without --data, their own data and test folds')
    .option('--checkpoint <file>', 'one model: safetensors, or a PyTorch file of a model that we know')
    .addOption(new Option('--protocol <name>', 'which models of the run').choices(['paper', 'honest']))
    .option('--data <path|name>', 'bag store, folder of feature files, or built-in name')
    .option('--labels <csv>', 'label table; default labels.csv in the data folder')
    .option('--data-set <name>', 'a data set of the paper below --root, for example cptac-nsclc')
    .option('--root <dir>', 'where the features of --data-set lie')
    .addOption(new Option('--extractor <name>', 'encoder of those').choices(Object.keys(EXTRACTORS)))
    .option('--folds <file>', 'judge each fold’s model on the test part of its fold only')
    .addOption(new Option('--on-missing <what>', 'bags or labels without partner').choices(['error', 'skip']))
    .addOption(new Option('--unit <what>', 'what a bag is in a folder of slides').choices(['slide', 'case']))
    .option('--json <file>', 'write the figures as JSON too')
    .addHelpText(
      'after',
      `
A figure that is undefined for the bags is – in the table and null in the JSON, both with the reason.

Examples:
  $ reproduce evaluate --run runs/musk1
  $ reproduce evaluate --run runs/paper/jobs/0c… runs/paper/jobs/7f…   # the folds of a table’s cell
  $ reproduce evaluate --run runs/camelyon --data external/ --labels external.csv
  $ reproduce evaluate --run runs/nsclc --data-set cptac-nsclc --root features/ --extractor uni
  $ reproduce evaluate --checkpoint fold_0_model_best.pt --data features/ --labels slides.csv --json figures.json`,
    )
    .action(async (options: EvaluateOptions) => {
      const evaluation = await evaluateModels(options, interrupts.signal);
      const figures: [string, FigureName][] =
        evaluation.definitions.cIndex === undefined
          ? [
              ['AUC', 'auc'],
              ['accuracy', 'accuracy'],
              ['F1', 'f1'],
              ['threshold', 'threshold'],
            ]
          : [['C-index', 'cIndex']];
      const rows = evaluation.rows.map((row) => [
        ...[row.what, String(row.bags)],
        ...figures.map(([, name]) => shown(name, row[name])),
      ]);
      const header = ['model', 'bags', ...figures.map(([name]) => name)];
      process.stdout.write(`${[aligned([header, ...rows]), ...footnotes(evaluation, figures)].join('\n')}\n`);
    });
}

type FigureName = Exclude<keyof Metrics, 'reasons'>;

function shown(name: FigureName, value: number | null | undefined): string {
  if (name === 'threshold' && typeof value === 'number' && value > 1) return '> 1';
  return value?.toFixed(4) ?? '–';
}

/** Why figures of the table are undefined, once where the reason is the same. */
function footnotes({ rows }: Evaluation, figures: readonly [string, FigureName][]): string[] {
  const undefinedBy = new Map<string, Set<string>>();
  for (const { reasons } of rows) {
    for (const [title, name] of figures) {
      const reason = reasons?.[name];
      if (reason !== undefined) undefinedBy.set(reason, (undefinedBy.get(reason) ?? new Set()).add(title));
    }
  }
  return [...undefinedBy].map(([reason, titles]) => `– ${[...titles].join(', ')} undefined: ${reason}.`);
}
