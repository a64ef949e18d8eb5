import * as tf from '@tensorflow/tfjs';
import { Mamba2D, scan2d, type Mamba2DConfig, type Positions } from '@mhim/mil-aggregators';
import { Rng } from '@mhim/tensor';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import { KindNotBuilt } from '../run-conformance.js';
import { bagOf, callFor, loadParameters, lossAndGradients, numbers, tensorOf, withModule } from './fixture-tensors.js';
import { probabilities, targetOf } from './label-loss.js';
import { OfficialArguments } from './official-config.js';

/** 2DMamba, and its scan alone. What the repository's pure PyTorch scan gives instead (`out_pscan`) is not offered. */
export const mamba2DAdapters: Adapters = { 'mhim.mamba2d': mamba2D, 'op.scan2d': scan };

/** `MambaMIL_2D`. Its grid is given in cells whatever the patch size; which of its scans runs is no option of ours. */
export function mamba2DConfig(args: OfficialArguments): Mamba2DConfig {
  const embedding = args.text('pos_emb_type', 'none');
  // With `linear` the official class makes `pos_embs` and `norm_pe`, but no forward pass of it runs: it hands the layer itself to
  // the blocks, which take it for a tensor. There is nothing to be equal to.
  if (embedding !== 'none')
    throw new KindNotBuilt(`MambaMIL_2D with position embedding ${embedding}, which never runs`);
  const pad = args.text('mamba_2d_pad_token', 'trainable');
  if (pad !== 'trainable' && pad !== 'zero') throw new KindNotBuilt(`MambaMIL_2D with pad token ${pad}`);
  return {
    inputDim: args.number('in_dim', 1024),
    classes: args.number('n_classes', 2),
    embedDim: args.number('mambamil_dim', 128),
    layers: args.number('mambamil_layer', 1),
    states: args.number('mambamil_state_dim', 16),
    dropout: 0,
    padToken: pad,
    gridWidth: args.number('mamba_2d_max_w', 0),
    gridHeight: args.number('mamba_2d_max_h', 0),
  };
}

function mamba2D(fixture: ConformanceCase): Outputs {
  const args = new OfficialArguments(fixture.constructorArgs);
  return withModule(new Mamba2D(mamba2DConfig(args), new Rng(0)), (model) => {
    loadParameters(model, fixture);
    const features = bagOf(fixture);
    const call = { ...callFor(fixture), positions: positionsOf(fixture, args.number('mamba_2d_patch_size', 1)) };
    const { cells, cellAttention } = model.aggregate(model.embed(features, call), call);
    const { logits } = model.forward(features, call);
    return {
      ...lossAndGradients(model, features, () => model.loss(model.forward(features, call), targetOf(fixture))),
      ...numbers({
        'out.logits': logits,
        'out.probs': probabilities(logits),
        'out.attn_raw': model.attentionScores(cells),
        'out.attn': cellAttention,
        'out.grid_feat': cells,
      }),
    };
  });
}

/** Row 0 of `aux.coords` is the grid's size, which the official class ignores. */
function positionsOf(fixture: ConformanceCase, patchSize: number): Positions {
  const [width, height, ...coords] = Array.from(fixture.data('aux.coords')) as [number, number, ...number[]];
  return { width, height, xy: coords.map((coord) => Math.floor(coord / patchSize)) };
}

/** The linear recurrence, [1, H, W, D, N]; the loss is the sum of h times the given upstream gradient. */
function scan(fixture: ConformanceCase): Outputs {
  let outputs: Outputs = {};
  tf.tidy(() => {
    const [, height, width, channels, states] = fixture.shape('input.A') as [number, number, number, number, number];
    const onGrid = (name: string) =>
      tf.reshape(tensorOf(fixture, name), [height, width, channels * states]) as tf.Tensor3D;
    const [decay, input, upstream] = [onGrid('input.A'), onGrid('input.X'), onGrid('input.G')];
    const loss = (a: tf.Tensor, x: tf.Tensor) => tf.sum(tf.mul(scan2d(a as tf.Tensor3D, x as tf.Tensor3D), upstream));
    const [dDecay, dInput] = tf.grads(loss)([decay, input]);
    outputs = numbers({ 'out.h': scan2d(decay, input), 'grad.A': dDecay, 'grad.X': dInput });
  });
  return outputs;
}
