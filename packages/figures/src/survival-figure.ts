import { axis, chartFigure, heading, legend } from './chart.js';
import { checkSurvivalCurves } from './check-report-data.js';
import type { SurvivalCurves, SurvivalGroup } from './report-data.js';
import type { FigureOptions } from './svg.js';
import { formatP, labelText, valueOf } from './text.js';
import { seriesColour, theme } from './theme.js';

/**
 * Kaplan–Meier curves of groups of cases: steps with their confidence band (thin lines), a tick where a case is censored, the cases still
 * at risk below, the log-rank test's p under the heading.
 * @throws FigureError `data` for lists of different lengths or survival outside [0, 1]
 */
export function survivalFigure(curves: SurvivalCurves, options: FigureOptions = {}): string {
  checkSurvivalCurves(curves, 'survival');
  const colours = theme(options.theme);
  const { model, groups, logRank, unit } = curves;
  const p = formatP(valueOf(logRank));
  const last = Math.max(0, ...groups.flatMap(({ times }) => Array.from(times)));
  const step = tickStep(last);
  const ticks = Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
  const entries = groups.map(({ name }, i) => ({ series: `group-${i}`, label: name }));
  const foot = legend(entries, { columns: Math.min(Math.max(groups.length, 1), 3), look: 'lines' }, options);
  const xAxis = axis({ name: unit ? `time (${unit})` : 'time' }, options);
  const riskRows = 16 * (groups.length + 1);
  const plot = 230;

  return chartFigure(
    {
      height: 46 + plot + 44 + riskRows + foot.height,
      title: `Survival by ${model}`,
      description: `Log-rank ${p}. ${groups.map(description).join(' ')}`,
      option: {
        title: heading(model, options, `log-rank ${p}`),
        legend: foot.component,
        grid: { left: 52, right: 18, top: 46, bottom: 44 + riskRows + foot.height },
        xAxis: {
          type: 'value',
          min: 0,
          max: last || 1,
          interval: step,
          ...xAxis,
          // The last time is no tick: its label would stand between them and over no count.
          axisLabel: { ...xAxis.axisLabel, showMaxLabel: last % step === 0 },
          splitLine: { show: false },
        },
        yAxis: { type: 'value', min: 0, max: 1, ...axis({ name: 'survival', gap: 34 }, options) },
        series: groups.flatMap((group, i) => {
          const colour = seriesColour(colours, i);
          return [
            curve(`group-${i}`, steps(group.times, group.survival), colour, 2),
            ...(['lower', 'upper'] as const).flatMap((bound) => {
              const values = group[bound];
              return values ? [curve(`${bound}-${i}`, steps(group.times, values), colour, 0.7)] : [];
            }),
            {
              type: 'scatter',
              name: `censored-${i}`,
              symbol: 'rect',
              symbolSize: [1.4, 8],
              itemStyle: { color: colour, opacity: 1 },
              data: Array.from(group.censored ?? [], (time) => [time, survivalAt(group, time)]),
            },
            ...atRiskLabels(group, i, { ticks, plot, colour, muted: colours.muted }),
          ];
        }),
      },
    },
    options,
  );
}

type Point = [time: number, survival: number];

function curve(name: string, data: readonly Point[], colour: string, width: number) {
  const lineStyle = { color: colour, width, ...(width < 1 ? { type: 'dashed', opacity: 0.7 } : {}) };
  return { type: 'line', name, data, color: colour, showSymbol: false, symbol: 'none', clip: true, lineStyle };
}

function steps(times: ArrayLike<number>, values: ArrayLike<number>): Point[] {
  const points: Point[] = [[0, 1]];
  for (let i = 0; i < times.length; i++) {
    const [time, value] = [times[i] as number, values[i] as number];
    points.push([time, (points.at(-1) as Point)[1]], [time, value]);
  }
  return points;
}

function survivalAt({ times, survival }: SurvivalGroup, time: number): number {
  let alive = 1;
  for (let i = 0; i < times.length && (times[i] as number) <= time; i++) alive = survival[i] as number;
  return alive;
}

/** Numbers below the plot: marks without size whose labels are the counts. */
function atRiskLabels(
  { name, times, atRisk }: SurvivalGroup,
  row: number,
  { ticks, plot, colour, muted }: { ticks: readonly number[]; plot: number; colour: string; muted: string },
) {
  const below = (line: number) => -(48 + 16 * line) / plot;
  const text = (x: number, y: number, content: string, position: 'inside' | 'right', inked = colour) => ({
    value: [x, y],
    label: { show: true, position, distance: 0, formatter: () => content, color: inked, fontSize: 11 },
  });
  const counts = ticks.map((time) => text(time, below(row + 1), String(countAt(times, atRisk, time)), 'inside'));
  const caption = row === 0 ? [text(0, below(0), 'cases at risk', 'right', muted)] : [];
  const data = [...caption, ...counts];
  return [{ type: 'scatter', name: `at-risk-${labelText(name)}`, symbolSize: 0, clip: false, data }];
}

/** Cases at risk just before a time: those of the first event or censoring not before it. */
function countAt(times: ArrayLike<number>, atRisk: ArrayLike<number>, time: number): number {
  for (let i = 0; i < times.length; i++) if ((times[i] as number) >= time) return atRisk[i] as number;
  return 0;
}

/** About five ticks at 1, 2 or 5 times a power of ten. */
function tickStep(last: number): number {
  if (last <= 0) return 1;
  const rough = last / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
}

function description({ name, times, survival, atRisk }: SurvivalGroup): string {
  const median = Array.from(survival).findIndex((alive) => alive <= 0.5);
  const half = median < 0 ? 'not reached' : String(times[median]);
  return `${name}: ${atRisk[0] ?? 0} cases, median survival ${half}.`;
}
