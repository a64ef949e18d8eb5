import { existsSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { MhimError } from '@mhim/tensor';
import type { RgbImage } from '../images/rgb-image.js';
import { rgbaOfArgb, rgbOfArgb } from '../images/unpack-argb.js';
import { levelsOf, type SlideLevel } from './level.js';
import { loadOpenSlide, type OpenSlideLibrary, type Pointer } from './library.js';
import { MAX_REGION_PIXELS, type SlideReader } from './slide-reader.js';

/**
 * An open whole-slide image of any format that OpenSlide reads. Reads may run at the same time; they use threads of Node's pool.
 * Close it after use.
 */
export class Slide implements SlideReader {
  readonly levels: readonly SlideLevel[];
  readonly properties: Readonly<Record<string, string>>;
  /** Names and sizes of label, macro, thumbnail … */
  readonly associatedImages: Readonly<Record<string, readonly [number, number]>>;
  private closed = false;
  /** Reads under way; the file is freed after the last. */
  private reading = 0;

  private constructor(
    /** File name without extension, as CLAM and TRIDENT call a slide. */
    readonly name: string,
    readonly path: string,
    private readonly library: OpenSlideLibrary,
    private readonly handle: Pointer,
  ) {
    const count = library.getLevelCount(handle);
    const sizes = Array.from({ length: count }, (_, level): [number, number, number] => [
      ...library.getLevelDimensions(handle, level),
      library.getLevelDownsample(handle, level),
    ]);
    this.levels = levelsOf(sizes);
    this.properties = Object.fromEntries(
      library.getPropertyNames(handle).map((name) => [name, library.getPropertyValue(handle, name) ?? '']),
    );
    this.associatedImages = Object.fromEntries(
      library
        .getAssociatedImageNames(handle)
        .map((name) => [name, library.getAssociatedImageDimensions(handle, name)] as const),
    );
    this.check();
  }

  /**
   * Opens a slide.
   * @throws MhimError `file-missing`; `file-format` for a file that is damaged or no slide; `dependency` without OpenSlide
   */
  static async open(path: string): Promise<Slide> {
    if (!existsSync(path)) {
      throw new MhimError('there is no such file.', { code: 'file-missing', path, hint: 'Check the path.' });
    }
    // MRXS and DICOM slides are a file with a folder beside; a folder alone is none.
    if (statSync(path).isDirectory()) {
      throw new MhimError('is a folder, expected one slide file.', {
        code: 'file-format',
        path,
        hint: 'Name the file in it.',
      });
    }
    if (statSync(path).size === 0) throw damaged(path, 'it has no content');
    const library = await loadOpenSlide();
    const handle = library.open(path);
    if (!handle) throw notASlide(path);
    const error = library.getError(handle);
    if (error !== null) {
      library.close(handle);
      throw damaged(path, error);
    }
    try {
      return new Slide(basename(path, extname(path)), path, library, handle);
    } catch (cause) {
      library.close(handle);
      throw cause;
    }
  }

  get vendor(): string | undefined {
    return this.properties['openslide.vendor'];
  }

  /** Microns per pixel at level 0, in x and y; undefined where the file does not say. */
  get mpp(): readonly [number, number] | undefined {
    const [x, y] = ['openslide.mpp-x', 'openslide.mpp-y'].map((name) => positive(this.properties[name]));
    return x !== undefined && y !== undefined ? [x, y] : undefined;
  }

  /** Magnification of level 0, such as 20 or 40; undefined where the file does not say. */
  get objectivePower(): number | undefined {
    return positive(this.properties['openslide.objective-power']);
  }

  /** The level that OpenSlide would read for a downsample. */
  bestLevelForDownsample(downsample: number): number {
    return this.library.getBestLevelForDownsample(this.open(), downsample);
  }

  /**
   * A region as R, G, B; what lies outside the slide is black, as in CLAM.
   * @param x left edge in level-0 pixels, may be negative
   * @param y upper edge in level-0 pixels
   * @param width in pixels of the level
   * @param height in pixels of the level
   * @throws MhimError `file-format` when the file is damaged there
   */
  async readRegion(x: number, y: number, level: number, width: number, height: number): Promise<RgbImage> {
    return rgbOfArgb(await this.readArgb(x, y, level, width, height), width, height);
  }

  /** The same with alpha: [height, width, 4], not premultiplied; outside the slide all is 0. */
  async readRegionRgba(x: number, y: number, level: number, width: number, height: number): Promise<Uint8Array> {
    return rgbaOfArgb(await this.readArgb(x, y, level, width, height));
  }

  /** The same as OpenSlide gives it: premultiplied ARGB words. */
  async readArgb(x: number, y: number, level: number, width: number, height: number): Promise<Uint32Array> {
    const whole = [x, y, level, width, height].every(Number.isSafeInteger);
    if (!whole || width < 0 || height < 0 || level < 0 || level >= this.levels.length) {
      throw new MhimError(`there is no region ${width} × ${height} at (${x}, ${y}) of level ${level}.`, {
        code: 'config',
        path: this.path,
        hint: `Expected whole numbers and a level below ${this.levels.length}.`,
      });
    }
    if (width * height > MAX_REGION_PIXELS) {
      throw new MhimError(`a region of ${width} × ${height} pixels is too large to be read at once.`, {
        code: 'config',
        path: this.path,
        hint: 'Read it in strips.',
      });
    }
    const pixels = new Uint32Array(width * height);
    if (pixels.length === 0) return pixels;
    await this.whileOpen((handle) => this.library.readRegion(handle, pixels, x, y, level, width, height));
    return pixels;
  }

  /**
   * An associated image, R, G, B; transparent parts are black.
   * @throws MhimError `config` when the slide has none of that name
   */
  async readAssociatedImage(name: string): Promise<RgbImage> {
    const size = Object.hasOwn(this.associatedImages, name) ? this.associatedImages[name] : undefined;
    if (!size || size[0] * size[1] > MAX_REGION_PIXELS) {
      throw new MhimError(size ? `its image "${name}" is too large.` : `has no image "${name}".`, {
        code: 'config',
        path: this.path,
        hint: `It has: ${Object.keys(this.associatedImages).join(', ') || 'none'}.`,
      });
    }
    const pixels = new Uint32Array(size[0] * size[1]);
    await this.whileOpen((handle) => this.library.readAssociatedImage(handle, name, pixels));
    return rgbOfArgb(pixels, ...size);
  }

  /** Frees the file, after the reads that are under way; nothing may be read after. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.reading === 0) this.library.close(this.handle);
  }

  private async whileOpen(read: (handle: Pointer) => Promise<void>): Promise<void> {
    const handle = this.open();
    this.reading++;
    try {
      await read(handle);
      this.check(handle);
    } finally {
      this.reading--;
      if (this.closed && this.reading === 0) this.library.close(handle);
    }
  }

  private open(): Pointer {
    if (!this.closed) return this.handle;
    throw new MhimError('the slide is closed.', { code: 'config', path: this.path });
  }

  /** OpenSlide keeps the first error of a slide, and gives blank pixels from then on. */
  private check(handle = this.handle): void {
    const error = this.library.getError(handle);
    if (error !== null) throw damaged(this.path, error);
  }
}

function notASlide(path: string): MhimError {
  return new MhimError('is no whole-slide image that OpenSlide knows.', {
    code: 'file-format',
    path,
    hint: 'Is its extension right, and is the file complete? Convert pictures to tiled pyramidal TIFF.',
  });
}

function damaged(path: string, error: string): MhimError {
  return new MhimError(`the slide is damaged: ${error.replace(/\.$/, '')}.`, {
    code: 'file-format',
    path,
    hint: 'Copy or download it again.',
  });
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text ?? NaN);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}
