import * as tf from '@tensorflow/tfjs';
import {
  adam,
  cosineAnnealingRate,
  cosineRate,
  EarlyStopping,
  Sgd,
  stepRate,
  warmCosine,
  type LearningRateSchedule,
  type Optimiser,
} from '@mhim/training';
import type { Adapters, ConformanceCase, Outputs } from '../conformance-case.js';
import { KindNotBuilt } from '../run-conformance.js';

/** Schedules, optimisers on given gradients, early stopping on given metrics. */
export const trainingAdapters: Adapters = {
  'sched.lr': schedule,
  'optim.steps': optimiserSteps,
  'train.earlystop': earlyStopping,
};

function schedule(fixture: ConformanceCase): Outputs {
  const length = fixture.shape('out.lr')[0] as number;
  const rate = scheduleOf(fixture.config, length);
  return { 'out.lr': Array.from({ length }, (_, epoch) => rate(epoch)) };
}

function scheduleOf(config: Record<string, unknown>, length: number): LearningRateSchedule {
  const number = (name: string) => Number(config[name]);
  switch (config.name) {
    case 'timm_cosine':
      return cosineRate(number('lr'), number('epochs'), {
        warmUp: { epochs: number('warmup_epochs'), start: number('warmup_lr') },
      });
    case 'CosineAnnealingLR':
      return cosineAnnealingRate(number('lr'), number('T_max'), number('eta_min'));
    case 'StepLR': {
      const milestones: number[] = [];
      for (let epoch = number('step'); epoch < length; epoch += number('step')) milestones.push(epoch);
      return stepRate(number('lr'), milestones, number('gamma'));
    }
    case 'MultiStepLR':
      return stepRate(number('lr'), config.milestones as number[], number('gamma'));
    case 'cosine_scheduler': {
      const [from, to, epochs, iterations] = config.args as [number, number, number, number];
      const { warmup_epochs: warmUp = 0, start_warmup_value: start = 0 } = (config.kw ?? {}) as Record<string, number>;
      return (step) => warmCosine(from, to, step, epochs * iterations, { steps: warmUp * iterations, start });
    }
    default:
      throw new KindNotBuilt(`schedule ${String(config.name)}`);
  }
}

function optimiserSteps(fixture: ConformanceCase): Outputs {
  const parameter = tf.variable(tf.tensor1d(fixture.data('input.p0') as Float32Array));
  const optimiser = optimiserOf(fixture.constructorArgs, new Map([['p', parameter]]));
  try {
    const [steps, n] = fixture.shape('input.g') as [number, number];
    const gradients = fixture.data('input.g');
    const path: number[] = [];
    for (let t = 0; t < steps; t++) {
      const p = tf.tensor1d(gradients.slice(t * n, (t + 1) * n) as Float32Array);
      optimiser.step({ p });
      p.dispose();
      path.push(...parameter.dataSync());
    }
    const { tensors } = optimiser.state();
    const moments = ['m', 'v'].filter((name) => fixture.has(`out.${name}`));
    return {
      'out.p': path,
      ...Object.fromEntries(moments.map((name) => [`out.${name}`, tensors[`p.${name}`]?.dataSync() ?? []])),
    };
  } finally {
    optimiser.dispose();
    parameter.dispose();
  }
}

function optimiserOf(options: Record<string, unknown>, parameters: Map<string, tf.Variable>): Optimiser {
  const { name, lr, betas, eps, momentum, weight_decay: weightDecay = name === 'AdamW' ? 0.01 : 0 } = options;
  if (name === 'SGD') {
    return new Sgd(parameters, {
      learningRate: Number(lr),
      momentum: Number(momentum ?? 0),
      weightDecay: Number(weightDecay),
    });
  }
  if (name !== 'Adam' && name !== 'AdamW') throw new KindNotBuilt(`optimiser ${String(name)}`);
  const [beta1, beta2] = (betas ?? [0.9, 0.999]) as [number, number];
  return adam(parameters, {
    learningRate: Number(lr),
    beta1,
    beta2,
    epsilon: Number(eps ?? 1e-8),
    weightDecay: Number(weightDecay),
    decoupled: name === 'AdamW',
  });
}

function earlyStopping(fixture: ConformanceCase): Outputs {
  const { patience, stop_epoch: earliestEpoch } = fixture.config as { patience: number; stop_epoch: number };
  const rule = new EarlyStopping({ patience, earliestEpoch });
  let stopped = false;
  const rows = Array.from(fixture.data('input.metric'), (metric, epoch) => {
    const { improved, stop } = rule.update(metric, epoch);
    stopped ||= stop;
    return { counter: rule.state.counter, stopped: Number(stopped), improved: Number(improved) };
  });
  return {
    'out.counter': rows.map(({ counter }) => counter),
    'out.stop': rows.map(({ stopped: requested }) => requested),
    'out.improved': rows.map(({ improved }) => improved),
  };
}
