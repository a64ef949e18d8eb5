import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { gridPositions, standardise, type Bag, type GridPositions, type Standardiser } from '@mhim/datasets';
import { HardMining } from '@mhim/hard-mining';
import { softmax, survivalCurves } from '@mhim/metrics';
import { Aggregator } from '@mhim/mil-aggregators';
import { MhimError, readSafetensors, Rng, type HostTensor, type StateSource } from '@mhim/tensor';
import { mhimLearner, supervisedLearner, type Explanation, type Learner } from '@mhim/training';
import { readConfig } from '../config/read-config.js';
import { createModel } from './create-model.js';
import { readTensorFile, summarise } from './describe-tensors.js';
import { modelConfigSchema, type ModelConfig } from './model-config.js';
import { recognise } from './recognise/recognise.js';

/** A trained model with everything that a bag needs on its way to a prediction. */
export class StoredModel {
  private constructor(
    readonly path: string,
    readonly config: ModelConfig,
    private readonly learner: Learner,
    readonly standardiser: Standardiser | undefined,
  ) {}

  /**
   * Opens a safetensors file of ours with its `config.json`, the folder that holds them, or a PyTorch or safetensors file
   * whose model its names tell.
   * @throws MhimError when the file is damaged, fits no model that is built, or holds values that are not finite
   */
  static async open(path: string): Promise<StoredModel> {
    const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'best.safetensors') : path;
    const described = join(dirname(file), 'config.json');
    if (/\.safetensors$/.test(file) && existsSync(described)) {
      const config = readConfig(described, modelConfigSchema);
      const { tensors, metadata } = await readSafetensors(file);
      return StoredModel.build(file, config, tensors, parseStandardiser(metadata.standardiser, config.inputDim, file));
    }
    const { tensors } = await readTensorFile(file);
    const models = recognise(tensors);
    const whole = models.filter(({ config, partial }) => config && !partial);
    const model = whole.find(({ part }) => part !== 'teacher') ?? whole[0];
    if (model?.config) return StoredModel.build(file, model.config, model.tensors);
    throw new MhimError(`holds ${models.map(({ name }) => name).join(' and ') || 'no tensors'}.`, {
      code: 'state-dict',
      path: file,
      hint: `Run reproduce checkpoint ${basename(file)} to see its tensors.`,
    });
  }

  private static build(
    path: string,
    config: ModelConfig,
    tensors: ReadonlyMap<string, HostTensor>,
    standardiser?: Standardiser,
  ): StoredModel {
    requireFinite(tensors, path);
    const model = createModel(config, new Rng(0));
    const state: StateSource = Object.fromEntries(tensors);
    try {
      model.loadStateDict(state);
    } catch (cause) {
      if (!(cause instanceof MhimError)) throw cause;
      throw new MhimError(cause.message, { code: cause.code, path, cause });
    }
    const learner = model instanceof HardMining ? mhimLearner(model) : supervisedLearner(model);
    return new StoredModel(path, config, learner, standardiser);
  }

  /** Class probabilities [c] of a bag, or those of surviving each time bin, to the last bit those of its training run. @throws MhimError `data` for features of another width */
  probabilities(bag: Bag): number[] {
    return this.with(bag, (features, positions) => {
      const logits = this.learner.predict(features, positions);
      const outcome = this.config.task === 'survival' ? survivalCurves : softmax;
      return Array.from(outcome(logits, logits.length));
    });
  }

  /** What the model makes of a bag's instances. @throws MhimError `data` for features of another width */
  explain(bag: Bag): Explanation {
    return this.with(bag, (features, positions) => this.learner.explain(features, positions));
  }

  /** The model behind the predictions. @throws MhimError `config` for MHIM-v2, which is more than an aggregator */
  get aggregator(): Aggregator {
    const { model } = this.learner;
    if (model instanceof Aggregator) return model;
    throw new MhimError(`holds ${this.config.model}, expected an aggregator by itself.`, {
      code: 'config',
      path: this.path,
    });
  }

  dispose(): void {
    this.learner.dispose();
  }

  private with<T>(bag: Bag, use: (features: tf.Tensor2D, positions?: GridPositions) => T): T {
    const { inputDim } = this.config;
    if (bag.width !== inputDim) {
      throw new MhimError(`bag "${bag.id}": features have ${bag.width} columns, the model expects ${inputDim}.`, {
        code: 'data',
        path: this.path,
        hint: 'Extract the features with the encoder that the model was trained on.',
      });
    }
    const { features, instances, width } = this.standardiser ? standardise(bag, this.standardiser) : bag;
    const tensor = tf.tensor2d(features, [instances, width]);
    const positions = this.learner.usesPositions && bag.coords ? gridPositions(bag.coords) : undefined;
    try {
      return use(tensor, positions);
    } finally {
      tensor.dispose();
    }
  }
}

/** @throws MhimError `file-format` unless it has a finite mean and a deviation above 0 of every feature */
function parseStandardiser(text: string | undefined, width: number, path: string): Standardiser | undefined {
  if (text === undefined) return undefined;
  const fail = (what: string, cause?: unknown) =>
    new MhimError(`its standardiser ${what}.`, {
      code: 'file-format',
      path,
      hint: 'Train again, or convert the file again.',
      cause,
    });
  let stored: Partial<Record<keyof Standardiser, unknown>> | null;
  try {
    stored = JSON.parse(text) as typeof stored;
  } catch (cause) {
    throw fail('cannot be read', cause);
  }
  const numbers = (name: keyof Standardiser, isValid: (value: number) => boolean, expected: string): Float32Array => {
    const values: unknown = stored?.[name];
    if (!Array.isArray(values)) throw fail(`has no ${name}`);
    if (values.length !== width)
      throw fail(`has ${values.length} values of ${name}, the model takes ${width} features`);
    const bad = values.findIndex((value) => typeof value !== 'number' || !isValid(Math.fround(value)));
    if (bad >= 0) throw fail(`has the ${name} ${String(values[bad])} of feature ${bad}, expected ${expected}`);
    return Float32Array.from(values as number[]);
  };
  return {
    mean: numbers('mean', Number.isFinite, 'a number'),
    std: numbers('std', (value) => Number.isFinite(value) && value > 0, 'a number above 0'),
  };
}

/** @throws MhimError `non-finite` naming the first tensor that no prediction can come of */
function requireFinite(tensors: ReadonlyMap<string, HostTensor>, path: string): void {
  for (const [name, tensor] of tensors) {
    const { nonFinite } = summarise(name, tensor);
    if (nonFinite === 0) continue;
    throw new MhimError(`${nonFinite} of ${tensor.data.length} values of "${name}" are not finite.`, {
      code: 'non-finite',
      path,
      hint: 'Its training diverged, or the file is damaged: use another checkpoint.',
    });
  }
}
