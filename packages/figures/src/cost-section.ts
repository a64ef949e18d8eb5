import { markup, type Content } from './markup.js';
import { name, type ReportContext } from './report-context.js';
import { formatAny, formatCount, formatDuration, isNumber } from './text.js';

/** What each model takes; a column that no model fills is left out. */
export function costSection({ data }: ReportContext): Content {
  const costs = data.costs ?? [];
  const columns = COLUMNS.filter(({ key }) => costs.some((cost) => isNumber(cost[key])));
  if (columns.length === 0) return null;
  const machines = [...new Set(costs.map(({ machine = data.run.backend }) => machine))];
  return markup`<section id="cost">
    <h2>Cost</h2>
    <p>Measured in this run, on ${machines.map((machine) => name(machine)).join('; ')}.</p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">model</th>
            ${columns.map(({ title }) => markup`<th scope="col" class="number">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${costs.map(
            (cost) =>
              markup`<tr>
                <th scope="row">${name(cost.model)}</th>
                ${columns.map(({ key, text }) => {
                  const value = cost[key];
                  return markup`<td class="number">${isNumber(value) ? text(value) : '–'}</td>`;
                })}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

const COLUMNS = [
  { key: 'parameters', title: 'parameters', text: (n: number) => formatCount(n) },
  {
    key: 'epochSeconds',
    title: 'training epoch',
    text: (s: number) => (s < 0.95 ? `${Number(s.toPrecision(2))} s` : formatDuration(s)),
  },
  { key: 'bagsPerSecond', title: 'bags predicted a second', text: formatAny },
  { key: 'peakMegabytes', title: 'peak memory, MB', text: formatAny },
  { key: 'processMegabytes', title: 'memory of the process, MB', text: formatAny },
] as const;
