import { createRequire } from 'node:module';
import type * as opencv from '@techstark/opencv-js';
import { MhimError } from '@mhim/tensor';

/** OpenCV's WebAssembly build. Its pictures live in the library's own memory and have to be deleted. */
export type OpenCV = typeof opencv;
export type Mat = InstanceType<OpenCV['Mat']>;
type MatVector = InstanceType<OpenCV['MatVector']>;

let loaded: Promise<OpenCV> | undefined;

/**
 * OpenCV, loaded when first asked for (half a second), once a process.
 * @throws MhimError `dependency` when it does not load
 */
export function loadOpenCV(): Promise<OpenCV> {
  loaded ??= load().catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function load(): Promise<OpenCV> {
  try {
    // The package's export is a promise, which a dynamic import, itself awaited, would run into.
    const require = createRequire(import.meta.url);
    return await (require('@techstark/opencv-js') as OpenCV | Promise<OpenCV>);
  } catch (cause) {
    throw new MhimError(`OpenCV does not load: ${(cause as Error).message}.`, {
      code: 'dependency',
      hint: 'Install the packages again.',
      cause,
    });
  }
}

/** Pictures that are deleted together. */
export class MatScope {
  private readonly owned: { delete(): void }[] = [];

  constructor(readonly cv: OpenCV) {}

  /** An empty picture, to be filled by an operation. */
  empty(): Mat {
    return this.keep(new this.cv.Mat());
  }

  vector(): MatVector {
    return this.keep(new this.cv.MatVector());
  }

  /** One byte a pixel, [height, width]. */
  plane(data: Uint8Array, width: number, height: number): Mat {
    const mat = this.keep(new this.cv.Mat(height, width, this.cv.CV_8UC1));
    mat.data.set(data);
    return mat;
  }

  /** R, G, B bytes, [height, width, 3]. */
  rgb(data: Uint8Array, width: number, height: number): Mat {
    const mat = this.keep(new this.cv.Mat(height, width, this.cv.CV_8UC3));
    mat.data.set(data);
    return mat;
  }

  /** A polygon: x, y of whole pixels, [points, 2]. */
  polygon(points: Int32Array): Mat {
    const mat = this.keep(new this.cv.Mat(points.length / 2, 1, this.cv.CV_32SC2));
    mat.data32S.set(points);
    return mat;
  }

  keep<T extends { delete(): void }>(object: T): T {
    this.owned.push(object);
    return object;
  }

  dispose(): void {
    for (const object of this.owned.splice(0)) object.delete();
  }
}

/**
 * Runs `use` with OpenCV and deletes the scope's pictures after.
 * @throws MhimError `data` with what OpenCV says, instead of the number that it throws
 */
export async function withOpenCV<T>(use: (scope: MatScope) => T | Promise<T>): Promise<T> {
  const cv = await loadOpenCV();
  const scope = new MatScope(cv);
  try {
    return await use(scope);
  } catch (error) {
    throw asError(cv, error);
  } finally {
    scope.dispose();
  }
}

function asError(cv: OpenCV, error: unknown): unknown {
  if (typeof error !== 'number') return error;
  const told = (cv as unknown as { exceptionFromPtr?: (pointer: number) => { msg: string } }).exceptionFromPtr?.(error);
  return new MhimError(`OpenCV refuses: ${told?.msg ?? `exception ${error}`}`, { code: 'data' });
}
