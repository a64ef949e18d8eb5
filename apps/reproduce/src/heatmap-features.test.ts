import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readBagFile } from '@mhim/datasets';
import { HEAT_CALL, parseHeatScript, type HeatIndex, type HeatScores } from '@mhim/figures/heat-view';
import { loadOpenSlide } from '@mhim/slides';
import { beforeAll, describe, expect, test } from 'vitest';
import { blankPicture, tissuePicture, writeTiff } from '../../../packages/slides/src/test-helpers.js';
import { reproduce, temporaryFolder } from './test-helpers.js';

const at = temporaryFolder();
const hasOpenSlide = await loadOpenSlide().then(
  () => true,
  () => false,
);
const TISSUE = ['--min-tissue', '0.02'];

const featureFolders = (out: string) => readdirSync(out).filter((name) => name.startsWith('features-'));
const indexOf = (out: string) =>
  parseHeatScript(HEAT_CALL.index, readFileSync(join(out, 'heatmaps.js'), 'utf8')) as HeatIndex;
const scoresOf = (out: string, slide: string, model = 'ab-mil') =>
  parseHeatScript(HEAT_CALL.scores, readFileSync(join(out, 'slides', slide, model, 'scores.js'), 'utf8')) as HeatScores;

/** Heatmaps of slides that have no features: from the slide to the picture in one command. */
describe.runIf(hasOpenSlide)('heatmap of slides without features', () => {
  beforeAll(async () => {
    mkdirSync(at('slides'));
    const rows = ['slide_id,kind,time,event'];
    for (let i = 0; i < 6; i++) {
      writeTiff(at('slides', `s${i}.tif`), [tissuePicture(i % 2 === 0 ? 1 : 2)], { mpp: 0.5 });
      rows.push(`s${i},${['large', 'small', 'other'][i % 3]},${i + 1},1`);
    }
    const column = (...columns: number[]) =>
      `${rows.map((row) => columns.map((c) => row.split(',')[c]).join(',')).join('\n')}\n`;
    writeFileSync(at('kinds.csv'), column(0, 1).replace('kind', 'label'));
    writeFileSync(at('survival.csv'), column(0, 2, 3));
    const made = [...TISSUE, '--patch-size', '64', '--encoder', 'colour', '--no-padding'];
    expect((await reproduce('slides', at('slides'), '--out', at('bags'), ...made)).code).toBe(0);
    for (const [run, ...more] of [
      ['run', '--labels', at('kinds.csv'), '--model', 'ab-mil'],
      ['survival', '--labels', at('survival.csv'), '--model', 'ab-mil', '--task', 'survival', '--bins', '2'],
    ]) {
      const folds = ['--k', '2', '--epochs', '1', '--out', at(run as string)];
      const { err, code } = await reproduce('train', '--data', at('bags', 'features'), ...more, ...folds);
      expect([code, err.match(/error: .*/)?.[0]]).toEqual([0, undefined]);
    }
    writeTiff(at('new.tif'), [tissuePicture(1)], { mpp: 0.25 });
  }, 60_000);

  test('makes them as those of the run, and keeps them', async () => {
    const heat = ['heatmap', at('new.tif'), '--run', at('run'), '--out', at('one')];
    const first = await reproduce(...heat);
    expect(first.err).toMatch(
      /1 slide without features: made now, as those of .*bags, with mean and deviation .*, into /,
    );
    expect(first.err).toMatch(/1\/1 new: \d+ patches of 2 pieces of tissue/);
    expect([first.code, first.out]).toEqual([0, expect.stringMatching(/^1 of 1 slides/)]);
    const [folder] = featureFolders(at('one')) as [string];
    // The same bag as `reproduce slides` with the run's options makes: 64 pixels at 20× of a scan at 40×.
    const file = at('one', folder, 'features', 'new.h5');
    const made = [...TISSUE, '--patch-size', '64', '--encoder', 'colour', '--no-padding'];
    await reproduce('slides', at('new.tif'), '--out', at('again'), ...made);
    expect(await readBagFile(file)).toEqual(await readBagFile(at('again', 'features', 'new.h5')));
    expect(scoresOf(at('one'), 'new').patchSize).toBe(128);
    const { mtimeMs } = statSync(file);
    const second = await reproduce(...heat, '--fold', '1');
    expect(second.err).toMatch(/1 slide without features: those in .*features-[0-9a-f]{8} are taken/);
    expect([second.code, statSync(file).mtimeMs]).toEqual([0, mtimeMs]);
  });

  test('options say otherwise, and hold for the calls after', async () => {
    const heat = ['heatmap', at('new.tif'), '--run', at('run'), '--out', at('two')];
    const options = ['--magnification', '10', '--tile-size', '32', '--overlap', '16', '--keep-pieces', '0'];
    const { code, err } = await reproduce(...heat, ...options);
    expect([code, err]).toEqual([0, expect.stringMatching(/1\/1 new: \d+ patches of 1 piece of tissue/)]);
    // Patches overlap: their side is the noted one, not the step of their grid.
    const { patchSize, x } = scoresOf(at('two'), 'new');
    const steps = [...new Set(x)].sort((a, b) => a - b);
    expect([patchSize, (steps[1] as number) - (steps[0] as number)]).toEqual([128, 64]);
    const next = await reproduce(...heat);
    expect([next.code, featureFolders(at('two')).length]).toEqual([0, 1]);
    expect(next.err).toMatch(/are taken/);
    const other = await reproduce(...heat, '--tile-size', '64');
    expect([other.code, featureFolders(at('two')).length]).toEqual([0, 2]);
  });

  test('slides of the run keep their features, and the fold that has not seen them', async () => {
    const slides = [at('new.tif'), at('slides', 's1.tif')];
    const { code, err } = await reproduce('heatmap', ...slides, '--run', at('run'), '--out', at('both'));
    expect(code).toBe(0);
    expect(err).toMatch(/new: AB-MIL, mean of 2 folds[\s\S]*s1: AB-MIL, fold \d, not trained on this slide/);
    const [folder] = featureFolders(at('both')) as [string];
    expect(readdirSync(at('both', folder, 'features'))).toEqual(['new.h5']);
    // A folder of features that lacks a slide of the run: the run's data have it.
    const named = ['--features', at('both', folder, 'features'), '--out', at('named')];
    const second = await reproduce('heatmap', ...slides, '--run', at('run'), ...named);
    expect([second.code, featureFolders(at('named'))]).toEqual([0, []]);
  });

  test('another encoder than the run’s is one error that names both', async () => {
    mkdirSync(at('simulated'));
    const simulate = ['--slides', '6', '--instances', '4-8', '--width', '8', '--out', at('simulated', 'bags')];
    expect((await reproduce('simulate', ...simulate)).code).toBe(0);
    const folds = ['--model', 'ab-mil', '--k', '2', '--epochs', '1', '--out', at('wide')];
    expect((await reproduce('train', '--data', at('simulated', 'bags'), ...folds)).code).toBe(0);
    const heat = ['heatmap', at('new.tif'), '--run', at('wide')];
    const without = await reproduce(...heat);
    expect(without.err).toMatch(/error: .*new\.tif: there is no bag "new" .* name the encoder .*--encoder/);
    expect(without.code).toBe(65);
    const colour = await reproduce(...heat, '--encoder', 'colour', ...TISSUE);
    expect(colour.err).toMatch(
      /error: --encoder: mean and .* makes 6 features of a patch, but AB-MIL was trained on 8\./,
    );
    expect(colour.code).toBe(2);
    const named = ['--run', at('wide'), '--features', at('bags', 'features')];
    const features = await reproduce('heatmap', at('slides', 's1.tif'), ...named);
    expect(features.err).toMatch(/features have 6 columns, the model expects 8/);
    // The same width, but other weights.
    const config = at('bags', 'config.json');
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace('"encoder": "colour"', `"encoder": "uni ${'a1'.repeat(32)}"`));
    const own = await reproduce('heatmap', at('new.tif'), '--run', at('run'), '--features', at('again', 'features'));
    const weights = await reproduce('heatmap', at('new.tif'), '--run', at('run'), '--encoder', 'colour', ...TISSUE);
    writeFileSync(config, text);
    expect(weights.err).toMatch(
      /error: --encoder: the encoder is colour, but .*run was trained on features of uni \(a1a1a1a1a1a1\)/,
    );
    expect(weights.code).toBe(2);
    expect(own.err).toMatch(/error: --features: the encoder is colour, but .*run was trained on features of uni \(/);
  });

  test('what may be wrong with a slide costs that slide only, in one line each', async () => {
    mkdirSync(at('mixed'));
    writeTiff(at('mixed', 'good.tif'), [tissuePicture()], { mpp: 0.5 });
    const whole = readFileSync(at('mixed', 'good.tif'));
    writeFileSync(at('mixed', 'cut.svs'), whole.subarray(0, whole.length / 2));
    writeFileSync(at('mixed', 'table.ndpi'), 'slide_id,label\n');
    writeTiff(at('mixed', 'glass.tif'), [blankPicture()], { mpp: 0.5 });
    writeTiff(at('mixed', 'unknown.tif'), [tissuePicture(2)]);
    const { code, out, err } = await reproduce('heatmap', at('mixed'), '--run', at('run'), '--out', at('some'));
    expect([code, out]).toEqual([65, expect.stringMatching(/^1 of 5 slides/)]);
    const [, said = ''] = err.split('error: ');
    expect(said).toMatch(/^4 of 5 slides have no heatmap: /);
    expect(said).toMatch(/cut\.svs: .*(damaged|no whole-slide image)/);
    expect(said).toMatch(/table\.ndpi: is no whole-slide image/);
    expect(said).toMatch(/glass\.tif: no tissue was found on it\. Look at .*masks\/glass\.png; --preset bwh-biopsy/);
    expect(said).toMatch(/unknown\.tif: does not say its resolution: .*--base-magnification 40/);
    expect(err).not.toMatch(/\n +at /);
    expect(indexOf(at('some')).slides.map(({ id }) => id)).toEqual(['good']);
    const told = ['--base-magnification', '20', '--out', at('told')];
    expect((await reproduce('heatmap', at('mixed', 'unknown.tif'), '--run', at('run'), ...told)).code).toBe(0);
    writeTiff(at('good.tif'), [tissuePicture()], { mpp: 0.5 });
    const twice = [at('good.tif'), at('mixed', 'good.tif')];
    const same = await reproduce('heatmap', ...twice, '--run', at('run'), '--out', at('none'));
    expect([same.code, same.err]).toEqual([2, expect.stringMatching(/good\.tif have the same name/)]);
    writeFileSync(at('notes.txt'), 'no slide');
    const notes = await reproduce('heatmap', at('notes.txt'), '--run', at('run'), '--out', at('none'));
    expect(notes.err).toMatch(/error: .*notes\.txt: is no kind of slide or picture that we know \(\.txt\)/);
    expect(existsSync(at('none'))).toBe(false);
  });

  test('three classes: the one that is asked for, and all of them in the QuPath file', async () => {
    const heat = ['heatmap', at('new.tif'), '--run', at('run'), '--out', at('three')];
    const { code } = await reproduce(...heat, '--class', '2', '--class-names', 'large', 'small', 'other');
    expect(code).toBe(0);
    const scores = scoresOf(at('three'), 'new');
    expect([scores.scoreName, scores.centre]).toEqual(['probability of other', 1 / 3]);
    const [slide] = indexOf(at('three')).slides;
    expect(slide?.models[0]?.probabilities).toHaveLength(3);
    const geojson = readFileSync(at('three', 'slides', 'new', 'ab-mil', 'patches.geojson'), 'utf8');
    const { features } = JSON.parse(geojson) as {
      features: { properties: { measurements: Record<string, number> } }[];
    };
    const measured = features.map(({ properties: { measurements: m } }) =>
      ['large', 'small', 'other'].map((name) => m[`Probability of ${name}`] as number),
    );
    for (const [i, three] of measured.entries()) {
      expect(three.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
      expect(three[2]).toBeCloseTo(scores.score[i] as number, 6);
    }
  });

  test('survival: risk takes the place of the probability', async () => {
    const heat = ['heatmap', at('new.tif'), '--run', at('survival'), '--out', at('risk')];
    const { code, err } = await reproduce(...heat);
    expect([code, err.match(/error: .*/)?.[0]]).toEqual([0, undefined]);
    const { scoreName, score, centre, top } = scoresOf(at('risk'), 'new');
    expect([scoreName, centre, score.every(Number.isFinite)]).toEqual(['risk', undefined, true]);
    expect(top.some(({ by }) => by === 'score')).toBe(true);
    const [model] = indexOf(at('risk')).slides[0]?.models ?? [];
    expect(model?.risk).toBeCloseTo(-(model?.probabilities ?? []).reduce((a, b) => a + b, 0), 6);
    expect(existsSync(at('risk', 'slides', 'new', 'ab-mil', 'probability.png'))).toBe(true);
  });
});
