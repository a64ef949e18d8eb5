import { NORMALISATIONS } from '@mhim/figures/heat-view';
import { MhimError } from '@mhim/tensor';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { FoldSelection } from '../heatmap/model-sets.js';
import { writeHeatmaps, type HeatmapOptions, type HeatmapOutcome } from '../heatmap/write-heatmaps.js';
import type { Interrupts } from '../interrupt.js';
import { addEncoderOptions, addPatchOptions } from '../slides/pipeline-options.js';
import { integer, number } from './option-types.js';

export function heatmapCommand(program: Command, interrupts: Interrupts): void {
  const command = program
    .command('heatmap')
    .argument('<slides...>', 'slides, pictures or folders of them, or built-in: cmu-1-small-region')
    .description('where a run’s models look, and what they see there: pictures, QuPath files and the data of the page')
    .requiredOption(
      '--run <dirs...>',
      'run folders; the models of several stand side by side on the page, but folds of one cross-validation (jobs/ID of a table) together',
    )
    .option('--features <path>', 'bags with coordinates, by slide name (default: the data of the run)')
    .option(
      '--out <dir>',
      'where the heatmaps go (default: RUN/heatmaps); more slides and models are added to what is there',
    )
    .option(
      '--fold <which>',
      'a fold from 1; all: their mean; auto: the fold that has the slide in its test part',
      fold,
      'auto',
    )
    .addOption(new Option('--protocol <name>', 'which models of the run').choices(['paper', 'honest']))
    .option('--baseline', 'also the baselines that a run’s models started from')
    .option('--class <index>', 'class whose probability is shown', integer, 1)
    .option('--class-names <names...>', 'in the order of their indices, default negative and positive')
    .option(
      '--patch-size <pixels>',
      'side of a patch at level 0 (default: what `reproduce slides` noted, else the step of the patches’ grid)',
      number,
    )
    .addOption(
      new Option('--coords-at <where>', 'what coordinates are of').choices(['corner', 'centre']).default('corner'),
    )
    .option(
      '--annotations <path>',
      'outlines, GeoJSON (QuPath) or XML (ASAP): a file, or a folder of SLIDE.geojson or SLIDE.xml',
    )
    .addOption(new Option('--normalise <how>', 'attention to brightness').choices([...NORMALISATIONS]).default('rank'))
    .option('--top <count>', 'patches in the galleries', integer, 12)
    .option(
      '--max-size <pixels>',
      'the slide’s tiles are halved until its longer side is no longer; 0: never',
      integer,
      16_384,
    )
    .option('--tiles', 'deep-zoom tiles of the heat layers too, for other viewers');
  command.optionsGroup('Features of slides that have none (default: made like those of the run):');
  addEncoderOptions(command, 'the run’s');
  addPatchOptions(command, '--tile-size');
  command
    .addHelpText(
      'after',
      `
For each slide and model: attention.png (brightness), probability.png (cyan), both together, patches.geojson for QuPath,
the patches with the highest scores, and what the page shows. Features that are there are taken; slides without get theirs here, made with the
encoder and the options of the run’s own, and keep them in OUT/features-…, for the next time. ${'`'}reproduce view RUN${'`'} opens the page.

Examples:
  $ reproduce heatmap new-slide.svs --run runs/camelyon
  $ reproduce heatmap slides/ --run runs/camelyon --baseline --annotations outlines/
  $ reproduce heatmap new-slide.svs --run runs/camelyon --encoder uni --weights pytorch_model.bin --preset tcga
  $ reproduce heatmap new/*.png --run runs/ab-mil runs/mhim --features new-features/ --fold all --out new-heatmaps`,
    )
    .action(async (slides: string[], options: HeatmapOptions) => {
      const outcome = await writeHeatmaps(slides, options, interrupts.signal);
      if (outcome.done > 0) {
        process.stdout.write(`${outcome.done} of ${outcome.slides} slides: ${outcome.out}\n`);
        process.stdout.write(`To look at them: reproduce view ${outcome.out}\n`);
      }
      if (outcome.failures.length > 0) throw leftOut(outcome);
    });
}

function leftOut({ slides, failures }: HeatmapOutcome): MhimError {
  const [first] = failures as [MhimError];
  if (slides === 1) return first;
  const shown = failures.slice(0, 5).map(({ message }) => message);
  const more = failures.length > shown.length ? ' …' : '';
  return new MhimError(`${failures.length} of ${slides} slides have no heatmap: ${shown.join(' ')}${more}`, {
    code: first.code,
  });
}

function fold(text: string): FoldSelection {
  if (text === 'auto' || text === 'all') return text;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected auto, all or the number of a fold, from 1.');
}
