import type { RecognisedAggregator, StateShapes } from './state-shapes.js';

/** Mean and max pooling have the same parameters; a checkpoint does not say which one it is. */
export function instancePooling(state: StateShapes): RecognisedAggregator | undefined {
  const last = state.has('head.3.weight') ? 'head.3' : 'head.2';
  const sizes = state.sizes(['head.0.weight', 0], ['head.0.weight', 1], [`${last}.weight`, 0]);
  if (!sizes) return undefined;
  const [embedDim, inputDim, classes] = sizes;
  return {
    name: 'mean or max pooling (their parameters are the same)',
    built: {
      aggregator: 'mean-pooling',
      inputDim,
      classes,
      settings: { embedDim, dropout: last === 'head.3' ? 0.25 : 0, activation: state.activation },
    },
  };
}
