import { markup, type Content } from './markup.js';
import { figureMarkup, name, protocolBadge, protocolOf, simulatedBadge, type ReportContext } from './report-context.js';
import { rocFigure } from './roc-figure.js';
import type { TrainingCurve } from './report-data.js';
import { isNumber, reasonOf, valueOf } from './text.js';
import { isTrainingThinned, trainingCurves } from './training-curves.js';

export function rocSection(context: ReportContext): Content {
  const curves = context.data.roc ?? [];
  if (curves.length === 0) return null;
  const figures = curves.map((roc) => {
    const thick = roc.pooled === undefined ? 'vertical mean of the folds' : 'scores of all folds pooled';
    const missing = roc.folds.flatMap(({ auc }, i) =>
      valueOf(auc) === null ? [`Fold ${i + 1} has no AUC: ${reasonOf(auc)}. `] : [],
    );
    return figureMarkup(
      rocFigure(roc, context.figure),
      markup`Positive class: ${name(roc.positiveClass)}. Thin: test folds with their AUC; thick: ${thick}; dashed: chance.
      ${missing}${protocolBadge(protocolOf(context, roc.protocol))}`,
    );
  });
  return markup`<section id="roc">
    <h2>ROC curves${simulatedBadge(context)}</h2>
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
