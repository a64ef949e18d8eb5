import { markup, type Content } from './markup.js';
import { labelMap, scoreMap } from './instance-map.js';
import { figureMarkup, name, prose, simulatedBadge, type ReportContext } from './report-context.js';
import type { BagView, InstanceScores } from './report-data.js';
import { patchMap, WORDS } from './patch-map.js';
import { leftOutText, scoreHistogram, type ScoredInstances } from './score-histogram.js';
import { scoreRanking } from './score-ranking.js';
import { formatCount, formatValue, reasonOf, valueOf } from './text.js';

/** Bag by bag: maps beside the known labels where there are coordinates, rankings where there are none, distributions by known label. */
export function instanceSection(context: ReportContext): Content {
  const bags = context.data.bags ?? [];
  if (bags.length === 0) return null;
  const shown = bags.slice(0, context.detail.maxBags);
  const rest =
    shown.length < bags.length &&
    markup`<p class="note">${shown.length} of ${bags.length} bags are shown, to keep this file small.</p>`;
  return markup`<section id="instances">
    <h2>Instance scores${simulatedBadge(context)}</h2>
    <p>
      What each model makes of the single instances of a few bags. Maps are coloured by percentile within the bag, so
      every bag, a negative one too, has bright places; compare the ranking with the known labels, not the brightness of
      two bags.
    </p>
    ${scoreDefinitions(shown)}${colourDefinitions(shown)}${rest} ${shown.map((bag) => bagMarkup(context, bag))}
  </section>`;
}

function scoreDefinitions(bags: readonly BagView[]): Content {
  const definitions = new Map<string, InstanceScores>();
  for (const { scores } of bags) {
    for (const score of scores) definitions.set([score.name, score.description, score.className].join('\n'), score);
  }
  return markup`<dl class="definitions">
    ${[...definitions.values()].map(
      (score) =>
        markup`<dt>${name(score.name)}</dt>
          <dd>
            ${prose(score.description)}${score.style !== 'masked' && ` A high score speaks for: ${name(score.className)}.`}
          </dd>`,
    )}
  </dl>`;
}

/** What the colours of painted maps say, where there are such. */
function colourDefinitions(bags: readonly BagView[]): Content {
  const styles = new Set(bags.filter(isPainted).flatMap(({ scores }) => scores.flatMap(({ style }) => style ?? [])));
  if (styles.size === 0) return null;
  const outlined = bags.some((view) => isPainted(view) && view.instanceLabels !== undefined);
  const terms = [
    ...(styles.has('brightness') ? [['Brightness', WORDS.brightness]] : []),
    ...(styles.has('cyan') ? [['Cyan', WORDS.cyan]] : []),
    ...(styles.has('masked') ? [['Black', WORDS.masked]] : []),
    ...(outlined ? [['Blue', 'outline of the patches that are known to be positive']] : []),
  ];
  return markup`<dl class="definitions">
    ${terms.map(
      ([term, text]) =>
        markup`<dt>${term}</dt>
          <dd>${text}</dd>`,
    )}
  </dl>`;
}

/** Whether a bag's maps are painted as in the paper, side by side for each model. */
function isPainted({ coords, scores }: BagView): boolean {
  return coords !== undefined && scores.some(({ style = 'scale' }) => style !== 'scale');
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
  const each = (figure: typeof placeFigure) =>
    view.scores.filter(({ style }) => style !== 'masked').map((scores) => figure(context, view, scores));
  return markup`<article class="bag">
    <h3>${name(view.bag)}${simulatedBadge(context)}</h3>
    <p>${facts.join(' · ')}. ${known}</p>
    ${
      isPainted(view)
        ? markup`<div class="models">${paintedModels(context, view)}</div>`
        : markup`<div class="figures">${knownFigure(context, view)}${each(placeFigure)}</div>
            <div class="figures">${each(distributionFigure)}</div>`
    }
  </article>`;
}

/** A heading a model, and below it what it makes of the bag. */
function paintedModels(context: ReportContext, view: BagView): Content {
  const models = [...new Set(view.scores.map(({ model }) => model))];
  const scoresOf = (model: string) => view.scores.filter((scores) => scores.model === model);
  // As many columns for every model, so that maps of all are of one size.
  const most = Math.max(...models.map((model) => scoresOf(model).length));
  return models.map((model) => {
    const own = scoresOf(model);
    const said = own.find(({ predicted }) => predicted !== undefined);
    return markup`<div>
      <h4>${name(model)}</h4>
      ${said && markup`<p class="note">${verdict(said)}</p>`}
      <div class="maps${most > 2 && ' three'}">${own.map((scores) => paintedFigure(context, view, scores))}</div>
    </div>`;
  });
}

function paintedFigure(context: ReportContext, view: BagView, scores: InstanceScores): Content {
  const { style = 'scale', centre, values, model } = scores;
  if (style === 'scale') return placeFigure(context, view, scores);
  const { coords = [], patchSize, instanceLabels } = view;
  const title = `${model}: ${scores.name}`;
  const options = { ...context.figure, width: PAINTED_WIDTH, maxMarks: context.detail.maxMarks };
  const { svg, isMerged, marks } = patchMap(
    { title, coords, patchSize, scores: values, style, centre, labels: instanceLabels },
    options,
  );
  const masked = Array.from(values).filter((value) => value === 1).length;
  const count = style === 'masked' && `: ${formatCount(masked)} of ${formatCount(values.length)}`;
  const merged = isMerged && ` Drawn as ${formatCount(marks)} cells.`;
  // That a negative bag has no positive instance need not be said of every map.
  const auc = valueOf(scores.instanceAuc) !== null && instanceAuc(view, scores);
  return figureMarkup(svg, markup`${name(scores.name)}${count}. ${leftOutText(values)} ${auc}${merged}`);
}

/** Two maps of a model beside each other on a phone, four on a desktop. */
const PAINTED_WIDTH = 280;

function knownFigure(
  context: ReportContext,
  { coords, patchSize, micronsPerUnit, instanceLabels, instanceClasses }: BagView,
): Content {
  if (coords === undefined || instanceLabels === undefined) return null;
  const { svg, isMerged, marks } = labelMap(
    { title: 'Known labels', coords, patchSize, micronsPerUnit, labels: instanceLabels, classes: instanceClasses },
    { ...context.figure, maxMarks: context.detail.maxMarks },
  );
  const merged = isMerged && ` Drawn as ${formatCount(marks)} cells; a cell is positive when one of its instances is.`;
  return figureMarkup(svg, markup`What is known of the instances.${merged}`);
}

/** Where the scores are, or their order where places are not known. */
function placeFigure(context: ReportContext, view: BagView, scores: InstanceScores): Content {
  const { coords, patchSize, micronsPerUnit } = view;
  const outcome = markup`${verdict(scores)}${leftOutText(scores.values)} ${instanceAuc(view, scores)}`;
  if (coords === undefined) {
    const ranking = scoreRanking(scoredInstances(view, scores), context.figure);
    return figureMarkup(ranking, markup`Instances ranked by ${name(scores.name)}. ${outcome}`);
  }
  const { svg, isMerged, marks } = scoreMap(
    { title: scores.model, coords, patchSize, micronsPerUnit, scores: scores.values, scoreName: scores.name },
    { ...context.figure, maxMarks: context.detail.maxMarks },
  );
  const merged = isMerged && ` Drawn as ${formatCount(marks)} cells, each ranked by its highest score.`;
  return figureMarkup(svg, markup`${name(scores.name)} for ${name(scores.className)}. ${outcome}${merged}`);
}

function distributionFigure(context: ReportContext, view: BagView, scores: InstanceScores): Content {
  if (view.instanceLabels === undefined || scores.values.length < FEWEST_FOR_DISTRIBUTION) return null;
  const scored = scoredInstances(view, scores);
  const histogram = scoreHistogram({ ...scored, title: `${scores.model}: distribution` }, context.figure);
  return figureMarkup(
    histogram,
    markup`Share of the instances of each known label in each bin of the ${name(scores.name)}.`,
  );
}

function scoredInstances({ instanceLabels, instanceClasses }: BagView, scores: InstanceScores): ScoredInstances {
  const { model, name: scoreName, values } = scores;
  return { title: model, scores: values, scoreName, labels: instanceLabels, classes: instanceClasses };
}

function verdict({ predicted }: InstanceScores): string {
  if (predicted === undefined) return '';
  const { label, probability } = predicted;
  return `Predicted: ${name(label)}${probability === undefined ? '' : `, probability ${formatValue(probability)}`}. `;
}

function instanceAuc({ instanceLabels }: BagView, { instanceAuc: auc }: InstanceScores): string {
  if (auc === undefined || instanceLabels === undefined) return '';
  const value = valueOf(auc);
  return value === null ? `Instance AUC: – (${reasonOf(auc)}).` : `Instance AUC: ${formatValue(value)}.`;
}

const FEWEST_FOR_DISTRIBUTION = 30;
