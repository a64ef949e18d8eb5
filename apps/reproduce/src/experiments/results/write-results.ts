import { writeReport } from '@mhim/figures';
import type { Experiment } from '../experiment.js';
import { RunFolder } from '../../run/run-folder.js';
import type { Protocol } from '../../run/train-run.js';
import type { JobStore } from '../graph/job-store.js';
import type { Plan } from '../graph/plan.js';
import { resultCsv } from './csv.js';
import { experimentReport, type ReportedExperiment } from './experiment-report.js';
import { collectExperiment } from './experiment-result.js';
import { resultLatex } from './latex.js';
import { writeMaps } from './maps-report.js';
import { consoleTable } from './console-table.js';
import { judgedOnce, testedPairs } from './pair-tests.js';
import { testsCsv, testsLine, type TableTests } from './tests-of-table.js';
import { trainedSeries } from './trained-series.js';

/**
 * Writes `ID.json`, `ID.csv`, `ID.tex` and `ID-tests.csv` of every table and sweep, `report.html` of all of them together and, where they are several,
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
    const { simulated, reduced, comparable } = plan;
    const result = collectExperiment({ experiment, cells, jobs, store, simulated, reduced, comparable });
    const testsUnder = (protocol: Protocol): TableTests => {
      const series = trainedSeries({ experiment, planned, jobs, store, protocol });
      return { protocol, pairs: testedPairs(series, judge) };
    };
    const tests = testsUnder(result.protocol);
    const hasHonest = result.rows.some((row) => row.cells.some((cell) => cell?.honest));
    reported.push({ experiment, planned, result, tests });
    folder.writeJson(result, `${result.id}.json`);
    folder.writeText(resultCsv(result), `${result.id}.csv`);
    folder.writeText(resultLatex(result), `${result.id}.tex`);
    const both = [tests, ...(hasHonest ? [testsUnder('honest')] : [])];
    folder.writeText(testsCsv(result.id, result.simulated, both), `${result.id}-tests.csv`);
    text += `${consoleTable(result)}${testsLine(tests, `${result.id}-tests.csv`)}`;
    text += `Files: ${folder.file(result.id)}.json, .csv, .tex, -tests.csv\n`;
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
