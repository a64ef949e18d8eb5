import { comparisonFigure } from './comparison-figure.js';
import { foldSummary } from './fold-summary.js';
import { markup, type Content, type Markup } from './markup.js';
import { figureMarkup, name, prose, protocolBadge, simulatedBadge, type ReportContext } from './report-context.js';
import type { Measured, MetricDefinition, ModelResult, Protocol } from './report-data.js';
import { formatValue, reasonOf, valueOf } from './text.js';

/** A table a protocol, the values of the folds behind it, definitions, and a figure a metric. */
export function resultsSection(context: ReportContext): Markup {
  const { data } = context;
  const footnotes = new Footnotes();
  const tables = data.protocols.map((protocol) => protocolTable(context, protocol, footnotes));
  const figures = data.metrics.map((metric) => metricFigure(context, metric)).filter((figure) => figure !== null);
  const several = data.results.some(({ measures }) => Object.values(measures).some(({ folds }) => folds.length > 1));
  return markup`<section id="results">
    <h2>Results${simulatedBadge(context)}</h2>
    ${tables} ${footnotes.list()}
    <dl class="definitions">
      ${definedTerms(data.metrics).map(
        ([term, definition]) =>
          markup`<dt>${name(term)}</dt>
            <dd>${prose(definition)}</dd>`,
      )}
      ${
        several &&
        markup`<dt>±</dt>
          <dd>${prose(data.spread ?? 'standard deviation over the folds (n in the denominator)')}</dd>`
      }
      <dt><span class="best">bold</span></dt>
      <dd>the best mean of a column, within one protocol only</dd>
      ${
        several &&
        markup`<dt><span class="near">≈</span></dt>
          <dd>
            less than one standard deviation (the best model’s) behind the best: these folds do not tell the two apart
          </dd>`
      }
    </dl>
    ${figures.length > 0 && markup`<div class="figures">${figures}</div>`}
  </section>`;
}

/** Every figure once, however many columns there are of it. */
function definedTerms(metrics: readonly MetricDefinition[]): [string, string][] {
  return [...new Map(metrics.map(({ term, name: column, definition }) => [term ?? column, definition]))];
}

/** Reasons of missing values, each said once below the tables. */
class Footnotes {
  private readonly reasons: string[] = [];

  /** The mark of a reason. */
  mark(reason: string): Markup {
    let index = this.reasons.indexOf(reason);
    if (index < 0) index = this.reasons.push(reason) - 1;
    return markup`<sup>${letter(index)}</sup>`;
  }

  list(): Content {
    if (this.reasons.length === 0) return null;
    return markup`<ol class="reasons">
      ${this.reasons.map((reason, i) => markup`<li><sup>${letter(i)}</sup> – ${prose(reason)}</li>`)}
    </ol>`;
  }
}

function letter(index: number): string {
  const first = index >= 26 ? letter(Math.floor(index / 26) - 1) : '';
  return `${first}${String.fromCharCode(97 + (index % 26))}`;
}

function protocolTable(context: ReportContext, protocol: Protocol, footnotes: Footnotes): Content {
  const rows = context.data.results.filter((result) => result.protocol === protocol.id);
  if (rows.length === 0) return null;
  const groups = [...new Set(rows.map(({ group }) => group))];
  return markup`<div class="protocol">
    <h3>${name(protocol.name)}${protocol.optimistic && markup` <span class="badge optimistic">optimistic</span>`}</h3>
    <p>${prose(protocol.description)}</p>
    ${groups.map((group) => {
      const own = rows.filter((row) => row.group === group);
      return groupTable(context, protocol, { group, rows: own, footnotes });
    })}
  </div>`;
}

/** Rows that are compared with each other; columns that none of a group fills are left out. */
function groupTable(
  { data }: ReportContext,
  protocol: Protocol,
  { group, rows, footnotes }: { group: string | undefined; rows: readonly ModelResult[]; footnotes: Footnotes },
): Markup {
  const metrics =
    group === undefined
      ? data.metrics
      : data.metrics.filter(({ id }) => rows.some(({ measures }) => measures[id] !== undefined));
  const ranks = metrics.map((metric) => rankMeans(rows, metric));
  return markup`${group !== undefined && markup`<h4>${name(group)}</h4>`}
    <div class="scroll">
      <table>
        <caption class="hidden">
          ${name(protocol.name)}: mean ± spread over the folds
        </caption>
        <thead>
          <tr>
            <th scope="col">model</th>
            ${metrics.map((metric) => markup`<th scope="col" class="number">${name(metric.name)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              markup`<tr>
                <th scope="row">${name(row.model)}</th>
                ${metrics.map((metric, m) => meanCell(row, metric, ranks[m]?.get(row), footnotes))}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <details>
      <summary>Values of the folds</summary>
      <div class="scroll">
        <table class="folds">
          <thead>
            <tr>
              <th scope="col">model</th>
              <th scope="col">fold</th>
              ${metrics.map((metric) => markup`<th scope="col" class="number">${name(metric.name)}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${rows.map((row) => foldRows(row, metrics, footnotes))}
          </tbody>
        </table>
      </div>
    </details>`;
}

type Rank = 'best' | 'near' | undefined;

/** Which rows have the best mean and which are within one standard deviation of it; nothing to compare gives no rank. */
function rankMeans(
  rows: readonly ModelResult[],
  { id, higherIsBetter = true }: MetricDefinition,
): Map<ModelResult, Rank> {
  const ranks = new Map<ModelResult, Rank>();
  const summaries = rows.map((row) => foldSummary(row.measures[id]));
  const means = summaries.map(({ mean }) => valueOf(mean));
  const defined = means.filter((mean) => mean !== null);
  if (defined.length < 2) return ranks;
  const best = higherIsBetter ? Math.max(...defined) : Math.min(...defined);
  const spread = valueOf(summaries[means.indexOf(best)]?.std) ?? 0;
  rows.forEach((row, i) => {
    const mean = means[i];
    if (mean === null || mean === undefined) return;
    if (mean === best) ranks.set(row, 'best');
    else if (Math.abs(mean - best) < spread) ranks.set(row, 'near');
  });
  return ranks;
}

function meanCell(row: ModelResult, metric: MetricDefinition, rank: Rank, footnotes: Footnotes): Markup {
  const { mean, std, count, total } = foldSummary(row.measures[metric.id]);
  if (valueOf(mean) === null) return markup`<td class="number">–${footnotes.mark(reasonOf(mean))}</td>`;
  const spread =
    total > 1 &&
    markup`<span class="spread">± ${exact(std)}${valueOf(std) === null && footnotes.mark(reasonOf(std))}</span>`;
  const near = rank === 'near' && markup`<span class="near" title="not told apart from the best">≈</span> `;
  const centre = markup`<span class="${rank === 'best' ? 'best' : 'mean'}">${exact(mean)}</span>`;
  const folds = count < total && markup`<span class="of-folds">${count} of ${total} folds</span>`;
  return markup`<td class="number">${near}${centre} ${spread}${folds}</td>`;
}

/** Three decimals for the eye, all of them for a program that reads the page. */
function exact(measured: Measured): Content {
  const value = valueOf(measured);
  return value === null ? '–' : markup`<data value="${value}">${formatValue(value)}</data>`;
}

function foldRows(row: ModelResult, metrics: readonly MetricDefinition[], footnotes: Footnotes): Markup[] {
  const folds = Math.max(0, ...metrics.map(({ id }) => row.measures[id]?.folds.length ?? 0));
  return Array.from({ length: folds }, (_, fold) => {
    const cells = metrics.map(({ id }) => {
      const measured = row.measures[id]?.folds[fold];
      const value = exact(measured ?? { value: null });
      return markup`<td class="number">${value}${valueOf(measured) === null && footnotes.mark(reasonOf(measured))}</td>`;
    });
    return markup`<tr${fold === 0 && markup` class="first"`}><th scope="row">${name(row.model)}</th><td>${fold + 1}</td>${cells}</tr>`;
  });
}

/** A figure of more says nothing at a glance. */
const MOST_GROUPS = 3;

function metricFigure(context: ReportContext, metric: MetricDefinition): Content {
  const { results, protocols } = context.data;
  const models = [...new Set(results.map(({ model }) => model))];
  const groups = new Set(results.map(({ group }) => group)).size;
  if (groups > MOST_GROUPS) return null;
  const rows = protocols.flatMap((protocol) =>
    results
      .filter((result) => result.protocol === protocol.id)
      .flatMap(({ model, group, measures }) => {
        const values = measures[metric.id];
        if (values === undefined) return [];
        const named = groups > 1 && group !== undefined ? `${group} ${model}` : model;
        const label = protocols.length > 1 ? `${named}, ${protocol.name}` : named;
        return [{ label, values, colour: models.indexOf(model) }];
      }),
  );
  if (rows.length < 2 || rows.length > 24) return null;
  const intervals = new Set(rows.map(({ values }) => foldSummary(values).interval?.definition ?? ''));
  const drawn = [...intervals].filter((text) => text !== '').join('; ');
  const optimistic = protocols.filter((protocol) => protocol.optimistic);
  return figureMarkup(
    comparisonFigure({ title: metric.name, rows }, context.figure),
    markup`Large dot: mean. Line: ${prose(drawn || 'no interval')}. Small dots:
    folds.${optimistic.map((protocol) => protocolBadge(protocol))}`,
  );
}
