import type { JobStore } from '../graph/job-store.js';
import { quoted } from '../engines/resources.js';
import { titleOf } from './console-table.js';
import type { ExperimentResult } from './experiment-result.js';
import type { TrainedSeries } from './trained-series.js';

/** A row on one data set, and what makes predictions with all its folds (and seeds) together. */
export interface EnsembleCommand {
  name: string;
  command: string;
}

/** Of every row that is done: the models of all its folds on bags of the user's own. */
export function ensembleCommands(series: readonly TrainedSeries[], store: JobStore): EnsembleCommand[] {
  return series
    .filter(({ complete }) => complete)
    .map(({ name, jobs }) => {
      // What was judged on another set are the models of other jobs.
      const trained = jobs.map(({ kind, id, needs }) => (kind === 'evaluate' ? (needs[0] as string) : id));
      const folders = trained.map((id) => quoted(store.folder(id).path));
      return { name, command: `reproduce predict --run ${folders.join(' ')} --data NEW --out predictions.csv` };
    });
}

/** `ID-predict.txt` */
export function ensembleText(result: ExperimentResult, commands: readonly EnsembleCommand[]): string {
  const [number] = titleOf(result).split(':');
  const lines = commands.map(({ name, command }) => `# ${name}\n${command}\n`);
  return [
    `# ${number}: predictions by the mean of all folds of a row. NEW is a folder of bags with the same features.\n`,
    '# The same folders go with reproduce evaluate (without --data: each fold on its test part) and reproduce heatmap.\n',
    ...lines,
  ].join('\n');
}
