import { MhimError } from '@mhim/tensor';
import { readStrips, saturationOf, thumbnail, type RgbImage, type Slide } from '@mhim/slides';
import type { ConformanceCase, Outputs } from '../conformance-case.js';
import { openCaseSlide } from './slides-files.js';
import { crcOf, expectSame } from './slides-values.js';

interface Region {
  x: number;
  y: number;
  level: number;
  width: number;
  height: number;
}

/** What OpenSlide says of a slide, and pixels of it. */
export async function openSlideCase(fixture: ConformanceCase): Promise<Outputs> {
  const { values } = fixture;
  const slide = await openCaseSlide(fixture, String(values.slide), String(values.slide_sha256));
  if (!slide) {
    throw new MhimError(`the slide ${String(values.slide)} is not here.`, {
      code: 'file-missing',
      path: fixture.name,
      hint: 'Put it beside the cases, or name its folder in MHIM_SLIDES.',
    });
  }
  try {
    expectSame(fixture, facts(slide, values), await associated(slide), await levels(slide, values));
    const outputs: Outputs = {};
    const regions = values.regions as Region[];
    for (const [i, region] of regions.entries()) {
      const { x, y, level, width, height } = region;
      const rgba = await slide.readRegionRgba(x, y, level, width, height);
      expectSame({ ...fixture, values: region as never }, regionFacts(rgba));
      if (fixture.has(`out.region${i}`)) outputs[`out.region${i}`] = rgba;
    }
    for (const name of Object.keys(fixture.tensors)) {
      const [, side] = /^out\.thumbnail(\d+)$/.exec(name) ?? [];
      if (side !== undefined) outputs[name] = (await thumbnail(slide, Number(side))).data;
    }
    return outputs;
  } finally {
    slide.close();
  }
}

function facts(slide: Slide, values: Record<string, unknown>): Record<string, unknown> {
  const best = values.best_level_for_downsample as Record<string, number>;
  return {
    vendor: slide.vendor,
    level_count: slide.levels.length,
    level_dimensions: slide.levels.map(({ width, height }) => [width, height]),
    level_downsamples: slide.levels.map(({ downsample }) => downsample),
    clam_level_downsamples: slide.levels.map(({ downsamples }) => [...downsamples]),
    mpp_x: slide.properties['openslide.mpp-x'] ?? null,
    mpp_y: slide.properties['openslide.mpp-y'] ?? null,
    objective_power: slide.properties['openslide.objective-power'] ?? null,
    properties: { ...slide.properties },
    best_level_for_downsample: Object.fromEntries(
      Object.keys(best).map((downsample) => [downsample, slide.bestLevelForDownsample(Number(downsample))]),
    ),
  };
}

async function associated(slide: Slide): Promise<Record<string, unknown>> {
  const images: Record<string, unknown> = {};
  for (const [name, [width, height]] of Object.entries(slide.associatedImages)) {
    const rgba = opaque(await slide.readAssociatedImage(name));
    images[name] = { size: [width, height], mean_rgba: means(rgba), crc32_rgba: crcOf(rgba) };
  }
  return { associated_images: images };
}

async function levels(slide: Slide, values: Record<string, unknown>): Promise<Record<string, unknown>> {
  const whole = [];
  for (const want of values.whole_levels as { level: number }[]) {
    const { width, height } = slide.levels[want.level] as Slide['levels'][number];
    const rgba = new Uint8Array(4 * width * height);
    for await (const { top, rows } of readStrips(slide, want.level))
      rgba.set(await rowsOf(slide, want.level, top, width, rows), 4 * top * width);
    const sums = sumsOf(rgba);
    whole.push({
      level: want.level,
      mean_rgba: sums.map((sum) => round(sum / (width * height))),
      crc32_rgba: crcOf(rgba),
      channel_sums_rgb: sums.slice(0, 3),
    });
  }
  const stored = values.saturation_png as { level: number } | undefined;
  if (!stored) return { whole_levels: whole };
  const { width, height } = slide.levels[stored.level] as Slide['levels'][number];
  const { data } = await saturationOf(await slide.readRegion(0, 0, stored.level, width, height));
  return { whole_levels: whole, 'saturation_png.crc32': crcOf(data) };
}

/** Strips of coarser levels are the whole level. */
function rowsOf(slide: Slide, level: number, top: number, width: number, rows: number): Promise<Uint8Array> {
  return slide.readRegionRgba(0, top, level, width, rows);
}

function regionFacts(rgba: Uint8Array): Record<string, unknown> {
  const pixels = rgba.length / 4;
  const mean = sumsOf(rgba).map((sum) => sum / pixels);
  const squares = [0, 0, 0, 0];
  let [transparent, partly] = [0, 0];
  for (let i = 0; i < rgba.length; i++) {
    squares[i % 4] = (squares[i % 4] as number) + ((rgba[i] as number) - (mean[i % 4] as number)) ** 2;
    if (i % 4 === 3 && rgba[i] === 0) transparent++;
    else if (i % 4 === 3 && rgba[i] !== 255) partly++;
  }
  return {
    mean_rgba: mean.map(round),
    std_rgba: squares.map((sum) => round(Math.sqrt(sum / pixels))),
    crc32_rgba: crcOf(rgba),
    transparent_pixels: transparent,
    partly_transparent_pixels: partly,
  };
}

function means(rgba: Uint8Array): number[] {
  return sumsOf(rgba).map((sum) => round(sum / (rgba.length / 4)));
}

function sumsOf(rgba: Uint8Array): [number, number, number, number] {
  const sums: [number, number, number, number] = [0, 0, 0, 0];
  for (let i = 0; i < rgba.length; i++) sums[i % 4] = (sums[i % 4] as number) + (rgba[i] as number);
  return sums;
}

function opaque({ data, width, height }: RgbImage): Uint8Array {
  const rgba = new Uint8Array(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) rgba.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
  return rgba;
}

/** The cases give six decimals. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
