import type { RecognisedAggregator, StateShapes } from './state-shapes.js';

/** CLAM of its authors and of the official repository have the same names but where there is no dropout. */
export function clam(state: StateShapes): RecognisedAggregator | undefined {
  const feature = state.sizes(['attention_net.0.weight', 0], ['attention_net.0.weight', 1]);
  if (!feature) return undefined;
  const [embedDim, inputDim] = feature;
  const [, index, gate] =
    [...state.tensors.keys()]
      .map((name) => /^attention_net\.(\d)\.(attention_a|module)\.0\.weight$/.exec(name))
      .find(Boolean) ?? [];
  const multiple = state.has('classifiers.0.weight');
  const classes = state.count(/^instance_classifiers\.(\d+)\.weight$/);
  const attentionDim = state.size(`attention_net.${index}.${gate}.0.weight`, 0);
  const name = `CLAM-${multiple ? 'MB' : 'SB'}`;
  if (attentionDim === undefined || classes < 2) return { name: `part of a ${name}` };
  const dropout = index === '3' ? 0.25 : 0;
  return {
    name: `${gate === 'module' ? 'ungated ' : ''}${name}`,
    built: {
      aggregator: multiple ? 'clam-mb' : 'clam-sb',
      inputDim,
      classes,
      settings: {
        embedDim,
        // Leaves no trace; the authors' code has no other.
        activation: 'relu',
        dropout,
        gated: gate === 'attention_a',
        attentionDim,
        attentionDropout: state.has(`attention_net.${index}.module.2.weight`) ? 0 : dropout,
        featureBias: state.has('attention_net.0.bias'),
        classifierBias: state.has(multiple ? 'classifiers.0.bias' : 'classifiers.bias'),
      },
    },
  };
}
