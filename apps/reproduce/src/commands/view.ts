import { serveHeatmaps, writeStaticPage } from '@mhim/viewer';
import type { Command } from 'commander';
import type { Interrupts } from '../interrupt.js';
import { integer } from './option-types.js';

interface ViewOptions {
  port: number;
  host: string;
  static?: string;
}

export function viewCommand(program: Command, interrupts: Interrupts): void {
  program
    .command('view <run>')
    .description('look at heatmaps in the browser: layers, models side by side, top patches')
    .option('--port <number>', '0: any that is free', integer, 4280)
    .option('--host <address>', 'whom to listen to; by default only this machine', '127.0.0.1')
    .option(
      '--static <dir>',
      'write the page with its data into a folder instead, for any web server or to open from the disk',
    )
    .addHelpText(
      'after',
      `
The run needs heatmaps: reproduce heatmap SLIDE --run RUN. The page asks nothing of any other server. Ctrl-C ends it.

Examples:
  $ reproduce view runs/camelyon
  $ reproduce view new-heatmaps --port 8080
  $ reproduce view runs/camelyon --static public/heatmaps`,
    )
    .action(async (run: string, { port, host, static: out }: ViewOptions) => {
      if (out !== undefined) {
        await writeStaticPage(run, out);
        process.stdout.write(`Open ${out}/index.html\n`);
        return;
      }
      const server = await serveHeatmaps(run, { port, host });
      process.stdout.write(`Heatmaps: ${server.url} (Ctrl-C ends it)\n`);
      await new Promise<void>((resolve) => {
        if (interrupts.signal.aborted) resolve();
        else interrupts.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await server.close();
    });
}
