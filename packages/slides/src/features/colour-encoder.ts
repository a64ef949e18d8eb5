import type { RgbImage } from '../images/rgb-image.js';
import type { PatchEncoder } from './encoder.js';

const WIDTH = 6;

/**
 * Mean and standard deviation of R, G and B, each 0…1: six features that need no weights. They tell stain from background and
 * little more; for trying a pipeline, not for diagnosis.
 */
export function colourEncoder(): PatchEncoder {
  return {
    name: 'colour',
    title: 'mean and deviation of colours, for trials only',
    width: WIDTH,
    encode: (images) => ({
      shape: [images.length, WIDTH],
      data: Float32Array.from(images.flatMap(colours)),
    }),
  };
}

function colours({ data }: RgbImage): number[] {
  const pixels = data.length / 3;
  const [sums, squares] = [new Float64Array(3), new Float64Array(3)];
  for (let i = 0; i < data.length; i++) {
    const value = (data[i] as number) / 255;
    sums[i % 3] = (sums[i % 3] as number) + value;
    squares[i % 3] = (squares[i % 3] as number) + value * value;
  }
  const means = Array.from(sums, (sum) => sum / pixels);
  const deviations = means.map((mean, c) => Math.sqrt(Math.max(0, (squares[c] as number) / pixels - mean * mean)));
  return [...means, ...deviations];
}
