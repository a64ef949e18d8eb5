import { markup, type Content } from './markup.js';
import { name, prose, protocolBadge, protocolOf, simulatedBadge, type ReportContext } from './report-context.js';
import { formatP, formatValue, reasonOf, valueOf } from './text.js';

/** Paired tests between models; many of them are not corrected for being many, and the section says so. */
export function significanceSection(context: ReportContext): Content {
  const tests = context.data.tests ?? [];
  if (tests.length === 0) return null;
  return markup`<section id="significance">
    <h2>Differences between models${simulatedBadge(context)}</h2>
    <p>Paired: both models are judged on the same test cases. p values are not corrected for the number of comparisons.</p>
    <div class="scroll">
      <table class="stacked">
        <thead>
          <tr>
            <th scope="col">comparison</th>
            <th scope="col">metric</th>
            <th scope="col">method</th>
            <th scope="col" class="number">difference</th>
            <th scope="col" class="number">95 % interval</th>
            <th scope="col" class="number">p</th>
          </tr>
        </thead>
        <tbody>
          ${tests.map(
            (test) =>
              markup`<tr>
                <th scope="row">${name(test.second)} − ${name(test.first)}${protocolBadge(protocolOf(context, test.protocol))}</th>
                <td class="words" data-label="metric">${name(test.metric)}</td>
                <td class="words" data-label="method">${prose(test.method)}${valueOf(test.p) === null && `; none: ${prose(reasonOf(test.p))}`}</td>
                <td class="number" data-label="difference">${formatValue(valueOf(test.difference))}</td>
                <td class="number" data-label="95 % interval">
                  ${test.interval ? `${formatValue(test.interval.lower)} to ${formatValue(test.interval.upper)}` : '–'}
                </td>
                <td class="number" data-label="p">${valueOf(test.p) === null ? '–' : formatP(valueOf(test.p)).replace(/^p (= )?/, '')}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
