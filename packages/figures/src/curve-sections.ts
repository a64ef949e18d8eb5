import { html, type Content } from './html.js';
import { figureMarkup, name, protocolBadge, protocolOf, simulatedBadge, type ReportContext } from './report-context.js';
import { rocFigure } from './roc-figure.js';
import { reasonOf, valueOf } from './text.js';
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
      html`Positive class: ${name(roc.positiveClass)}. Thin: test folds with their AUC; thick: ${thick}; dashed: chance. ${missing}${protocolBadge(protocolOf(context, roc.protocol))}${simulatedBadge(context)}`,
    );
  });
  return html`<section id="roc"><h2>ROC curves${simulatedBadge(context)}</h2><div class="figures">${figures}</div></section>`;
}

export function trainingSection(context: ReportContext): Content {
  const { data, detail } = context;
  const curves = (data.training ?? []).filter(({ folds }) => folds.length > 0);
  if (curves.length === 0) return null;
  const protocolNames = Object.fromEntries(data.protocols.map((protocol) => [protocol.id, protocol.name]));
  const shown = curves.slice(0, detail.maxTraining);
  const figures = shown.map((curve) =>
    figureMarkup(
      trainingCurves(curve, { ...context.figure, protocolNames }),
      html`${name(curve.model)}: ${name(curve.quantity)}, a line a fold.${isTrainingThinned(curve) && ' Long lines are thinned evenly.'}${simulatedBadge(context)}`,
    ),
  );
  const rest =
    shown.length < curves.length &&
    html`<p class="note">${shown.length} of ${curves.length} figures are shown, to keep this file small.</p>`;
  return html`<section id="training"><h2>Training curves${simulatedBadge(context)}</h2>${rest}<div class="figures">${figures}</div></section>`;
}
