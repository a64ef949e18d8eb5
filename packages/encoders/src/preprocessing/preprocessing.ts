import { MhimError, suggestion } from '@mhim/tensor';
import { checkImage, type RgbImage } from '../image.js';
import { resizeLikePillow } from './pillow-resize.js';
import type { ResamplingFilter } from './resampling-taps.js';

/** How an image becomes a network's input. */
export interface Preprocessing {
  /** `shorter-side` keeps the aspect ratio: the other side is ⌊size·long/short⌋. */
  readonly resize: 'shorter-side' | 'both-sides';
  readonly size: number;
  readonly filter: ResamplingFilter;
  /** Square of `size` from the middle: an odd surplus is halved to the even (torchvision) or downwards (Hugging Face). */
  readonly crop: 'none' | 'centre-half-to-even' | 'centre-half-down';
  /** Of red, green, blue as shares of 255; without it the network gets 0 … 255 as they are. */
  readonly normalise?: { readonly mean: Triple; readonly std: Triple };
}

type Triple = readonly [number, number, number];

const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const openAI = { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] } as const;

/** The chains of the tools whose features ours shall equal. */
export const preprocessings = {
  /** CLAM, `resnet50_trunc` and `uni_v1`: no crop. */
  clam: { resize: 'shorter-side', size: 224, filter: 'bilinear', crop: 'none', normalise: imageNet },
  /** TRIDENT's ResNet-50 and UNI, and UNI's own. */
  trident: {
    resize: 'shorter-side',
    size: 224,
    filter: 'bilinear',
    crop: 'centre-half-to-even',
    normalise: imageNet,
  },
  /** As `trident` with bicubic resizing: what a timm transform with that interpolation does. */
  uni_bicubic: {
    resize: 'shorter-side',
    size: 224,
    filter: 'bicubic',
    crop: 'centre-half-to-even',
    normalise: imageNet,
  },
  /** PLIP: Hugging Face's CLIP image processor. */
  plip: { resize: 'shorter-side', size: 224, filter: 'bicubic', crop: 'centre-half-down', normalise: openAI },
  /** CLIP's own, in torchvision. */
  clip_openai: { resize: 'shorter-side', size: 224, filter: 'bicubic', crop: 'centre-half-to-even', normalise: openAI },
  /** EfficientNet-Lite0, which normalises inside the network. */
  effnet_lite0: { resize: 'both-sides', size: 224, filter: 'bilinear', crop: 'none' },
} as const satisfies Record<string, Preprocessing>;

export type PreprocessingName = keyof typeof preprocessings;
export const preprocessingNames = Object.keys(preprocessings) as PreprocessingName[];

/** A chain by its name, or the one given. @throws MhimError `config` for an unknown name */
export function preprocessingOf(chain: PreprocessingName | Preprocessing): Preprocessing {
  if (typeof chain === 'object') return chain;
  if (Object.hasOwn(preprocessings, chain)) return preprocessings[chain];
  throw new MhimError(`there is no preprocessing "${String(chain)}"${suggestion(String(chain), preprocessingNames)}.`, {
    code: 'config',
    hint: `Choose one of ${preprocessingNames.join(', ')}.`,
  });
}

/** Resizes and crops; bytes equal Pillow's. @throws MhimError `data` unless the image's bytes fill it */
export function resizeAndCrop(image: RgbImage, chain: PreprocessingName | Preprocessing): RgbImage {
  checkImage(image);
  const { resize, size, filter, crop } = preprocessingOf(chain);
  const { width, height } = image;
  const long = Math.trunc((size * Math.max(width, height)) / Math.min(width, height));
  const [newWidth, newHeight] = resize === 'both-sides' ? [size, size] : width <= height ? [size, long] : [long, size];
  const resized = resizeLikePillow(image, newWidth, newHeight, filter);
  return crop === 'none' ? resized : centreCrop(resized, size, crop === 'centre-half-to-even' ? halfToEven : halfDown);
}

/** Bytes → the network's numbers in the same order, written into `target`. */
export function normalise(
  { data }: RgbImage,
  chain: PreprocessingName | Preprocessing,
  target = new Float32Array(data.length),
): Float32Array {
  const table = valueTable(preprocessingOf(chain));
  for (let i = 0; i < data.length; i += 3) {
    target[i] = table[data[i] as number] as number;
    target[i + 1] = table[256 + (data[i + 1] as number)] as number;
    target[i + 2] = table[512 + (data[i + 2] as number)] as number;
  }
  return target;
}

/** The 256 values that a byte of each channel can become, in float32 arithmetic as torch has it. */
function valueTable({ normalise: by }: Preprocessing): Float32Array {
  return Float32Array.from({ length: 768 }, (_, i) => {
    const [channel, byte] = [i >> 8, i & 255];
    if (!by) return byte;
    const [mean, std] = [Math.fround(by.mean[channel] as number), Math.fround(by.std[channel] as number)];
    return Math.fround(Math.fround(Math.fround(byte / 255) - mean) / std);
  });
}

function centreCrop({ data, width, height }: RgbImage, size: number, half: (surplus: number) => number): RgbImage {
  if (width === size && height === size) return { data, width, height };
  const [left, top] = [half(width - size), half(height - size)];
  const result = new Uint8Array(3 * size * size);
  for (let y = 0; y < size; y++) {
    const from = 3 * ((top + y) * width + left);
    result.set(data.subarray(from, from + 3 * size), 3 * size * y);
  }
  return { data: result, width: size, height: size };
}

function halfToEven(surplus: number): number {
  const down = Math.floor(surplus / 2);
  return surplus % 2 === 1 && down % 2 === 1 ? down + 1 : down;
}

function halfDown(surplus: number): number {
  return Math.floor(surplus / 2);
}
