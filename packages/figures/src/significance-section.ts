import { markup, type Content, type Markup } from './markup.js';
import { name, prose, protocolBadges, simulatedBadge, type ReportContext } from './report-context.js';
import type { SignificanceTest } from './report-data.js';
import { formatCount, formatP, formatValue, reasonOf, valueOf } from './text.js';

/** Paired tests between models, a table a group; many of them are not corrected for being many, and the section says so. */
export function significanceSection(context: ReportContext): Content {
  const { tests = [], testsNote } = context.data;
  if (tests.length === 0) return null;
  const groups = [...new Set(tests.map(({ group }) => group))];
  const shared = sharedBy(context, tests);
  return markup`<section id="significance">
    <h2>Differences between models${simulatedBadge(context)}${shared.badges.heading}</h2>
    <p>
      Paired: both models are judged on the same test cases. p values are not corrected for the number of
      comparisons${tests.length > 1 && ` (${formatCount(tests.length)} here): with no difference anywhere, one in twenty would still be below 0.05`}.
      ${shared.metric !== undefined && `Differences are of the ${name(shared.metric)}.`}
      ${shared.method !== undefined && `Test: ${prose(shared.method)}.`}
    </p>
    ${testsNote !== undefined && markup`<p>${prose(testsNote)}</p>`}
    ${groups.map((group) => {
      const own = tests.filter((test) => test.group === group);
      return markup`${group !== undefined && markup`<h3>${name(group)}</h3>`} ${testTable(own, shared)}`;
    })}
  </section>`;
}

interface Shared {
  metric?: string;
  method?: string;
  badges: ReturnType<typeof protocolBadges<SignificanceTest>>;
}

/** What all tests have in common is said once. */
function sharedBy(context: ReportContext, tests: readonly SignificanceTest[]): Shared {
  const [first] = tests as [SignificanceTest];
  const same = (key: 'metric' | 'method') => tests.length > 1 && tests.every((test) => test[key] === first[key]);
  return {
    ...(same('metric') ? { metric: first.metric } : {}),
    ...(same('method') ? { method: first.method } : {}),
    badges: protocolBadges(context, tests),
  };
}

function testTable(tests: readonly SignificanceTest[], shared: Shared): Markup {
  return markup`<div class="scroll">
    <table class="stacked">
      <thead>
        <tr>
          <th scope="col">comparison</th>
          ${shared.metric === undefined && markup`<th scope="col">metric</th>`}
          ${shared.method === undefined && markup`<th scope="col">method</th>`}
          <th scope="col" class="number">difference</th>
          <th scope="col" class="number">95 % interval</th>
          <th scope="col" class="number">p</th>
        </tr>
      </thead>
      <tbody>
        ${tests.map((test) => testRow(test, shared))}
      </tbody>
    </table>
  </div>`;
}

function testRow(test: SignificanceTest, shared: Shared): Markup {
  const { first, second, relation, metric, method, difference, interval, p } = test;
  const p0 = valueOf(p);
  return markup`<tr>
    <th scope="row">
      ${name(second)} − ${name(first)}${shared.badges.of(test)}
      ${relation !== undefined && markup`<span class="relation">${name(relation)}</span>`}
      ${p0 === null && markup`<span class="relation">no p: ${prose(reasonOf(p))}</span>`}
    </th>
    ${shared.metric === undefined && markup`<td class="words" data-label="metric">${name(metric)}</td>`}
    ${shared.method === undefined && markup`<td class="words" data-label="method">${prose(method)}</td>`}
    <td class="number" data-label="difference">${formatValue(valueOf(difference))}</td>
    <td class="number" data-label="95 % interval">
      ${interval ? `${formatValue(interval.lower)} to ${formatValue(interval.upper)}` : '–'}
    </td>
    <td class="number" data-label="p">${p0 === null ? '–' : formatP(p0).replace(/^p (= )?/, '')}</td>
  </tr>`;
}
