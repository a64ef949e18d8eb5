import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bag } from '@mhim/datasets';
import {
  HEAT_CALL,
  HEAT_VERSION,
  heatScript,
  normaliseScores,
  patchOutline,
  type HeatModelEntry,
  type HeatScores,
  type HeatSlide,
  type Normalisation,
} from '@mhim/figures/heat-view';
import {
  contactSheet,
  encodeJpeg,
  HeatLayer,
  overlayPng,
  patchGeoJson,
  patchPicture,
  teacherMaps,
  topPatches,
  writeLayerTiles,
  writeWhole,
  type PatchPlaces,
  type RgbPixels,
  type SlideImage,
} from '@mhim/figures/heatmap';
import type { FoldModel } from '../models/ensemble.js';
import { StoredModel } from '../models/stored-model.js';
import { explainSlide, type SlideExplanation } from './explain-slide.js';

/** A slide on its way: its picture, its patches and where its files go. */
export interface SlidePatches {
  image: SlideImage;
  thumbnail: RgbPixels;
  entry: HeatSlide;
  bag: Bag;
  places: PatchPlaces;
  /** Of the folder of heatmaps. */
  root: string;
}

export interface ModelFilesOptions {
  /** Folder of the model below the slide's, name and description. */
  model: Pick<HeatModelEntry, 'id' | 'name' | 'detail'>;
  models: readonly FoldModel[];
  classNames: string[];
  classIndex: number;
  normalise: Normalisation;
  top: number;
  /** Deep-zoom pyramids of the heat layers too. */
  layerTiles: boolean;
  /** Where the model's training kept the teacher at some epochs (`teacher-EPOCHS/`). */
  stageFolder?: string;
  signal?: AbortSignal;
}

/** Writes all files of one model on one slide, that of the page last. */
export async function writeModelFiles(slide: SlidePatches, options: ModelFilesOptions): Promise<HeatModelEntry> {
  const { bag, entry, root } = slide;
  const { model, models, classNames, classIndex, signal } = options;
  const explanation = explainSlide(models, bag, classIndex);
  const { probabilities, risk } = explanation;
  const scoreName = risk === undefined ? `probability of ${classNames[classIndex]}` : 'risk';
  const folder = join(root, entry.folder, model.id);
  await writePictures(slide, explanation, folder, options);
  signal?.throwIfAborted();
  const top = await writeTopPatches(slide, explanation, folder, options.top);
  await writeWhole(join(folder, 'patches.geojson'), patchGeoJson(geoJsonOf(slide, explanation, scoreName, classNames)));
  await writeTeacherMaps(slide, folder, options);
  const scores: HeatScores = {
    version: HEAT_VERSION,
    slide: entry.id,
    model: model.id,
    patchSize: slide.places.patchSize,
    x: every(slide.places.coords, 0, 2),
    y: every(slide.places.coords, 1, 2),
    attention: explanation.attention && rounded(explanation.attention),
    scoreName,
    score: rounded(explanation.score),
    centre: explanation.centre,
    labels: bag.instanceLabels && Array.from(bag.instanceLabels),
    top,
  };
  await writeWhole(join(folder, 'scores.js'), heatScript(HEAT_CALL.scores, scores));
  const files = readdirSync(folder)
    .filter((name) => /\.(png|jpg|svg|geojson)$/.test(name))
    .sort();
  return {
    ...model,
    files,
    classNames: risk === undefined ? classNames : [],
    probabilities: rounded(probabilities),
    risk,
  };
}

async function writePictures(
  { places, thumbnail, entry, bag }: SlidePatches,
  { attention, score, centre }: SlideExplanation,
  folder: string,
  { normalise, layerTiles, signal }: ModelFilesOptions,
): Promise<void> {
  const { width, height, tiles } = entry;
  const rings = entry.outlines?.map(({ ring }) => ring);
  const edges =
    bag.instanceLabels && patchOutline(places.coords, places.patchSize, (i) => (bag.instanceLabels?.[i] ?? 0) > 0);
  const probability = new HeatLayer({
    ...places,
    shares: normaliseScores(score, centre === undefined ? { method: 'rank' } : { method: 'centred', centre }),
    style: 'cyan',
  });
  const bright =
    attention &&
    new HeatLayer({ ...places, shares: normaliseScores(attention, { method: normalise }), style: 'brightness' });
  const pictures: [string, HeatLayer[]][] = [['probability', [probability]]];
  if (bright) pictures.push(['attention', [bright]], ['attention-probability', [bright, probability]]);
  for (const [name, layers] of pictures) {
    signal?.throwIfAborted();
    await writeWhole(join(folder, `${name}.png`), await overlayPng({ thumbnail, width, height, layers, rings, edges }));
  }
  if (!layerTiles) return;
  const size = { slide: { width, height }, tiles, signal };
  await writeLayerTiles(probability, join(folder, 'probability.dzi'), size);
  if (bright) await writeLayerTiles(bright, join(folder, 'attention.dzi'), size);
}

async function writeTopPatches(
  { image, places }: SlidePatches,
  { attention, score }: SlideExplanation,
  folder: string,
  count: number,
): Promise<HeatScores['top']> {
  const top: HeatScores['top'] = [];
  const pictures = new Map<number, string>();
  for (const [by, values] of [
    ['attention', attention],
    ['score', score],
  ] as const) {
    if (!values) continue;
    const sheet: RgbPixels[] = [];
    for (const index of topPatches(values, places, count)) {
      const picture = await patchPicture(image, places, index);
      sheet.push(picture);
      const name = `top/${index}.jpg`;
      if (!pictures.has(index)) await writeWhole(join(folder, name), await encodeJpeg(picture, 88));
      pictures.set(index, name);
      top.push({ by, index, image: name });
    }
    if (sheet.length > 0) await writeWhole(join(folder, `top-${by}.jpg`), await encodeJpeg(contactSheet(sheet, 4), 88));
  }
  return top;
}

function geoJsonOf(
  { places, bag }: SlidePatches,
  { attention, score, classProbabilities }: SlideExplanation,
  scoreName: string,
  classNames: readonly string[],
) {
  const measurements: Record<string, Float64Array | Float32Array | Int32Array> = {};
  if (attention) {
    measurements.Attention = attention;
    measurements['Attention rank'] = normaliseScores(attention);
  }
  const name = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
  const classes = classNames.length;
  if (classProbabilities) {
    classNames.forEach((className, c) => {
      measurements[name(`probability of ${className}`)] = classProbabilities.filter((_, i) => i % classes === c);
    });
  } else measurements[name(scoreName)] = score;
  if (bag.instanceLabels) measurements['True label'] = bag.instanceLabels;
  const classOf =
    classProbabilities &&
    Int32Array.from({ length: bag.instances }, (_, i) => {
      const own = classProbabilities.subarray(i * classes, (i + 1) * classes);
      return own.indexOf(Math.max(...own));
    });
  return {
    ...places,
    measurements,
    classOf,
    classes: classNames.map((className, c) => ({
      name: className,
      colour: CLASS_COLOURS[c % CLASS_COLOURS.length] as Rgb,
    })),
  };
}

type Rgb = [number, number, number];

/** The first is that of what is normal. */
const CLASS_COLOURS: readonly Rgb[] = [
  [143, 163, 189],
  [0, 190, 200],
  [194, 65, 12],
  [124, 63, 176],
  [21, 127, 75],
  [190, 31, 92],
];

/** MHIM-v2 Fig. 8, where the training kept the teacher on its way. */
async function writeTeacherMaps(slide: SlidePatches, folder: string, options: ModelFilesOptions): Promise<void> {
  const { stageFolder, classIndex, classNames, model } = options;
  if (stageFolder === undefined || !existsSync(stageFolder)) return;
  const kept = readdirSync(stageFolder)
    .flatMap((name) => /^teacher-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  if (kept.length === 0) return;
  const { bag, places, thumbnail, entry } = slide;
  const epochs = [];
  for (const epoch of kept) {
    const teacher = await StoredModel.open(join(stageFolder, `teacher-${epoch}`));
    try {
      const { attention, score } = explainSlide([{ model: teacher }], bag, classIndex);
      epochs.push({ epoch, attention, probability: score });
    } finally {
      teacher.dispose();
    }
  }
  const svg = await teacherMaps({
    ...places,
    thumbnail,
    width: entry.width,
    height: entry.height,
    rings: entry.outlines?.map(({ ring }) => ring),
    title: `${entry.id}: teacher of ${model.name} as training goes on`,
    className: classNames[classIndex] ?? 'the class',
    epochs,
  });
  await writeWhole(join(folder, 'teacher.svg'), svg);
}

/** Ten digits: see {@link SlideExplanation.score}. */
function rounded(values: ArrayLike<number>): number[] {
  return Array.from(values, (value) => Number(value.toPrecision(10)));
}

function every(values: ArrayLike<number>, from: number, step: number): number[] {
  return Array.from({ length: values.length / step }, (_, i) => values[from + i * step] as number);
}
