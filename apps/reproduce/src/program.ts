import { Command } from 'commander';
import { checkpointCommand } from './commands/checkpoint.js';
import { collectCommand } from './commands/collect.js';
import { convertCommand } from './commands/convert.js';
import { dataCommand } from './commands/data.js';
import { demoCommand } from './commands/demo.js';
import { evaluateCommand } from './commands/evaluate.js';
import { experimentCommands } from './commands/experiments.js';
import { exportCommand } from './commands/export.js';
import { heatmapCommand } from './commands/heatmap.js';
import { infoCommand } from './commands/info.js';
import { measureCommand } from './commands/measure.js';
import { modelsCommand } from './commands/models.js';
import { planCommand } from './commands/plan.js';
import { predictCommand } from './commands/predict.js';
import { runCommand } from './commands/run.js';
import { simulateCommand } from './commands/simulate.js';
import { slidesCommand } from './commands/slides.js';
import { trainCommand } from './commands/train.js';
import { viewCommand } from './commands/view.js';
import type { Interrupts } from './interrupt.js';
import { VERSION } from './version.js';

/** The command line: one file a command in `commands/`. */
export function createProgram(interrupts: Interrupts): Command {
  const program = new Command('reproduce')
    .description('Multiple instance learning with masked hard instance mining (MHIM-v2) on bags of patch features.')
    .version(VERSION)
    .showSuggestionAfterError()
    .exitOverride()
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({ outputError: (text, write) => write(text.replace(/\n(?=.)/g, ' ')) });
  demoCommand(program, interrupts);
  trainCommand(program, interrupts);
  evaluateCommand(program, interrupts);
  predictCommand(program, interrupts);
  heatmapCommand(program, interrupts);
  viewCommand(program, interrupts);
  experimentCommands(program, interrupts);
  planCommand(program);
  measureCommand(program, interrupts);
  runCommand(program, interrupts);
  collectCommand(program);
  exportCommand(program);
  checkpointCommand(program);
  dataCommand(program, interrupts);
  convertCommand(program, interrupts);
  slidesCommand(program, interrupts);
  simulateCommand(program, interrupts);
  modelsCommand(program);
  infoCommand(program);
  return program;
}
