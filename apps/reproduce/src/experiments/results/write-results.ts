import { writeReport } from '@mhim/figures';
import type { Experiment, GridExperiment } from '../experiment.js';
import { RunFolder } from '../../run/run-folder.js';
import type { Protocol } from '../../run/train-run.js';
import type { JobStore } from '../graph/job-store.js';
import type { Plan, PlannedExperiment } from '../graph/plan.js';
import { resultCsv } from './csv.js';
import { experimentReport, type ReportedExperiment } from './experiment-report.js';
import { ensembleCommands, ensembleText } from './ensemble-commands.js';
import { collectExperiment } from './experiment-result.js';
import { resultLatex } from './latex.js';
import { writeMaps } from './maps-report.js';
import { consoleTable } from './console-table.js';
import { judgedOnce, testedPairs, type Judge } from './pair-tests.js';
import { testsCsv, testsLine, type TableTests } from './tests-of-table.js';
import { trainedSeries } from './trained-series.js';

/**
 * Writes `ID.json`, `ID.csv`, `ID.tex`, `ID-tests.csv` and `ID-predict.txt` of every table and sweep, `report.html` of all of them together and, where they are several,
 * `ID.html` of each; `ID.html` of every map figure; from the jobs that are done.
 * @returns the tables for the console
 */
export async function writeResults(
  plan: Plan & { definitions: readonly Experiment[] },
  store: JobStore,
): Promise<string> {
  const jobs = new Map(plan.jobs.map((job) => [job.id, job]));
  const folder = new RunFolder(store.root);
  const reported: ReportedExperiment[] = [];
  const command = `reproduce ${process.argv.slice(2).join(' ')}`;
  const judge = judgedOnce();
  let text = '';
  for (const [index, experiment] of plan.definitions.entries()) {
    const planned = plan.experiments[index] ?? { id: experiment.id, cells: [] };
    const { cells } = planned;
    if (experiment.kind === 'maps') {
      text += await writeMaps({ experiment, cells, jobs, store, command });
      continue;
    }
    const table = writeTable({ plan, experiment, planned, store, judge });
    reported.push(table.reported);
    text += table.text;
  }
  const report = reported.length === 0 ? undefined : experimentReport({ reported, jobs, store, command });
  if (!report) return text;
  await writeReport(folder.file('report.html'), report);
  // Each has room for the curves that one page of all has not.
  if (reported.length > 1) {
    for (const each of reported) {
      const own = experimentReport({ reported: [each], jobs, store, command });
      if (own) await writeReport(folder.file(`${each.result.id}.html`), own);
    }
  }
  return `${text}Report: ${folder.file('report.html')}${reported.length > 1 ? '; one a table and figure beside it' : ''}\n`;
}

interface TableInput {
  plan: Plan;
  experiment: GridExperiment;
  planned: PlannedExperiment;
  store: JobStore;
  judge: Judge;
}

/** The files of a table or sweep, and its part of the console. */
function writeTable({ plan, experiment, planned, store, judge }: TableInput): {
  reported: ReportedExperiment;
  text: string;
} {
  const { simulated, reduced, comparable } = plan;
  const { cells } = planned;
  const jobs = new Map(plan.jobs.map((job) => [job.id, job]));
  const result = collectExperiment({ experiment, cells, jobs, store, simulated, reduced, comparable });
  const { id, protocol, rows } = result;
  const testsUnder = (one: Protocol): TableTests => {
    const series = trainedSeries({ experiment, planned, jobs, store, protocol: one });
    return { protocol: one, pairs: testedPairs(series, judge) };
  };
  const tests = testsUnder(protocol);
  const hasHonest = rows.some((row) => row.cells.some((cell) => cell?.honest));
  const ensembles = ensembleCommands(trainedSeries({ experiment, planned, jobs, store, protocol }), store);
  const folder = new RunFolder(store.root);
  folder.writeJson(result, `${id}.json`);
  folder.writeText(resultCsv(result), `${id}.csv`);
  folder.writeText(resultLatex(result), `${id}.tex`);
  folder.writeText(testsCsv(id, simulated, [tests, ...(hasHonest ? [testsUnder('honest')] : [])]), `${id}-tests.csv`);
  folder.writeText(ensembleText(result, ensembles), `${id}-predict.txt`);
  const last = ensembles.at(-1);
  const text = [
    `${consoleTable(result)}${testsLine(tests, `${id}-tests.csv`)}`,
    ...(last ? [`All folds of a row predict together, e.g. ${last.name}:\n  ${last.command}\n`] : []),
    `Files: ${folder.file(id)}.json, .csv, .tex, -tests.csv, -predict.txt (the command of every row)\n`,
  ];
  return { reported: { experiment, planned, result, tests }, text: text.join('') };
}
