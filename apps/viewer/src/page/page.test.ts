import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { HEAT_CALL, HEAT_VERSION, heatScript, type HeatScores, type HeatSlide } from '@mhim/figures/heat-view';
import { encodeJpeg, writeSlideTiles } from '@mhim/figures/heatmap';
import { build } from 'esbuild';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveHeatmaps, type HeatmapServer } from '../server/serve-heatmaps.js';
import { writeStaticPage } from '../server/static-page.js';

const executablePath = [process.env.MHIM_CHROMIUM ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path !== '' && existsSync(path),
);
if (executablePath === undefined) console.log('No Chromium here (MHIM_CHROMIUM): the page is not driven.');

const here = dirname(fileURLToPath(import.meta.url));

/** A page of two slides of 4 × 3 patches and two models; the left one of each row is what the second model favours. */
async function makeHeatmaps(folder: string): Promise<void> {
  const [width, height, patchSize] = [400, 300, 100];
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => 120 + ((i * 7) % 120));
  const image = { levels: [{ width, height }], readRegion: async () => ({ data, width, height }) };
  const slides: HeatSlide[] = [];
  for (const id of ['one', 'two <b>']) {
    const root = `slides/${id}`;
    const tiles = await writeSlideTiles(image, join(folder, root), { thumbnailSize: 64 });
    const models = ['ab-mil', 'mhim-v2'].map((model, m) => {
      const places = Array.from({ length: 12 }, (_, i) => i);
      const scores: HeatScores = {
        version: HEAT_VERSION,
        slide: id,
        model,
        patchSize,
        x: places.map((i) => (i % 4) * 100),
        y: places.map((i) => Math.floor(i / 4) * 100),
        attention: places.map((i) => (i + 1) / 78),
        scoreName: id === 'one' ? 'probability of tumour' : 'risk',
        score: places.map((i) => (i % 4 === m ? 0.9 : 0.2)),
        centre: id === 'one' ? 0.5 : undefined,
        labels: places.map((i) => Number(i % 4 === 0)),
        top: [11, 10].map((index) => ({ by: 'attention', index, image: `top/${index}.jpg` })),
      };
      const target = join(folder, root, model);
      mkdirSync(join(target, 'top'), { recursive: true });
      writeFileSync(join(target, 'scores.js'), heatScript(HEAT_CALL.scores, scores));
      return {
        id: model,
        name: model,
        classNames: ['normal', 'tumour'],
        probabilities: [0.25, 0.75],
        files: ['x.png'],
      };
    });
    for (const model of models) {
      for (const index of [11, 10]) {
        const bytes = await encodeJpeg({ data: data.subarray(0, 3 * 64), width: 8, height: 8 }, 80);
        writeFileSync(join(folder, root, model.id, 'top', `${index}.jpg`), bytes);
      }
    }
    slides.push({ id, folder: root, width, height, label: 'normal', tiles, models });
  }
  writeFileSync(
    join(folder, 'heatmaps.js'),
    heatScript(HEAT_CALL.index, { version: HEAT_VERSION, title: 'Test', slides }),
  );
}

describe.skipIf(executablePath === undefined)('the page in a browser', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mhim-page-'));
  const [data, page] = [join(folder, 'data'), join(folder, 'page')];
  let browser: Browser;
  let server: HeatmapServer;
  const complaints: string[] = [];

  beforeAll(async () => {
    await mkdir(page, { recursive: true });
    await build({
      entryPoints: { viewer: join(here, 'main.ts') },
      outdir: page,
      bundle: true,
      format: 'iife',
      conditions: ['@mhim/source'],
      logLevel: 'error',
    });
    await cp(join(here, 'public'), page, { recursive: true });
    await makeHeatmaps(data);
    server = await serveHeatmaps(data, { port: 0, page });
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(url: string, width = 1100): Promise<Page> {
    const tab = await browser.newPage({ viewport: { width, height: 800 }, reducedMotion: 'reduce' });
    tab.on('pageerror', (error) => complaints.push(error.message));
    tab.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await tab.goto(url);
    await ready(tab, 'one');
    return tab;
  }

  const ready = (tab: Page, id: string) => tab.waitForFunction((slide) => document.body.dataset.ready === slide, id);

  /** Red, green, blue, alpha of the heat layer at a place of level 0; waits for the view to come to rest. */
  async function heatAt(tab: Page, pane: number, x: number, y: number): Promise<number[]> {
    await tab.waitForTimeout(150);
    return tab.evaluate(
      ([index, px, py]) => {
        const canvas = document.querySelectorAll<HTMLCanvasElement>('.heat')[index] as HTMLCanvasElement;
        const side = Math.min(canvas.width / 400, canvas.height / 300);
        const [left, top] = [(canvas.width - 400 * side) / 2, (canvas.height - 300 * side) / 2];
        const context = canvas.getContext('2d') as CanvasRenderingContext2D;
        return [...context.getImageData(left + px * side, top + py * side, 1, 1).data];
      },
      [pane, x, y] as const,
    );
  }

  it('shows slides, verdicts and the patches of two models', async () => {
    const tab = await open(server.url);
    expect(await tab.locator('#slide-list b').allTextContents()).toEqual(['one', 'two <b>']);
    expect(await tab.locator('.verdict .call').allTextContents()).toEqual(['tumour 75 % ✗', 'tumour 75 % ✗']);
    // The first model favours the first column, the second model the second one.
    const [first, second] = [await heatAt(tab, 0, 50, 250), await heatAt(tab, 1, 150, 250)];
    for (const [red = 0, green = 0, blue = 0] of [first, second]) {
      expect(green).toBeGreaterThan(red + 80);
      expect(blue).toBeGreaterThan(red + 80);
    }
    expect((await heatAt(tab, 1, 350, 250))[3]).toBeLessThan((await heatAt(tab, 1, 350, 50))[3] as number);
    await tab.close();
  });

  it('switches layers by click and by key, and sets their opacity', async () => {
    const tab = await open(server.url);
    const before = await heatAt(tab, 0, 50, 250);
    await tab.locator('input[data-layer=score]').click();
    const without = await heatAt(tab, 0, 50, 250);
    expect(without).not.toEqual(before);
    await tab.locator('body').press('s');
    expect(await heatAt(tab, 0, 50, 250)).toEqual(before);
    await tab.locator('input[data-layer=attention]').click();
    expect((await heatAt(tab, 0, 350, 50))[3]).toBe(0);
    await tab.locator('body').press('a');
    await tab.getByLabel('Opacity of Attention').fill('0');
    expect((await heatAt(tab, 0, 350, 50))[3]).toBe(0);
    await tab.close();
  });

  it('zooms both models to a top patch, in step, and back', async () => {
    const tab = await open(server.url);
    const canvases = () =>
      tab.evaluate(() => [...document.querySelectorAll<HTMLCanvasElement>('.heat')].map((c) => c.toDataURL().length));
    const [before] = await canvases();
    await tab.locator('#top button[title*="patch 1 by attention"]').first().click();
    await tab.waitForTimeout(250);
    const displays = () =>
      tab.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>('.displayregion')].map(({ style }) => [
          style.width,
          style.left,
          style.top,
        ]),
      );
    const [one, two] = await displays();
    expect(one).toEqual(two);
    expect((await canvases())[0]).not.toBe(before);
    await tab.locator('body').press('?');
    expect(await tab.locator('#keys').textContent()).toContain('← → ↑ ↓ move');
    await tab.locator('#keys button').click();
    await tab.mouse.move(400, 300);
    await tab.mouse.wheel(0, 400);
    await tab.waitForTimeout(250);
    const [three, four] = await displays();
    expect(three).toEqual(four);
    expect(three).not.toEqual(one);
    await tab.locator('body').press('0');
    await tab.waitForTimeout(250);
    expect((await canvases())[0]).toBe(before);
    await tab.close();
  });

  it('says what is under the pointer, in all panes', async () => {
    const tab = await open(server.url);
    const box = await tab.locator('.stage').first().boundingBox();
    await tab.mouse.move((box?.x ?? 0) + (box?.width ?? 0) / 2 + 3, (box?.y ?? 0) + (box?.height ?? 0) / 2);
    const tips = await tab.locator('.tip:visible').allTextContents();
    expect(tips).toHaveLength(2);
    expect(tips[0]).toContain('probability of tumour 0.200');
    expect(tips[0]).toContain('above 55 %');
    await tab.close();
  });

  it('opens from the disk, on a phone, and goes on by keys and address', async () => {
    const copy = join(folder, 'copy');
    await writeStaticPage(data, copy, page);
    const tab = await open(pathToFileURL(join(copy, 'index.html')).href, 390);
    expect((await heatAt(tab, 0, 350, 50))[3]).toBeGreaterThan(0);
    expect(await tab.locator('#slides').isVisible()).toBe(false);
    const legend = () => tab.locator('.layer', { has: tab.locator('[data-layer=score]') }).textContent();
    expect(await legend()).toBe('Probability of tumourcyan: favoured, bright: by far');
    await tab.locator('#show-list').click();
    await tab.locator('#slide-list button').nth(1).click();
    await ready(tab, 'two <b>');
    expect(await legend()).toBe('Riskcyan: high within the slide');
    expect(await tab.locator('#slides').isVisible()).toBe(false);
    // A patch's place is brought into sight, although the page is scrolled down to the patches.
    const patch = tab.locator('.top-row').nth(0).locator('button').nth(1);
    await patch.scrollIntoViewIfNeeded();
    await tab.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    expect((await tab.locator('.pane').first().boundingBox())?.y).toBeLessThan(0);
    await patch.click();
    expect((await tab.locator('.pane').first().boundingBox())?.y).toBeGreaterThanOrEqual(0);
    await tab.locator('#models input').nth(1).click();
    expect(await tab.locator('.pane').count()).toBe(1);
    expect(tab.url()).toContain('slide=two');
    await tab.locator('body').press('p');
    await ready(tab, 'one');
    expect(await tab.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await tab.close();
  });

  it('had nothing to complain about', () => {
    expect(complaints).toEqual([]);
  });
});
