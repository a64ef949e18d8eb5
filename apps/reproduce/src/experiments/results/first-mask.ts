import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { gridPositions, standardise, type Bag } from '@mhim/datasets';
import { HardMining, initialiseFromBaseline } from '@mhim/hard-mining';
import { readSafetensors, Rng } from '@mhim/tensor';
import { readConfig } from '../../config/read-config.js';
import { createModel } from '../../models/create-model.js';
import { modelConfigSchema } from '../../models/model-config.js';
import { StoredModel } from '../../models/stored-model.js';

/**
 * What the first step of a training masks on a bag, by the training's own code: its teacher is the baseline then, and the high score mask
 * at its widest.
 * @param stage folder of the trained model
 * @param baseline folder of what it started from
 * @returns [n], 1 = masked; undefined for a model that masks nothing
 */
export async function firstMask(
  stage: string,
  baseline: string,
  bag: Bag,
  seed: number,
): Promise<Float32Array | undefined> {
  const model = createModel(readConfig(join(stage, 'config.json'), modelConfigSchema), new Rng(seed));
  try {
    if (!(model instanceof HardMining)) return undefined;
    const { tensors } = await readSafetensors(join(baseline, 'best.safetensors'));
    initialiseFromBaseline(model, Object.fromEntries(tensors));
    const { features, instances, width } = await standardised(stage, bag);
    const positions = model.student.usesPositions && bag.coords ? gridPositions(bag.coords) : undefined;
    const input = tf.tensor2d(features, [instances, width]);
    const { masked, target } = model.mine(input, { rng: new Rng(seed), positions, step: 0 });
    tf.dispose([input, ...(target ? [target] : [])]);
    const mask = new Float32Array(instances);
    for (const index of masked) mask[index] = 1;
    return mask;
  } finally {
    model.dispose();
  }
}

/** As the training saw it. */
async function standardised(stage: string, bag: Bag): Promise<Bag> {
  const stored = await StoredModel.open(stage);
  try {
    return stored.standardiser ? standardise(bag, stored.standardiser) : bag;
  } finally {
    stored.dispose();
  }
}
