import * as tf from '@tensorflow/tfjs';
import { MhimError, type Module } from '@mhim/tensor';

/**
 * One update of the momentum teacher, θt ← λ·θt + (1−λ)·θs, over every parameter of `teacher` (MHIM-v2 §3.5).
 * @throws MhimError `state-dict` when the student lacks one of them
 */
export function updateTeacher(teacher: Module, student: Module, momentum: number): void {
  const source = student.parameters();
  tf.tidy(() => {
    for (const [name, target] of teacher.parameters()) {
      const value = source.get(name);
      if (!value) throw new MhimError(`the student has no parameter ${name}.`, { code: 'state-dict' });
      target.assign(tf.add(tf.mul(target, momentum), tf.mul(value, 1 - momentum)));
    }
  });
}
