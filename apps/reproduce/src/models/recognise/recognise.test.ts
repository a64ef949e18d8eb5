import { beforeAll, describe, expect, test } from 'vitest';
import { aggregatorNames, type AggregatorName } from '@mhim/mil-aggregators';
import { Rng, useBackend, type HostTensor } from '@mhim/tensor';
import { createModel } from '../create-model.js';
import type { AggregatorSettings, ModelConfig } from '../model-config.js';
import { recognise, type Recognition } from './recognise.js';

type Tensors = Map<string, HostTensor>;

const sizes = { inputDim: 12, classes: 3 };
const configOf = (aggregator: AggregatorName, settings: AggregatorSettings): ModelConfig => ({
  ...{ format: 'mhim-model', version: 1, model: aggregator, ...sizes },
  aggregator: settings,
});
const mhim = { queries: 3, recycleHeads: 8, recycleHeadDim: 2 };

/** What a file of the model holds. */
function tensorsOf(config: ModelConfig): Tensors {
  const model = createModel(config, new Rng(0));
  const tensors = Object.entries(model.stateDict()).map(([name, tensor]): [string, HostTensor] => [
    name,
    { dtype: 'F32', shape: tensor.shape, data: tensor.dataSync().slice() as Float32Array },
  ]);
  model.dispose();
  return new Map(tensors);
}

const shapesOf = (tensors: Tensors) => Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));
const renamed = (tensors: Tensors, change: (name: string) => string): Tensors =>
  new Map([...tensors].map(([name, tensor]) => [change(name), tensor]));
const only = (found: Recognition[]): Recognition => {
  expect(found).toHaveLength(1);
  return found[0] as Recognition;
};

beforeAll(async () => {
  await useBackend({ log: () => {} });
});

/** Every aggregator, and the options of it that leave a trace. */
const variants: Record<AggregatorName, [settings: AggregatorSettings, name: string][]> = {
  'ab-mil': [
    [{ embedDim: 16, attentionDim: 6 }, 'stand-alone AB-MIL'],
    [{ embedDim: 16, gated: true, attentionBias: false, classifierBias: false }, 'stand-alone gated AB-MIL'],
    [{ embedDim: 16, norm: 'layer' }, 'stand-alone AB-MIL'],
    [{ embedDim: 16, norm: 'layer', normPosition: 'instances' }, 'stand-alone AB-MIL'],
    [{ embedDim: 16, norm: 'batch' }, 'stand-alone AB-MIL'],
    [{ embedDim: 16, norm: 'batch', normPosition: 'instances' }, 'stand-alone AB-MIL'],
    [
      { embedDim: 16, layout: 'ilse', gated: true, activation: 'relu' },
      'gated AB-MIL with the names of Ilse et al. 2018',
    ],
    [
      { embedDim: 16, layout: 'mhim', attentionActivation: 'relu', attentionBias: false },
      "AB-MIL as MHIM's base (mhim_pure, or MHIM v1's student or teacher)",
    ],
  ],
  'ds-mil': [
    [{ embedDim: 16, queryDim: 6 }, 'stand-alone DSMIL'],
    [{ embedDim: 16, norm: 'batch', bias: false }, 'stand-alone DSMIL'],
    [{ layout: 'original', query: 'linear', values: 'linear' }, 'DSMIL with the names of its authors (Li et al. 2021)'],
    [
      { embedDim: 16, layout: 'mhim', prediction: 'mean' },
      "DSMIL as MHIM's base (mhim_pure, or MHIM v1's student or teacher)",
    ],
  ],
  'clam-sb': [
    [{ embedDim: 16, attentionDim: 6, activation: 'relu' }, 'CLAM-SB'],
    [{ embedDim: 16, gated: false, dropout: 0, attentionDropout: 0, activation: 'relu' }, 'ungated CLAM-SB'],
  ],
  'clam-mb': [[{ embedDim: 16, attentionDim: 6, activation: 'relu' }, 'CLAM-MB']],
  'dtfd-mil': [
    [{ embedDim: 16, attentionDim: 6 }, 'DTFD-MIL'],
    [{ embedDim: 16, residualBlocks: 2 }, 'DTFD-MIL'],
  ],
  'ib-mil': [
    [{ embedDim: 16, confounders: 4, confounderDim: 5 }, 'IBMIL'],
    [{ embedDim: 16, confounders: 0 }, 'IBMIL, first stage'],
    [
      { embedDim: 16, confounders: 4, merge: 'add' },
      'IBMIL, confounders taken as added (subtracted ones look the same)',
    ],
    [{ layout: 'original', attentionDim: 12, confounders: 4 }, 'IBMIL with the names of its authors (Lin et al. 2023)'],
    [
      { layout: 'original', attentionDim: 12, confounders: 0 },
      'IBMIL with the names of its authors (Lin et al. 2023), first stage',
    ],
  ],
  'mean-pooling': [
    [{ embedDim: 16 }, 'mean or max pooling (their parameters are the same)'],
    [{ embedDim: 16, dropout: 0 }, 'mean or max pooling (their parameters are the same)'],
  ],
  'max-pooling': [[{ embedDim: 16 }, 'mean or max pooling (their parameters are the same)']],
  'r2t-mil': [
    [{ embedDim: 16, heads: 4, summaries: 2, epegKernel: 5 }, 'R2T-MIL'],
    [{ embedDim: 16, layers: 3, gated: true, feedForward: true, feedForwardRatio: 2, norm: 'layer' }, 'R2T-MIL'],
    [
      {
        embedDim: 16,
        crossRegion: false,
        epegKernel: 0,
        qkvBias: false,
        attentionDropout: 0.25,
        norm: 'batch',
        normPosition: 'instances',
      },
      'R2T-MIL',
    ],
  ],
  'trans-mil': [
    [{ embedDim: 16, heads: 2, headDim: 4 }, 'stand-alone TransMIL'],
    [{ embedDim: 16, position: 'none', norm: 'layer', classifierBias: false }, 'stand-alone TransMIL'],
    [{ embedDim: 16, norm: 'batch' }, 'stand-alone TransMIL'],
    [
      { embedDim: 16, layout: 'original', activation: 'relu', dropout: 0 },
      'TransMIL with the names of its authors (Shao et al. 2021)',
    ],
    [
      { embedDim: 16, layout: 'mhim', headDim: 2 },
      "TransMIL as MHIM's base (mhim_pure, or MHIM v1's student or teacher)",
    ],
  ],
  'mamba-2d': [
    [{ embedDim: 32, states: 4, attentionDim: 6 }, '2DMamba'],
    [{ embedDim: 32, layers: 2, padToken: 'zero' }, '2DMamba'],
  ],
};

describe.each(aggregatorNames)('%s', (name) => {
  test.each(variants[name])('%j: says which it is, and how to build it', (settings, words) => {
    const config = configOf(name, settings);
    const tensors = tensorsOf(config);
    const found = only(recognise(tensors));
    expect(found.name).toBe(words);
    const expected = name === 'max-pooling' ? 'mean-pooling' : name;
    expect(found.config).toMatchObject({ model: expected, ...sizes, aggregator: settings });
    expect(shapesOf(tensorsOf(found.config as ModelConfig))).toEqual(shapesOf(tensors));
  });

  test('is known under the recycle network of MHIM-v2', () => {
    for (const [settings, words] of variants[name]) {
      const tensors = tensorsOf({ ...configOf(name, settings), model: 'mhim-v2', base: name, mhim });
      const found = only(recognise(tensors));
      expect(found.name).toBe(`MHIM-v2 over ${words.replace(/ as MHIM's base.*/, '')}`);
      const base = name === 'max-pooling' ? 'mean-pooling' : name;
      expect(found.config).toMatchObject({ model: 'mhim-v2', base, ...sizes, mhim });
      expect(shapesOf(tensorsOf(found.config as ModelConfig))).toEqual(shapesOf(tensors));
    }
  });

  test('is known in wrapped and nested files, part by part', () => {
    const [[settings, words] = [{}, '']] = variants[name];
    const tensors = tensorsOf(configOf(name, settings));
    expect(only(recognise(renamed(tensors, (each) => `module.${each}`))).name).toBe(words);
    const nested = new Map([
      ...renamed(tensors, (each) => `model.${each}`),
      ...renamed(tensors, (each) => `teacher.module.${each}`),
    ]);
    const found = recognise(nested);
    expect(found.map(({ part, name: said }) => [part, said])).toEqual([
      ['model', words],
      ['teacher', words],
    ]);
    expect(shapesOf((found[1] as Recognition).tensors)).toEqual(shapesOf(tensors));
  });
});

describe('names of older and other code', () => {
  const old = (each: string) => each.replace(/^feature\./, 'patch_to_emb.');

  test.each<[AggregatorName, AggregatorSettings, AggregatorSettings]>([
    ['ab-mil', { embedDim: 16, layout: 'mhim', attentionBias: false }, { activation: 'relu' }],
    ['ds-mil', { embedDim: 16, layout: 'mhim' }, { activation: 'relu', prediction: 'mean-probability' }],
    ['trans-mil', { embedDim: 16, layout: 'mhim', headDim: 2 }, { activation: 'relu' }],
    ['r2t-mil', { embedDim: 16 }, {}],
  ])('the conference version over %s', (name, settings, later) => {
    const tensors = tensorsOf(configOf(name, settings));
    const files = new Map([...renamed(tensors, (each) => `model.${old(each)}`)]);
    // Early files of the conference version have it, whatever the base.
    files.set('model.online_encoder.mask_token', { dtype: 'F32', shape: [1, 1, 16], data: new Float32Array(16) });
    const found = only(recognise(files));
    expect(found.config).toMatchObject({ model: name, aggregator: { ...settings, ...later } });
    expect(shapesOf(found.tensors)).toEqual(shapesOf(tensors));
  });

  test('the modules that the authors of DTFD-MIL save one by one', () => {
    const tensors = tensorsOf(configOf('dtfd-mil', { embedDim: 16 }));
    const theirs = renamed(tensors, (each) =>
      each.replace(/^dimReduction\./, 'dim_reduction.').replace(/^UClassifier\./, 'att_classifier.'),
    );
    const found = only(recognise(theirs));
    expect(found.name).toBe('DTFD-MIL');
    expect(shapesOf(found.tensors)).toEqual(shapesOf(tensors));
  });

  test('what is not built is named', () => {
    const tensors = tensorsOf(configOf('mamba-2d', { embedDim: 32 }));
    const bare = new Map([...tensors].filter(([each]) => !each.includes('_layernorm')));
    expect(only(recognise(bare))).toMatchObject({ name: expect.stringContaining('not built') as string });
    expect(only(recognise(bare)).config).toBeUndefined();
  });

  test.each<[AggregatorName, RegExp, string]>([
    ['clam-mb', /^attention_net\.3/, 'part of a CLAM-MB'],
    ['trans-mil', /^classifier/, 'part of a TransMIL'],
    ['dtfd-mil', /^UClassifier/, 'part of a DTFD-MIL'],
    ['ib-mil', /^head/, 'part of an IBMIL'],
    ['r2t-mil', /^predictor/, 'part of an R2T-MIL'],
    ['mamba-2d', /^classifier/, 'part of a 2DMamba'],
    ['ab-mil', /^classifier/, 'no model that we know'],
  ])('half a file of %s is no model', (name, lost, words) => {
    const settings = name === 'mamba-2d' ? { embedDim: 32 } : { embedDim: 16 };
    const half = new Map([...tensorsOf(configOf(name, settings))].filter(([each]) => !lost.test(each)));
    const found = only(recognise(half));
    expect(found.name).toBe(words);
    expect(found.config).toBeUndefined();
  });
});
