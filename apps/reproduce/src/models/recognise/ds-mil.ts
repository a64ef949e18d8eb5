import type { RecognisedAggregator, StateShapes } from './state-shapes.js';

/** DSMIL in its three layouts; the original authors also share starting values of its query and value layers alone. */
export function dsmil(state: StateShapes): RecognisedAggregator | undefined {
  if (!state.some(/(^|\.)b_classifier\./)) return undefined;
  const inside = state.some(/^online_encoder\./);
  const bag = `${inside ? 'online_encoder.' : ''}b_classifier`;
  const query = state.has(`${bag}.q.0.weight`) ? 'nonlinear' : 'linear';
  const first = `${bag}.q${query === 'nonlinear' ? '.0' : ''}`;
  const sizes = state.sizes([`${first}.weight`, 1], [`${first}.weight`, 0]);
  if (!sizes) return { name: 'part of a DSMIL' };
  const [embedDim, queryDim] = sizes;
  const { layer, norm } = state.feature('feature');
  const inputDim = state.size(`${layer}.weight`, 1);
  const classes = state.size(`${bag}.fcc.weight`, 0);
  const original = inputDim === undefined;
  // The authors' first code had a linear query and linear values; later either may be, but values then are rectified.
  const firstRelease = original && query === 'linear';
  const partial = classes === undefined;
  return {
    name: partial
      ? 'starting values of DSMIL: its query and value layers alone, without classifiers'
      : original
        ? 'DSMIL with the names of its authors (Li et al. 2021)'
        : `${inside ? '' : 'stand-alone '}DSMIL`,
    inside: inside && !partial,
    partial,
    built: {
      aggregator: 'ds-mil',
      inputDim: inputDim ?? embedDim,
      classes: classes ?? 2,
      settings: {
        ...(original ? {} : { embedDim }),
        activation: state.activation,
        query,
        queryDim,
        values: !state.has(`${bag}.v.1.weight`) ? 'instances' : firstRelease ? 'linear' : 'rectified',
        // What predicts leaves no trace: the official code's, inside MHIM, then (v1) and now.
        prediction: !inside ? 'bag' : state.older ? 'mean-probability' : 'mean',
        bias: state.has(`${first}.bias`),
        norm,
        layout: inside ? 'mhim' : original ? 'original' : 'stand-alone',
      },
    },
  };
}
