import type { RecognisedAggregator, StateShapes } from './state-shapes.js';

/** TransMIL inside MHIM, of the official repository and of its authors. */
export function transmil(state: StateShapes): RecognisedAggregator | undefined {
  const inside = state.has('online_encoder.cls_token');
  if (!inside && !state.has('cls_token')) return undefined;
  const original = state.has('_fc1.0.weight');
  const [feature, head] = original ? ['_fc1', '_fc2'] : ['feature', inside ? 'predictor' : 'classifier'];
  const encoder = inside ? 'online_encoder.' : '';
  const { layer, norm } = state.feature(feature as string, 'norm1');
  const attention = `${encoder}layer1.attn`;
  const sizes = state.sizes(
    [`${layer}.weight`, 0],
    [`${layer}.weight`, 1],
    [`${attention}.to_qkv.weight`, 0],
    [`${attention}.res_conv.weight`, 0],
    [`${head}.weight`, 0],
  );
  const name = original ? 'TransMIL with the names of its authors (Shao et al. 2021)' : 'TransMIL';
  if (!sizes) return { name: `part of a ${name}` };
  const [embedDim, inputDim, inner, heads, classes] = sizes;
  return {
    name: inside || original ? name : `stand-alone ${name}`,
    inside,
    built: {
      aggregator: 'trans-mil',
      inputDim,
      classes,
      settings: {
        embedDim,
        activation: original ? 'relu' : state.activation,
        ...(original ? { dropout: 0 } : {}),
        heads,
        headDim: inner / 3 / heads,
        position: state.some(/(^|\.)pos_(layer|embedding)\.proj\.weight$/) ? 'ppeg' : 'none',
        norm,
        featureBias: state.has(`${layer}.bias`),
        classifierBias: state.has(`${head}.bias`),
        layout: original ? 'original' : inside ? 'mhim' : 'stand-alone',
      },
    },
  };
}
