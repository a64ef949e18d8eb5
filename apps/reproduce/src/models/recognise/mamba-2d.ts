import type { RecognisedAggregator, StateShapes } from './state-shapes.js';

/** 2DMamba as the official repository has it. Its grid leaves no trace: it is taken from each bag's positions. */
export function mamba2D(state: StateShapes): RecognisedAggregator | undefined {
  const mixer = 'layers.layers.0.mixer';
  if (!state.has(`${mixer}.A_log`)) return undefined;
  const sizes = state.sizes(
    ['_fc1.0.weight', 0],
    ['_fc1.0.weight', 1],
    ['attention.0.weight', 0],
    ['classifier.weight', 0],
    [`${mixer}.A_log`, 1],
  );
  if (!sizes) return { name: 'part of a 2DMamba' };
  const [embedDim, inputDim, attentionDim, classes, states] = sizes;
  if (!state.has(`${mixer}.dt_layernorm.weight`)) {
    return { name: '2DMamba without norms of step size, B and C, as in its authors’ code; not built' };
  }
  if (state.has('pos_embs.weight')) return { name: '2DMamba with linear position embedding; not built' };
  const pad = state.tensors.get('layers.pad_token');
  // A pad token that is not learned is zero and stays so; one that is starts above 0.
  const padToken = pad && Array.from(pad.data, Number).every((value) => value === 0) ? 'zero' : 'trainable';
  return {
    name: '2DMamba',
    built: {
      aggregator: 'mamba-2d',
      inputDim,
      classes,
      settings: { embedDim, layers: state.count(/^layers\.layers\.(\d+)\./), states, attentionDim, padToken },
    },
  };
}
