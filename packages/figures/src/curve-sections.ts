import { markup, type Content } from './markup.js';
import { precisionRecallFigure } from './precision-recall-figure.js';
import { figureMarkup, name, prose, protocolBadges, simulatedBadge, type ReportContext } from './report-context.js';
import type { TrainingCurve } from './report-data.js';
import { rocFigure } from './roc-figure.js';
import { survivalFigure } from './survival-figure.js';
import { sweepFigure } from './sweep-figure.js';
import { isNumber, reasonOf, valueOf } from './text.js';
import { isTrainingThinned, trainingCurves } from './training-curves.js';

export function rocSection(context: ReportContext): Content {
  const curves = context.data.roc ?? [];
  if (curves.length === 0) return null;
  const badges = protocolBadges(context, curves);
  const thickOf = ({ pooled }: (typeof curves)[number]) =>
    pooled === undefined ? 'vertical mean of the folds' : 'scores of all folds pooled';
  const captions = curves.map(
    (roc) =>
      `Positive class: ${name(roc.positiveClass)}. Thin: test folds with their AUC; thick: ${thickOf(roc)}; dashed: chance.`,
  );
  const figures = curves.map((roc, i) => {
    const missing = roc.folds.flatMap(({ auc }, fold) =>
      valueOf(auc) === null ? [`Fold ${fold + 1} has no AUC: ${reasonOf(auc)}. `] : [],
    );
    return figureMarkup(rocFigure(roc, context.figure), markup`${own(captions, i)}${missing}${badges.of(roc)}`);
  });
  return markup`<section id="roc">
    <h2>ROC curves${simulatedBadge(context)}${badges.heading}</h2>
    ${common(captions)}
    <div class="figures">${figures}</div>
  </section>`;
}

export function precisionRecallSection(context: ReportContext): Content {
  const curves = context.data.precisionRecall ?? [];
  if (curves.length === 0) return null;
  const badges = protocolBadges(context, curves);
  const captions = curves.map(
    ({ positiveClass }) =>
      `Positive class: ${name(positiveClass)}. Thin: test folds with their average precision; thick: mean precision of the folds; dashed: the share of positive bags.`,
  );
  const figures = curves.map((each, i) => {
    const missing = each.folds.flatMap(({ averagePrecision }, fold) =>
      valueOf(averagePrecision) === null ? [`Fold ${fold + 1} has no curve: ${reasonOf(averagePrecision)}. `] : [],
    );
    return figureMarkup(
      precisionRecallFigure(each, context.figure),
      markup`${own(captions, i)}${missing}${badges.of(each)}`,
    );
  });
  return markup`<section id="precision-recall">
    <h2>Precision and recall${simulatedBadge(context)}${badges.heading}</h2>
    ${common(captions)}
    <div class="figures">${figures}</div>
  </section>`;
}

export function survivalSection(context: ReportContext): Content {
  const curves = context.data.survival ?? [];
  if (curves.length === 0) return null;
  const badges = protocolBadges(context, curves);
  const captions = curves.map(({ grouping }) => `${prose(grouping)} Dashed: 95 % band. Ticks: censored cases.`);
  const figures = curves.map((each, i) =>
    figureMarkup(
      survivalFigure(each, context.figure),
      markup`${own(captions, i)}${valueOf(each.logRank) === null && `No test: ${prose(reasonOf(each.logRank))}. `}${badges.of(each)}`,
    ),
  );
  return markup`<section id="survival">
    <h2>Survival by predicted risk${simulatedBadge(context)}${badges.heading}</h2>
    ${common(captions)}
    <div class="figures">${figures}</div>
  </section>`;
}

/** What all captions of a section say is said once, above the figures. */
function common(captions: readonly string[]): Content {
  return allAlike(captions) && markup`<p class="note">${captions[0]}</p>`;
}

/** A figure's own caption, where they differ. */
function own(captions: readonly string[], index: number): Content {
  return !allAlike(captions) && `${captions[index]} `;
}

function allAlike(captions: readonly string[]): boolean {
  return captions.every((caption) => caption === captions[0]);
}

export function sweepSection(context: ReportContext): Content {
  const sweeps = context.data.sweeps ?? [];
  if (sweeps.length === 0) return null;
  const figures = sweeps.map((sweep) => figureMarkup(sweepFigure(sweep, context.figure)));
  return markup`<section id="sweeps">
    <h2>Options${simulatedBadge(context)}</h2>
    <p class="note">Mean over the folds; the bar is the interval, mean ± standard deviation where none is given.</p>
    <div class="figures">${figures}</div>
  </section>`;
}

export function trainingSection(context: ReportContext): Content {
  const { data, detail } = context;
  const curves = (data.training ?? []).filter(({ folds }) => folds.length > 0);
  if (curves.length === 0) return null;
  const protocolNames = Object.fromEntries(data.protocols.map((protocol) => [protocol.id, protocol.name]));
  const shown = curves.slice(0, detail.maxTraining);
  const quantities = [...new Set(shown.map(({ quantity }) => quantity))].map((quantity) => {
    const alike = shown.filter((curve) => curve.quantity === quantity);
    const span = extremes(alike);
    const figures = alike.map((curve) =>
      figureMarkup(
        trainingCurves(curve, { ...context.figure, protocolNames, span }),
        isTrainingThinned(curve) && 'Long lines are thinned evenly.',
      ),
    );
    return markup`<h3>${name(quantity)}</h3>
      <div class="figures">${figures}</div>`;
  });
  const rest =
    shown.length < curves.length &&
    markup`<p class="note">${shown.length} of ${curves.length} figures are shown, to keep this file small.</p>`;
  return markup`<section id="training">
    <h2>Training curves${simulatedBadge(context)}</h2>
    ${rest}
    <p class="note">A line a fold.</p>
    ${quantities}
  </section>`;
}

/** Lowest and highest value of all folds. */
function extremes(curves: readonly TrainingCurve[]): number[] {
  const values = curves.flatMap(({ folds }) => folds.flatMap((fold) => Array.from(fold.values).filter(isNumber)));
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  return values.length === 0 ? [] : [least, values.reduce((a, b) => Math.max(a, b), least)];
}
