/** P(|Z| ≥ |z|) of a standard normal Z, to a relative error of about 1e−14. */
export function twoSidedP(z: number): number {
  return complementaryError(Math.abs(z) / Math.SQRT2);
}

/** z with P(|Z| ≤ z) = level, e.g. 1.959963984540054 for 0.95. */
export function twoSidedQuantile(level: number): number {
  let [low, high] = [0, 40];
  while (high - low > 1e-3) {
    const middle = (low + high) / 2;
    if (twoSidedP(middle) > 1 - level) low = middle;
    else high = middle;
  }
  let z = (low + high) / 2;
  for (let i = 0; i < 4; i++) z += (twoSidedP(z) - (1 - level)) / (2 * density(z));
  return z;
}

function density(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
}

/** erfc(x) for x ≥ 0: Taylor series of erf near 0, continued fraction (Abramowitz and Stegun 7.1.5 and 7.1.14) beyond. */
function complementaryError(x: number): number {
  if (x < 2) {
    let [term, sum] = [x, x];
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = x;
  for (let k = 120; k > 0; k--) fraction = x + k / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}
