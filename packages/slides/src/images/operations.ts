import { withOpenCV, type MatScope } from '../opencv.js';
import type { Plane } from './plane.js';
import type { RgbImage } from './rgb-image.js';

/** OpenCV's 8-bit hue (0…179), saturation and value (0…255) of a picture, [height, width, 3]. */
export function hsvOf({ data, width, height }: RgbImage): Promise<Uint8Array> {
  return withOpenCV((scope) => hsvBytes(scope, data, width, height));
}

/** The saturation plane of a picture. */
export async function saturationOf(image: RgbImage): Promise<Plane> {
  const { width, height } = image;
  return { data: everyThird(await hsvOf(image), 1), width, height };
}

function hsvBytes(scope: MatScope, data: Uint8Array, width: number, height: number): Uint8Array {
  const { cv } = scope;
  const hsv = scope.empty();
  cv.cvtColor(scope.rgb(data, width, height), hsv, cv.COLOR_RGB2HSV);
  return hsv.data.slice();
}

function everyThird(bytes: Uint8Array, from: number): Uint8Array {
  const plane = new Uint8Array(bytes.length / 3);
  for (let i = 0, at = from; i < plane.length; i++, at += 3) plane[i] = bytes[at] as number;
  return plane;
}

/** Median over a square of `kernel` × `kernel` pixels (odd), edges replicated. */
export function medianBlur(plane: Plane, kernel: number): Promise<Plane> {
  return onPlane(plane, ({ cv }, from, to) => void cv.medianBlur(from, to, kernel));
}

/** 255 where a plane exceeds `threshold`, else 0. */
export function thresholdPlane(plane: Plane, threshold: number): Promise<Plane> {
  return onPlane(plane, ({ cv }, from, to) => void cv.threshold(from, to, threshold, 255, cv.THRESH_BINARY));
}

/** The same by Otsu's threshold, which is returned too. */
export async function otsuPlane(plane: Plane): Promise<{ threshold: number; plane: Plane }> {
  let threshold = 0;
  const result = await onPlane(plane, ({ cv }, from, to) => {
    threshold = cv.threshold(from, to, 0, 255, cv.THRESH_BINARY + cv.THRESH_OTSU) as number;
  });
  return { threshold, plane: result };
}

/** Morphological closing with a square of ones; an even kernel moves shapes one pixel right and down, as in OpenCV and CLAM. */
export function closePlane(plane: Plane, kernel: number): Promise<Plane> {
  return onPlane(plane, (scope, from, to) => {
    const { cv } = scope;
    const ones = scope.keep(cv.Mat.ones(kernel, kernel, cv.CV_8U));
    cv.morphologyEx(from, to, cv.MORPH_CLOSE, ones);
  });
}

function onPlane(
  { data, width, height }: Plane,
  operation: (scope: MatScope, from: ReturnType<MatScope['empty']>, to: ReturnType<MatScope['empty']>) => void,
): Promise<Plane> {
  return withOpenCV((scope) => {
    const to = scope.empty();
    operation(scope, scope.plane(data, width, height), to);
    return { data: to.data.slice(), width, height };
  });
}
