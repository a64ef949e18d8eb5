import * as tf from '@tensorflow/tfjs';
import {
  consistencyLoss,
  headVotes,
  highScoreMask,
  lowScoreMask,
  maskCounts,
  randomMask,
  randomSplit,
  unionOf,
  type Selection,
} from '@mhim/hard-mining';
import { RecycleNetwork } from '@mhim/recycle-network';
import { Rng } from '@mhim/tensor';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import {
  bagOf,
  callFor,
  loadParameters,
  lossAndGradients,
  numbers,
  officialGradients,
  tensorOf,
  withModule,
} from './fixture-tensors.js';
import { OfficialArguments } from './official-config.js';

/** The parts of MHIM alone: recycle network, consistency loss, masking. */
export const mhimPartAdapters: Adapters = {
  'mhim.grn': recycleNetwork,
  'mhim.closs': consistency,
  'mhim.mask': maskSets,
  'mhim.maskcounts': counts,
  'mhim.vote': vote,
};

function recycleNetwork(fixture: ConformanceCase): Outputs {
  const args = new OfficialArguments(fixture.constructorArgs);
  const config = {
    dim: args.number('dim', 512),
    heads: args.number('heads', 8),
    headDim: args.number('merge_h_dim', 64),
    queries: args.number('k', 10),
    queryMomentum: args.number('g_q_mm', 1),
    dropout: 0,
  };
  return withModule(new RecycleNetwork(config, new Rng(0)), (network) => {
    loadParameters(network, fixture);
    const sequence = bagOf(fixture);
    const all = Int32Array.from({ length: sequence.shape[0] }, (_, i) => i);
    const { kept, recycled } =
      fixture.mode === 'train'
        ? randomSplit(all, args.number('merge_ratio', 0.2), () => fixture.data('aux.merge_perm') as Int32Array)
        : { kept: all, recycled: all };
    const upstream = tf.reshape(tensorOf(fixture, 'aux.G'), [config.queries, config.dim]);
    const z = (from = network) => from.forward(sequence, callFor(fixture), recycled);
    const loss = (from = network) => tf.sum(tf.mul(z(from), upstream)) as tf.Scalar;
    const rows = (indices: Int32Array): tf.Tensor2D => tf.gather(sequence, tf.tensor1d(indices, 'int32'));
    const query = tf.reshape(network.globalQuery, [config.queries, config.dim]) as tf.Tensor2D;
    const tokens = z();
    const outputs: Outputs = {
      ...lossAndGradients(network, sequence, () => loss()),
      ...officialGradients(fixture, () =>
        withModule(new RecycleNetwork({ ...config, officialGradient: true }, new Rng(0)), (official) => {
          loadParameters(official, fixture);
          return lossAndGradients(official, sequence, () => loss(official));
        }),
      ),
      ...numbers({
        'out.z': tokens,
        'out.seq': tf.concat([rows(kept), tokens]),
        // The folded form has no projected keys, so the weights are read off the textbook form.
        'out.attn': network.attention.attention(network.norm.forward(query), network.norm.forward(rows(recycled))),
      }),
      'out.kept': kept,
    };
    if (fixture.mode === 'train') network.updateQuery(tokens);
    return { ...outputs, ...numbers({ 'out.global_q_after': network.globalQuery }) };
  });
}

function consistency(fixture: ConformanceCase): Outputs {
  const outputs: Outputs = {};
  tf.tidy(() => {
    const args = new OfficialArguments(fixture.constructorArgs);
    const [student, teacher] = [bagOf(fixture), bagOf(fixture, 'aux.target')];
    const studentTemperature = args.number('temp_s', 1);
    const loss = (s: tf.Tensor2D, t: tf.Tensor2D) =>
      consistencyLoss(tf.div(s, studentTemperature), t, args.number('temp_t', 1));
    const { value, grad } = tf.valueAndGrad((s: tf.Tensor) => loss(s as tf.Tensor2D, teacher))(student);
    const rowLosses = Array.from({ length: student.shape[0] }, (_, row) =>
      loss(tf.slice(student, [row, 0], [1, -1]), tf.slice(teacher, [row, 0], [1, -1])),
    );
    Object.assign(outputs, numbers({ 'out.loss': value, 'out.rows': tf.stack(rowLosses), 'grad.input': grad }));
  });
  return outputs;
}

interface MaskSubCase {
  N: number;
  high?: number;
  low?: number;
  rand?: number;
  /** Of `high`. */
  hr?: number;
}

/** Random, low, then high; each over the whole bag, united. Random sub-cases give sizes and candidates only. */
function maskSets(fixture: ConformanceCase): Outputs {
  const outputs: Outputs = {};
  (fixture.config.cases as MaskSubCase[]).forEach(({ N, high, low, rand, hr = 1 }, i) => {
    const scores = fixture.data(`aux.score${i}`) as Float32Array;
    const draw = (shift: number): Selection => {
      const permute = (n: number) => Int32Array.from({ length: n }, (_, at) => (at + shift) % n);
      const masks: Selection[] = [];
      if (rand !== undefined) masks.push(randomMask(N, rand, permute));
      if (low !== undefined) masks.push(lowScoreMask(scores, { ratio: low }));
      if (high !== undefined) masks.push(highScoreMask(scores, { ratio: high, randomRatio: hr, permute }));
      return unionOf(N, masks);
    };
    const { masked, kept } = draw(0);
    outputs[`out.masked${i}`] = masked;
    outputs[`out.kept${i}`] = kept;
    outputs[`out.len_keep${i}`] = kept.length;
    outputs[`out.n_masked${i}`] = masked.length;
    // Whatever some rotation of the candidate list masks is a candidate.
    const rotations = Array.from({ length: N }, (_, shift) => draw(shift));
    outputs[`out.candidates${i}`] = unionOf(N, rotations).masked;
  });
  return outputs;
}

function counts(fixture: ConformanceCase): Outputs {
  const { hsm = [], rsm = [] } = fixture.config as { hsm?: [number, number, number][]; rsm?: [number, number][] };
  return {
    'out.hsm': hsm.flatMap(([n, ratio, randomRatio]) => {
      const { candidates, masked } = maskCounts(n, ratio, randomRatio);
      return [n, candidates, masked, n - masked];
    }),
    'out.rsm': rsm.flatMap(([l, keepRatio]) => {
      const { kept, recycled } = randomSplit(new Int32Array(l), keepRatio, (n) => new Int32Array(n));
      return [l, kept.length, recycled.length];
    }),
  };
}

function vote(fixture: ConformanceCase): Outputs {
  const { heads, ratio, largest, N } = fixture.config as { heads: number; ratio: number; largest: boolean; N: number };
  const votes = headVotes(fixture.data('aux.attn') as Float32Array, heads, ratio, largest ? 'highest' : 'lowest');
  const k = maskCounts(N, ratio).candidates;
  const cut = Array.from(votes).sort((a, b) => b - a)[k - 1] as number;
  const where = (test: (count: number) => boolean) => Array.from(votes.keys()).filter((i) => test(votes[i] as number));
  return {
    'out.votes': votes,
    'out.k': k,
    'out.must_mask': where((count) => count > cut),
    'out.may_mask': where((count) => count === cut),
  };
}
