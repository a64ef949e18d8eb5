import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HEAT_CALL, heatScript } from '@mhim/figures/heat-view';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveHeatmaps, type HeatmapServer } from './serve-heatmaps.js';
import { writeStaticPage } from './static-page.js';

const folder = mkdtempSync(join(tmpdir(), 'mhim-viewer-'));
const at = (...parts: string[]) => join(folder, ...parts);
const data = at('run', 'heatmaps');
let server: HeatmapServer;

beforeAll(async () => {
  mkdirSync(join(data, 'slides', 'a b'), { recursive: true });
  mkdirSync(at('page'));
  for (const name of ['index.html', 'viewer.js', 'viewer.css']) writeFileSync(at('page', name), `the page's ${name}`);
  writeFileSync(join(data, 'heatmaps.js'), heatScript(HEAT_CALL.index, { version: 1, title: 't', slides: [] }));
  writeFileSync(join(data, 'slides', 'a b', 'x.png'), 'png');
  writeFileSync(join(data, 'slides', 'x.safetensors'), 'weights');
  writeFileSync(join(data, '.hidden.js'), 'secret');
  writeFileSync(at('secret.js'), 'secret');
  mkdirSync(at('run', 'heatmaps-of-others'));
  writeFileSync(at('run', 'heatmaps-of-others', 'x.js'), 'secret');
  symlinkSync(at('secret.js'), join(data, 'link.js'));
  symlinkSync(folder, join(data, 'linked'));
  symlinkSync(join(data, 'slides', 'a b', 'x.png'), join(data, 'inner.png'));
  server = await serveHeatmaps(at('run'), { port: 0, page: at('page') });
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  status: number;
  body: string;
  headers: Record<string, unknown>;
}

/** A request whose path goes over the wire as it is: `fetch` would tidy it up. */
function ask(path: string, { method = 'GET', host = '127.0.0.1' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ port: server.port, host: '127.0.0.1', path, method, headers: { host } }, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += String(chunk)));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('the server', () => {
  it('gives out page and data, with types and a policy that keeps to this server', async () => {
    expect(await ask('/')).toMatchObject({ status: 200, body: "the page's index.html" });
    expect((await ask('/viewer.js?v=1')).headers['content-type']).toMatch(/^text\/javascript/);
    expect((await ask('/heatmaps.js')).body).toMatch(/^mhimHeatmaps\(/);
    const picture = await ask('/slides/a%20b/x.png');
    expect(picture).toMatchObject({ status: 200, body: 'png' });
    expect(picture.headers).toMatchObject({ 'content-type': 'image/png', 'x-content-type-options': 'nosniff' });
    expect(picture.headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self';/);
    expect((await ask('/inner.png')).body).toBe('png');
  });

  it.each([
    '/../../secret.js',
    '/..%2f..%2fsecret.js',
    '/%2e%2e/%2e%2e/secret.js',
    '/slides/../../../secret.js',
    '/slides/..%5c..%5c..%5csecret.js',
    '/%252e%252e/secret.js',
    '/../heatmaps-of-others/x.js',
    '//secret.js',
    '/heatmaps.js%00.png',
    '/C:%5csecret.js',
    '/link.js',
    '/linked/secret.js',
    '/.hidden.js',
    '/slides/x.safetensors',
    '/slides',
    '/slides/',
    '/%E0%A4%A',
    '/missing.js',
  ])('gives nothing for %s', async (path) => {
    const { status, body } = await ask(path);
    expect(status).toBe(404);
    expect(body).toBe('Not found.\n');
  });

  it('takes no paths that are not', async () => {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(server.port, '127.0.0.1', () =>
        socket.end('GET ../../secret.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
      );
      let text = '';
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.on('close', () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 40[04]/);
    expect(answer).not.toContain('secret');
  });

  it('is read only', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      expect(await ask('/heatmaps.js', { method })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    }
    expect(await ask('/heatmaps.js', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it('answers under no name but this machine’s', async () => {
    expect((await ask('/', { host: 'evil.example:80' })).status).toBe(403);
    expect((await ask('/', { host: 'localhost:1' })).status).toBe(200);
    expect((await ask('/', { host: '[::1]:1' })).status).toBe(200);
  });

  it('listens to the loopback address, and says so when a port is taken or there is nothing to show', async () => {
    expect(server.url).toBe(`http://127.0.0.1:${server.port}/`);
    await expect(serveHeatmaps(data, { port: server.port, page: at('page') })).rejects.toThrow(
      `--port: port ${server.port} is taken by another program. Choose another one, or 0`,
    );
    await expect(serveHeatmaps(at('page'), { page: at('page') })).rejects.toThrow(
      /holds no heatmaps.*reproduce heatmap/,
    );
    await expect(serveHeatmaps(at('none'), { page: at('page') })).rejects.toThrow(/there is no such folder/);
  });
});

describe('a static copy', () => {
  it('is whole, without links and features, replaces an earlier one and nothing else', async () => {
    mkdirSync(join(data, 'features-0123abcd', 'features'), { recursive: true });
    await writeStaticPage(data, at('copy'), at('page'));
    expect(readdirSync(at('copy')).sort()).toEqual([
      '.hidden.js',
      'heatmaps.js',
      'index.html',
      'slides',
      'viewer.css',
      'viewer.js',
    ]);
    await writeStaticPage(data, at('copy'), at('page'));
    writeFileSync(at('copy', 'CNAME'), 'heatmaps.example.org');
    await expect(writeStaticPage(data, at('copy'), at('page'))).rejects.toThrow(/holds other files, CNAME for one/);
    expect(existsSync(at('copy', 'CNAME'))).toBe(true);
    await expect(writeStaticPage(data, at('secret.js'), at('page'))).rejects.toThrow(/is a file, expected a folder/);
    const below = writeStaticPage(data, at('secret.js', 'copy'), at('page'));
    await expect(below).rejects.toThrow(/secret\.js.copy: the folder cannot be made \(ENOTDIR\)/);
    await expect(writeStaticPage(data, at('page'), at('page'))).rejects.toThrow(/holds other files/);
    await expect(writeStaticPage(data, join(data, 'in'), at('page'))).rejects.toThrow(/lies in the folder/);
    await expect(writeStaticPage(data, at('run'), at('page'))).rejects.toThrow(/or around it/);
    expect(existsSync(join(data, 'heatmaps.js'))).toBe(true);
  });
});
