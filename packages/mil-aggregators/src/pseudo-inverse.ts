import * as tf from '@tensorflow/tfjs';
import { differentiable } from '@mhim/tensor';

/**
 * The iterated Moore–Penrose inverse of Nyström attention (Xiong et al. 2021 eq. 11) of softmax matrices A [h, m, m]:
 * Z₀ = s·Aᵀ, Pₖ = A·Zₖ, Zₖ₊₁ = Zₖ·S(Pₖ) with S(P) = ¼·(13I − 15P + 7P² − P³). It is there to multiply by, so its last
 * step acts on the factor and not on a matrix.
 *
 * The first row and column may stand for c equal ones. A matrix that does not tell those apart acts on the span of their sum
 * and the other axes alone, so the iteration stays there; U, which has √c for the first axis and 1 for the others, makes the
 * basis of that span orthonormal, as the transposition in Z₀ needs it.
 */
export class PseudoInverse {
  /** Z and P before the last step; without any step Z alone. */
  private readonly inverse: tf.Tensor3D;
  private readonly power?: tf.Tensor3D;

  /**
   * @param matrix [h, m, m], rows summing to 1: the first column holds the sum of the equal ones
   * @param iterations officially 6
   * @param equal c, how many the first row stands for
   */
  constructor(
    matrix: tf.Tensor3D,
    iterations: number,
    private readonly equal = 1,
  ) {
    const ratios = ratiosOf(matrix.shape[1], equal);
    const balanced: tf.Tensor3D = ratios ? tf.mul(matrix, ratios) : matrix;
    [this.inverse, this.power] = iterate(balanced, iterations, equal) as [tf.Tensor3D, tf.Tensor3D?];
  }

  /** Z·x, x [h, m, c] with one row for the equal ones; of the result too. */
  times(x: tf.Tensor3D): tf.Tensor3D {
    const y: tf.Tensor3D = tf.matMul(this.inverse, this.lastStep(this.scaled(x, 0.5), false));
    return this.scaled(y, -0.5);
  }

  /** Zᵀ·x, x [h, m, c] with the sum of the rows of the equal ones; of the result too. */
  transposedTimes(x: tf.Tensor3D): tf.Tensor3D {
    const y = this.lastStep(tf.matMul(this.inverse, this.scaled(x, -0.5), true), true);
    return this.scaled(y, 0.5);
  }

  /** The first row times cᵉ. */
  private scaled(x: tf.Tensor3D, exponent: number): tf.Tensor3D {
    return this.equal === 1 ? x : tf.mul(x, column(x.shape[1], this.equal ** exponent));
  }

  /** S(P)·x, or S(Pᵀ)·x. */
  private lastStep(x: tf.Tensor3D, transposed: boolean): tf.Tensor3D {
    const { power } = this;
    if (!power) return x;
    const times = (y: tf.Tensor3D): tf.Tensor3D => tf.matMul(power, y, transposed);
    const inner = times(tf.sub(tf.mul(x, 7), times(x)));
    return tf.mul(tf.sub(tf.mul(x, 13), times(tf.sub(tf.mul(x, 15), inner))), 0.25);
  }
}

/** Zₖ, Pₖ and W = ¼·(15P − 7P² + P³), by which Zₖ₊₁ = 3¼·Zₖ − Zₖ·W: in a sum with 13I the other terms lose digits. */
type Step = [z: tf.Tensor3D, power: tf.Tensor3D, rest: tf.Tensor3D];

/** A → Z and P before the last step, as one node of the tape. */
function iterate(matrix: tf.Tensor3D, iterations: number, equal: number): tf.Tensor3D[] {
  return differentiable((a: tf.Tensor3D) => {
    const ratios = ratiosOf(a.shape[1], equal);
    const columns: tf.Tensor2D = tf.sum(ratios ? tf.mul(a, ratios) : a, 1);
    // The official scale also divides by the largest sum of a row, which a softmax makes 1.
    const scale: tf.Scalar = tf.div(1, tf.max(columns));
    let z: tf.Tensor3D = tf.mul(transposed(a), scale);
    const steps: Step[] = [];
    for (let k = 1; k < iterations; k++) {
      const power: tf.Tensor3D = tf.matMul(a, z);
      const square: tf.Tensor3D = tf.matMul(power, power);
      const cube: tf.Tensor3D = tf.matMul(square, power);
      const rest = tf.addN([tf.mul(power, 3.75), tf.mul(square, -1.75), tf.mul(cube, 0.25)]) as tf.Tensor3D;
      steps.push([z, power, rest]);
      z = tf.sub(tf.mul(z, 3.25), tf.matMul(z, rest));
    }
    const last: tf.Tensor3D[] = iterations > 0 ? [z, tf.matMul(a, z)] : [z];
    return {
      value: last,
      save: [a, columns, scale, ...last, ...steps.flat()],
      gradient: (upstream, [ma, sums, s, ...saved]) => {
        const kept = saved.slice(last.length) as tf.Tensor3D[];
        const before = steps.map((_, k) => kept.slice(3 * k, 3 * k + 3)) as Step[];
        const inputs = [ma, sums, s, saved] as [tf.Tensor3D, tf.Tensor2D, tf.Scalar, tf.Tensor3D[]];
        return [tf.tidy(() => backward(upstream, ...inputs, before, equal))];
      },
    };
  })(matrix);
}

/**
 * P₀ = s·A·Aᵀ is symmetric and every later P a polynomial of it, so the P are symmetric whatever A is, and a gradient with
 * respect to one may be replaced by any with the same symmetric part. That saves two of the eight products of a step.
 */
function backward(
  [dLast, dPower]: tf.Tensor3D[],
  a: tf.Tensor3D,
  columns: tf.Tensor2D,
  scale: tf.Scalar,
  [last, lastPower]: tf.Tensor3D[],
  steps: Step[],
  equal: number,
): tf.Tensor3D {
  const parts: tf.Tensor3D[] = [];
  let z = last as tf.Tensor3D;
  let dz = dLast as tf.Tensor3D;
  let dp = dPower;
  for (const [before, power, rest] of [...steps].reverse()) {
    parts.push(tf.matMul(dp as tf.Tensor3D, z, false, true));
    dz = tf.add(dz, tf.matMul(a, dp as tf.Tensor3D, true));
    dp = throughRest(tf.matMul(before, dz, true), power);
    dz = tf.sub(tf.mul(dz, 3.25), tf.matMul(dz, rest, false, true));
    z = before;
  }
  let ds: tf.Scalar = tf.sum(tf.mul(dz, transposed(a)));
  if (dp) {
    const first = steps[0]?.[1] ?? (lastPower as tf.Tensor3D);
    parts.push(tf.mul(tf.matMul(tf.add(dp, transposed(dp)) as tf.Tensor3D, a), scale));
    ds = tf.add(ds, tf.div(tf.sum(tf.mul(dp, first)), scale));
  }
  return tf.addN([...parts, tf.mul(transposed(dz), scale), throughScale(ds, scale, columns, a, equal)]) as tf.Tensor3D;
}

/**
 * d loss / dP of −d loss / dW. With g the symmetric part of what is given,
 * −¼·(15g − 7(Pg + gP) + P²g + PgP + gP²), of which Pg and (Pg)ᵀ = gP are one product and the squares another.
 */
function throughRest(negative: tf.Tensor3D, power: tf.Tensor3D): tf.Tensor3D {
  const eighth: tf.Tensor3D = tf.mul(tf.add(negative, transposed(negative)), 0.125);
  const once: tf.Tensor3D = tf.matMul(power, eighth);
  const both: tf.Tensor3D = tf.add(tf.mul(transposed(once), 2), once);
  return tf.sub(tf.sub(tf.mul(once, 14), tf.matMul(both, power)), tf.mul(eighth, 15));
}

/** The scale is 1 / the largest sum of a column; equal ones share its gradient, as PyTorch's maximum does. */
function throughScale(
  ds: tf.Scalar,
  scale: tf.Scalar,
  columns: tf.Tensor2D,
  { shape }: tf.Tensor3D,
  equal: number,
): tf.Tensor3D {
  const [, m] = shape;
  const attained = tf.mul(tf.cast(tf.equal(columns, tf.max(columns)), 'float32'), tf.reshape(column(m, equal), [m]));
  const share = tf.div(tf.mul(tf.neg(ds), tf.square(scale)), tf.sum(attained));
  const all = tf.broadcastTo(tf.expandDims(tf.mul(attained, share), 1), shape) as tf.Tensor3D;
  const ratios = ratiosOf(m, equal);
  return ratios ? tf.mul(all, ratios) : all;
}

/** A first element and ones, [m, 1] */
function column(m: number, first: number): tf.Tensor2D {
  return tf.pad(
    tf.fill([1, 1], first),
    [
      [0, m - 1],
      [0, 0],
    ],
    1,
  ) as tf.Tensor2D;
}

/** uᵢ / uⱼ of the diagonal of U, [m, m]; nothing where U is the identity. */
function ratiosOf(m: number, equal: number): tf.Tensor2D | undefined {
  if (equal === 1) return undefined;
  const u = column(m, Math.sqrt(equal));
  return tf.div(u, tf.transpose(u)) as tf.Tensor2D;
}

function transposed(x: tf.Tensor3D): tf.Tensor3D {
  return tf.transpose(x, [0, 2, 1]) as tf.Tensor3D;
}
