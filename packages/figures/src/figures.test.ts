import { XMLValidator } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import {
  comparisonFigure,
  instanceLabelMap,
  instanceMap,
  precisionRecallFigure,
  rocFigure,
  scoreHistogram,
  scoreRanking,
  survivalFigure,
  sweepFigure,
  trainingCurves,
} from './index.js';
import { COLOUR_STEPS, stepColour } from './colour-scale.js';
import { scoreMap } from './instance-map.js';
import { layoutMap } from './map-layout.js';
import { percentiles } from './percentiles.js';
import { thinned } from './thin.js';

const perfect = { fpr: [0, 0, 1], tpr: [0, 1, 1], auc: { value: 1 } };
const chance = { fpr: [0, 1], tpr: [0, 1], auc: { value: 0.5 } };

describe('figures alone', () => {
  const all = () => [
    rocFigure({ model: 'A', positiveClass: 'tumour', folds: [perfect, chance] }),
    trainingCurves({
      model: 'A',
      quantity: 'loss',
      folds: [
        { epochs: [1], values: [0.5] },
        { epochs: [], values: [] },
      ],
    }),
    instanceMap({ title: 'A', coords: [3, 4], scores: [0.5] }),
    instanceLabelMap({ title: 'A', coords: new Float32Array([0, 0, 1, 1]), labels: [1, null] }),
    scoreHistogram({ title: 'A', scores: [] }),
    scoreRanking({ title: 'A', scores: Float32Array.of(0.2, 0.7), labels: [0, 1] }),
    scoreRanking({
      title: 'A',
      scores: Array.from({ length: 400 }, (_, i) => i),
      labels: Array.from({ length: 400 }, () => -1),
    }),
    comparisonFigure({ title: 'AUC', rows: [{ label: 'A', values: { folds: [{ value: null }] } }] }),
    comparisonFigure({ title: 'AUC', rows: [{ label: 'A', values: { folds: [{ value: 0.5 }] }, reference: 0.6 }] }),
    precisionRecallFigure({
      model: 'A',
      positiveClass: 'tumour',
      prevalence: 0.5,
      folds: [{ recall: [], precision: [], averagePrecision: { value: null } }],
    }),
    survivalFigure({ model: 'A', grouping: 'none', groups: [], logRank: { value: null } }),
    survivalFigure({
      model: 'A',
      grouping: 'all',
      groups: [{ name: 'all', times: [], survival: [], atRisk: [] }],
      logRank: { value: null },
    }),
    sweepFigure({ title: 'A', option: 'K', metric: 'AUC', lines: [] }),
  ];

  it('stand in plain colours without a page, well-formed, down to empty data', () => {
    for (const svg of all()) {
      expect(XMLValidator.validate(svg)).toBe(true);
      expect(svg).not.toMatch(/var\(|NaN|undefined|Infinity|style=/);
    }
  });

  it('are the same bytes each time', () => {
    expect(all()).toEqual(all());
  });

  it('escape names in drawings and descriptions', () => {
    const svg = rocFigure({ model: '<b>&"', positiveClass: '<i>', folds: [chance] });
    expect(XMLValidator.validate(svg)).toBe(true);
    expect(svg).not.toMatch(/<b>|<i>/);
  });
});

describe('ROC', () => {
  it('has the AUC of each fold and their mean and deviation in the legend', () => {
    const svg = rocFigure({
      model: 'A',
      positiveClass: 'tumour',
      folds: [perfect, chance, { fpr: [], tpr: [], auc: { value: null } }],
    });
    for (const text of ['fold 1: 1.000', 'fold 2: 0.500', 'fold 3: –', 'mean of 2 of 3 folds, AUC 0.750 ± 0.250'])
      expect(svg).toContain(text);
  });

  it('draws the pooled curve where one is given', () => {
    const svg = rocFigure({
      model: 'A',
      positiveClass: 'tumour',
      folds: [perfect],
      pooled: { ...chance, auc: { value: 0.625 } },
    });
    expect(svg).toContain('all folds pooled, AUC 0.625');
  });

  it('refuses rates outside 0 to 1', () => {
    const folds = [{ fpr: [0, 2], tpr: [0, 1], auc: { value: 1 } }];
    expect(() => rocFigure({ model: 'A', positiveClass: 'b', folds })).toThrow(
      /roc\.folds\[0\]\.fpr\[1\]: expected a rate from 0 to 1, got 2/,
    );
  });
});

describe('training curves', () => {
  it('mark the chosen epochs by protocol name', () => {
    const folds = [{ epochs: [1, 2, 3], values: [0.1, 0.2, 0.3], chosen: [{ protocol: 'p', epoch: 2 }] }];
    const svg = trainingCurves({ model: 'A', quantity: 'AUC', folds }, { protocolNames: { p: 'inner validation' } });
    expect(svg).toContain('epoch chosen: inner validation');
  });

  it('keep a chosen epoch when thinned', () => {
    const { kept, isThinned } = thinned(
      Array.from({ length: 1000 }, (_, i) => i),
      10,
      (i) => i === 501,
    );
    expect(isThinned).toBe(true);
    expect(kept).toContain(501);
    expect([kept[0], kept.at(-1), kept.length]).toEqual([0, 999, 11]);
  });
});

describe('maps', () => {
  const room = { width: 392, maxHeight: 400, maxMarks: 6000 };
  const grid = (side: number, step: number) =>
    Array.from({ length: side * side }, (_, i) => [(i % side) * step, Math.floor(i / side) * step]).flat();

  it('draw patches on a grid as touching squares and others as discs', () => {
    const patches = layoutMap(grid(20, 256), room);
    expect(patches.shape).toBe('square');
    expect(patches.size).toBeCloseTo(patches.width / 20);
    const nuclei = layoutMap([3, 17, 55, 41, 90, 12, 33, 80, 71, 66], room);
    expect(nuclei.shape).toBe('disc');
  });

  it('keep the aspect of the slide and stay in the room', () => {
    const { width, height } = layoutMap([0, 0, 999, 0, 0, 1999], room, 1);
    expect(height / width).toBeCloseTo(2, 1);
    expect(height).toBeLessThanOrEqual(400);
  });

  it('merge crowded instances, every one in exactly one mark, and never hide a high score or a positive', () => {
    const coords = grid(150, 1);
    const scores = Array.from({ length: 22_500 }, (_, i) => (i === 12_345 ? 9 : 0));
    const layout = layoutMap(coords, room);
    expect(layout.marks.length).toBeLessThan(6001);
    expect(layout.marks.flatMap(({ instances }) => instances).sort((a, b) => a - b)).toEqual(scores.map((_, i) => i));
    const { svg, isMerged } = scoreMap({ title: 'A', coords, scores });
    expect(isMerged).toBe(true);
    expect(svg).toContain(`stroke="${stepColour(COLOUR_STEPS - 1)}"`);
    expect(svg.length).toBeLessThan(150_000);
    const labels = instanceLabelMap({ title: 'A', coords, labels: scores.map((score) => (score > 0 ? 1 : 0)) });
    expect(labels).toContain('<path d="M');
    expect(labels).toContain('stroke="#c2410c"');
  });

  it('scale by percentile: outliers do not take the colours, ties share one, missing values have none', () => {
    expect([...percentiles([5, 1e9, 1, 5, NaN])]).toEqual([50, 100, 0, 50, NaN]);
  });

  it('show the length of the scale bar', () => {
    expect(
      instanceMap({ title: 'A', coords: grid(20, 256), scores: new Float32Array(400), micronsPerUnit: 0.5 }),
    ).toContain('500 µm');
  });

  it('refuse coordinates that are not finite or not two an instance', () => {
    expect(() => instanceMap({ title: 'A', coords: [0, NaN], scores: [1] })).toThrow(
      /coords\[1\]: expected a finite number, got NaN/,
    );
    expect(() => instanceMap({ title: 'A', coords: [0], scores: [1] })).toThrow(/coords: expected 2 values/);
  });
});

describe('distributions', () => {
  it('count each label by itself', () => {
    const svg = scoreHistogram({
      title: 'A',
      scores: [0.1, 0.2, 0.9],
      labels: [0, 0, 1],
      classes: { positive: 'tumour', negative: 'normal' },
    });
    expect(svg).toContain('tumour (1)');
    expect(svg).toContain('normal (2)');
    expect(scoreHistogram({ title: 'A', scores: [0.1] })).toContain('labels not known (1)');
  });
});

describe('precision and recall', () => {
  const fold = { recall: [1, 0.5, 0], precision: [0.5, 1, 1], averagePrecision: { value: 0.75 } };
  const curves = { model: 'A', positiveClass: 'tumour', prevalence: 0.25, folds: [fold] };

  it('has average precision in the legend', () => {
    const svg = precisionRecallFigure(curves);
    for (const text of ['fold 1: 0.750', 'mean of 1 folds, average precision 0.750 ± 0.000'])
      expect(svg).toContain(text);
  });

  it('refuses lists of different lengths and values that are no rates', () => {
    expect(() => precisionRecallFigure({ ...curves, folds: [{ ...fold, precision: [1] }] })).toThrow(
      'precisionRecall.folds[0].precision: expected 3 values (recalls), got 1.',
    );
    expect(() => precisionRecallFigure({ ...curves, prevalence: 2 })).toThrow('expected a rate from 0 to 1, got 2.');
  });
});

describe('survival', () => {
  const group = { name: 'high risk', times: [2, 5, 9], survival: [0.75, 0.5, 0.5], atRisk: [4, 3, 1], censored: [9] };
  const curves = { model: 'A', grouping: 'by risk', groups: [group], logRank: { value: 0.0123 } };

  it('says p, the cases at risk and when half have died', () => {
    const svg = survivalFigure({ ...curves, unit: 'months' });
    for (const text of [
      '>A</text>',
      'log-rank p = 0.012</text>',
      'high risk: 4 cases, median survival 5.',
      'time (months)',
      'cases at risk',
    ])
      expect(svg).toContain(text);
  });

  it('keeps p whole where the name is long and the data are simulated', () => {
    const svg = survivalFigure(
      { ...curves, model: 'ResNet-50 MHIM-v2(TransMIL) with a long name, LUAD' },
      { simulated: true },
    );
    expect(svg).toMatch(/>ResNet-50 MHIM-v2[^<]*(?:…|\.\.\.)<\/text>/);
    expect(svg).toContain('log-rank p = 0.012</text>');
  });

  it('writes a p that is no number as none and a tiny one as a bound', () => {
    expect(survivalFigure({ ...curves, logRank: { value: null } })).toContain('log-rank p –');
    expect(survivalFigure({ ...curves, logRank: { value: 1e-7 } })).toContain('log-rank p &lt; 0.001');
  });

  it('refuses times that fall', () => {
    expect(() => survivalFigure({ ...curves, groups: [{ ...group, times: [2, 1, 9] }] })).toThrow(
      'survival.groups[0].times[1]: expected times that rise from 0, got 1.',
    );
  });
});

describe('a sweep', () => {
  it('gives the mean of every value of the option, and the published ones a legend entry of their own', () => {
    const points = [
      { at: 0.01, values: { folds: [{ value: 0.7 }, { value: 0.9 }] }, reference: 0.85 },
      { at: 0.03, values: { folds: [{ value: null }] } },
    ];
    const svg = sweepFigure({ title: 'Ratio', option: 'βh', metric: 'AUC', lines: [{ name: 'MHIM-v2', points }] });
    for (const text of ['MHIM-v2: 0.01: 0.800, 0.03: –.', 'MHIM-v2, published']) expect(svg).toContain(text);
  });
});
