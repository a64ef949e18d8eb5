import { R2TMIL, type R2TMILConfig } from '@mhim/mil-aggregators';
import { Rng, type ActivationName } from '@mhim/tensor';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import { KindNotBuilt } from '../run-conformance.js';
import { bagOf, callFor, loadParameters, lossAndGradients, numbers, withModule } from './fixture-tensors.js';
import { probabilities, targetOf } from './label-loss.js';
import { commonConfig, OfficialArguments } from './official-config.js';

/** `RRTMIL` of the official repository. */
export const rrtAdapters: Adapters = { 'mhim.rrt': rrt };

/**
 * `RRTMIL`. Its `pos`, `pos_pos`, `peg_*` and `trans_dim` change nothing officially either; `pool` other than `attn` and
 * `crmsa_mlp` crash there.
 * @throws KindNotBuilt for variants that are not there yet
 */
export function rrtConfig(args: OfficialArguments): R2TMILConfig {
  for (const [name, usual] of Object.entries(only)) {
    if (args.has(name) && args.text(name, '') !== String(usual)) {
      throw new KindNotBuilt(`R2T-MIL with ${name} ${args.text(name, '')}`);
    }
  }
  const bias = args.flag('mil_bias', true);
  const norms: Record<string, R2TMILConfig['norm']> = { bn: 'batch', ln: 'layer' };
  return {
    ...commonConfig(args),
    embedDim: args.number('inner_dim', 512),
    dropout: args.number('dropout', 0.25),
    layers: args.number('n_layers', 2),
    heads: args.number('n_heads', 8),
    regions: args.number('region_num', 8),
    regionSize: args.number('region_size', 0),
    minInstances: args.number('min_region_num', 0),
    minRegionRatio: args.number('min_region_ratio', 0),
    epegKernel: args.flag('epeg', true) ? args.number('epeg_k', 15) : 0,
    crossRegion: args.flag('cr_msa', true),
    summaries: args.number('crmsa_k', 3),
    crossHeads: args.number('crmsa_heads', 8),
    qkvBias: args.flag('qkv_bias', true),
    shortcut: args.flag('all_shortcut', false),
    feedForward: args.flag('ffn', false),
    feedForwardRatio: args.number('mlp_ratio', 4),
    feedForwardActivation: args.text('ffn_act', 'gelu') as ActivationName,
    encoderDropout: args.number('trans_dropout', 0.1),
    gated: args.flag('da_gated', false),
    attentionActivation: args.text('da_act', 'relu') as ActivationName,
    attentionBias: args.flag('da_bias', false),
    attentionDropout: args.flag('da_dropout', false) ? 0.25 : 0,
    featureBias: bias,
    classifierBias: bias,
    norm: norms[args.text('mil_norm', 'none')] ?? 'none',
    normPosition: args.number('embed_norm_pos', 0) === 1 ? 'instances' : 'features',
  };
}

/** Arguments of which one value is built. */
const only = {
  attn: 'rmsa',
  pool: 'attn',
  region_attn: 'native',
  drop_path: 0,
  attn_drop: 0,
  crmsa_mlp: false,
  epeg_2d: false,
  epeg_type: 'attn',
  epeg_bias: true,
};

function rrt(fixture: ConformanceCase): Outputs {
  const model = new R2TMIL(rrtConfig(new OfficialArguments(fixture.constructorArgs)), new Rng(0));
  return withModule(model, () => {
    loadParameters(model, fixture);
    const [features, call] = [bagOf(fixture), callFor(fixture)];
    const prediction = model.forward(features, call);
    const { logits, attention } = prediction;
    const aggregation = model.aggregate(prediction.instances, call);
    const grids = model.regionGrids(features.shape[0], call);
    return {
      ...lossAndGradients(model, features, () => model.loss(model.forward(features, call), targetOf(fixture))),
      ...numbers({
        'out.logits': logits,
        'out.probs': probabilities(logits),
        'out.attn': attention,
        'out.attn_raw': model.attentionScores(aggregation),
        'out.encoded': aggregation.reembedded,
      }),
      ...(grids.regional ? { 'out.region_rmsa': shapeOf(grids.regional) } : {}),
      ...(grids.cross ? { 'out.region_crmsa': shapeOf(grids.cross) } : {}),
    };
  });
}

function shapeOf({ side, regionSize, padding }: { side: number; regionSize: number; padding: number }): number[] {
  return [side, regionSize, padding];
}
