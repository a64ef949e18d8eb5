import { preprocessingNames, type PreprocessingName } from '@mhim/encoders';
import {
  checkSegmentation,
  CONTOUR_CHECKS,
  SEGMENTATION_PRESETS,
  segmentationConfig,
  slidePipelineDefaults,
  type ContourCheck,
  type SegmentationConfig,
  type SegmentationPreset,
  type SlidePipelineConfig,
} from '@mhim/slides';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { integer, nameOf, number } from '../commands/option-types.js';
import { DEFAULT_ENCODER, ENCODERS, type EncoderChoice } from './open-encoder.js';

/** How tissue is found and patches are laid, as far as the command line says. */
export interface PatchFlags {
  preset?: SegmentationPreset;
  segLevel?: number;
  saturation?: number;
  otsu?: boolean;
  medianKernel?: number;
  closingKernel?: number;
  minTissue?: number;
  minHole?: number;
  maxHoles?: number;
  referencePatch?: number;
  keepPieces?: number[];
  excludePieces?: number[];
  magnification?: number;
  /** `--patch-size` of `slides`, `--tile-size` of `heatmap`, whose `--patch-size` is in level-0 pixels. */
  patchSize?: number;
  overlap?: number;
  baseMagnification?: number;
  contourCheck?: ContourCheck;
  padding?: boolean;
  dropBlank?: boolean;
  coords?: string;
}

/** What makes features of patches, as far as the command line says. */
export interface EncoderFlags {
  encoder?: EncoderChoice;
  weights?: string;
  preprocessing?: PreprocessingName;
  encoderOutput?: string;
  batchSize?: number;
}

const presets = Object.keys(SEGMENTATION_PRESETS) as SegmentationPreset[];

/** What makes no sense with patches that are there. */
const OF_TISSUE = [
  ...['preset', 'segLevel', 'saturation', 'otsu', 'medianKernel', 'closingKernel', 'minTissue', 'minHole', 'maxHoles'],
  ...['referencePatch', 'keepPieces', 'excludePieces', 'magnification', 'patchSize', 'tileSize', 'overlap'],
  ...['contourCheck', 'padding', 'dropBlank'],
];

/** Options of tissue and patches; CLAM's names of the same stand in brackets. */
export function addPatchOptions(command: Command, sizeFlag: '--patch-size' | '--tile-size'): Command {
  return command
    .option('--preset <name>', `CLAM’s preset: ${presets.join(', ')}`, nameOf(presets))
    .option('--seg-level <n>', 'level to segment, by default the nearest to 64-fold downsampling', integer)
    .option('--saturation <n>', 'least saturation of tissue, 0 to 255, by default of the preset (sthresh)', number)
    .option('--otsu', 'Otsu’s threshold of the saturation instead (use_otsu)')
    .option('--median-kernel <n>', 'side of the median filter, odd (mthresh)', integer)
    .option('--closing-kernel <n>', 'side of the closing, 0 for none (close)', integer)
    .option('--min-tissue <n>', 'least area of tissue, in reference patches, by default of the preset (a_t)', number)
    .option('--min-hole <n>', 'least area of a hole, in reference patches (a_h)', number)
    .option('--max-holes <n>', 'so many holes a piece of tissue are kept, the largest (max_n_holes)', integer)
    .option('--reference-patch <n>', 'side of the reference patch at level 0, by default 512', integer)
    .option('--keep-pieces <ids>', 'only these pieces of tissue, such as 0,2, numbered as CLAM does (keep_ids)', ids)
    .option('--exclude-pieces <ids>', 'all but these (exclude_ids)', ids)
    .option('--magnification <x>', 'at which patches are seen, by default 20', number)
    .option(`${sizeFlag} <n>`, 'side of patches in pixels at that magnification, by default 256', integer)
    .option('--overlap <n>', 'pixels that neighbours share, by default 0', integer)
    .option('--base-magnification <x>', 'of level 0, for slides that do not say', number)
    .option(
      '--contour-check <name>',
      `when a patch is tissue: ${CONTOUR_CHECKS.join(', ')}; by default four_pt`,
      nameOf(CONTOUR_CHECKS),
    )
    .option('--padding', 'patches may reach over the slide’s edges, as they do by default')
    .option('--no-padding', 'no patches over the slide’s edges')
    .option('--drop-blank', 'read every patch and drop white and black ones')
    .addOption(
      new Option('--coords <dir>', 'patches from here, files of CLAM or TRIDENT; no tissue is looked for').conflicts(
        OF_TISSUE,
      ),
    );
}

/** @param unnamed what is taken where no encoder is named */
export function addEncoderOptions(command: Command, unnamed: string): Command {
  return command
    .option('--encoder <name>', `makes the features: ${ENCODERS.join(', ')} (default: ${unnamed})`, nameOf(ENCODERS))
    .option('--weights <file>', `of the encoder; yours, nothing but ${DEFAULT_ENCODER} is ever fetched`)
    .option(
      '--preprocessing <chain>',
      `from patch to the encoder’s input, an ONNX model needs one: ${preprocessingNames.join(', ')}`,
      nameOf(preprocessingNames),
    )
    .option('--encoder-output <name>', 'which of the network’s outputs is the feature (effnet_lite0, onnx)')
    .option('--batch-size <n>', 'patches encoded together (default: 32; uni: 8)', integer);
}

const defaults: SlidePipelineConfig = { ...slidePipelineDefaults, segmentation: segmentationConfig() };

/**
 * What is done with a slide: `base` with what the command line says.
 * @throws MhimError `config` for values that cannot be
 */
export function pipelineConfig(flags: PatchFlags, base: SlidePipelineConfig = defaults): SlidePipelineConfig {
  const { preset, magnification, patchSize, overlap, baseMagnification } = flags;
  const { contourCheck, padding, dropBlank } = flags;
  const changes = said<{ [K in keyof SegmentationConfig]?: SegmentationConfig[K] | undefined }>({
    level: flags.segLevel,
    saturationThreshold: flags.saturation,
    otsu: flags.otsu,
    medianKernel: flags.medianKernel,
    closingKernel: flags.closingKernel,
    minTissueArea: flags.minTissue,
    minHoleArea: flags.minHole,
    maxHoles: flags.maxHoles,
    referencePatch: flags.referencePatch,
    keepIds: flags.keepPieces,
    excludeIds: flags.excludePieces,
  });
  return {
    ...base,
    ...said({ contourCheck, padding, dropBlank }),
    // Patches that are given, and those that are asked for, exclude each other.
    coords: flags.coords ?? (saysPatches(flags) ? undefined : base.coords),
    segmentation:
      preset === undefined
        ? checkSegmentation({ ...base.segmentation, ...changes })
        : segmentationConfig(preset, changes),
    patches: { ...base.patches, ...said({ magnification, patchSize, overlap, baseMagnification }) },
  };
}

/** Whether the command line says anything of tissue or patches. */
export function saysPatches(flags: PatchFlags): boolean {
  return [...OF_TISSUE, 'baseMagnification', 'coords'].some((name) => flags[name as keyof PatchFlags] !== undefined);
}

/** What is not undefined. */
function said<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

function ids(text: string): number[] {
  if (/^\d+(,\d+)*$/.test(text)) return text.split(',').map(Number);
  throw new InvalidArgumentError('Expected numbers of pieces, such as 0,2.');
}
