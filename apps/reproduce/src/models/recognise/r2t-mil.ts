import type { RecognisedAggregator, StateShapes } from './state-shapes.js';

/**
 * R2T-MIL. Its regions, their heads where there is no position encoding, the shortcut and the pooling's activation leave no
 * trace: the official ones are taken.
 */
export function r2tmil(state: StateShapes): RecognisedAggregator | undefined {
  if (!state.some(/^pool_fn\./)) return undefined;
  const pool = 'pool_fn.attention';
  const gated = state.has(`${pool}.attention_a.0.weight`);
  const hidden = `${pool}.${gated ? 'attention_a' : 'attention'}.0`;
  const sizes = state.sizes(
    ['feature.0.weight', 0],
    ['feature.0.weight', 1],
    [`${hidden}.weight`, 0],
    ['predictor.weight', 0],
    ['online_encoder.norm.weight', 0],
  );
  if (!sizes) return { name: 'part of an R2T-MIL' };
  const [embedDim, inputDim, attentionDim, classes] = sizes;
  const filters = 'online_encoder.layers.0.attn.attn.pe.weight';
  const summaries = state.size('online_encoder.cr_msa.attn.phi', 1);
  const hiddenWidth = state.size('online_encoder.layers.0.mlp.fc1.weight', 0);
  const normed = state.size('norm.weight', 0);
  return {
    name: 'R2T-MIL',
    built: {
      aggregator: 'r2t-mil',
      inputDim,
      classes,
      settings: {
        embedDim,
        layers: 1 + state.count(/^online_encoder\.layers\.(\d+)\./),
        heads: state.size(filters, 0) ?? 8,
        epegKernel: state.size(filters, 2) ?? 0,
        crossRegion: summaries !== undefined,
        ...(summaries === undefined ? {} : { summaries }),
        qkvBias: state.some(/\.attn\.qkv\.bias$/),
        ...(hiddenWidth === undefined ? {} : { feedForward: true, feedForwardRatio: hiddenWidth / embedDim }),
        gated,
        attentionDim,
        attentionBias: state.has(`${hidden}.bias`),
        ...(state.has(`${pool}.attention.3.weight`) ? { attentionDropout: 0.25 } : {}),
        featureBias: state.has('feature.0.bias'),
        classifierBias: state.has('predictor.bias'),
        ...(normed === undefined
          ? {}
          : {
              norm: state.has('norm.running_mean') ? 'batch' : 'layer',
              normPosition: normed === inputDim ? 'features' : 'instances',
            }),
      },
    },
  };
}
