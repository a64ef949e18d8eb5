import { comparisonFigure } from './comparison-figure.js';
import { foldSummary } from './fold-summary.js';
import { markup, trusted, type Content, type Markup } from './markup.js';
import { figureMarkup, name, prose, simulatedBadge, type ReportContext } from './report-context.js';
import type { PublishedTable } from './report-data.js';
import { formatAny, formatValue, isNumber, valueOf } from './text.js';

/** A table of a publication a part: our mean and spread, theirs, and the difference; and a figure a metric. */
export function publishedSection(context: ReportContext): Content {
  const tables = context.data.published ?? [];
  if (tables.length === 0) return null;
  return markup`<section id="published">
    <h2>Beside the published figures${simulatedBadge(context)}</h2>
    <p class="note">In the figures: large dots are our means, with their intervals; small dots our folds; diamonds what is published.</p>
    ${tables.map((table) => onePart(context, table))}
  </section>`;
}

function onePart(context: ReportContext, table: PublishedTable): Markup {
  const { metrics, rows } = table;
  // A column of dashes would only take room where the two cannot be compared.
  const compared = rows.some(({ values }) => Object.values(values).some((value) => differenceOf(value)));
  return markup`<h3>${name(table.title)}</h3>
    <p>Published: ${prose(table.source)}. ${prose(table.note ?? '')}</p>
    <div class="scroll">
      <table ${compared && metrics.length > 2 ? TIGHT : ''}>
        <thead>
          <tr>
            <th scope="col"></th>
            ${metrics.map(
              (metric) =>
                markup`<th scope="col" class="number">${name(metric.name)}, ours</th>
                  <th scope="col" class="number">published</th>
                  ${compared && markup`<th scope="col" class="number">difference</th>`}`,
            )}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              markup`<tr>
                <th scope="row">${name(row.label)}</th>
                ${metrics.map(({ id }) => cells(row.values[id], compared, formatOf(rows, id)))}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <div class="figures">${metrics.map((metric) => metricFigure(context, table, metric))}</div>`;
}

/** Spreads and intervals below their numbers, so that many columns fit beside each other. */
const TIGHT = trusted('class="tight"');

type Value = PublishedTable['rows'][number]['values'][string];

type Format = (value: number | null | undefined) => string;

/** Shares all to three decimals; a column of seconds or megabytes to three digits. */
function formatOf(rows: PublishedTable['rows'], id: string): Format {
  const all = rows.flatMap(({ values }) => [values[id]?.published?.mean, valueOf(foldSummary(values[id]?.ours).mean)]);
  return all.every((value) => !isNumber(value) || Math.abs(value) <= 1) ? formatValue : formatAny;
}

function cells(value: Value = {}, compared: boolean, format: Format): Markup {
  const { mean, std } = foldSummary(value.ours);
  const { published } = value;
  return markup`<td class="number">${withSpread(valueOf(mean), valueOf(std), format)}</td>
    <td class="number">${withSpread(published?.mean, published?.std, format)}</td>
    ${compared && markup`<td class="number">${withInterval(differenceOf(value), format)}</td>`}`;
}

/** What is given, else that of the means. */
function differenceOf(value: Value): Value['difference'] {
  if (Object.hasOwn(value, 'difference')) return value.difference;
  const mean = valueOf(foldSummary(value.ours).mean);
  return value.published && mean !== null ? { value: mean - value.published.mean } : undefined;
}

function withInterval(difference: Value['difference'], format: Format): Content {
  if (!difference) return '–';
  const { value, interval } = difference;
  const range =
    interval &&
    markup` <span class="spread">[${signed(interval.lower, format)}, ${signed(interval.upper, format)}]</span>`;
  return markup`${signed(value, format)}${range}`;
}

function withSpread(mean: number | null | undefined, std: number | null | undefined, format: Format): Content {
  if (!isNumber(mean)) return '–';
  return markup`${format(mean)}${isNumber(std) && markup` <span class="spread">± ${format(std)}</span>`}`;
}

function signed(difference: number | null, format: Format): string {
  const text = format(difference);
  return isNumber(difference) && difference > 0 ? `+${text}` : text;
}

/** Only of rows that we have: a figure of theirs alone compares nothing. */
function metricFigure(context: ReportContext, { rows }: PublishedTable, { id, name: metric }: Named): Content {
  const drawn = rows.flatMap(({ label, values }) => {
    const { ours, published } = values[id] ?? {};
    return ours ? [{ label, values: ours, reference: published?.mean }] : [];
  });
  if (drawn.length === 0 || drawn.length > 24) return null;
  return figureMarkup(comparisonFigure({ title: metric, rows: drawn }, context.figure));
}

type Named = PublishedTable['metrics'][number];
