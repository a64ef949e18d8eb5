import * as tf from '@tensorflow/tfjs';
import { ABMIL } from '@mhim/mil-aggregators';
import { Rng, type Module } from '@mhim/tensor';
import { adam } from '@mhim/training';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import { bagOf, callFor, loadParameters, numbers, withModule } from './fixture-tensors.js';
import { targetOf } from './label-loss.js';
import { drawsOf, loadMHIM, teacherScore } from './mhim.js';
import { abmilConfig, OfficialArguments } from './official-config.js';

/** Several optimiser steps, one bag each, in the order the case gives. */
export const trajectoryAdapters: Adapters = { 'traj.abmil': abmil, 'traj.mhim': mhim };

function abmil(fixture: ConformanceCase): Outputs {
  const config = abmilConfig(new OfficialArguments(fixture.constructorArgs));
  return withModule(new ABMIL(config, new Rng(0)), (model) => {
    loadParameters(model, fixture);
    return train(fixture, model, (bag) => {
      const features = bagOf(fixture, `input.bag${bag}`);
      const target = targetOf(fixture, `label.bag${bag}`);
      const outcome: Record<string, tf.Tensor> = {};
      return {
        outcome,
        loss: () => {
          const prediction = model.forward(features, callFor(fixture));
          const value = model.loss(prediction, target);
          Object.assign(outcome, kept({ loss: value, logits: prediction.logits }));
          return value;
        },
      };
    });
  });
}

function mhim(fixture: ConformanceCase): Outputs {
  const schedule = fixture.config.mrh_schedule as number[] | undefined;
  return withModule(loadMHIM(fixture), (model) =>
    train(fixture, model, (bag, step) => {
      const features = bagOf(fixture, `input.bag${bag}`);
      const hard = model.mine(features, {
        rng: new Rng(0),
        draws: drawsOf(fixture, `aux.step${step}.`),
        maskRatioHigh: schedule?.[step - 1],
      });
      const outcome: Record<string, tf.Tensor> = { score: teacherScore(model, features) };
      const facts = { hs_masked: hard.masked };
      let recycled: tf.Tensor2D | undefined;
      return {
        outcome,
        facts,
        loss: () => {
          const pass = model.studentPass(features, hard, targetOf(fixture, `label.bag${bag}`), callFor(fixture));
          const { loss, logits, labelLoss, consistency } = pass;
          Object.assign(
            outcome,
            kept({ loss, logits, cls_loss: labelLoss, ...(consistency && { cl_loss: consistency }) }),
          );
          recycled = pass.recycled && tf.keep(pass.recycled);
          return pass.loss;
        },
        afterStep: () => {
          model.afterStep(recycled);
          recycled?.dispose();
          return Object.fromEntries([...model.teacher.parameters()].map(([name, value]) => [`tparam.${name}`, value]));
        },
      };
    }),
  );
}

/** Saved from the gradient's own tidy; `train` disposes them. */
function kept(tensors: Record<string, tf.Tensor>): Record<string, tf.Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tf.keep(tensor)]));
}

interface Step {
  /** Filled while the loss is computed. */
  outcome: Record<string, tf.Tensor>;
  facts?: Record<string, ArrayLike<number>>;
  loss: () => tf.Scalar;
  /** Moves what the optimiser does not; returns more tensors to compare. */
  afterStep?: () => Record<string, tf.Tensor>;
}

function train(fixture: ConformanceCase, model: Module, prepare: (bag: number, step: number) => Step): Outputs {
  const { order, lr, wd } = fixture.config as { order: number[]; lr: number; wd: number };
  const parameters = model.trainableParameters();
  const optimiser = adam(parameters, { learningRate: lr, weightDecay: wd });
  const outputs: Outputs = {};
  order.forEach((bag, i) => {
    const step = i + 1;
    const keep = (tensors: Record<string, tf.Tensor>) => {
      for (const [name, values] of Object.entries(numbers(tensors))) outputs[`step${step}.${name}`] = values;
    };
    const { outcome, facts = {}, loss, afterStep } = prepare(bag, step);
    const variables = [...parameters.values()];
    const { grads } = tf.engine().gradients(loss, variables as tf.Tensor[], undefined as never, true);
    keep(outcome);
    tf.dispose(outcome);
    const gradients = [...parameters.keys()].flatMap((name, at) => (grads[at] ? [[name, grads[at]] as const] : []));
    optimiser.step(Object.fromEntries(gradients));
    const teacher = afterStep?.() ?? {};
    for (const [name, values] of Object.entries(facts)) outputs[`step${step}.${name}`] = values;
    if (Object.keys(fixture.tensors).some((name) => name.startsWith(`step${step}.param.`))) {
      keep(Object.fromEntries([...model.parameters()].map(([name, value]) => [`param.${name}`, value])));
    }
    if (Object.keys(fixture.tensors).some((name) => name.startsWith(`step${step}.tparam.`))) keep(teacher);
  });
  optimiser.dispose();
  return outputs;
}
