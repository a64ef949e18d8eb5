import type * as tf from '@tensorflow/tfjs';
import {
  ABMIL,
  DSMIL,
  DTFDMIL,
  IBMIL,
  Mamba2D,
  MaxPooling,
  MeanPooling,
  R2TMIL,
  TransMIL,
} from '@mhim/mil-aggregators';
import { Linear, MhimError, Rng, type Module } from '@mhim/tensor';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import { officialLayouts } from '../official-layouts.js';
import { KindNotBuilt } from '../run-conformance.js';
import { createClam } from './clam.js';
import { dtfdConfig } from './dtfd.js';
import { ibmilConfig } from './ibmil.js';
import { mamba2DConfig } from './mamba-2d.js';
import { createMHIM } from './mhim.js';
import {
  abmilConfig,
  clamConfig,
  dsmilConfig,
  gatedConfig,
  OfficialArguments,
  poolingConfig,
  transMILConfig,
} from './official-config.js';
import { rrtConfig } from './rrt.js';

/** Distributions of the initial parameters, pooled over several constructions. */
export const initialisationAdapters: Adapters = { 'init.model': initialise };

function initialise(fixture: ConformanceCase): Outputs {
  const pooled = new Map<string, Statistics>();
  for (let seed = 0; seed < Number(fixture.config.seeds); seed++) {
    const parameters = construct(fixture, new Rng(seed));
    for (const [name, tensor] of parameters) {
      assertShape(fixture, name, tensor.shape);
      const statistics = pooled.get(name) ?? new Statistics();
      pooled.set(name, statistics.add(tensor.dataSync()));
      tensor.dispose();
    }
  }
  return Object.fromEntries([...pooled].map(([name, statistics]) => [`out.stats.${name}`, statistics.values]));
}

/** Our model of that class, or for a class not built yet our initialisers over its official layout. */
function construct(fixture: ConformanceCase, rng: Rng): Map<string, tf.Tensor> {
  const cls = String(fixture.constructorArgs.cls);
  const args = new OfficialArguments(fixture.constructorArgs);
  const built = buildModel(fixture, cls, args, rng);
  if (built) return built.parameters();
  const layout = officialLayouts[cls];
  if (!layout) throw new KindNotBuilt(`initial parameters of ${cls}`);
  return new Map(layout(args).map(({ name, shape, draw }) => [name, draw(shape as tf.ShapeMap[tf.Rank], rng)]));
}

function buildModel(fixture: ConformanceCase, cls: string, args: OfficialArguments, rng: Rng): Module | undefined {
  switch (cls) {
    case 'DAttention':
      return new ABMIL(abmilConfig(args), rng);
    case 'AttentionGated':
      return new ABMIL(gatedConfig(args), rng);
    case 'CLAM_SB':
    case 'CLAM_MB':
      return createClam(args, clamConfig(fixture), rng);
    case 'DSMIL':
      return new DSMIL(dsmilConfig(fixture), rng);
    case 'MeanMIL':
      return new MeanPooling(poolingConfig(args), rng);
    case 'MaxMIL':
      return new MaxPooling(poolingConfig(args), rng);
    case 'RRTMIL':
      return new R2TMIL(rrtConfig(args), rng);
    case 'TransMIL':
      return new TransMIL(transMILConfig(args), rng);
    case 'DTFD':
      return new DTFDMIL(dtfdConfig(args), rng);
    case 'Dattention_ori':
      return new IBMIL(ibmilConfig(args), rng);
    case 'MambaMIL_2D':
      return new Mamba2D(mamba2DConfig(args), rng);
    case 'MHIM':
      return createMHIM(fixture, rng);
    case 'Linear':
      return new Linear(args.number('in_features', 1), args.number('out_features', 1), rng, {
        bias: args.flag('bias', true),
      });
    default:
      return undefined;
  }
}

function assertShape({ values }: ConformanceCase, name: string, shape: number[]): void {
  const expected = (values.rules as Record<string, { shape?: number[] }> | undefined)?.[name]?.shape;
  if (expected && expected.join() !== shape.join()) {
    throw new MhimError(`${name} has shape [${shape}], officially [${expected}].`, { code: 'shape' });
  }
}

/** Mean, standard deviation and extremes of numbers that come in pieces. */
class Statistics {
  private count = 0;
  private sum = 0;
  private squares = 0;
  private min = Infinity;
  private max = -Infinity;

  add(values: ArrayLike<number>): this {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      this.count++;
      this.sum += value;
      this.squares += value * value;
      this.min = Math.min(this.min, value);
      this.max = Math.max(this.max, value);
    }
    return this;
  }

  get values(): [mean: number, std: number, min: number, max: number] {
    const mean = this.sum / this.count;
    const variance = (this.squares - this.count * mean * mean) / Math.max(1, this.count - 1);
    return [mean, Math.sqrt(Math.max(0, variance)), this.min, this.max];
  }
}
