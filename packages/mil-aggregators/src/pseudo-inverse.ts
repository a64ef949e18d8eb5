import * as tf from '@tensorflow/tfjs';
import { differentiable } from '@mhim/tensor';

/**
 * The iterated Moore–Penrose inverse of Nyström attention (Xiong et al. 2021 eq. 11) of softmax matrices A [h, m, m],
 * Z₀ = s·Aᵀ, Zₖ₊₁ = ¼·Zₖ·(13I − Pₖ(15I − Pₖ(7I − Pₖ))) with Pₖ = A·Zₖ, as a factor to multiply by.
 *
 * P₀ = s·A·Aᵀ is symmetric and every Pₖ a polynomial of it, so they all are and commute. Hence Pₖ₊₁ follows from Pₖ alone
 * with two products in place of four, products with Z need no Z, and a symmetric gradient halves the way back.
 */
export class PseudoInverse {
  private readonly scale: tf.Scalar;
  private readonly steps: { power: tf.Tensor3D; square?: tf.Tensor3D }[] = [];

  /**
   * @param matrix [h, m, m], rows summing to 1
   * @param iterations officially 6
   */
  constructor(
    private readonly matrix: tf.Tensor3D,
    iterations: number,
  ) {
    const [scale, ...powers] = powersOf(matrix, iterations) as [tf.Scalar, ...tf.Tensor3D[]];
    this.scale = scale;
    for (let i = 0; i < powers.length; i += 2) {
      this.steps.push({ power: powers[i] as tf.Tensor3D, square: powers[i + 1] });
    }
  }

  /** Z·x, x [h, m, c] */
  times(x: tf.Tensor3D): tf.Tensor3D {
    return tf.mul(tf.matMul(this.matrix, this.polynomial(x), true), this.scale);
  }

  /** Zᵀ·x, x [h, m, c] */
  transposedTimes(x: tf.Tensor3D): tf.Tensor3D {
    return this.polynomial(tf.mul(tf.matMul(this.matrix, x), this.scale));
  }

  private polynomial(x: tf.Tensor3D): tf.Tensor3D {
    return this.steps.reduceRight((u, { power, square }) => {
      const once: tf.Tensor3D = tf.matMul(power, u);
      const inner: tf.Tensor3D = tf.sub(tf.mul(u, 7), once);
      if (square) {
        return tf.mul(tf.addN([tf.mul(u, 13), tf.mul(once, -15), tf.matMul(square, inner)]), 0.25);
      }
      const middle: tf.Tensor3D = tf.sub(tf.mul(u, 15), tf.matMul(power, inner));
      return tf.mul(tf.sub(tf.mul(u, 13), tf.matMul(power, middle)), 0.25);
    }, x);
  }
}

/** A → s, P₀, P₀², P₁, P₁², …, P of the last step; all in one node of the tape. */
function powersOf(matrix: tf.Tensor3D, iterations: number): tf.Tensor[] {
  return differentiable((a: tf.Tensor3D) => {
    const columns = tf.sum(a, 1);
    // The official scale also divides by the largest sum of a row, which a softmax makes 1.
    const largest = tf.max(columns) as tf.Scalar;
    const scale: tf.Scalar = tf.div(1, largest);
    const powers: tf.Tensor3D[] = iterations > 0 ? [tf.mul(tf.matMul(a, a, false, true), scale)] : [];
    for (let k = 1; k < iterations; k++) {
      const power = powers[powers.length - 1] as tf.Tensor3D;
      const square: tf.Tensor3D = tf.matMul(power, power);
      const rest: tf.Tensor3D = tf.matMul(square, tf.sub(tf.mul(power, 7), square));
      powers.push(square, tf.mul(tf.addN([tf.mul(power, 13), tf.mul(square, -15), rest]), 0.25));
    }
    return {
      value: [scale, ...powers] as tf.Tensor[],
      save: [a, columns, scale, ...powers],
      gradient: ([dScale, ...upstream], saved) => {
        const [matrixA, sums, s, ...p] = saved as [tf.Tensor3D, tf.Tensor2D, tf.Scalar, ...tf.Tensor3D[]];
        if (p.length === 0) return [throughScale(dScale as tf.Scalar, s, sums, matrixA)];
        const dFirst = throughPowers(upstream as tf.Tensor3D[], p);
        const viaScale = tf.div(tf.sum(tf.mul(dFirst, p[0] as tf.Tensor3D)), s);
        const ds: tf.Scalar = tf.add(dScale as tf.Scalar, viaScale);
        const direct = tf.mul(tf.matMul(dFirst, matrixA), tf.mul(s, 2));
        return [tf.add(direct, throughScale(ds, s, sums, matrixA))];
      },
    };
  })(matrix);
}

/** d loss / d P₀, symmetric, of d loss / d P₀, P₀², P₁, … */
function throughPowers(upstream: tf.Tensor3D[], powers: tf.Tensor3D[]): tf.Tensor3D {
  let d = symmetric(upstream[upstream.length - 1] as tf.Tensor3D);
  for (let at = powers.length - 3; at >= 0; at -= 2) {
    const [power, square] = [powers[at], powers[at + 1]] as [tf.Tensor3D, tf.Tensor3D];
    const quarter: tf.Tensor3D = tf.mul(d, 0.25);
    const throughSquare = symmetric(tf.matMul(square, quarter));
    const throughPower = symmetric(tf.matMul(power, quarter));
    const dSquare = tf.addN([
      symmetric(upstream[at + 1] as tf.Tensor3D),
      tf.mul(quarter, -15),
      tf.mul(throughPower, 7),
      tf.mul(throughSquare, -2),
    ]) as tf.Tensor3D;
    d = tf.addN([
      symmetric(upstream[at] as tf.Tensor3D),
      tf.mul(quarter, 13),
      tf.mul(throughSquare, 7),
      tf.mul(symmetric(tf.matMul(power, dSquare)), 2),
    ]) as tf.Tensor3D;
  }
  return d;
}

/** The scale is 1 / the largest sum of a column; equal ones share its gradient, as PyTorch's maximum does. */
function throughScale(ds: tf.Scalar, s: tf.Scalar, columns: tf.Tensor2D, { shape }: tf.Tensor3D): tf.Tensor3D {
  const attained = tf.cast(tf.equal(columns, tf.max(columns)), 'float32');
  const share = tf.div(tf.mul(tf.neg(ds), tf.square(s)), tf.sum(attained));
  return tf.broadcastTo(tf.expandDims(tf.mul(attained, share), 1), shape) as tf.Tensor3D;
}

function symmetric(x: tf.Tensor3D): tf.Tensor3D {
  return tf.mul(tf.add(x, tf.transpose(x, [0, 2, 1])), 0.5);
}
