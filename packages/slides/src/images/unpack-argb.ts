import type { RgbImage } from './rgb-image.js';

/**
 * OpenSlide's premultiplied ARGB words as R, G, B, A bytes, alpha divided out as openslide-python does (whole numbers,
 * truncated); what is fully transparent stays 0.
 * @returns [pixels, 4]
 */
export function rgbaOfArgb(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(4 * words.length);
  for (let i = 0, at = 0; i < words.length; i++, at += 4) {
    const word = words[i] as number;
    const alpha = word >>> 24;
    if (alpha === 0) continue;
    const [red, green, blue] = [(word >>> 16) & 255, (word >>> 8) & 255, word & 255];
    bytes[at] = alpha === 255 ? red : (255 * red) / alpha;
    bytes[at + 1] = alpha === 255 ? green : (255 * green) / alpha;
    bytes[at + 2] = alpha === 255 ? blue : (255 * blue) / alpha;
    bytes[at + 3] = alpha;
  }
  return bytes;
}

/** The same without alpha, as CLAM and TRIDENT take it: outside the slide is black. */
export function rgbOfArgb(words: Uint32Array, width: number, height: number): RgbImage {
  const data = new Uint8Array(3 * words.length);
  for (let i = 0, at = 0; i < words.length; i++, at += 3) {
    const word = words[i] as number;
    const alpha = word >>> 24;
    if (alpha === 255) {
      data[at] = word >>> 16;
      data[at + 1] = word >>> 8;
      data[at + 2] = word;
    } else if (alpha > 0) {
      data[at] = (255 * ((word >>> 16) & 255)) / alpha;
      data[at + 1] = (255 * ((word >>> 8) & 255)) / alpha;
      data[at + 2] = (255 * (word & 255)) / alpha;
    }
  }
  return { data, width, height };
}

/** On a background, as Pillow pastes with a mask: what the slide does not cover takes the background's colour. */
export function rgbOnBackground(
  words: Uint32Array,
  width: number,
  height: number,
  background: readonly [number, number, number],
): RgbImage {
  const { data } = rgbOfArgb(words, width, height);
  for (let i = 0; i < words.length; i++) {
    const alpha = (words[i] as number) >>> 24;
    if (alpha === 255) continue;
    for (let c = 0; c < 3; c++) {
      const mixed = (data[3 * i + c] as number) * alpha + (background[c] as number) * (255 - alpha) + 128;
      data[3 * i + c] = ((mixed >> 8) + mixed) >> 8;
    }
  }
  return { data, width, height };
}
