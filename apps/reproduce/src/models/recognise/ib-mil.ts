import type { RecognisedAggregator, StateShapes } from './state-shapes.js';

/** IBMIL of the official repository, and of its authors, whose model has no feature layer; with confounders or without. */
export function ibmil(state: StateShapes): RecognisedAggregator | undefined {
  const feature = 'embedding.embed.0.weight';
  const original = !state.has(feature);
  const dictionary = state.has('confounder_feat');
  if (original && !dictionary && (state.some(/^feature\./) || !state.has('classifier.weight'))) return undefined;
  const head = original ? 'classifier.weight' : 'head.weight';
  const sizes = state.sizes(['attention.0.weight', 0], ['attention.0.weight', 1], [head, 0], [head, 1]);
  if (!sizes) return dictionary || !original ? { name: 'part of an IBMIL' } : undefined;
  const [attentionDim, dim, classes, seen] = sizes;
  const confounders = state.size('confounder_feat', 0) ?? 0;
  // What is seen beside the bag's embedding: the mix of confounders, or it added or subtracted, which leaves no trace.
  const merge = seen === 2 * dim ? 'cat' : 'add';
  const stage = confounders === 0 ? ', first stage' : '';
  const guess =
    confounders > 0 && merge === 'add' ? ', confounders taken as added (subtracted ones look the same)' : '';
  return {
    name: `IBMIL${original ? ' with the names of its authors (Lin et al. 2023)' : ''}${stage}${guess}`,
    built: {
      aggregator: 'ib-mil',
      inputDim: original ? dim : (state.size(feature, 1) as number),
      classes,
      settings: {
        ...(original ? { layout: 'original' } : { embedDim: dim, activation: state.activation }),
        attentionDim,
        confounders,
        ...(confounders > 0 ? { confounderDim: state.size('W_q.weight', 0), merge } : {}),
      },
    },
  };
}
