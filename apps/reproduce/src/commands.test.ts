import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBags } from '@mhim/datasets';
import { readSafetensors } from '@mhim/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { reproduce, temporaryFolder } from './test-helpers.js';

const at = temporaryFolder();
const SLIDES = 10;
const json = (...parts: string[]) => JSON.parse(readFileSync(at(...parts), 'utf8')) as Record<string, unknown>;
const csv = (path: string) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(','));
const trainArgs = (...more: string[]) => ['train', '--data', at('slides'), '--k', '2', '--epochs', '2', ...more];

beforeAll(async () => {
  const { code, out } = await reproduce(
    ...['simulate', '--slides', String(SLIDES), '--instances', '4-9', '--width', '8', '--seed', '5'],
    ...['--difficulty', 'easy', '--out', at('slides')],
  );
  expect(code).toBe(0);
  expect(out).toMatch(/^10 SIMULATED slides, \d+ instances × 8: /);
});

const COMMANDS = [
  ...[
    'demo',
    'train',
    'evaluate',
    'predict',
    'heatmap',
    'view',
    'table',
    'figure',
    'all',
    'plan',
    'run',
    'collect',
    'export',
    'measure',
  ],
  ...['checkpoint', 'data', 'slides', 'convert', 'simulate', 'models', 'info'],
];

describe('help', () => {
  test.each(COMMANDS)('%s has examples that name options that it has', async (command) => {
    const { code, out } = await reproduce(command, '--help');
    expect(code).toBe(0);
    const examples = [...out.matchAll(/^ {2}\$ (?:\w+=\w+ )?reproduce ?(\w*)(.*)$/gm)].filter(
      ([, name]) => name === command || (command === 'demo' && name === ''),
    );
    expect(examples.length).toBeGreaterThan(0);
    const options = new Set(out.match(/--[a-z\d-]+/g));
    for (const [, , rest = ''] of examples)
      for (const option of rest.match(/--[a-z\d-]+/g) ?? []) expect(options).toContain(option);
  });

  test('the README shows every command, with options that it has', async () => {
    const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
    const lines = [...readme.matchAll(/^reproduce (\w+)(.*)$/gm)];
    expect([...new Set(lines.map(([, command]) => command))].sort()).toEqual([...COMMANDS].sort());
    await expectOptions(lines);
  });

  test('the guide to the experiments names options that there are', async () => {
    const guide = readFileSync(join(import.meta.dirname, '../../../docs/experiments.md'), 'utf8');
    const lines = [...guide.matchAll(/(?:^|`)reproduce (\w+)([^`\n]*)/gm)];
    expect(lines.length).toBeGreaterThan(8);
    await expectOptions(lines);
  });

  async function expectOptions(lines: readonly RegExpMatchArray[]): Promise<void> {
    for (const [, command = '', rest = ''] of lines) {
      const { code, out } = await reproduce(command, ...(/^ check /.test(rest) ? ['check'] : []), '--help');
      expect(code, command).toBe(0);
      for (const option of rest.match(/--[a-z\d-]+/g) ?? []) expect(out).toMatch(new RegExp(`${option}[ \\n]`));
    }
  }

  test('lists every command', async () => {
    const { code, out } = await reproduce('--help');
    expect(code).toBe(0);
    for (const command of COMMANDS) expect(out).toMatch(new RegExp(`^ {2}${command}[ |]`, 'm'));
  });
});

describe('train', () => {
  const models: [string, string[], string[]][] = [
    ['ab-mil', ['--model', 'ab-mil'], ['ab-mil']],
    ['clam-mb', ['--model', 'clam-mb', '--set', 'aggregator.subtyping=true'], ['clam-mb']],
    ['mhim-v2', ['--model', 'mhim-v2', '--base', 'ab-mil'], ['baseline', 'mhim-v2']],
  ];

  test.each(models)('%s: all folds, then it says that it is done', async (name, model, stages) => {
    const args = trainArgs(...model, '--out', at(name));
    const first = await reproduce(...args);
    expect(first.code).toBe(0);
    expect(first.out).toMatch(/simulated-10 \(SIMULATED\), 2 folds, mean ± std, per cent/);
    expect(first.err).toContain('Paper protocol: epoch and threshold are chosen on the test fold');
    const results = json(name, 'results.json');
    expect(results).toMatchObject({ model: name, protocol: 'paper', simulated: true, complete: true });
    const figures = { auc: expect.any(Number), accuracy: expect.any(Number), f1: expect.any(Number) } as object;
    const folds = results.folds as Record<string, unknown>[];
    expect(folds).toHaveLength(2);
    for (const [fold, result] of folds.entries()) {
      expect(result).toMatchObject({ fold, ...figures, epochs: 2, last: figures });
      expect(Number(result.trainBags) + Number(result.testBags)).toBe(SLIDES);
      if (stages.length > 1) expect(result.baseline).toMatchObject(figures);
    }
    const spread = { mean: expect.any(Number), std: expect.any(Number) } as object;
    expect(results.summary).toMatchObject({ auc: spread, accuracy: spread, f1: spread });
    expect(Object.keys(results.definitions as object)).toEqual(
      expect.arrayContaining(['auc', 'accuracy', 'f1', 'std']),
    );
    // Every bag is in the test part of one fold.
    const [header, ...rows] = csv(at(name, 'predictions.csv'));
    expect(header?.slice(0, 4)).toEqual(['bag_id', 'label', 'probability_0', 'probability_1']);
    expect(rows).toHaveLength(SLIDES * stages.length);
    expect(new Set(rows.map(([id]) => id)).size).toBe(SLIDES);
    for (const stage of stages) {
      const files = readdirSync(at(name, 'fold-1', 'paper', stage));
      expect(files).toEqual(expect.arrayContaining(['best.safetensors', 'config.json', 'last.safetensors']));
      expect(files).not.toContain('state.safetensors');
    }
    expect(readFileSync(at(name, 'report.html'), 'utf8')).toContain('SIMULATED');

    const before = readFileSync(at(name, 'results.json'));
    const second = await reproduce(...args);
    expect(second.code).toBe(0);
    expect(second.out).toContain(`${at(name)} is done already.`);
    expect(readFileSync(at(name, 'results.json')).equals(before)).toBe(true);
  });

  test('the largest seed trains all folds', async () => {
    const seed = ['--seed', '4294967295', '--protocol', 'both'];
    const { code, err } = await reproduce(...trainArgs('--model', 'ab-mil', ...seed, '--out', at('largest-seed')));
    expect(code, err).toBe(0);
    expect(json('largest-seed', 'results.json').complete).toBe(true);
  });

  test('mhim-v2 over another base, with the options that it has there', async () => {
    const { code, out } = await reproduce(
      ...trainArgs('--model', 'mhim-v2', '--base', 'ds-mil', '--only-fold', '0', '--out', at('over-dsmil')),
    );
    expect(code).toBe(0);
    expect(out).toMatch(/^DSMIL \(baseline\) .*\n.*\n?MHIM-v2 \(DSMIL\) /m);
    const { aggregator } = json('over-dsmil', 'config.json');
    expect(aggregator).toEqual({ prediction: 'mean', layout: 'mhim' });
    const checkpoint = at('over-dsmil', 'fold-0', 'paper', 'mhim-v2', 'best.safetensors');
    expect((await reproduce('checkpoint', checkpoint)).out).toMatch(
      /MHIM-v2 over DSMIL\n.*\n.*\n.*every tensor was loaded/,
    );
  });

  test('refuses an option that the aggregator has not', async () => {
    const { code, err } = await reproduce(
      ...trainArgs('--model', 'clam-sb', '--set', 'aggregator.query=linear', '--out', at('wrong')),
    );
    expect(code).not.toBe(0);
    expect(err).toMatch(/aggregator\.query: is no option of clam-sb\. Options: .*sampled/);
  });

  test('both protocols, standing on their own config.json; baselines of another run', async () => {
    const honest = ['--model', 'mhim-v2', '--protocol', 'both', '--only-fold', '0'];
    expect((await reproduce(...trainArgs(...honest, '--out', at('both')))).code).toBe(0);
    const results = json('both', 'results.json');
    expect(results).toMatchObject({ protocol: 'both', figures: 'paper', complete: false });
    const { honest: figures } = (results.folds as { honest: Record<string, unknown> }[])[0] as { honest: object };
    expect(figures).toMatchObject({ auc: expect.any(Number) as number, validationBags: expect.any(Number) as number });
    const again = await reproduce(
      'train',
      '--config',
      at('both', 'config.json'),
      '--only-fold',
      '0',
      '--out',
      at('both-2'),
    );
    expect(again.code).toBe(0);
    expect(readFileSync(at('both-2', 'results.json')).equals(readFileSync(at('both', 'results.json')))).toBe(true);

    const from = [
      '--model',
      'mhim-v2',
      '--base',
      'ab-mil',
      '--baseline-dir',
      at('mhim-v2'),
      '--out',
      at('from-baseline'),
    ];
    expect((await reproduce(...trainArgs(...from))).code).toBe(0);
    expect(existsSync(at('from-baseline', 'fold-0', 'paper', 'baseline'))).toBe(false);
    expect(json('from-baseline', 'results.json').summary).toEqual(json('mhim-v2', 'results.json').summary);
  });
});

describe('evaluate', () => {
  test('a run on its own data gives the figures of its results', async () => {
    const { code, out } = await reproduce('evaluate', '--run', at('mhim-v2'), '--json', at('evaluation.json'));
    expect(code).toBe(0);
    expect(out).toMatch(/^model +bags +AUC +accuracy +F1 +threshold\nfold 0 on its test part +\d/);
    const { rows, definitions } = json('evaluation.json') as { rows: Record<string, number>[]; definitions: object };
    const folds = json('mhim-v2', 'results.json').folds as Record<string, number>[];
    for (const [i, fold] of folds.entries()) {
      const { auc, accuracy, f1, threshold } = fold;
      expect(rows[i]).toMatchObject({ auc, accuracy, f1, threshold, bags: fold.testBags });
    }
    expect(definitions).toHaveProperty('auc');
  });

  test('one checkpoint, and the mean of the folds, on other bags', async () => {
    const model = at('ab-mil', 'fold-0', 'paper', 'ab-mil', 'best.safetensors');
    const single = await reproduce('evaluate', '--checkpoint', model, '--data', at('slides'));
    expect(single.code).toBe(0);
    expect(single.out).toMatch(/^model +10 /m);
    const { out } = await reproduce('evaluate', '--run', at('ab-mil'), '--data', at('slides'));
    expect(out).toMatch(/^fold 0 +10 .*\nfold 1 +10 .*\nmean of 2 models +10 /m);
  });
});

describe('predict', () => {
  test('the mean of the folds, into a file or to standard output', async () => {
    const args = ['predict', '--run', at('mhim-v2'), '--data', at('slides')];
    const { code, out } = await reproduce(...args);
    expect(code).toBe(0);
    await reproduce(...args, '--out', at('predictions.csv'));
    expect(readFileSync(at('predictions.csv'), 'utf8')).toBe(out);
    const [header, ...rows] = csv(at('predictions.csv'));
    expect(header).toEqual(['bag_id', 'label', 'probability_0', 'probability_1', 'called']);
    expect(rows).toHaveLength(SLIDES);
    for (const [, , negative, positive] of rows) expect(Number(negative) + Number(positive)).toBeCloseTo(1, 6);
    // The mean of the folds' thresholds decides.
    const thresholds = [0, 1].map((fold) => json('mhim-v2', `fold-${fold}`, 'metrics.json').threshold as number);
    const middle = ((thresholds[0] as number) + (thresholds[1] as number)) / 2;
    for (const [, , , positive, called] of rows) expect(called).toBe(Number(positive) >= middle ? '1' : '0');
  });

  test('a fold’s checkpoint gives to the last bit what the run wrote of its test bags', async () => {
    const model = at('ab-mil', 'fold-1', 'paper', 'ab-mil');
    await reproduce('predict', '--checkpoint', model, '--data', at('slides'), '--out', at('fold-1.csv'));
    const predicted = new Map(csv(at('fold-1.csv')).map(([id, , ...rest]) => [id, rest.slice(0, 2)]));
    const tested = csv(at('ab-mil', 'predictions.csv')).filter((row) => row[4] === '1');
    expect(tested.length).toBeGreaterThan(0);
    for (const [id, , ...rest] of tested) expect(predicted.get(id)).toEqual(rest.slice(0, 2));
  });

  test('with a file of instance scores a bag', async () => {
    const args = ['predict', '--run', at('mhim-v2'), '--data', at('slides'), '--out', at('p.csv')];
    expect((await reproduce(...args, '--instances', at('scores'))).code).toBe(0);
    expect(readdirSync(at('scores'))).toHaveLength(SLIDES);
    const [first] = readdirSync(at('scores')) as [string];
    const [header, ...rows] = csv(at('scores', first));
    expect(header).toEqual(['instance', 'x', 'y', 'attention', 'score', 'class']);
    // Recycled instances take a share of the attention, too.
    const share = rows.reduce((sum, row) => sum + Number(row[3]), 0);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
    await reproduce(...args, '--instances', at('scores-2'), '--instances-format', 'safetensors');
    const { tensors } = await readSafetensors(at('scores-2', first.replace('.csv', '.safetensors')));
    expect([...tensors.keys()].sort()).toEqual(['attention', 'classes', 'coords', 'scores']);
    expect(tensors.get('scores')?.shape).toEqual([rows.length]);
  });
});

describe('checkpoint', () => {
  test('recognises and loads what training wrote', async () => {
    const { code, out } = await reproduce(
      'checkpoint',
      at('mhim-v2', 'fold-0', 'paper', 'mhim-v2', 'best.safetensors'),
    );
    expect(code).toBe(0);
    expect(out).toMatch(/MHIM-v2 over AB-MIL/);
    expect(out).toMatch(/every tensor was loaded under its name\n.*gives probabilities \[0\.\d{4}, 0\.\d{4}\]/);
  });

  // Official checkpoints, where the large reference set stands beside the repository.
  const shared = process.env.MHIM_SHARED ?? join(import.meta.dirname, '../../../../shared');
  const official = existsSync(join(shared, 'checkpoints')) ? readdirSync(join(shared, 'checkpoints')) : [];
  test.skipIf(official.length === 0)('recognises official PyTorch files', async () => {
    expect.hasAssertions();
    for (const name of official.filter((file) => /\.pth?$/.test(file))) {
      const { code, out } = await reproduce('checkpoint', join(shared, 'checkpoints', name), '--json');
      expect(code, name).toBe(0);
      const { format, parts } = JSON.parse(out) as { format: string; parts: Record<string, unknown>[] };
      expect(format).toBe('PyTorch');
      for (const { model, problem } of parts) {
        expect(model, name).not.toMatch(/no model that we know/);
        expect(problem, name).toBeUndefined();
      }
      if (/^(abmil|dsmil)/.test(name)) expect(parts[0]).toMatchObject({ loaded: true });
      if (name === 'dsmil_init_legacy.pth') expect(parts[0]).toMatchObject({ missing: { length: 4 } });
    }
  });
});

describe('convert', () => {
  test.each(['pt', 'h5', 'npy', 'safetensors', 'store'])('to %s and back, labels and all', async (format) => {
    const there = await reproduce('convert', at('slides'), at(format), '--format', format);
    expect(there).toMatchObject({ code: 0, out: `${SLIDES} bags written to ${at(format)}\n` });
    await reproduce('convert', at(format), at(`${format}-back`));
    const [before, after] = [await openBags(at('slides')), await openBags(at(`${format}-back`))];
    expect(after.bags).toEqual(before.bags);
    expect(after.simulated).toBe(true);
    expect((await after.read(3)).features).toEqual((await before.read(3)).features);
    await Promise.all([before.close(), after.close()]);
  });
});

test('info names backend, versions and cache', async () => {
  const { code, out } = await reproduce('info');
  expect(code).toBe(0);
  expect(out).toMatch(/^Backend: .*\nMHIM .*, TensorFlow\.js 4\.\S+, Node v.*\nMachine: .*\nCache: .*\n$/);
  const described = JSON.parse((await reproduce('info', '--json')).out) as object;
  expect(described).toMatchObject({ versions: { tfjs: expect.any(String) as string } });
});
