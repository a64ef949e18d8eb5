import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { XMLValidator } from 'fast-xml-parser';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { heatColour } from '../heat-view/heat-colours.js';
import { HEAT_CALL, heatScript, parseHeatScript, type HeatIndex } from '../heat-view/heat-file.js';
import { normaliseScores } from '../heat-view/normalise.js';
import { patchOutline } from '../heat-view/patch-outline.js';
import {
  contactSheet,
  HeatLayer,
  openPicture,
  overlayPng,
  patchGeoJson,
  patchPicture,
  pyramidTiles,
  readOutlines,
  teacherMaps,
  topPatches,
  writeLayerTiles,
  writeSlideTiles,
  writeWhole,
  type PyramidTile,
  type RgbPixels,
  type SlideImage,
} from './index.js';

const folder = mkdtempSync(join(tmpdir(), 'mhim-heatmap-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A slide whose pixel (x, y) has the colour (x mod 256, y mod 256, 9), and which notes the largest region that was read. */
function gradient(width: number, height: number): SlideImage & { largest: number; reads: number } {
  return {
    levels: [{ width, height }],
    largest: 0,
    reads: 0,
    async readRegion(x, y, _level, w, h) {
      this.largest = Math.max(this.largest, w * h);
      this.reads++;
      const data = new Uint8Array(3 * w * h);
      for (let at = 0, i = 0; i < w * h; i++, at += 3) {
        data.set([(x + (i % w)) % 256, (y + Math.floor(i / w)) % 256, 9], at);
      }
      return { data, width: w, height: h };
    },
  };
}

function pixel({ data, width }: { data: Uint8Array; width: number }, x: number, y: number, channels = 3): number[] {
  return [...data.subarray(channels * (y * width + x), channels * (y * width + x) + channels)];
}

describe('normalisation', () => {
  const scores = [0.1, 0.4, 0.4, 100, NaN];

  it('by rank is led by no outlier, shares ties and keeps missing values missing', () => {
    expect([...normaliseScores(scores)]).toEqual([0, 0.5, 0.5, 1, NaN]);
  });

  it('by percentile is linear between two percentiles as NumPy has them', () => {
    const values = Array.from({ length: 101 }, (_, i) => i);
    const shares = normaliseScores(values, { method: 'percentile', low: 10, high: 60 });
    expect([shares[5], shares[10], shares[35], shares[60], shares[99]]).toEqual([0, 0, 0.5, 1, 1]);
  });

  it('by range spans lowest to highest, and without any clips', () => {
    expect([...normaliseScores([2, 3, 6], { method: 'range' })]).toEqual([0, 0.25, 1]);
    expect([...normaliseScores([-1, 0.5, 2], { method: 'none' })]).toEqual([0, 0.5, 1]);
  });

  it('around a centre keeps the side and is as wide on both', () => {
    const scores = [0.5, 0.502, 0.499, NaN];
    const shares = [...normaliseScores(scores, { method: 'centred', high: 100 })].map((s) => Math.round(s * 1e4) / 1e4);
    expect(shares).toEqual([0.5, 1, 0.25, NaN]);
    expect([...normaliseScores([0.5, 0.5], { method: 'centred' })]).toEqual([0.5, 0.5]);
  });

  it('of scores that are all equal is no division by nothing', () => {
    expect([...normaliseScores([3, 3], { method: 'range' })]).toEqual([1, 1]);
    expect([...normaliseScores([3, 3], { method: 'percentile' })]).toEqual([1, 1]);
    expect([...normaliseScores([3, 3])]).toEqual([0.5, 0.5]);
    expect([...normaliseScores([])]).toEqual([]);
  });
});

describe('tiles of a slide', () => {
  it('cover every pixel once at every level, each the average of the finer', async () => {
    const slide = gradient(37, 21);
    const tiles: PyramidTile[] = [];
    for await (const tile of pyramidTiles(slide, { tileSize: 8 })) tiles.push(tile);
    const level = (halvings: number) => tiles.filter((tile) => tile.halvings === halvings);
    expect(level(0)).toHaveLength(5 * 3);
    expect(level(1)).toHaveLength(3 * 2);
    expect(level(6).map(({ pixels }) => [pixels.width, pixels.height])).toEqual([[1, 1]]);
    const fine = level(0).find(({ column, row }) => column === 4 && row === 2) as { pixels: RgbPixels };
    expect([fine.pixels.width, fine.pixels.height]).toEqual([5, 5]);
    expect(pixel(fine.pixels, 4, 4)).toEqual([36, 20, 9]);
    const coarse = level(1).find(({ column, row }) => column === 2 && row === 1) as { pixels: RgbPixels };
    // Columns 34 and 35, rows 18 and 19; then the odd last column and row alone.
    expect(pixel(coarse.pixels, 1, 1)).toEqual([35, 19, 9]);
    expect(pixel(coarse.pixels, 2, 2)).toEqual([36, 20, 9]);
  });

  it('read no more than a tile at a time, and every level-0 pixel once', async () => {
    const slide = gradient(100, 60);
    for await (const tile of pyramidTiles(slide, { tileSize: 16 })) void tile;
    expect(slide.largest).toBe(256);
    expect(slide.reads).toBe(7 * 4);
  });

  it('take coarse levels from the slide where it has them, to the pixel by which vendors round', async () => {
    const reads: number[] = [];
    const slide: SlideImage = {
      levels: [
        { width: 101, height: 101 },
        { width: 25, height: 25 },
      ],
      async readRegion(_x, _y, level, w, h) {
        reads.push(level);
        return { data: new Uint8Array(3 * w * h).fill(7), width: w, height: h };
      },
    };
    const tiles: PyramidTile[] = [];
    for await (const tile of pyramidTiles(slide, { tileSize: 16, finest: 2 })) tiles.push(tile);
    expect(new Set(reads)).toEqual(new Set([1]));
    const [first] = tiles.filter(({ column, row, halvings }) => column === 1 && row === 1 && halvings === 2);
    expect(first?.pixels.width).toBe(10);
    expect(pixel(first?.pixels as RgbPixels, 9, 9)).toEqual([7, 7, 7]);
  });

  it('become a deep-zoom image that is whole or not there, and the same bytes each time', async () => {
    const write = async (name: string) => {
      const out = join(folder, name);
      const tiles = await writeSlideTiles(gradient(300, 200), out, { tileSize: 64, maxSize: 160, thumbnailSize: 50 });
      return { out, tiles };
    };
    const { out, tiles } = await write('a');
    expect(tiles).toEqual({ width: 150, height: 100, tileSize: 64, format: 'jpg' });
    expect(readdirSync(out).sort()).toEqual(['slide.dzi', 'slide_files', 'thumbnail.jpg']);
    expect(readdirSync(join(out, 'slide_files')).length).toBe(9);
    expect(readdirSync(join(out, 'slide_files', '8')).length).toBe(6);
    expect(XMLValidator.validate(readFileSync(join(out, 'slide.dzi'), 'utf8'))).toBe(true);
    const { width, height } = await sharp(join(out, 'thumbnail.jpg')).metadata();
    expect([width, height]).toEqual([50, 33]);
    const again = await write('b');
    for (const file of ['thumbnail.jpg', 'slide_files/8/1_1.jpg', 'slide_files/3/0_0.jpg']) {
      expect(readFileSync(join(again.out, file)).equals(readFileSync(join(out, file)))).toBe(true);
    }
  });

  it('leave nothing behind when the slide breaks off', async () => {
    const slide: SlideImage = {
      levels: [{ width: 50, height: 50 }],
      readRegion: async () => Promise.reject(new Error('truncated')),
    };
    const out = join(folder, 'broken');
    await expect(writeSlideTiles(slide, out)).rejects.toThrow('truncated');
    expect(readdirSync(out)).toEqual([]);
  });
});

describe('a heat layer', () => {
  const coords = [0, 0, 10, 0, 0, 10, 10, 10];

  it('darkens by attention, between patches most', () => {
    const layer = new HeatLayer({ coords, patchSize: 10, shares: [0, 0.5, 1, NaN], style: 'brightness' });
    const picture = layer.paint({ left: 0, top: 0, width: 30, height: 20, scaleX: 1, scaleY: 1 });
    const veil = 0.78 * 255;
    expect(pixel(picture, 5, 5, 4)[3]).toBe(Math.round(veil));
    expect(pixel(picture, 15, 5, 4)[3]).toBe(Math.round(veil / 2));
    expect(pixel(picture, 5, 15, 4)[3]).toBe(0);
    expect(pixel(picture, 15, 15, 4)[3]).toBe(Math.round(veil));
    expect(pixel(picture, 25, 5, 4)[3]).toBe(Math.round(veil));
  });

  it('shows probabilities above the threshold in cyan, brighter with confidence', () => {
    expect(heatColour('cyan', 0.49)[3]).toBe(0);
    const [low, high] = [heatColour('cyan', 0.5), heatColour('cyan', 1)];
    expect(low[0]).toBe(0);
    expect(high).toEqual([0, 255, 255, 0.7]);
    expect(low[1]).toBeLessThan(high[1]);
  });

  it('has the highest score on top where patches overlap, whatever their order', () => {
    const area = { left: 0, top: 0, width: 12, height: 12, scaleX: 1, scaleY: 1 };
    const paint = (order: number[]) => {
      const places = [0, 0, 4, 4, 2, 6];
      const shares = [0.2, 0.9, 0.6];
      const layer = new HeatLayer({
        coords: order.flatMap((i) => [places[2 * i] as number, places[2 * i + 1] as number]),
        shares: order.map((i) => shares[i] as number),
        patchSize: 6,
        style: 'scale',
      });
      return layer.paint(area).data;
    };
    expect(paint([0, 1, 2])).toEqual(paint([2, 1, 0]));
  });

  it('is the same painted whole and in parts', () => {
    const n = 400;
    const scattered = Array.from({ length: 2 * n }, (_, i) => ((i * 7919) % 997) / 2);
    const shares = Array.from({ length: n }, (_, i) => ((i * 31) % n) / n);
    const layer = new HeatLayer({ coords: scattered, patchSize: 7, shares, style: 'scale' });
    const scale = { scaleX: 0.37, scaleY: 0.37 };
    const whole = layer.paint({ left: 0, top: 0, width: 200, height: 200, ...scale });
    for (let top = 0; top < 200; top += 25) {
      for (let left = 0; left < 200; left += 25) {
        const part = layer.paint({ left, top, width: 25, height: 25, ...scale });
        for (const [x, y] of [
          [0, 0],
          [24, 24],
          [11, 7],
        ] as const) {
          expect(pixel(part, x, y, 4)).toEqual(pixel(whole, left + x, top + y, 4));
        }
      }
    }
  });

  it('refuses scores and places that do not fit', () => {
    const layer = (change: object) => () =>
      new HeatLayer({ coords, patchSize: 10, shares: [0, 0, 0, 0], style: 'scale', ...change });
    expect(layer({ shares: [1] })).toThrow(/coords: expected 2 values \(x and y of every patch\)/);
    expect(layer({ patchSize: 0 })).toThrow(/patchSize: expected a size above 0, got 0/);
    expect(layer({ coords: [0, 0, 0, 0, 0, 0, 0, NaN] })).toThrow(/coords\[7\]: expected a finite number/);
  });

  it('becomes a pyramid of the size of the slide’s own', async () => {
    const layer = new HeatLayer({ coords, patchSize: 10, shares: [0, 0.5, 1, 1], style: 'brightness' });
    const path = join(folder, 'layers', 'attention.dzi');
    await writeLayerTiles(layer, path, {
      slide: { width: 60, height: 40 },
      tiles: { width: 30, height: 20, tileSize: 16 },
    });
    expect(readdirSync(join(folder, 'layers')).sort()).toEqual(['attention.dzi', 'attention_files']);
    const tile = sharp(join(folder, 'layers', 'attention_files', '5', '0_0.png'));
    const { data, info } = await tile.raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([16, 16, 4]);
    expect(pixel({ data, width: 16 }, 2, 7, 4)).toEqual([0, 0, 0, 0]);
    expect(pixel({ data, width: 16 }, 12, 2, 4)[3]).toBe(Math.round(0.78 * 255));
  });
});

describe('an overlay', () => {
  it('lies on the thumbnail, with outlines on top', async () => {
    const thumbnail = { data: new Uint8Array(3 * 40 * 40).fill(200), width: 40, height: 40 };
    const layer = new HeatLayer({ coords: [0, 0], patchSize: 40, shares: [1], style: 'brightness' });
    const png = await overlayPng({
      thumbnail,
      width: 80,
      height: 80,
      layers: [layer],
      rings: [[50, 10, 70, 10, 70, 30, 50, 30]],
    });
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([40, 40, 3]);
    expect(pixel({ data, width: 40 }, 10, 10)).toEqual([200, 200, 200]);
    expect(pixel({ data, width: 40 }, 10, 30)[0]).toBe(Math.round(200 * (1 - 199 / 255)));
    expect(pixel({ data, width: 40 }, 30, 5)).toEqual([29, 91, 255]);
  });

  it('outlines the area of chosen patches as a whole', () => {
    const grid = [0, 0, 5, 0, 0, 5, 5, 5];
    expect(patchOutline(grid, 5, (i) => i < 2)).toEqual([
      [0, 0, 10, 0],
      [0, 5, 10, 5],
      [0, 0, 0, 5],
      [10, 0, 10, 5],
    ]);
    expect(patchOutline(grid, 5, (i) => i !== 3)).toHaveLength(6);
    // Half over each other: one shape with eight corners.
    expect(patchOutline([0, 0, 4, 4], 8, () => true)).toHaveLength(8);
    expect(patchOutline(grid, 5, () => false)).toEqual([]);
  });

  it('leaves the thumbnail as it is', async () => {
    const data = Buffer.alloc(3 * 16, 200);
    const layer = new HeatLayer({ coords: [0, 0], patchSize: 2, shares: [1], style: 'brightness' });
    await overlayPng({ thumbnail: { data, width: 4, height: 4 }, width: 4, height: 4, layers: [layer] });
    expect([...new Set(data)]).toEqual([200]);
  });
});

describe('GeoJSON for QuPath', () => {
  const options = {
    coords: [0, 0, 256, 512],
    patchSize: 256,
    measurements: { Attention: [0.25, NaN], 'Probability of tumour': [1 / 3, 0.9] },
    classOf: [-1, 0],
    classes: [{ name: 'tumour', colour: [200, 0, 0] as const }],
  };

  it('has a closed square, class and measurements for each patch, and no NaN', () => {
    const { type, features } = JSON.parse([...patchGeoJson(options)].join('')) as {
      type: string;
      features: { geometry: { coordinates: number[][][] }; properties: Record<string, unknown> }[];
    };
    expect(type).toBe('FeatureCollection');
    expect(features[1]?.geometry.coordinates[0]).toEqual([
      [256, 512],
      [512, 512],
      [512, 768],
      [256, 768],
      [256, 512],
    ]);
    expect(features[0]?.properties).toEqual({
      objectType: 'tile',
      measurements: { Attention: 0.25, 'Probability of tumour': 0.3333333333 },
    });
    expect(features[1]?.properties).toEqual({
      objectType: 'tile',
      classification: { name: 'tumour', color: [200, 0, 0] },
      measurements: { 'Probability of tumour': 0.9 },
    });
  });

  it('comes piece by piece and is written whole', async () => {
    const many = { coords: new Float32Array(2 * 5000), patchSize: 1, measurements: {} };
    const pieces = patchGeoJson(many);
    expect((pieces.next().value as string).length).toBeLessThan(100);
    const path = join(folder, 'out.geojson');
    await writeWhole(path, patchGeoJson(many));
    expect((JSON.parse(readFileSync(path, 'utf8')) as { features: unknown[] }).features).toHaveLength(5000);
    await expect(writeWhole(join(folder, 'half.geojson'), patchGeoJson({ ...many, patchSize: -1 }))).rejects.toThrow(
      /patchSize/,
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('half'))).toEqual([]);
  });

  it('is read back as outlines; what is none says so', () => {
    expect(readOutlines([...patchGeoJson(options)].join(''), 'a.geojson')).toEqual([
      { name: 'annotation', ring: [0, 0, 256, 0, 256, 256, 0, 256, 0, 0] },
      { name: 'tumour', ring: [256, 512, 512, 512, 512, 768, 256, 768, 256, 512] },
    ]);
    expect(() => readOutlines('{"type":"FeatureCollection","features":[null,{}]}', 'a.geojson')).toThrow(
      /a\.geojson: holds no polygon/,
    );
    expect(() => readOutlines('slide_id,label', 'a.csv')).toThrow(/a\.csv: is no valid JSON, nor XML/);
  });
});

describe('annotations of ASAP', () => {
  const annotation = (attributes: string, points: [string, string][]) =>
    `<Annotation ${attributes}><Coordinates>${points
      .map(([x, y], i) => `<Coordinate Order="${i}" X="${x}" Y="${y}"/>`)
      .join('')}</Coordinates></Annotation>`;
  const file = (...annotations: string[]) =>
    `<?xml version="1.0"?>\n<ASAP_Annotations><Annotations>${annotations.join('\n')}</Annotations><AnnotationGroups/></ASAP_Annotations>`;
  const triangle: [string, string][] = [
    ['1.5', '2'],
    ['30', '4'],
    ['5,25', '60'],
  ];

  it('are outlines by their group', () => {
    const text = file(
      annotation('Name="Annotation 0" Type="Polygon" PartOfGroup="Tumor" Color="#F4FA58"', triangle),
      annotation('Name="Hole" Type="Spline" PartOfGroup="None"', triangle),
      annotation('Name="Point" Type="Dot" PartOfGroup="Tumor"', triangle.slice(0, 1)),
      '<Annotation Name="Empty" Type="Polygon" PartOfGroup="Tumor"><Coordinates/></Annotation>',
    );
    const ring = [1.5, 2, 30, 4, 5.25, 60];
    expect(readOutlines(text, 'a.xml')).toEqual([
      { name: 'Tumor', ring },
      { name: 'Hole', ring },
    ]);
    // The order is that of the attribute.
    const turned = text.replace('Order="0"', 'Order="9"');
    expect(readOutlines(turned, 'a.xml')[0]?.ring).toEqual([30, 4, 5.25, 60, 1.5, 2]);
  });

  it('what is none says so', () => {
    expect(() => readOutlines('<svg/>', 'a.xml')).toThrow(/a\.xml: is XML, but not of ASAP/);
    expect(() => readOutlines(file(), 'a.xml')).toThrow(/a\.xml: holds no polygon/);
    expect(() => readOutlines('<ASAP_Annotations><Annotations/></ASAP_Annotations>', 'a.xml')).toThrow(/no polygon/);
    const cut = file(annotation('Type="Polygon"', triangle)).slice(0, -30);
    expect(() => readOutlines(cut, 'a.xml')).toThrow(/a\.xml: is no valid XML/);
    const words = file(annotation('Type="Polygon"', [['left', '2'], ...triangle]));
    expect(() => readOutlines(words, 'a.xml')).toThrow(/a\.xml: has a coordinate that is no number: left/);
  });

  it('entities are not expanded, neither own nor of other files', () => {
    const withType = (entity: string) =>
      file(annotation('Name="&it;" Type="Polygon" PartOfGroup="None"', triangle)).replace(
        '<ASAP',
        `<!DOCTYPE x [<!ENTITY it ${entity}>]><ASAP`,
      );
    expect(readOutlines(withType('"grown"'), 'a.xml')[0]?.name).toBe('&it;');
    const other = join(folder, 'other.txt');
    writeFileSync(other, 'what another file says');
    const external = withType(`SYSTEM "file://${other}"`);
    expect(() => readOutlines(external, 'a.xml')).toThrow(/a\.xml: is no valid XML: External entities/);
    expect(() => readOutlines(withType('PUBLIC "x" "http://127.0.0.1:9/"'), 'a.xml')).toThrow(/is no valid XML/);
  });
});

describe('the patches with the highest scores', () => {
  it('are in order, without those that show the same place', () => {
    const places = { coords: [0, 0, 2, 2, 100, 0, 200, 0], patchSize: 10 };
    expect(topPatches([0.9, 0.8, 0.7, NaN], places, 3)).toEqual([0, 2]);
  });

  it('are cut out of the slide, small ones with their surroundings, and put together', async () => {
    const slide = gradient(400, 400);
    const large = await patchPicture(slide, { coords: [128, 0], patchSize: 128 }, 0, 64);
    expect([large.width, large.height]).toEqual([64, 64]);
    expect(pixel(large, 0, 0)[0]).toBeGreaterThan(126);
    const small = await patchPicture(slide, { coords: [134, 144], patchSize: 12 }, 0, 96);
    expect(pixel(small, 0, 0)).toEqual([92, 102, 9]);
    const sheet = contactSheet([large, large, large], 2, 4);
    expect([sheet.width, sheet.height]).toEqual([140, 140]);
  });
});

describe('a picture as a slide', () => {
  const picture = async (name: string) => {
    const data = Buffer.from(Array.from({ length: 3 * 40 * 30 }, (_, i) => i % 251));
    const path = join(folder, name);
    await sharp(data, { raw: { width: 40, height: 30, channels: 3 } }).toFile(path);
    return path;
  };

  it('gives the same regions from memory and from the disk, white outside', async () => {
    const path = await picture('p.png');
    const inMemory = await openPicture(path);
    const onDisk = await openPicture(path, { maxPixelsInMemory: 10 });
    for (const [x, y, width, height] of [
      [0, 0, 40, 30],
      [5, 7, 10, 3],
      [35, 25, 10, 10],
      [-3, -2, 6, 6],
      [90, 90, 2, 2],
    ] as const) {
      const a = await inMemory.readRegion(x, y, 0, width, height);
      const b = await onDisk.readRegion(x, y, 0, width, height);
      expect([...b.data]).toEqual([...a.data]);
    }
    expect(pixel(await inMemory.readRegion(39, 29, 0, 2, 2), 1, 1)).toEqual([255, 255, 255]);
    await onDisk.close();
  });

  it('is refused by name when it is damaged or none', async () => {
    const path = await picture('q.png');
    writeFileSync(path, readFileSync(path).subarray(0, 60));
    await expect(openPicture(path)).rejects.toThrow(/q\.png: cannot be read as a picture/);
    const text = join(folder, 'text.jpg');
    writeFileSync(text, 'no picture');
    await expect(openPicture(text)).rejects.toThrow(/text\.jpg: cannot be read as a picture/);
  });
});

describe('teacher maps', () => {
  it('are a well-formed figure with a map for each epoch and score', async () => {
    const thumbnail = { data: new Uint8Array(3 * 20 * 10).fill(200), width: 20, height: 10 };
    const svg = await teacherMaps({
      title: 'slide <1>',
      className: 'tumour',
      coords: [0, 0, 10, 0],
      patchSize: 10,
      width: 20,
      height: 10,
      thumbnail,
      epochs: [
        { epoch: 1, attention: [0.5, 0.5], probability: [0.2, 0.1] },
        { epoch: 9, attention: [0.9, 0.1], probability: [0.9, 0.1] },
      ],
    });
    expect(XMLValidator.validate(svg)).toBe(true);
    expect(svg.match(/<image /g)).toHaveLength(4);
    expect(svg).toContain('epoch 9');
  });
});

describe('the files of the page', () => {
  it('are one call that is read back, whatever the names hold', () => {
    const index: HeatIndex = { version: 1, title: '</script>\u2028"', slides: [] };
    const text = heatScript(HEAT_CALL.index, index);
    expect(text).not.toMatch(/\u2028/);
    expect(parseHeatScript(HEAT_CALL.index, text)).toEqual(index);
    expect(parseHeatScript(HEAT_CALL.index, 'alert(1);\n')).toBeUndefined();
    expect(parseHeatScript(HEAT_CALL.index, 'mhimHeatmaps(alert(1));\n')).toBeUndefined();
  });
});
