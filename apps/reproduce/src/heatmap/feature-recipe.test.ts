import { mkdirSync, writeFileSync } from 'node:fs';
import { segmentationConfig, slidePipelineDefaults } from '@mhim/slides';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../test-helpers.js';
import { featureRecipe } from './feature-recipe.js';

const at = temporaryFolder();

/** A folder as `reproduce slides` leaves it, and a run on it. */
function made(name: string, config: object): string {
  mkdirSync(at(name, 'records'), { recursive: true });
  mkdirSync(at(name, 'features'));
  mkdirSync(at(`${name}-run`));
  const whole = { ...slidePipelineDefaults, segmentation: segmentationConfig('tcga'), ...config };
  writeFileSync(at(name, 'config.json'), JSON.stringify(whole));
  writeFileSync(at(`${name}-run`, 'config.json'), JSON.stringify({ data: at(name, 'features') }));
  return at(`${name}-run`);
}

test('the encoder of the run is opened as it was, unless the command line says otherwise', () => {
  const encoderOptions = { weights: '/weights/model.onnx', preprocessing: 'trident', output: 'pooled' };
  const run = made('onnx', { encoder: `onnx ${'0'.repeat(64)}`, encoderOptions, patches: { magnification: 10 } });
  const recipe = featureRecipe(run, undefined, { minTissue: 3 });
  expect(recipe?.encoder).toEqual({ encoder: 'onnx', ...encoderOptions, batchSize: undefined });
  expect(recipe?.config).toEqual({
    ...slidePipelineDefaults,
    segmentation: segmentationConfig('tcga', { minTissueArea: 3 }),
    patches: { magnification: 10 },
  });
  const moved = featureRecipe(run, undefined, { weights: '/elsewhere/model.onnx' });
  expect(moved?.encoder).toMatchObject({ encoder: 'onnx', weights: '/elsewhere/model.onnx', output: 'pooled' });
  // Another encoder has nothing of the noted one's options.
  const other = featureRecipe(run, undefined, { encoder: 'uni', weights: '/uni.bin' });
  expect(other?.encoder).toMatchObject({ encoder: 'uni', weights: '/uni.bin', output: undefined });
  expect(featureRecipe(run, undefined, { preset: 'bwh-biopsy' })?.config.segmentation).toEqual(
    segmentationConfig('bwh-biopsy'),
  );
});

test('files without coordinates, and patches that were given, give way', () => {
  const run = made('pt', { encoder: 'colour', format: 'pt', dtype: 'float16', coords: '/given' });
  expect(featureRecipe(run, undefined, {})?.config).toMatchObject({ format: 'safetensors', coords: '/given' });
  expect(featureRecipe(run, undefined, { patchSize: 64 })?.config.coords).toBeUndefined();
  const float32 = made('pt32', { encoder: 'colour', format: 'pt' });
  expect(featureRecipe(float32, undefined, {})?.config.format).toBe('h5');
});

test('features without an encoder say nothing; one that is not known here is named', () => {
  const run = made('bare', { encoder: null });
  expect(featureRecipe(run, undefined, {})).toBeUndefined();
  expect(featureRecipe(run, undefined, { encoder: 'colour' })?.like).toBe('as the command line says');
  const own = made('own', { encoder: 'my-encoder 1' });
  expect(() => featureRecipe(own, undefined, {})).toThrow(/own: its features are of the encoder "my-encoder"/);
  // Features that are named go before those of the run.
  expect(featureRecipe(own, at('pt', 'features'), {})?.encoder.encoder).toBe('colour');
});
