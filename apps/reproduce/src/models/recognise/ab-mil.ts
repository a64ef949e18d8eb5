import type { RecognisedAggregator, StateShapes } from './state-shapes.js';

/** AB-MIL of the official repository, gated or not, by itself or inside MHIM. */
export function abmil(state: StateShapes): RecognisedAggregator | undefined {
  const { layer, norm } = state.feature('feature');
  const inside = state.some(/^online_encoder\.attention\./);
  const prefix = inside ? 'online_encoder.attention.' : '';
  const gated = state.has(`${prefix}attention_a.0.weight`);
  const hidden = `${prefix}${gated ? 'attention_a.0' : 'attention.0'}`;
  const head = inside ? 'predictor' : gated ? 'classifier.0' : 'classifier';
  const sizes = state.sizes(
    [`${layer}.weight`, 0],
    [`${layer}.weight`, 1],
    [`${hidden}.weight`, 0],
    [`${head}.weight`, 0],
  );
  if (!sizes) return undefined;
  const [embedDim, inputDim, attentionDim, classes] = sizes;
  return {
    name: `${inside ? '' : 'stand-alone '}${gated ? 'gated ' : ''}AB-MIL`,
    inside,
    built: {
      aggregator: 'ab-mil',
      inputDim,
      classes,
      settings: {
        embedDim,
        attentionDim,
        gated,
        activation: state.activation,
        attentionActivation: inside && !gated ? 'relu' : 'tanh',
        attentionBias: state.has(`${hidden}.bias`),
        featureBias: state.has(`${layer}.bias`),
        classifierBias: state.has(`${head}.bias`),
        layout: inside ? 'mhim' : 'stand-alone',
        ...normOf(state, norm, inputDim),
      },
    },
  };
}

/** Norms of the instances have the same names as those of the features, but another width. */
function normOf(state: StateShapes, onFeatures: 'none' | 'layer' | 'batch', inputDim: number) {
  if (onFeatures === 'layer') return { norm: 'layer' };
  const width = state.size('norm.weight', 0);
  if (width === undefined) return {};
  return {
    norm: onFeatures === 'batch' ? 'batch' : 'layer',
    normPosition: onFeatures === 'batch' && width === inputDim ? 'features' : 'instances',
  };
}

/** The names of the original attention MIL code (Ilse et al. 2018). */
export function ilse(state: StateShapes): RecognisedAggregator | undefined {
  const feature = 'feature_extractor_part2.0.weight';
  if (!state.has(feature)) return undefined;
  const gated = state.has('attention_V.0.weight');
  const name = `${gated ? 'gated ' : ''}AB-MIL with the names of Ilse et al. 2018`;
  const hidden = gated ? 'attention_V.0.weight' : 'attention.0.weight';
  const sizes = state.sizes([feature, 0], [feature, 1], [hidden, 0], ['classifier.0.weight', 0]);
  if (!sizes) return { name };
  const [embedDim, inputDim, attentionDim, classes] = sizes;
  const settings = { embedDim, attentionDim, gated, activation: 'relu', layout: 'ilse' };
  return { name, built: { aggregator: 'ab-mil', inputDim, classes, settings } };
}
