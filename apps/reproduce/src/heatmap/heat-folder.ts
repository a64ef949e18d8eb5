import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  HEAT_CALL,
  HEAT_VERSION,
  heatScript,
  parseHeatScript,
  type HeatIndex,
  type HeatSlide,
} from '@mhim/figures/heat-view';
import { makeFolder, MhimError, writeFileAtomic } from '@mhim/tensor';

/** A folder of heatmaps: an index that the page reads, and a folder a slide. Slides and models are added one by one. */
export class HeatFolder {
  private constructor(
    readonly path: string,
    private readonly index: HeatIndex,
  ) {}

  /** @throws MhimError `file-format` for an index that is damaged or of a newer version, `config` where others keep slides */
  static open(path: string, title = 'Heatmaps'): HeatFolder {
    const file = join(path, 'heatmaps.js');
    if (!existsSync(file)) {
      const slides = join(path, 'slides');
      if (!existsSync(slides)) return new HeatFolder(path, { version: HEAT_VERSION, title, slides: [] });
      throw new MhimError('is of no heatmaps: this folder holds something else.', {
        code: 'config',
        path: slides,
        hint: 'Choose another --out.',
      });
    }
    const index = parseHeatScript(HEAT_CALL.index, readFileSync(file, 'utf8')) as HeatIndex | undefined;
    if (index?.version === HEAT_VERSION && Array.isArray(index.slides)) return new HeatFolder(path, index);
    throw new MhimError('is no index of heatmaps of this version.', {
      code: 'file-format',
      path: file,
      hint: 'Choose another folder with --out, or delete this one.',
    });
  }

  slide(id: string): HeatSlide | undefined {
    return this.index.slides.find((slide) => slide.id === id);
  }

  /** Makes the folder one of heatmaps, before anything is written below it. */
  begin(): void {
    makeFolder(this.path);
    if (!existsSync(join(this.path, 'heatmaps.js'))) this.write();
  }

  /** Adds a slide, or replaces what is known of it; models that it has already stay. */
  put(slide: HeatSlide): void {
    const { slides } = this.index;
    const at = slides.findIndex(({ id }) => id === slide.id);
    if (at < 0) slides.push(slide);
    else {
      const added = new Set(slide.models.map(({ id }) => id));
      const models = [...(slides[at] as HeatSlide).models.filter(({ id }) => !added.has(id)), ...slide.models];
      slides[at] = { ...slide, models: models.sort((a, b) => (a.id < b.id ? -1 : 1)) };
    }
    slides.sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
    this.write();
  }

  private write(): void {
    writeFileAtomic(join(this.path, 'heatmaps.js'), heatScript(HEAT_CALL.index, this.index));
  }

  /** Whether the slide's tiles are there, of this size and younger than its file. */
  hasTiles({ folder, tiles }: Pick<HeatSlide, 'folder' | 'tiles'>, slideFile: string): boolean {
    const description = join(this.path, folder, 'slide.dzi');
    if (!existsSync(description) || !existsSync(join(this.path, folder, 'thumbnail.jpg'))) return false;
    if (statSync(description).mtimeMs < statSync(slideFile).mtimeMs) return false;
    const text = readFileSync(description, 'utf8');
    return (
      text.includes(`TileSize="${tiles.tileSize}"`) && text.includes(`Width="${tiles.width}" Height="${tiles.height}"`)
    );
  }
}
