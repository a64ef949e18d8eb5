import { writeReport, type BagView, type Note } from '@mhim/figures';
import type { TrainConfig } from '../config/train-config.js';
import { openData } from '../data/open-data.js';
import type { Environment } from '../run/environment.js';
import { RunFolder } from '../run/run-folder.js';
import type { TrainOutcome } from '../run/train-run.js';
import { bagViews } from './bag-views.js';
import { reportData, type ReportInput } from './report-data.js';

export interface RunReportOptions {
  about?: ReportInput['about'];
  command?: string;
  notes?: readonly Note[];
  /** Shown after the run's own bags. */
  moreBags?: readonly BagView[];
}

/** Writes the run's self-contained HTML report. @returns its path */
export async function writeRunReport(
  out: string,
  config: TrainConfig,
  outcome: TrainOutcome,
  { about, command, notes = [], moreBags = [] }: RunReportOptions = {},
): Promise<string> {
  const folder = new RunFolder(out);
  const path = folder.file('report.html');
  if (outcome.alreadyDone && folder.has('report.html')) return path;
  const source = await openData({ ...config, log: () => {} });
  try {
    const environment = folder.readJson<Environment>('environment.json') as Environment;
    const data = reportData({
      config,
      outcome,
      source,
      environment,
      timing: folder.readJson('timing.json') ?? {},
      command: command ?? `reproduce ${environment.commandLine.join(' ')}`,
      about,
    });
    const bags = await bagViews(source, outcome.stages, {
      trained: config,
      positive: 2,
      negative: 1,
      instanceClasses: { positive: 'positive instance', negative: 'negative instance', source: 'the data set' },
    });
    const choice = {
      title: 'Which bags are shown',
      text: 'The first test bags of the first fold, not chosen for what they show.',
    };
    await writeReport(path, { ...data, bags: [...bags, ...moreBags], notes: [choice, ...notes] });
    return path;
  } finally {
    await source.close();
  }
}
