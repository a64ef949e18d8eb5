import * as tf from '@tensorflow/tfjs';
import type { Aggregator } from '@mhim/mil-aggregators';
import type { RecycleNetwork } from '@mhim/recycle-network';
import { MhimError, Module } from '@mhim/tensor';

/** The teacher of MHIM: the student's structure, moved by averaging only (MHIM-v2 §3.5). */
export class MomentumTeacher extends Module {
  constructor(
    readonly aggregator: Aggregator,
    recycle?: RecycleNetwork,
  ) {
    super();
    // The official code also averages a recycle network that the teacher never uses.
    if (recycle) this.child('merge', recycle);
    this.child('', aggregator);
  }

  /** Takes over the values of `source` for everything of its own. */
  copyFrom(source: Module): void {
    updateTeacher(this, source, 0);
  }
}

/**
 * One update of the momentum teacher, θt ← λ·θt + (1−λ)·θs, over every parameter of `teacher` (MHIM-v2 §3.5). Buffers, which
 * no average makes sense of, are the student's.
 * @throws MhimError `state-dict` when the student lacks one of them
 */
export function updateTeacher(teacher: Module, student: Module, momentum: number): void {
  const [parameters, source] = [teacher.parameters(), student.stateDict()];
  const averaged = new Set(parameters.values());
  tf.tidy(() => {
    for (const [name, target] of Object.entries(teacher.stateDict()) as [string, tf.Variable][]) {
      const value = source[name];
      if (!value) throw new MhimError(`the student has no parameter ${name}.`, { code: 'state-dict' });
      if (parameters.has(name)) target.assign(tf.add(tf.mul(target, momentum), tf.mul(value, 1 - momentum)));
      // What is neither a parameter nor another name of one.
      else if (!averaged.has(target)) target.assign(tf.clone(value));
    }
  });
}
