import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { XMLValidator } from 'fast-xml-parser';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { exampleData } from './example-data.js';
import { FigureError, renderReport, writeReport, type ReportData } from './index.js';

const page = renderReport(exampleData());

describe('a report', () => {
  it('shows every number of the tables, rounded for the eye and exact for programs', () => {
    const { results } = exampleData();
    for (const { measures } of results) {
      for (const { folds } of Object.values(measures)) {
        for (const { value } of folds) {
          if (value !== null) expect(page).toContain(`<data value="${value}">${value.toFixed(3)}</data>`);
        }
      }
    }
  });

  it('takes mean and standard deviation over the folds that have a value, n in the denominator', () => {
    const data = exampleData();
    const folds = [{ value: 0.5 }, { value: null, reason: 'one class only' }, { value: 0.9 }];
    const result = { model: 'A', protocol: 'honest', measures: { auc: { folds } } };
    const text = renderReport({ ...data, results: [result] });
    expect(text).toContain('>0.700</data>');
    expect(text).toContain('± <data value="0.2">0.200</data>');
    expect(text).toContain('2 of 3 folds');
    expect(text).toContain('one class only');
  });

  it('shows header, definitions, protocols, notes and run', () => {
    const { dataSet, run, metrics, protocols, notes = [] } = exampleData();
    const texts = [
      ...[
        dataSet.name,
        '1,204,331',
        '1,024',
        run.command,
        run.backend,
        '2 min 14 s',
        'v20.20.2',
        '&quot;epochs&quot;: 40',
      ],
      ...metrics.map(({ definition }) => definition),
      ...protocols.map(({ description }) => description),
      ...notes.map(({ title }) => title),
    ];
    for (const text of texts) expect(page).toContain(text);
  });

  it('marks simulated data at title, sections, bags and in every figure, and real data nowhere as simulated', () => {
    expect(page).toContain('<title>[simulated] ');
    expect(page.match(/SIMULATED DATA<\/text>/g)).toHaveLength(figures(page).length);
    expect(page.match(/class="badge simulated"/g)?.length).toBeGreaterThanOrEqual(9);
    const data = exampleData();
    const real = renderReport({ ...data, title: 'Real', dataSet: { ...data.dataSet, origin: 'real' } });
    expect(real).not.toMatch(/badge simulated|SIMULATED DATA/);
    expect(real).toContain('real data');
  });

  it('shows a given difference with its interval, and no column of differences where nothing can be compared', () => {
    const [table] = (exampleData().published ?? []) as [
      NonNullable<ReturnType<typeof exampleData>['published']>[number],
    ];
    const render = (difference: { value: number; interval: { lower: number; upper: number } } | undefined) => {
      const values = { auc: { ours: { folds: [{ value: 0.9 }] }, published: { mean: 0.94 }, difference } };
      return renderReport({ ...exampleData(), published: [{ ...table, rows: [{ label: 'AB-MIL', values }] }] });
    };
    expect(render({ value: -0.04, interval: { lower: -0.09, upper: 0.01 } })).toMatch(/−0\.040.*\[−0\.090, \+0\.010\]/);
    const part = /<section id="published">.*?<\/section>/s.exec(render(undefined))?.[0];
    expect(part).not.toContain('difference');
  });

  it('puts intervals below numbers where many columns stand beside each other', () => {
    const [table] = (exampleData().published ?? []) as [
      NonNullable<ReturnType<typeof exampleData>['published']>[number],
    ];
    const value = { ours: { folds: [{ value: 0.9 }] }, published: { mean: 0.94 } };
    const render = (ids: readonly string[]) => {
      const metrics = ids.map((id) => ({ id, name: id }));
      const rows = [{ label: 'AB-MIL', values: Object.fromEntries(ids.map((id) => [id, value])) }];
      return renderReport({ ...exampleData(), published: [{ ...table, metrics, rows }] });
    };
    expect(render(['auc', 'f1', 'accuracy'])).toContain('class="tight"');
    expect(render(['auc', 'f1'])).not.toContain('class="tight"');
  });

  it('gives published costs three digits, not three decimals', () => {
    const [table] = (exampleData().published ?? []) as [
      NonNullable<ReturnType<typeof exampleData>['published']>[number],
    ];
    const values = {
      speed: { ours: { folds: [{ value: 873.891 }] }, published: { mean: 1250 }, difference: undefined },
    };
    const published = [{ ...table, metrics: [{ id: 'speed', name: 'speed' }], rows: [{ label: 'AB-MIL', values }] }];
    const part = /<section id="published">.*?<\/section>/s.exec(renderReport({ ...exampleData(), published }))?.[0];
    expect(part).toContain('>874');
    expect(part).toContain('>1,250<');
  });

  it('gives groups of results tables of their own, with their own columns and best means, and defines a term once', () => {
    const of = (group: string, model: string, id: string, value: number) => ({
      ...{ group, model, protocol: 'honest' },
      measures: { [id]: { folds: [{ value }] } },
    });
    const results = [of('X', 'A', 'x', 0.9), of('X', 'B', 'x', 0.7), of('Y', 'A', 'y', 0.4), of('Y', 'B', 'y', 0.3)];
    const metrics = ['x', 'y'].map((id) => ({
      id,
      name: `${id} AUC`,
      term: 'AUC',
      definition: 'area under the curve',
    }));
    const part = /<section id="results">.*?<\/section>/s.exec(
      renderReport({ ...exampleData(), metrics, results }),
    )?.[0];
    const [, first, second] = part?.split('<h4>') ?? [];
    expect(first).toMatch(/^X<.*x AUC/s);
    expect(first).not.toContain('y AUC');
    expect(first?.match(/class="best"/g)).toHaveLength(1);
    expect(second).toMatch(/^Y<.*class="best"><data value="0.4">/s);
    expect(part?.match(/area under the curve/g)).toHaveLength(1);
    expect(part).not.toContain('not measured');
  });

  it('says once what all captions of a section would say', () => {
    const { roc = [] } = exampleData();
    const part = (data: ReportData) => /<section id="roc">.*?<\/section>/s.exec(renderReport(data))?.[0] ?? '';
    const count = (data: ReportData) => part(data).match(/Thin: test folds/g)?.length;
    const alike = roc.map(({ pooled: _pooled, ...each }) => ({ ...each, positiveClass: 'tumour' }));
    expect(alike.length).toBeGreaterThan(1);
    expect(count({ ...exampleData(), roc: alike })).toBe(1);
    const others = alike.map((each, i) => ({ ...each, positiveClass: `class ${i}` }));
    expect(count({ ...exampleData(), roc: others })).toBe(alike.length);
  });

  it('sets our figures beside published ones, with the difference', () => {
    const { published = [] } = exampleData();
    const [table] = published as [(typeof published)[number]];
    const values = { auc: { ours: { folds: [{ value: 0.9 }] }, published: { mean: 0.94, std: 0.01 } } };
    const text = renderReport({ ...exampleData(), published: [{ ...table, rows: [{ label: 'AB-MIL', values }] }] });
    const cells = [...text.matchAll(/<td class="number">([^]*?)<\/td>/g)].map(([, cell]) =>
      cell?.replace(/<[^>]+>/g, ''),
    );
    expect(cells.slice(0, 6)).toEqual(['0.900 ± 0.000', '0.940 ± 0.010', '−0.040', '–', '–', '–']);
  });

  it('shows paired tests with interval and p, and costs only where something was measured', () => {
    for (const text of ['−0.004 to 0.072', '0.081', '657,155', '3.1 s', '612']) expect(page).toContain(text);
    expect(renderReport({ ...exampleData(), costs: [{ model: 'A' }] })).not.toContain('id="cost"');
  });

  it('gives tests a table a group, says once what all have in common, and how many p values there are', () => {
    const [test] = exampleData().tests as [NonNullable<ReportData['tests']>[number]];
    const tests = ['UNI BLCA', 'UNI LUAD'].flatMap((group) => [
      { ...test, group, relation: 'its baseline' },
      { ...test, group, p: { value: null, reason: 'no variance' } },
    ]);
    const section = (data: Partial<ReportData>) =>
      /<section id="significance">.*?<\/section>/s.exec(renderReport({ ...exampleData(), ...data }))?.[0] ?? '';
    const text = section({ tests, testsNote: 'The others are in table-4-tests.csv.' });
    expect(text.match(/<table/g)).toHaveLength(2);
    expect(text.match(/<h3>UNI (BLCA|LUAD)<\/h3>/g)).toHaveLength(2);
    for (const once of ['DeLong, all test folds pooled', 'badge honest', '(4 here)', 'table-4-tests.csv'])
      expect(text.split(once), once).toHaveLength(2);
    expect(text.match(/its baseline/g)).toHaveLength(2);
    expect(text.match(/no p: no variance/g)).toHaveLength(2);
    // Different methods have a column.
    const mixed = section({ tests: [...tests, { ...test, method: 'bootstrap' }] });
    expect(mixed.match(/data-label="method"/g)).toHaveLength(5);
  });

  it('says beside the numbers that a protocol is optimistic', () => {
    expect(page).toMatch(/as in the paper\s*<span class="badge optimistic">/);
  });

  it('emphasises the best mean of a protocol, marks what cannot be told apart from it, and nothing without a rival', () => {
    const data = exampleData();
    const row = (model: string, values: number[]) => ({
      model,
      protocol: 'honest',
      measures: { auc: { folds: values.map((value) => ({ value })) } },
    });
    const best = /<span class="best"><data value="[\d.]+">([\d.]+)</g;
    const bold = (results: ReportData['results']) =>
      [...renderReport({ ...data, results }).matchAll(best)].map((m) => m[1]);
    // One fold has no spread.
    expect(
      /<td class="number">[^]*?<\/td>/.exec(renderReport({ ...data, published: [], results: [row('A', [0.8])] }))?.[0],
    ).not.toContain('±');
    const rows = [row('A', [0.8, 0.9]), row('B', [0.84, 0.85]), row('C', [0.5, 0.6])];
    expect(bold(rows)).toEqual(['0.850']);
    const near = renderReport({ ...data, results: rows }).match(/title="not told apart/g);
    expect(near).toHaveLength(1);
    expect(bold([row('A', [0.8])])).toEqual([]);
  });

  it('shows what is undefined as a dash with its reason, never as NaN or Infinity', () => {
    const data = exampleData();
    const undefinedValues = [{ value: NaN }, { value: Infinity }, { value: null, reason: 'no positives in the fold' }];
    const empty = { fpr: [], tpr: [], auc: { value: null, reason: 'one class in fold' } };
    const text = renderReport({
      ...data,
      results: [{ model: 'A', protocol: 'honest', measures: { auc: { folds: undefinedValues } } }],
      roc: [{ model: 'A', positiveClass: 'tumour', folds: [empty] }],
      training: [{ model: 'A', quantity: 'training loss', folds: [{ epochs: [1, 2], values: [NaN, null] }] }],
      bags: [{ bag: 'b', label: 'normal', scores: [{ ...scoresOf(data), values: [NaN, 0.5, Infinity] }] }],
    });
    expect(text).toContain('no positives in the fold');
    expect(text).toContain('one class in fold');
    expect(text).toContain('the value is NaN, not a finite number');
    expect(text).toContain('2 instances without a finite score');
    expect(text.replace(/the value is \S+, not a finite number/g, '')).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('names the protocol of all curves of a section in its heading, different ones at each', () => {
    const { roc = [] } = exampleData();
    const badges = (curves: typeof roc) =>
      /<section id="roc">.*?<\/section>/s
        .exec(renderReport({ ...exampleData(), roc: curves }))?.[0]
        .match(/badge (honest|optimistic)"|<h2>|<svg/g)
        ?.map((found) => found.slice(0, 9));
    expect(badges(roc)).toEqual(['<h2>', 'badge hon', '<svg', '<svg']);
    const mixed = roc.map((curve, i) => ({ ...curve, protocol: i === 0 ? 'honest' : 'paper' }));
    expect(badges(mixed)).toEqual(['<h2>', '<svg', 'badge hon', '<svg', 'badge opt']);
  });

  it('paints maps as the paper does, a model beside the other, with what the colours say', () => {
    const data = exampleData();
    const values = [0, 1, 0, 0];
    const score = (model: string, style: 'brightness' | 'cyan' | 'masked') => ({
      ...{ model, name: style, description: 'What it is.', className: 'tumour', values, style },
    });
    const bag = {
      ...{ bag: 'slide', label: 'tumour', coords: [0, 0, 8, 0, 0, 8, 8, 8], instanceLabels: [1, 1, 0, 0] },
      scores: [score('A', 'brightness'), score('A', 'cyan'), score('B', 'brightness'), score('B', 'masked')],
    };
    const of = (one: typeof bag) =>
      /<section id="instances">.*?<\/section>/s.exec(renderReport({ ...data, bags: [one] }))?.[0] ?? '';
    const text = of(bag);
    expect([...text.matchAll(/<h4>(.*?)<\/h4>/g)].map(([, model]) => model)).toEqual(['A', 'B']);
    expect(text.match(/<svg/g)).toHaveLength(4);
    for (const term of ['Brightness', 'Cyan', 'Black', 'Blue']) expect(text).toContain(`<dt>${term}</dt>`);
    expect(text).toContain('masked: 1 of 4.');
    // Two positive patches beside each other: one outline of four lines; the masked one is black, the others are bare tissue.
    const [, , , masked] = [...text.matchAll(/<svg.*?<\/svg>/gs)].map(([svg]) => svg);
    expect(/<path d="([^"]*)" stroke="#1d5bff"/.exec(masked ?? '')?.[1]?.match(/M/g)).toHaveLength(4);
    expect(
      [...(masked ?? '').matchAll(/d="([^"]*)" stroke="(#\w+)"[^>]*crispEdges/g)].map(([, d, c]) => [
        c,
        d?.match(/M/g)?.length,
      ]),
    ).toEqual([
      ['#ddc8d8', 3],
      ['#000000', 1],
    ]);
    // Without places there is a ranking, and none of what is masked.
    const ranked = of({ ...bag, coords: undefined as never });
    expect(ranked).not.toContain('masked: 1 of 4');
    expect(ranked).not.toContain('<dt>Cyan</dt>');
  });

  it('says where no instance labels are known', () => {
    expect(page).toContain('No instance labels are known for this bag');
  });

  it('is the same page for the same data, after JSON too', () => {
    expect(renderReport(JSON.parse(JSON.stringify(exampleData())) as ReportData)).toBe(page);
  });

  it('warns nobody on the console', () => {
    const spies = (['log', 'warn', 'error'] as const).map((level) => vi.spyOn(console, level));
    renderReport(exampleData());
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });
});

describe('a report is safe to open', () => {
  const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>' {{7*7}} \u0000\u202e ]]> </style></title></svg>`;

  it('escapes every string, those of figures too', () => {
    const text = renderReport(withStrings(exampleData({ instances: 60 }), hostile));
    expect(text).not.toMatch(/<script|<img|<\/style><\/title>/);
    for (const unwanted of ['\u0000', '\u202e']) expect(text).not.toContain(unwanted);
    expect(text.match(/<style/g)).toHaveLength(1);
    expect(text.match(/<\/title>/g)).toHaveLength(figures(text).length + 1);
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    for (const svg of figures(text)) expect(XMLValidator.validate(svg)).toBe(true);
  });

  it('asks nothing of any server and holds no script', () => {
    expect(page.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
      /https?:|\bsrc=|@import|url\((?!#)|<link|<script|<iframe|javascript:/,
    );
    expect(page).not.toMatch(/ on\w+="/);
  });

  it('keeps to its own content security policy', () => {
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] as string;
    expect(page).toContain(`sha256-${createHash('sha256').update(style).digest('base64')}`);
    expect(page).not.toContain(' style="');
    expect(page).toContain('default-src &#39;none&#39;');
  });

  it('has well-formed figures with a name, a description and ids of their own', () => {
    for (const svg of figures(page)) {
      expect(XMLValidator.validate(svg)).toBe(true);
      expect(svg).toMatch(/role="img".*<title id=.*<desc id=/);
    }
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('a report stays small', () => {
  it('keeps below 3 MB with 14 bags of 20,000 instances, and says what it left out', () => {
    const data = exampleData({ instances: 20_000 });
    const bag = data.bags?.[0] as NonNullable<ReportData['bags']>[number];
    const text = renderReport({ ...data, bags: Array.from({ length: 14 }, (_, i) => ({ ...bag, bag: `slide ${i}` })) });
    expect(Buffer.byteLength(text)).toBeLessThan(3_000_000);
    expect(text).toMatch(/\d+ of 14 bags are shown/);
    expect(text).toMatch(/Drawn as [\d,]+ cells, each ranked by its highest score/);
  });
});

describe('contradictions', () => {
  const data = exampleData({ instances: 60 });
  const cases: [string, Partial<ReportData>, string][] = [
    ['an unknown protocol', { results: [{ model: 'A', protocol: 'none', measures: {} }] }, 'results[0].protocol'],
    [
      'rates of different lengths',
      { roc: [{ model: 'A', positiveClass: 'b', folds: [{ fpr: [0, 1], tpr: [0], auc: { value: 1 } }] }] },
      'roc[0].folds[0].tpr',
    ],
    [
      'epochs without values',
      { training: [{ model: 'A', quantity: 'loss', folds: [{ epochs: [1, 2], values: [1] }] }] },
      'training[0].folds[0].values',
    ],
    [
      'coordinates for other instances',
      { bags: [{ bag: 'b', label: 'c', coords: [1, 2], scores: [scoresOf(data)] }] },
      'bags[0].coords',
    ],
    [
      'a typed array that went through JSON',
      { bags: [{ bag: 'b', label: 'c', scores: [{ ...scoresOf(data), values: { 0: 1 } as never }] }] },
      'bags[0].scores[0].values',
    ],
  ];
  it.each(cases)('names %s', (_, part, path) => {
    expect(() => renderReport({ ...data, ...part })).toThrow(
      expect.objectContaining({ name: 'FigureError', code: 'data', path }),
    );
  });
});

describe('writing', () => {
  const folders: string[] = [];
  const folder = async () => {
    const path = await mkdtemp(join(tmpdir(), 'mhim-figures-'));
    folders.push(path);
    return path;
  };
  afterAll(() => Promise.all(folders.map((path) => rm(path, { recursive: true }))));

  it('makes the folder, replaces the former report and leaves nothing else', async () => {
    const path = join(await folder(), 'run', 'report.html');
    await writeReport(path, exampleData());
    await writeReport(path, exampleData());
    expect(await readFile(path, 'utf8')).toBe(page);
    expect(await readdir(join(path, '..'))).toEqual(['report.html']);
  });

  it('keeps the former report when data are contradictory, and names the file that cannot be written', async () => {
    const at = await folder();
    const path = join(at, 'report.html');
    await writeFile(path, 'former');
    const data = exampleData({ instances: 60 });
    await expect(writeReport(path, { ...data, protocols: [] })).rejects.toBeInstanceOf(FigureError);
    expect(await readFile(path, 'utf8')).toBe('former');
    await expect(writeReport(join(path, 'below-a-file', 'report.html'), data)).rejects.toMatchObject({ code: 'file' });
  });
});

function figures(text: string): string[] {
  return text.match(/<svg[\s\S]*?<\/svg>/g) ?? [];
}

function scoresOf(data: ReportData) {
  return (data.bags as NonNullable<ReportData['bags']>)[0]?.scores[0] as NonNullable<
    ReportData['bags']
  >[number]['scores'][number];
}

/** Every string of the data but those that the contract fixes gets the hostile text behind it, ids the same one everywhere. */
function withStrings<T>(value: T, hostile: string, key = ''): T {
  if (typeof value === 'string') return (key === 'origin' ? value : `${value}${hostile}`) as T;
  if (Array.isArray(value)) return value.map((each) => withStrings(each as unknown, hostile, key)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name in { accuracy: 0, f1: 0, auc: 0 } ? `${name}${hostile}` : name,
      withStrings(each as unknown, hostile, name),
    ]),
  ) as T;
}
