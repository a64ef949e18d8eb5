import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBags, simulatedSlides, writeBagStore, type Bag } from '@mhim/datasets';
import { HEAT_CALL, parseHeatScript, type HeatIndex, type HeatScores } from '@mhim/figures/heat-view';
import { encodePng } from '@mhim/figures/heatmap';
import { softmax } from '@mhim/metrics';
import { beforeAll, describe, expect, test } from 'vitest';
import { StoredModel } from './models/stored-model.js';
import { reproduce, temporaryFolder } from './test-helpers.js';

const at = temporaryFolder();
const PATCH = 16;
let bags: Bag[];

beforeAll(async () => {
  const slides = { slides: 8, seed: 3, instances: [4, 8] as [number, number], width: 8, patchSize: PATCH };
  await writeBagStore(at('bags'), simulatedSlides({ ...slides, difficulty: 'easy' }));
  const source = await openBags(at('bags'));
  bags = await Promise.all(source.bags.map((_, i) => source.read(i)));
  await source.close();
  mkdirSync(at('pictures'));
  for (const bag of bags.slice(0, 2)) {
    const extent = Math.max(...(bag.coords as Float32Array)) + PATCH;
    const data = Uint8Array.from({ length: 3 * extent * extent }, (_, i) => 150 + (i % 97));
    writeFileSync(at('pictures', `${bag.id}.png`), await encodePng({ data, width: extent, height: extent }));
  }
  const { code, err } = await reproduce(
    ...['train', '--data', at('bags'), '--model', 'mhim-v2', '--base', 'ab-mil'],
    ...['--k', '2', '--epochs', '1', '--out', at('run')],
  );
  expect(err).not.toMatch(/error/);
  expect(code).toBe(0);
});

const [id0, id1] = [() => (bags[0] as Bag).id, () => (bags[1] as Bag).id];
const heat = (...more: string[]) =>
  reproduce('heatmap', at('pictures'), '--run', at('run'), '--patch-size', '16', ...more);
const index = (out = at('run', 'heatmaps')) =>
  parseHeatScript(HEAT_CALL.index, readFileSync(join(out, 'heatmaps.js'), 'utf8')) as HeatIndex;
const scoresOf = (id: string, model: string, out = at('run', 'heatmaps')) =>
  parseHeatScript(HEAT_CALL.scores, readFileSync(join(out, 'slides', id, model, 'scores.js'), 'utf8')) as HeatScores;

describe('heatmap', () => {
  test('writes pictures, QuPath file, galleries and page data of all slides and models', async () => {
    const { code, out, err } = await heat('--baseline', '--tiles', '--top', '3', '--class-names', 'normal', 'tumour');
    expect(err).not.toMatch(/error/);
    expect(code).toBe(0);
    expect(out).toMatch(/^2 of 2 slides: .*heatmaps\nTo look at them: reproduce view /);
    const { slides } = index();
    expect(slides.map(({ id }) => id)).toEqual([id0(), id1()]);
    expect(slides[0]?.models.map(({ id, name, detail }) => [id, name, detail?.replace(/\d/, 'K')])).toEqual([
      ['baseline', 'AB-MIL (baseline)', 'fold K, not trained on this slide'],
      ['mhim-v2', 'MHIM-v2 (AB-MIL)', 'fold K, not trained on this slide'],
    ]);
    expect(slides[0]?.models[0]?.classNames).toEqual(['normal', 'tumour']);
    const folder = at('run', 'heatmaps', 'slides', id0(), 'mhim-v2');
    expect(readdirSync(folder).sort()).toEqual([
      ...['attention-probability.png', 'attention.dzi', 'attention.png', 'attention_files', 'patches.geojson'],
      ...[
        'probability.dzi',
        'probability.png',
        'probability_files',
        'scores.js',
        'top',
        'top-attention.jpg',
        'top-score.jpg',
      ],
    ]);
    const { features } = JSON.parse(readFileSync(join(folder, 'patches.geojson'), 'utf8')) as {
      features: { properties: { measurements: Record<string, number> } }[];
    };
    expect(features).toHaveLength((bags[0] as Bag).instances);
    expect(Object.keys(features[0]?.properties.measurements ?? {})).toEqual([
      ...['Attention', 'Attention rank', 'Probability of normal', 'Probability of tumour', 'True label'],
    ]);
  });

  test('has the model’s own attention and the softmax of its instance logits, at the patches’ places', async () => {
    const bag = bags[0] as Bag;
    const folds = (JSON.parse(readFileSync(at('run', 'folds.json'), 'utf8')) as { folds: { test: string[] }[] }).folds;
    const fold = folds.findIndex(({ test: ids }) => ids.includes(bag.id));
    const model = await StoredModel.open(at('run', `fold-${fold}`, 'paper', 'baseline'));
    const { attention, instanceLogits } = model.explain(bag);
    model.dispose();
    const scores = scoresOf(bag.id, 'baseline');
    const probabilities = softmax(instanceLogits, 2);
    for (let i = 0; i < bag.instances; i++) {
      expect([scores.x[i], scores.y[i]]).toEqual([bag.coords?.[2 * i], bag.coords?.[2 * i + 1]]);
      expect(scores.attention?.[i]).toBeCloseTo(attention?.[i] as number, 6);
      expect(scores.score[i]).toBeCloseTo(probabilities[2 * i + 1] as number, 8);
    }
  });

  test('takes folders of one fold each, as the jobs of a table are, for one cross-validation', async () => {
    for (const [name, left] of [
      ['one', 'fold-1'],
      ['two', 'fold-0'],
    ] as const)
      cpSync(at('run'), at(name), { recursive: true, filter: (path) => !path.startsWith(at('run', left)) });
    const args = ['heatmap', at('pictures'), '--patch-size', '16', '--run', at('one'), at('two')];
    const { code, err } = await reproduce(...args, '--out', at('joined'));
    expect(code, err).toBe(0);
    const detail = (out: string) => index(out).slides.map(({ models }) => models.map((model) => model.detail));
    expect(detail(at('joined'))).toEqual([id0, id1].map(() => [expect.stringMatching(/^fold \d, not trained/)]));
    expect((await heat('--out', at('whole'))).code).toBe(0);
    for (const id of [id0(), id1()])
      expect(scoresOf(id, 'mhim-v2', at('joined'))).toEqual(scoresOf(id, 'mhim-v2', at('whole')));
    expect((await reproduce(...args, '--fold', 'all', '--out', at('joined-all'))).code).toBe(0);
    expect(detail(at('joined-all')).flat()).toEqual(['mean of 2 folds', 'mean of 2 folds']);
  });

  test('takes tiles that are there, and adds models and slides to what is there', async () => {
    const tile = at('run', 'heatmaps', 'slides', id0(), 'slide.dzi');
    const before = statSync(tile).mtimeMs;
    const { code, err } = await reproduce(
      ...['heatmap', at('pictures', `${id0()}.png`), '--run', at('run'), '--patch-size', '16', '--fold', 'all'],
    );
    expect(code).toBe(0);
    expect(err).toMatch(/MHIM-v2 \(AB-MIL\), mean of 2 folds/);
    expect(statSync(tile).mtimeMs).toBe(before);
    const [slide, other] = index().slides;
    expect(slide?.models.map(({ detail }) => detail?.slice(0, 4))).toEqual(['fold', 'mean']);
    expect(other?.models).toHaveLength(2);
  });

  test('is the same bytes each time', async () => {
    for (const out of ['a', 'b']) expect((await heat('--out', at(out))).code).toBe(0);
    for (const file of [
      'heatmaps.js',
      ...['scores.js', 'attention.png', 'patches.geojson'].map((f) => `slides/${id0()}/mhim-v2/${f}`),
    ]) {
      expect(readFileSync(at('a', file)).equals(readFileSync(at('b', file)))).toBe(true);
    }
  });

  test('draws the teacher as training went on where it was kept (Fig. 8)', async () => {
    cpSync(at('run'), at('kept'), { recursive: true, filter: (path) => !path.includes('heatmaps') });
    for (const fold of [0, 1]) {
      for (const epochs of [1, 2]) {
        cpSync(
          at('kept', `fold-${fold}`, 'paper', 'baseline'),
          at('kept', `fold-${fold}`, 'paper', 'mhim-v2', `teacher-${epochs}`),
          {
            recursive: true,
          },
        );
      }
    }
    const { code } = await reproduce(
      'heatmap',
      at('pictures', `${id0()}.png`),
      '--run',
      at('kept'),
      '--patch-size',
      '256',
    );
    expect(code).toBe(0);
    const svg = readFileSync(at('kept', 'heatmaps', 'slides', id0(), 'mhim-v2', 'teacher.svg'), 'utf8');
    expect(svg).toContain('epoch 2');
    expect(svg.match(/<image /g)).toHaveLength(4);
  });

  test('draws annotations from QuPath', async () => {
    mkdirSync(at('outlines'), { recursive: true });
    const ring = [
      [0, 0],
      [300, 0],
      [300, 300],
    ];
    const geometry = { type: 'Polygon', coordinates: [ring] };
    writeFileSync(at('outlines', `${id0()}.geojson`), JSON.stringify({ type: 'Feature', geometry, properties: {} }));
    expect((await heat('--out', at('with'), '--annotations', at('outlines'))).code).toBe(0);
    const [slide, other] = index(at('with')).slides;
    expect(slide?.outlines).toEqual([{ name: 'annotation', ring: ring.flat() }]);
    expect(other?.outlines).toBeUndefined();
  });

  test('draws annotations from ASAP, and says which file is none', async () => {
    mkdirSync(at('asap'));
    const points = ['0,0', '300,0', '300,300'].map((at) => at.split(','));
    const coordinates = points.map(([x, y], i) => `<Coordinate Order="${i}" X="${x}" Y="${y}"/>`).join('');
    const annotation = `<Annotation Type="Polygon" PartOfGroup="Tumor"><Coordinates>${coordinates}</Coordinates></Annotation>`;
    const xml = `<ASAP_Annotations><Annotations>${annotation}</Annotations></ASAP_Annotations>`;
    writeFileSync(at('asap', `${id0()}.xml`), xml);
    writeFileSync(at('asap', `${id1()}.xml`), xml.slice(0, -9));
    const { code, err } = await heat('--out', at('with-asap'), '--annotations', at('asap'));
    expect([code, err]).toEqual([65, expect.stringContaining(`${id1()}.xml: is no valid XML`)]);
    const { slides } = index(at('with-asap'));
    expect(slides.map(({ outlines }) => outlines)).toEqual([[{ name: 'Tumor', ring: points.flat().map(Number) }]]);
  });

  test('costs no other slide when one cannot be read, and says which', async () => {
    mkdirSync(at('mixed'));
    cpSync(at('pictures', `${id0()}.png`), at('mixed', `${id0()}.png`));
    writeFileSync(at('mixed', `${id1()}.png`), 'no picture');
    writeFileSync(at('mixed', 'unknown.png'), 'no picture');
    const { code, err, out } = await reproduce(
      ...['heatmap', at('mixed'), '--run', at('run'), '--patch-size', '16', '--out', at('some')],
    );
    expect(code).toBe(65);
    expect(out).toMatch(/^1 of 3 slides/);
    expect(err).toMatch(/error: 2 of 3 slides have no heatmap: /);
    expect(err).toContain(`${id1()}.png: cannot be read as a picture`);
    expect(err).toContain('unknown.png: there is no bag "unknown" among the features.');
    expect(index(at('some')).slides).toHaveLength(1);
  });

  test('a whole-slide file that is none: one error that names it', async () => {
    mkdirSync(at('damaged'));
    writeFileSync(at('damaged', `${id0()}.svs`), 'no slide');
    const { code, err } = await reproduce(
      'heatmap',
      at('damaged'),
      '--run',
      at('run'),
      '--patch-size',
      '16',
      '--out',
      at('bad'),
    );
    // Without OpenSlide on the machine, that is the error.
    expect(err).toMatch(/error: .*(\.svs: |OpenSlide 4 was not found)/);
    expect([1, 65]).toContain(code);
  });

  const wrong: [string, () => string[], number, RegExp][] = [
    ['no run', () => [at('pictures'), '--run', at('none')], 65, /none: there is no such run folder/],
    ['no slide', () => [at('none.png'), '--run', at('run')], 65, /none\.png: there is no such slide/],
    ['an empty folder', () => [at('run'), '--run', at('run')], 65, /holds no slide/],
    [
      'a class that is none',
      () => [at('pictures'), '--run', at('run'), '--patch-size', '9', '--class', '7'],
      2,
      /classes 0 to 1, not 7/,
    ],
    [
      'a fold that is none',
      () => [at('pictures'), '--run', at('run'), '--patch-size', '9', '--fold', '9'],
      2,
      /has no fold 9/,
    ],
    ['a fold that is no number', () => [at('pictures'), '--run', at('run'), '--fold', 'x'], 2, /Expected auto, all or/],
    [
      'patches off the slide',
      () => [at('small'), '--run', at('run'), '--patch-size', '8'],
      65,
      /lie outside the slide of 4 × 4 pixels/,
    ],
  ];
  test.each(wrong)('%s: one error', async (_, args, code, message) => {
    mkdirSync(at('small'), { recursive: true });
    const tiny = { data: new Uint8Array(48), width: 4, height: 4 };
    writeFileSync(at('small', `${id0()}.png`), await encodePng(tiny));
    const result = await reproduce('heatmap', ...args(), '--out', at('bad'));
    expect(result.err).toMatch(message);
    expect(result.code).toBe(code);
    expect(existsSync(at('bad', 'heatmaps.js'))).toBe(false);
  });
});

describe('view', () => {
  test('says what to do when there is nothing to look at', async () => {
    const { code, err } = await reproduce('view', at('pictures'));
    expect(code).toBe(2);
    expect(err).toMatch(/pictures: holds no heatmaps\. Make some with: reproduce heatmap SLIDE --run RUN\./);
  });
});
