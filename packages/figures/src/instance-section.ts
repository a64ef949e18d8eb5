import { html, type Content } from './html.js';
import { labelMap, scoreMap } from './instance-map.js';
import { figureMarkup, name, prose, simulatedBadge, type ReportContext } from './report-context.js';
import type { BagView, InstanceScores } from './report-data.js';
import { leftOutText, scoreHistogram } from './score-histogram.js';
import { scoreRanking } from './score-ranking.js';
import { formatCount, formatValue, reasonOf, valueOf } from './text.js';

/** Bag by bag: maps beside the known labels where there are coordinates, rankings where there are none, distributions by known label. */
export function instanceSection(context: ReportContext): Content {
  const bags = context.data.bags ?? [];
  if (bags.length === 0) return null;
  const shown = bags.slice(0, context.detail.maxBags);
  const rest =
    shown.length < bags.length &&
    html`<p class="note">${shown.length} of ${bags.length} bags are shown, to keep this file small.</p>`;
  return html`<section id="instances"><h2>Instance scores${simulatedBadge(context)}</h2>
<p>What each model makes of the single instances of a few bags. Maps are coloured by percentile within the bag, so every bag, a negative one too, has bright places; compare the ranking with the known labels, not the brightness of two bags.</p>
${scoreDefinitions(shown)}${rest}
${shown.map((bag) => bagMarkup(context, bag))}</section>`;
}

function scoreDefinitions(bags: readonly BagView[]): Content {
  const definitions = new Map<string, InstanceScores>();
  for (const { scores } of bags) {
    for (const score of scores) definitions.set([score.name, score.description, score.className].join('\n'), score);
  }
  return html`<dl class="definitions">${[...definitions.values()].map(
    (score) => html`<dt>${name(score.name)}</dt><dd>${prose(score.description)} A high score speaks for: ${name(score.className)}.</dd>`,
  )}</dl>`;
}

function bagMarkup(context: ReportContext, view: BagView): Content {
  const instances = view.scores[0]?.values.length ?? 0;
  const facts = [
    `label: ${name(view.label)}`,
    view.fold === undefined ? null : `test set of fold ${view.fold}`,
    `${formatCount(instances)} instance${instances === 1 ? '' : 's'}`,
  ].filter((fact) => fact !== null);
  const known =
    view.instanceLabels === undefined
      ? 'No instance labels are known for this bag: the scores cannot be checked here.'
      : view.instanceClasses?.source === undefined
        ? ''
        : `Instance labels: ${prose(view.instanceClasses.source)}.`;
  return html`<article class="bag"><h3>${name(view.bag)}${simulatedBadge(context)}</h3><p>${facts.join(' · ')}. ${known}</p>
<div class="figures">${knownFigure(context, view)}${view.scores.map((scores) => scoreFigures(context, view, scores))}</div></article>`;
}

function knownFigure(context: ReportContext, { coords, patchSize, micronsPerUnit, instanceLabels, instanceClasses }: BagView): Content {
  if (coords === undefined || instanceLabels === undefined) return null;
  const { svg, isMerged, marks } = labelMap(
    { title: 'Known labels', coords, patchSize, micronsPerUnit, labels: instanceLabels, classes: instanceClasses },
    { ...context.figure, maxMarks: context.detail.maxMarks },
  );
  const merged = isMerged && ` Drawn as ${formatCount(marks)} cells; a cell is positive when one of its instances is.`;
  return figureMarkup(svg, html`What is known of the instances.${merged}`);
}

function scoreFigures(context: ReportContext, view: BagView, scores: InstanceScores): Content {
  const { coords, patchSize, micronsPerUnit, instanceLabels: labels, instanceClasses: classes } = view;
  const scored = { title: scores.model, scores: scores.values, scoreName: scores.name, labels, classes };
  const outcome = html`${verdict(scores)}${leftOutText(scores.values)}`;
  const histogram =
    labels !== undefined && scores.values.length >= 30
      ? figureMarkup(
          scoreHistogram({ ...scored, title: `${scores.model}: distribution` }, context.figure),
          html`Share of the instances of each known label. ${instanceAuc(scores, labels !== undefined)}`,
        )
      : null;
  if (coords === undefined) {
    const ranking = scoreRanking(scored, context.figure);
    const caption = html`Instances ranked by ${name(scores.name)}. ${outcome} ${histogram === null && instanceAuc(scores, labels !== undefined)}`;
    return [figureMarkup(ranking, caption), histogram];
  }
  const { svg, isMerged, marks } = scoreMap(
    { title: scores.model, coords, patchSize, micronsPerUnit, scores: scores.values, scoreName: scores.name },
    { ...context.figure, maxMarks: context.detail.maxMarks },
  );
  const merged = isMerged && ` Drawn as ${formatCount(marks)} cells, each with its highest score.`;
  const caption = html`${name(scores.name)} for ${name(scores.className)}. ${outcome}${merged} ${histogram === null && instanceAuc(scores, labels !== undefined)}`;
  return [figureMarkup(svg, caption), histogram];
}

function verdict({ predicted }: InstanceScores): string {
  if (predicted === undefined) return '';
  const { label, probability } = predicted;
  return `Predicted: ${name(label)}${probability === undefined ? '' : `, probability ${formatValue(probability)}`}. `;
}

function instanceAuc({ instanceAuc: auc }: InstanceScores, isKnown: boolean): string {
  if (auc === undefined) return isKnown ? '' : 'No instance labels are known.';
  const value = valueOf(auc);
  return value === null ? `Instance AUC: – (${reasonOf(auc)}).` : `Instance AUC: ${formatValue(value)}.`;
}
