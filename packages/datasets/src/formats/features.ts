import { MhimError, sizeOf, toFloat32, type HostTensor } from '@mhim/tensor';

/** The arrays of a feature file. */
export interface FeatureFile {
  /** [n, d], row by row. */
  features: Float32Array;
  instances: number;
  width: number;
  /** [n, 2] */
  coords?: Float32Array;
  /** Where coordinates are not in pixels. */
  coordsUnit?: 'um';
  /** [n] */
  instanceLabels?: Int32Array;
}

/**
 * Makes a feature file's content of its arrays.
 * @throws MhimError `file-format` unless features are [n, d] (or [1, n, d]) and coords [n, 2]
 */
export function featureFile(path: string, features: HostTensor, coords?: HostTensor): FeatureFile {
  // CLAM and others keep a leading batch axis of one.
  const shape = features.shape.length === 3 && features.shape[0] === 1 ? features.shape.slice(1) : features.shape;
  if (shape.length !== 2) {
    throw new MhimError(`features have shape [${features.shape}], expected [instances, width].`, {
      code: 'file-format',
      path,
      hint: 'One file holds the patch features of one slide.',
    });
  }
  const [instances, width] = shape as [number, number];
  const file: FeatureFile = { features: toFloat32(features), instances, width };
  if (coords) {
    if (sizeOf(coords.shape) !== 2 * instances || (instances > 0 && coords.shape.at(-1) !== 2)) {
      throw new MhimError(`coords have shape [${coords.shape}], expected [${instances}, 2] as there are features.`, {
        code: 'file-format',
        path,
        hint: 'Were features and coordinates written by different runs?',
      });
    }
    file.coords = toFloat32(coords);
  }
  return file;
}
