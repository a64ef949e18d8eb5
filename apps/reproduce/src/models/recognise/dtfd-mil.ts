import type { RecognisedAggregator, StateShapes } from './state-shapes.js';

/** DTFD-MIL. Pseudo-bags and distillation leave no trace: the official ones are taken. */
export function dtfdmil(state: StateShapes): RecognisedAggregator | undefined {
  if (!state.some(/^dimReduction\./)) return undefined;
  const sizes = state.sizes(
    ['dimReduction.fc1.weight', 0],
    ['dimReduction.fc1.weight', 1],
    ['attention.attention_V.0.weight', 0],
    ['classifier.fc.weight', 0],
    ['UClassifier.classifier.fc.weight', 0],
  );
  if (!sizes) return { name: 'part of a DTFD-MIL' };
  const [embedDim, inputDim, attentionDim, classes] = sizes;
  const residualBlocks = state.count(/^dimReduction\.resBlocks\.(\d+)\./);
  return {
    name: 'DTFD-MIL',
    built: { aggregator: 'dtfd-mil', inputDim, classes, settings: { embedDim, attentionDim, residualBlocks } },
  };
}
