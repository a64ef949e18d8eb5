import { markup, type Content, type Markup } from './markup.js';
import { name, paragraphs, prose, simulatedBadge, type ReportContext } from './report-context.js';
import { cleanText, formatCount, formatDuration } from './text.js';

/** Title, data set and run at a glance. */
export function headerSection(context: ReportContext): Markup {
  const { title, dataSet, run } = context.data;
  const origin = context.isSimulated
    ? markup`<span class="badge simulated">simulated data</span>`
    : markup`<span class="badge real">real data</span>`;
  const classes = dataSet.classes?.map((each) => `${formatCount(each.bags)} ${name(each.name)}`).join(', ');
  const facts: [string, Content][] = [
    ...(dataSet.bags === 0
      ? []
      : [['bags', [formatCount(dataSet.bags), classes !== undefined && ` (${classes})`]] as [string, Content]]),
    ...(dataSet.instances === undefined ? [] : [['instances', formatCount(dataSet.instances)] as [string, Content]]),
    ...(dataSet.width === undefined ? [] : [['features', formatCount(dataSet.width)] as [string, Content]]),
    ['folds', formatCount(dataSet.folds)],
    ['seed', name(run.seed)],
    ['backend', name(run.backend)],
    ['date', markup`<time>${dateText(run.date)}</time>`],
  ];
  return markup`<header>
    <h1>${name(title)}</h1>
    <p class="data-set"><strong>${name(dataSet.name)}</strong> ${origin}</p>
    ${context.isSimulated && markup`<p class="warning">All numbers and pictures here are of simulated data. They say nothing about patients.</p>`}
    ${dataSet.description !== undefined && markup`<p>${prose(dataSet.description)}</p>`}
    ${dataSet.source !== undefined && markup`<p class="note">Source: ${prose(dataSet.source)}</p>`}
    <dl class="facts">
      ${facts.map(
        ([term, value]) =>
          markup`<div>
            <dt>${term}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
  </header>`;
}

/** What the reader must know to judge the numbers. */
export function notesSection(context: ReportContext): Content {
  const { notes = [] } = context.data;
  if (notes.length === 0) return null;
  return markup`<section id="notes">
    <h2>Notes${simulatedBadge(context)}</h2>
    ${notes.map(
      ({ title, text }) =>
        markup`<h3>${name(title)}</h3>
          ${paragraphs(text)}`,
    )}
  </section>`;
}

/** All that is needed to make the run again. */
export function runSection({ data: { run } }: ReportContext): Markup {
  const versions = Object.entries(run.versions);
  return markup`<section id="run">
    <h2>Run</h2>
    <h3>Command</h3>
    <pre>${cleanText(run.command, 4000)}</pre>
    <div class="columns">
      ${
        run.durations.length > 0 &&
        markup`<div>
          <h3>Durations</h3>
          <table>
            ${run.durations.map(
              (step) =>
                markup`<tr>
                  <th scope="row">${name(step.name)}</th>
                  <td class="number">${formatDuration(step.seconds)}</td>
                </tr>`,
            )}
          </table>
        </div>`
      }
      <div>
        <h3>Versions</h3>
        <table>
          ${versions.map(
            ([key, version]) =>
              markup`<tr>
                <th scope="row">${name(key)}</th>
                <td>${name(version)}</td>
              </tr>`,
          )}
        </table>
      </div>
    </div>
    <details>
      <summary>Configuration</summary>
      <pre>${configText(run.config)}</pre>
    </details>
  </section>`;
}

/** Readable where the date is ISO 8601 in UTC, as it is otherwise. */
function dateText(date: string): string {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*Z$/.exec(date);
  return parts === null ? name(date) : `${parts[1]} ${parts[2]} UTC`;
}

function configText(config: unknown): string {
  // A configuration that JSON cannot hold must not cost the reader the whole report.
  try {
    return cleanText(JSON.stringify(config, null, 2) ?? '–', 20_000);
  } catch (error) {
    return `cannot be written as JSON: ${String(error)}`;
  }
}
