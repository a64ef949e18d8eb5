import { readFileSync, writeFileSync } from 'node:fs';
import { conferencePresets, MHIM, MHIMv2, presets } from '@mhim/hard-mining';
import { aggregatorNames, registry, type AggregatorName } from '@mhim/mil-aggregators';
import { Rng, useBackend } from '@mhim/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { mergeInput } from './config/merge-input.js';
import { withSettings } from './config/settings.js';
import { resolveTrainConfig, trainInputSchema, type TrainInput } from './config/train-config.js';
import { EXIT } from './failure.js';
import { baselineOf, createModel } from './models/create-model.js';
import { comparable } from './models/later-options.js';
import { modelConfigSchema, type ModelConfig } from './models/model-config.js';
import { BASES, findName, METHODS, MODELS } from './models/model-names.js';
import { modelName, stageName } from './report/model-names.js';
import { reproduce, temporaryFolder } from './test-helpers.js';

const at = temporaryFolder();
const resolve = (input: TrainInput) => resolveTrainConfig({ data: 'x', ...input });
const stored = (input: TrainInput): ModelConfig => {
  const { model, base, aggregator, mhim } = resolve(input);
  return { format: 'mhim-model', version: 1, model, base, inputDim: 8, classes: 2, aggregator, mhim };
};
const small = (name: AggregatorName) => ('embedDim' in registry[name].defaults ? { embedDim: 16 } : {});

beforeAll(async () => {
  await useBackend({ log: () => {} });
});

describe('names', () => {
  const spellings: [string, string][] = [
    ['abmil', 'ab-mil'],
    ['AB-MIL', 'ab-mil'],
    ['attmil', 'ab-mil'],
    ['dsmil', 'ds-mil'],
    ['transmil', 'trans-mil'],
    ['TransMIL', 'trans-mil'],
    ['dtfd', 'dtfd-mil'],
    ['ibmil', 'ib-mil'],
    ['rrt', 'r2t-mil'],
    ['rrtmil', 'r2t-mil'],
    ['r2t', 'r2t-mil'],
    ['2dmamba', '2d-mamba-mil'],
    ['2dmamba', 'mamba-2d'],
    ['mambamil_2d', '2dmamba'],
    ['clam', 'clam-sb'],
    ['clam_sb', 'clam-sb'],
    ['CLAM-MB', 'clam-mb'],
    ['meanmil', 'mean-pooling'],
    ['mean', 'mean-pooling'],
    ['maxmil', 'max-pooling'],
    ['max_pooling', 'max-pooling'],
  ];

  test.each(spellings)('%s is %s', (text, name) => {
    const all = [...new Set(['ab-mil', 'clam-mb', 'clam-sb', ...spellings.map(([, each]) => each)])];
    const others = all.filter((other) => !/mamba/.test(other) || other === name);
    expect(findName(text, others)).toBe(name);
  });

  test('of the registry and of the methods are their own spellings, and no two share one', () => {
    for (const name of MODELS) {
      expect(findName(name, MODELS)).toBe(name);
      const plain = name.replace(/[^a-z0-9]/g, '');
      expect(findName(plain, MODELS)).toBe(name);
    }
    expect(findName('mhim_v2', METHODS)).toBe('mhim-v2');
    expect(findName('MHIM-MIL', METHODS)).toBe('mhim');
    expect(findName('nothing', MODELS)).toBeUndefined();
  });

  test('in tables are those of the method and its base', () => {
    expect(modelName({ model: 'mhim-v2' })).toBe('MHIM-v2 (AB-MIL)');
    expect(modelName({ model: 'mhim', base: 'mean-pooling' })).toBe('MHIM (Mean pooling)');
    expect(stageName('baseline', { model: 'mhim', base: 'max-pooling' })).toBe('Max pooling (baseline)');
    expect(stageName('ab-mil', { model: 'ab-mil' })).toBe('AB-MIL');
  });
});

describe('a training configuration', () => {
  test('says a method over an aggregator in two ways', () => {
    for (const base of BASES) {
      const one = resolve({ model: 'mhim-v2', base });
      expect(resolve({ model: base, mining: 'mhim-v2' })).toEqual(one);
      expect(one).toMatchObject({ model: 'mhim-v2', base, preset: 'paper', mhim: presets.paper });
      expect(one).not.toHaveProperty('mining');
    }
    expect(resolve({ model: 'mhim-v2' }).base).toBe('ab-mil');
    expect(resolve({ model: 'mhim', base: 'ab-mil', mining: 'mhim' }).mhim).toEqual(conferencePresets['c16-ab-mil']);
  });

  test('has the options of its method, its preset’s under those given', () => {
    const input = trainInputSchema.parse({ model: 'abmil', mining: 'mhim', preset: 'nsclc-abmil' });
    expect(resolve({ ...input, mhim: { momentum: 0.5 } }).mhim).toEqual({
      ...conferencePresets['nsclc-ab-mil'],
      momentum: 0.5,
    });
    expect(resolve({ model: 'mhim-v2', preset: 'official-readme' }).mhim).toEqual(presets['official-readme']);
  });

  test('takes what was published for the aggregator, if anything', () => {
    expect(resolve({ model: 'mean-pooling', mining: 'mhim' }).preset).toBe('c16-ab-mil');
    for (const name of ['ds-mil', 'trans-mil'] as const) {
      const base = findName(name, BASES);
      if (base) expect(resolve({ model: base, mining: 'mhim' }).preset).toBe(`c16-${name}`);
    }
  });

  test('has the options that its aggregator has inside MHIM', () => {
    expect(resolve({ model: 'ab-mil' }).aggregator).toEqual({});
    expect(resolve({ model: 'mhim-v2', aggregator: { gated: true } }).aggregator).toEqual({
      attentionActivation: 'relu',
      attentionBias: false,
      layout: 'mhim',
      gated: true,
    });
  });

  test('has those of the method and the task, where they differ', () => {
    const predicts = (input: TrainInput) => resolve({ base: 'ds-mil', ...input }).aggregator.prediction;
    expect(predicts({ model: 'mhim' })).toBe('mean-probability');
    expect(predicts({ model: 'mhim-v2' })).toBe('mean');
    expect(predicts({ model: 'mhim', task: 'survival' })).toBe('mean');
    expect(predicts({ model: 'mhim', aggregator: { prediction: 'mean' } })).toBe('mean');
    expect(resolve({ model: 'mhim', base: 'ib-mil' }).aggregator).toEqual({ confounders: 0 });
  });

  test('is complete: what it resolves to resolves to itself', () => {
    for (const input of [{ model: 'ab-mil' }, { model: 'mhim', base: 'max-pooling' }, { model: 'mhim-v2' }] as const) {
      const config = resolve(input);
      expect(resolveTrainConfig(trainInputSchema.parse(JSON.parse(JSON.stringify(config))))).toEqual(config);
    }
  });

  test.each<[TrainInput, RegExp]>([
    [{}, /--model: is missing\. Expected ab-mil/],
    [{ model: 'ab-mil', base: 'ab-mil' }, /base: is an option of mhim and mhim-v2, the model is ab-mil/],
    [{ model: 'ab-mil', preset: 'paper' }, /preset: is an option of.*--model ab-mil --mining mhim-v2/],
    [{ model: 'mhim', mining: 'mhim-v2' }, /--mining: is mhim-v2, but the model is mhim/],
    [{ model: 'ab-mil', base: 'max-pooling', mining: 'mhim' }, /--base: is max-pooling, but mhim is to run over/],
    [{ model: 'mhim', preset: 'paper' }, /--preset: paper is no preset of mhim\. Expected one of c16-ab-mil/],
    [{ model: 'mhim', mhim: { queries: 3 } }, /options of mhim: unknown key "queries"/],
    [
      { model: 'mhim-v2', mhim: { maskRatioLow: 0.2 } },
      /options of mhim-v2: unknown key "maskRatioLow".*maskRatioHigh/,
    ],
    [
      { model: 'ab-mil', aggregator: { gatd: true } },
      /aggregator\.gatd: is no option of ab-mil \(did you mean "gated"/,
    ],
    [{ model: 'max-pooling', aggregator: { gated: true } }, /aggregator\.gated: is no option of max-pooling/],
    [
      { model: 'mhim-v2', aggregator: { dropout: 5 } },
      /aggregator\.dropout: expected a share from 0 and below 1, got 5/,
    ],
    [
      { model: 'ab-mil', aggregator: { embedDim: 1.5 } },
      /aggregator\.embedDim: expected a whole number from 1, got 1\.5/,
    ],
    [{ model: 'ab-mil', aggregator: { activation: 'rellu' } }, /expected one of relu, gelu.*got "rellu"/],
    [{ model: 'ab-mil', aggregator: { norm: 'group' } }, /aggregator\.norm: expected one of none, layer, batch/],
    [
      { model: 'ab-mil', aggregator: { gated: 'yes' } },
      /aggregator\.gated: expected a boolean such as false, got "yes"/,
    ],
    [{ model: 'ab-mil', aggregator: { classes: 3 } }, /aggregator\.classes: is no option here: the data decide it/],
  ])('refuses %j', (input, message) => {
    expect(() => resolve(input)).toThrow(message);
  });
});

describe('--set', () => {
  test('reaches methods, aggregators and the training itself', () => {
    const settings = ['maskRatioRandom=0.3', 'score=probability', 'aggregator.gated=true', 'weightDecay=0'];
    expect(withSettings({ model: 'mhim' }, settings)).toEqual({
      model: 'mhim',
      mhim: { maskRatioRandom: 0.3, score: 'probability' },
      aggregator: { gated: true },
      weightDecay: 0,
    });
    expect(withSettings({ model: 'mhim' }, ['model=transmil'].slice(1))).toEqual({ model: 'mhim' });
  });

  test.each([
    ['maskRatioHihg=0.1', /--set: unknown key "maskRatioHihg" \(did you mean "maskRatioHigh"\?\)/],
    ['toString=1', /--set: unknown key "toString"/],
    [
      'score=atention',
      /mhim\.score: expected one of "probability"\|"attention", got "atention" \(did you mean "attention"/,
    ],
    ['headFusion=mean', /mhim\.headFusion: expected one of/],
    ['momentum=2', /mhim\.momentum: expected number to be <=1, got 2/],
    ['model.foo=1', /--set: model: /],
    ['maskRatioHigh=[1', /--set: the value of maskRatioHigh cannot be read: /],
    ['maskRatioHigh', /--set: expected key=value/],
  ])('refuses %s', (setting, message) => {
    expect(() => withSettings({ model: 'mhim' }, [setting])).toThrow(message);
  });
});

describe('the command line over a configuration file', () => {
  const file = resolve({ model: 'mhim-v2', base: 'ab-mil', k: 3 }) as TrainInput;
  const over = (given: TrainInput) => resolveTrainConfig(mergeInput(file, given));

  test('names another model or method, whose options are not the file’s', () => {
    expect(over({ model: 'max-pooling' })).toEqual(resolve({ model: 'max-pooling', k: 3 }));
    expect(over({ mining: 'mhim' })).toEqual(resolve({ model: 'mhim', base: 'ab-mil', k: 3 }));
    expect(over({ model: 'max-pooling', mining: 'mhim-v2' })).toEqual(
      resolve({ model: 'mhim-v2', base: 'max-pooling', k: 3 }),
    );
    expect(over({ base: 'max-pooling' })).toEqual(resolve({ model: 'mhim-v2', base: 'max-pooling', k: 3 }));
  });

  test('names another preset, whose options are not the file’s', () => {
    expect(over({ preset: 'official-readme' }).mhim).toEqual(presets['official-readme']);
    expect(over({ seed: 5 })).toEqual({ ...file, seed: 5 });
  });

  test('says how folds are made', () => {
    expect(mergeInput(file, { folds: 'f.json' })).not.toHaveProperty('k');
    expect(mergeInput({ ...file, folds: 'f.json' }, { k: 4 })).not.toHaveProperty('folds');
  });
});

describe('a model configuration', () => {
  test.each(aggregatorNames)('%s: builds the aggregator and both methods over it, again from its JSON', (name) => {
    for (const mining of [undefined, ...METHODS]) {
      const config = stored({ model: name, mining, aggregator: small(name) });
      const again = modelConfigSchema.parse(JSON.parse(JSON.stringify(config)));
      const [model, twin] = [createModel(config, new Rng(0)), createModel(again, new Rng(0))];
      expect(Object.keys(twin.stateDict())).toEqual(Object.keys(model.stateDict()));
      if (mining === 'mhim') expect(model).toBeInstanceOf(MHIM);
      if (mining === 'mhim-v2') expect(model).toBeInstanceOf(MHIMv2);
      if (mining) {
        // The baseline's state dict is the student's without the recycle network.
        const baseline = createModel(baselineOf(config), new Rng(0));
        const names = Object.keys(model.stateDict()).filter((key) => !key.startsWith('merge.'));
        expect(Object.keys(baseline.stateDict())).toEqual(names);
        baseline.dispose();
      }
      model.dispose();
      twin.dispose();
    }
  });

  test('of before MHIM had all its options is still one, and the same', () => {
    const now = stored({ model: 'mhim-v2' });
    const {
      score: _s,
      headFusion: _h,
      teacher: _t,
      momentumRise: _m,
      officialGradient: _o,
      ...before
    } = now.mhim ?? {};
    const old = modelConfigSchema.parse({ ...now, mhim: before });
    expect(comparable(now)).toEqual(comparable(old));
    expect(comparable({ ...now, mhim: { ...now.mhim, score: 'attention' } })).not.toEqual(comparable(old));
    const [model, twin] = [createModel(old, new Rng(0)), createModel(now, new Rng(0))];
    expect((model as MHIMv2).config).toEqual((twin as MHIMv2).config);
  });
});

describe('reproduce models', () => {
  test('lists every aggregator with its size alone and inside MHIM, and the paper’s Table 6', async () => {
    const { code, out } = await reproduce('models', '--json');
    expect(code).toBe(0);
    const { aggregators, table6 } = JSON.parse(out) as {
      aggregators: { name: string; parameters: number; insideMhim: number; mhimV2: number; attention: boolean }[];
      table6: { paper: string; printed: string; parameters: number; equal: boolean; note?: string }[];
    };
    expect(aggregators.map(({ name }) => name)).toEqual(aggregatorNames);
    const of = (name: string) => aggregators.find((row) => row.name === name);
    expect(of('ab-mil')).toMatchObject({
      parameters: 591_619,
      insideMhim: 591_490,
      mhimV2: 1_641_602,
      attention: true,
    });
    expect(of('max-pooling')?.attention).toBe(false);
    expect(of('ib-mil')).toMatchObject({ parameters: 723_971, insideMhim: 591_619 });
    expect(of('mamba-2d')?.parameters).toBe(265_131);
    expect(table6.map(({ paper, printed, parameters, equal }) => [paper, printed, parameters, equal])).toEqual([
      ['ABMIL', '0.66M', 657_283, true],
      // No variant that is published weighs what the paper prints.
      ['DTFD-MIL', '0.99M', 789_254, false],
      ['R2T-MIL', '2.70M', 2_697_474, true],
      ['MHIM(AB.)', '0.65M', 657_026, false],
      ['MHIM-v2(AB.)', '1.64M', 1_641_602, true],
      ['TransMIL', '2.67M', 2_672_146, true],
      ['MHIM(Trans.)', '2.67M', 2_672_146, true],
      ['MHIM-v2(Trans.)', '3.72M', 3_722_258, true],
    ]);
    for (const { equal, note } of table6) expect(note === undefined).toBe(equal);
  });

  test('prints tables', async () => {
    const { code, out } = await reproduce('models');
    expect(code).toBe(0);
    for (const name of aggregatorNames) expect(out).toMatch(new RegExp(`^${name} .*\\d{3},\\d{3}`, 'm'));
    expect(out).toContain('The paper’s Table 6:');
    expect(out).toContain('train --model ab-mil --mining mhim-v2');
  });
});

describe('reproduce train', () => {
  const train = (...args: string[]) =>
    reproduce('train', '--data', at('slides'), '--k', '2', '--epochs', '1', '--only-fold', '0', ...args);

  beforeAll(async () => {
    const { code } = await reproduce(
      ...['simulate', '--slides', '8', '--instances', '4-8', '--width', '8', '--seed', '5', '--difficulty', 'easy'],
      ...['--out', at('slides')],
    );
    expect(code).toBe(0);
  });

  test('trains MHIM over max pooling, resumes it, and uses it', async () => {
    const args = ['--model', 'maxmil', '--mining', 'mhim', '--set', 'score=probability', '--out', at('mhim')];
    const { code, out, err } = await train(...args);
    expect([code, err]).toEqual([0, expect.stringContaining('fold 1/2 paper mhim')]);
    expect(out).toContain('Max pooling (baseline)');
    expect(out).toContain('MHIM (Max pooling)');
    const config = JSON.parse(readFileSync(at('mhim', 'config.json'), 'utf8')) as TrainInput;
    expect(config).toMatchObject({ model: 'mhim', base: 'max-pooling', preset: 'c16-ab-mil' });
    expect((await train(...args)).out).toContain('is done already');
    const again = await train(...['--model', 'mhim', '--base', 'max-pooling', ...args.slice(4)]);
    expect(again.out).toContain('is done already');
    const predicted = await reproduce('predict', '--run', at('mhim'), '--data', at('slides'));
    expect(predicted.code).toBe(0);
    expect(predicted.out.trim().split('\n')).toHaveLength(9);
  });

  test('goes on in the folder of a run from before some options were there', async () => {
    const args = ['--model', 'mhim-v2', '--out', at('v2')];
    expect((await train(...args)).code).toBe(0);
    for (const file of ['config.json', 'fold-0/paper/mhim-v2/identity.json', 'fold-0/paper/mhim-v2/config.json']) {
      const content = JSON.parse(readFileSync(at('v2', file), 'utf8')) as TrainInput & { model?: ModelConfig };
      const mhim = (content.mhim ?? content.model?.mhim) as Record<string, unknown>;
      for (const key of ['score', 'headFusion', 'teacher', 'momentumRise', 'officialGradient']) delete mhim[key];
      writeFileSync(at('v2', file), JSON.stringify(content));
    }
    expect(await train(...args)).toMatchObject({ code: 0, out: expect.stringContaining('is done already') as string });
    const other = await train(...args, '--set', 'score=attention');
    expect(other.code).toBe(EXIT.configuration);
    expect(other.err).toMatch(/this folder holds another run: mhim\.score is not set there and "attention" now/);
  });

  test.each([
    [
      ['--model', 'abmill'],
      /--model <name>.*'abmill' is invalid\. Allowed choices are ab-mil.*\(did you mean "ab-mil"\?\)/,
    ],
    [['--model', 'ab-mil', '--mining', 'mihm'], /--mining <method>.*Allowed choices are mhim, mhim-v2/],
    [['--model', 'mhim', '--preset', 'c17'], /--preset <name>.*Allowed choices are c16-ab-mil/],
    [['--model', 'mean-pooling', '--mining', 'mhim'], /score: the aggregator has no attention to rank instances by/],
  ])('%j is one line and exit code 2', async (args, message) => {
    const { code, err } = await train(...args, '--out', at(args.join('')));
    expect(code).toBe(EXIT.configuration);
    const lines = err.trim().split('\n');
    expect(lines.at(-1)).toMatch(message);
    expect(lines.filter((line) => line.startsWith('error:'))).toHaveLength(1);
    expect(err).not.toContain('fold 1/2');
  });
});
