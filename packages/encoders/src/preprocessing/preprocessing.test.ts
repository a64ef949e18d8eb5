import { describe, expect, it } from 'vitest';
import { madeImage } from '../test-helpers.js';
import { resizeLikePillow } from './pillow-resize.js';
import { normalise, preprocessingOf, resizeAndCrop, type PreprocessingName } from './preprocessing.js';

/** What Pillow 10.4 makes of the 7×5 image of the test helpers. */
const pillow = {
  bilinear4x4: [
    ...[
      87, 68, 127, 197, 95, 186, 162, 123, 141, 117, 144, 158, 100, 162, 118, 207, 166, 110, 158, 165, 155, 86, 158,
      124,
    ],
    ...[
      165, 129, 129, 134, 108, 96, 133, 154, 141, 77, 129, 118, 108, 161, 161, 147, 112, 143, 193, 122, 160, 90, 113,
      169,
    ],
  ],
  bicubic9x3: [
    ...[
      11, 81, 156, 88, 86, 110, 186, 103, 121, 233, 121, 182, 195, 122, 213, 175, 135, 150, 145, 143, 72, 117, 151, 109,
    ],
    ...[
      104, 159, 242, 97, 158, 157, 157, 155, 90, 198, 151, 72, 191, 145, 109, 140, 139, 134, 153, 189, 172, 125, 144,
      163,
    ],
    ...[
      76, 121, 122, 39, 170, 83, 91, 165, 215, 147, 138, 138, 136, 117, 110, 102, 96, 132, 162, 65, 131, 210, 140, 147,
    ],
    ...[169, 160, 154, 96, 126, 158, 53, 85, 163],
  ],
  bicubic7x3: [
    ...[
      17, 82, 153, 133, 90, 97, 233, 118, 167, 195, 122, 213, 169, 138, 130, 127, 146, 58, 105, 158, 234, 101, 158, 153,
    ],
    ...[
      184, 153, 64, 200, 148, 101, 140, 139, 134, 152, 193, 176, 97, 108, 142, 42, 167, 86, 94, 163, 209, 164, 125, 107,
    ],
    ...[96, 106, 131, 162, 65, 131, 212, 157, 151, 124, 146, 155, 56, 85, 163],
  ],
};

describe('resizeLikePillow', () => {
  it('has the bytes of Pillow: shrinking, enlarging one axis, leaving one axis', () => {
    const image = madeImage(7, 5);
    expect([...resizeLikePillow(image, 4, 4, 'bilinear').data]).toEqual(pillow.bilinear4x4);
    expect([...resizeLikePillow(image, 9, 3, 'bicubic').data]).toEqual(pillow.bicubic9x3);
    expect([...resizeLikePillow(image, 7, 3, 'bicubic').data]).toEqual(pillow.bicubic7x3);
    expect(resizeLikePillow(image, 7, 5, 'bicubic')).toBe(image);
  });

  it('clips what bicubic overshoots', () => {
    const stripes = { data: Uint8Array.from({ length: 36 }, (_, i) => (i < 18 ? 0 : 255)), width: 12, height: 1 };
    const values = [...resizeLikePillow(stripes, 40, 1, 'bicubic').data];
    expect([Math.min(...values), Math.max(...values)]).toEqual([0, 255]);
  });
});

describe('the chains', () => {
  it.each<[PreprocessingName, number, number]>([
    ['clam', 255, 224],
    ['trident', 224, 224],
    ['uni_bicubic', 224, 224],
    ['plip', 224, 224],
    ['clip_openai', 224, 224],
    ['effnet_lite0', 224, 224],
  ])('%s makes %i×%i of 342×300', (name, width, height) => {
    const result = resizeAndCrop(madeImage(342, 300), name);
    expect([result.width, result.height, result.data.length]).toEqual([width, height, 3 * width * height]);
  });

  it('halve an odd surplus as their tools do', () => {
    const wide = resizeAndCrop(madeImage(342, 300), { ...preprocessingOf('plip'), crop: 'none' });
    const column = (name: PreprocessingName) => resizeAndCrop(madeImage(342, 300), name).data.slice(0, 3);
    expect(column('plip')).toEqual(wide.data.slice(3 * 15, 3 * 16));
    expect(column('clip_openai')).toEqual(wide.data.slice(3 * 16, 3 * 17));
  });

  it('normalise channel by channel, or not at all', () => {
    const pixel = { data: Uint8Array.of(0, 128, 255), width: 1, height: 1 };
    const [red, green, blue] = normalise(pixel, 'trident') as unknown as [number, number, number];
    expect(red).toBeCloseTo(-0.485 / 0.229, 6);
    expect(green).toBeCloseTo((128 / 255 - 0.456) / 0.224, 6);
    expect(blue).toBeCloseTo((1 - 0.406) / 0.225, 6);
    expect([...normalise(pixel, 'effnet_lite0')]).toEqual([0, 128, 255]);
  });

  it('say what they cannot take', () => {
    expect(() => resizeAndCrop(madeImage(4, 4), 'tridant' as PreprocessingName)).toThrow(
      /no preprocessing "tridant" \(did you mean "trident"\?\)\. Choose one of clam, /,
    );
    expect(() => resizeAndCrop({ data: new Uint8Array(5), width: 2, height: 1 }, 'clam')).toThrow(
      /2×1 pixels comes with 5 bytes\. Expected a Uint8Array of red, green, blue/,
    );
    expect(() => resizeAndCrop({ data: new Uint8Array(0), width: 0, height: 1 }, 'clam')).toThrow(/0×1 pixels/);
  });
});
