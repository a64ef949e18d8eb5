import { createReadStream } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { FigureError } from '@mhim/figures';
import { heatmapFolder } from './heatmap-folder.js';
import { PAGE_FILES, pageFolder } from './page-folder.js';
import { safeFile } from './safe-file.js';

export interface ServeOptions {
  /** 0 takes any that is free. Default 4280. */
  port?: number;
  /** Default the loopback address: heatmaps are patients' data. */
  host?: string;
  /** Where the page's own files are; default this package's. */
  page?: string;
}

export interface HeatmapServer {
  url: string;
  port: number;
  close(): Promise<void>;
}

/**
 * Serves the page with a folder of heatmaps, to read only.
 * @throws FigureError `config` when there are no heatmaps, or the port is taken or not allowed
 */
export async function serveHeatmaps(path: string, options: ServeOptions = {}): Promise<HeatmapServer> {
  const { port = 4280, host = '127.0.0.1', page = pageFolder() } = options;
  const data = await realpath(heatmapFolder(path));
  const roots = { data, page: await realpath(page) };
  const server = createServer((request, response) => {
    answer(request, response, roots, host).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(notListening(error, host, port)));
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}/`,
    port: address.port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const HEADERS = {
  'Cache-Control': 'no-cache',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const;

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  roots: { data: string; page: string },
  host: string,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    refuse(response, 405, 'This server is read only.', { Allow: 'GET, HEAD' });
    return;
  }
  if (!isOwnName(request.headers.host, host)) {
    refuse(response, 403, 'Unknown host.');
    return;
  }
  const [path = '/'] = (request.url ?? '/').split(/[?#]/);
  const name = path === '/' ? '/index.html' : path;
  const isPage = PAGE_FILES.some((file) => name === `/${file}`);
  const file = await safeFile(isPage ? roots.page : roots.data, name);
  if (!file) {
    refuse(response, 404, 'Not found.');
    return;
  }
  response.writeHead(200, { ...HEADERS, 'Content-Type': file.type, 'Content-Length': file.size });
  if (request.method === 'HEAD') response.end();
  else await pipeline(createReadStream(file.path), response);
}

function refuse(response: ServerResponse, status: number, text: string, more: Record<string, string> = {}): void {
  response.writeHead(status, { ...HEADERS, ...more, 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}

/** A foreign page could reach a loopback server under a name of its own that leads to 127.0.0.1: such names get nothing. */
function isOwnName(header: string | undefined, host: string): boolean {
  if (!isLoopback(host)) return true;
  const name = (header ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return isLoopback(name) || name === host;
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name);
}

function notListening(cause: NodeJS.ErrnoException, host: string, port: number): FigureError {
  const reasons: Record<string, string> = {
    EADDRINUSE: `port ${port} is taken by another program.`,
    EACCES: `port ${port} may not be used by this user.`,
    EADDRNOTAVAIL: `${host} is no address of this machine.`,
    ENOTFOUND: `${host} is no address of this machine.`,
  };
  return new FigureError(reasons[cause.code ?? ''] ?? `port ${port} cannot be opened (${cause.message}).`, {
    code: 'config',
    path: '--port',
    hint: 'Choose another one, or 0 for any that is free.',
    cause,
  });
}
