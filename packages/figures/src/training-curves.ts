import { axis, chartFigure, heading, legend, type LegendEntry } from './chart.js';
import { checkTrainingCurve } from './check-report-data.js';
import type { TrainingCurve } from './report-data.js';
import type { FigureOptions } from './svg.js';
import { formatValue, isNumber } from './text.js';
import { seriesColour, theme } from './theme.js';
import { thinned } from './thin.js';

export interface TrainingOptions extends FigureOptions {
  /** Names of protocols by id, for the legend of the chosen epochs. */
  protocolNames?: Readonly<Record<string, string>>;
  /** Values that the axis has to hold beside the curve's own, so that figures of several models can share a scale. */
  span?: readonly number[];
}

/**
 * One quantity of one model over the epochs: a line a fold, each protocol's chosen epoch marked on it.
 * Lines of more than 300 epochs are thinned evenly, see {@link isTrainingThinned}.
 * @throws FigureError `data` for epochs and values of different lengths
 */
export function trainingCurves(curve: TrainingCurve, options: TrainingOptions = {}): string {
  checkTrainingCurve(curve, 'training');
  const colours = theme(options.theme);
  const lines = curve.folds.map((_, fold) => linePoints(curve, fold));
  const protocols = [...new Set(curve.folds.flatMap(({ chosen = [] }) => chosen.map(({ protocol }) => protocol)))];
  const symbols = protocols.map((protocol, i) => ({
    protocol,
    name: `chosen-${i}`,
    symbol: SYMBOLS[i % SYMBOLS.length] as string,
    label: `epoch chosen: ${options.protocolNames?.[protocol] ?? protocol}`,
  }));
  const marks: LegendEntry[] = symbols.map(({ name, label }) => ({ series: name, label }));
  const foldLegend = legend(
    curve.folds.slice(0, 12).map((_, i) => ({ series: `fold-${i}`, label: `fold ${i + 1}` })),
    { columns: 5, look: 'lines' },
    options,
  );
  const markLegend = legend(marks, { look: 'marks' }, options);
  const all = lines.flat().map(([, value]) => value);
  const values = all.filter(isNumber);
  const isShare =
    values.length > 0 && values.every((value) => value >= 0 && value <= 1) && !/loss/i.test(curve.quantity);

  return chartFigure(
    {
      height: 250 + foldLegend.height + markLegend.height,
      title: `${curve.quantity} of ${curve.model}`,
      description: curve.folds.map((_, fold) => foldDescription(lines[fold] ?? [], fold)).join(' '),
      option: {
        title: heading(curve.model, options),
        legend: [{ ...markLegend.component, bottom: foldLegend.height + 2 }, foldLegend.component].filter(
          ({ data }) => data.length > 0,
        ),
        grid: { left: 52, right: 14, top: 30, bottom: 44 + foldLegend.height + markLegend.height },
        xAxis: {
          type: 'value',
          min: 'dataMin',
          max: 'dataMax',
          minInterval: 1,
          ...axis({ name: 'epoch' }, options),
          splitLine: { show: false },
        },
        yAxis: {
          type: 'value',
          scale: true,
          ...(isShare ? { max: 1 } : {}),
          ...axis({ name: curve.quantity, gap: 36 }, options),
        },
        series: [
          spanSeries(lines, options.span ?? []),
          ...lines.map((data, i) => ({
            type: 'line',
            name: `fold-${i}`,
            data: data.map(([epoch, value]) => [epoch, value ?? '-']),
            color: seriesColour(colours, i),
            showSymbol: data.length === 1,
            symbol: data.length === 1 ? 'circle' : 'none',
            symbolSize: 5,
            lineStyle: { color: seriesColour(colours, i), width: 1.4, opacity: 0.85 },
          })),
          ...symbols.map(({ protocol, name, symbol }) => ({
            type: 'scatter',
            name,
            symbol,
            symbolSize: symbol === 'circle' ? 8 : 9,
            z: 5,
            color: colours.ink,
            itemStyle: { color: colours.ink, opacity: 1 },
            data: chosenPoints(curve, lines, protocol).map(({ fold, point }) => ({
              value: point,
              itemStyle: { color: seriesColour(colours, fold), borderColor: colours.ink, borderWidth: 1.2, opacity: 1 },
            })),
          })),
        ],
      },
    },
    options,
  );
}

/** Whether lines are too long to be drawn whole, for the caption. */
export function isTrainingThinned(curve: TrainingCurve): boolean {
  return curve.folds.some(({ epochs }) => epochs.length > MOST_EPOCHS);
}

type Point = [epoch: number, value: number | null];

const MOST_EPOCHS = 300;
const SYMBOLS = ['circle', 'diamond', 'triangle', 'rect'] as const;

function linePoints({ folds }: TrainingCurve, fold: number): Point[] {
  const { epochs, values, chosen = [] } = folds[fold] as TrainingCurve['folds'][number];
  const points = Array.from(epochs, (epoch, i): Point => {
    const value = values[i];
    return [epoch, isNumber(value) ? value : null];
  });
  const marked = new Set(chosen.map(({ epoch }) => epoch));
  return thinned(points, MOST_EPOCHS, ([epoch]) => marked.has(epoch)).kept;
}

/** Marks without size: they take part in the choice of the axis' ends only. */
function spanSeries(lines: readonly Point[][], span: readonly number[]) {
  const epoch = lines.find((line) => line.length > 0)?.[0]?.[0] ?? 0;
  return { type: 'scatter', name: 'span', symbolSize: 0, data: span.filter(isNumber).map((value) => [epoch, value]) };
}

function chosenPoints(
  { folds }: TrainingCurve,
  lines: readonly Point[][],
  protocol: string,
): { fold: number; point: Point }[] {
  return folds.flatMap(({ chosen = [] }, fold) =>
    chosen.flatMap((choice) => {
      const point = lines[fold]?.find(([epoch, value]) => epoch === choice.epoch && value !== null);
      return choice.protocol === protocol && point !== undefined ? [{ fold, point }] : [];
    }),
  );
}

function foldDescription(points: readonly Point[], fold: number): string {
  const measured = points.filter(([, value]) => value !== null);
  const [first, last] = [measured[0], measured.at(-1)];
  if (first === undefined || last === undefined) return `Fold ${fold + 1}: no values.`;
  return `Fold ${fold + 1}: ${formatValue(first[1])} at epoch ${first[0]}, ${formatValue(last[1])} at epoch ${last[0]}.`;
}
