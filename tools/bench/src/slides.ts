import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface SlidesBenchOptions {
  encoders: string[];
  runs: number;
}

/** One run of `reproduce slides` on a slide. */
interface Run {
  patches: number;
  seconds: number;
  peakMb: number;
}

/** So that the child says its peak memory as it ends. */
const SAYS_PEAK = `data:text/javascript,process.on('exit',()=>console.error('peak_kb',process.resourceUsage().maxRSS))`;

/**
 * Times `reproduce slides` from a slide to features, each run in a process and a folder of its own; prints the table of
 * `docs/performance.md`. Seconds are those of `slides.csv`: opening the slide to the last file, without start-up and weights.
 */
export function benchSlides(slide: string, { encoders, runs: count }: SlidesBenchOptions): void {
  const [load = 0] = loadavg();
  console.log(`${cpus()[0]?.model}, ${cpus().length} cores, load average ${load.toFixed(1)}, ${process.version}`);
  console.log(
    `| encoder | patches | seconds (median of ${count}) | patches a second | peak MB |\n|---|---|---|---|---|`,
  );
  for (const encoder of encoders) {
    const runs = Array.from({ length: count }, () => timeSlides(slide, encoder));
    const middle = runs.sort((a, b) => a.seconds - b.seconds)[Math.floor((count - 1) / 2)] as Run;
    const { patches, seconds } = middle;
    const peak = Math.max(...runs.map(({ peakMb }) => peakMb));
    const cells = [`\`${encoder}\``, patches, seconds.toFixed(1), (patches / seconds).toFixed(1), peak.toFixed(0)];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

function timeSlides(slide: string, encoder: string): Run {
  const out = mkdtempSync(join(tmpdir(), 'mhim-bench-slides-'));
  const cli = fileURLToPath(new URL('../../../apps/reproduce/dist/cli.js', import.meta.url));
  const options = ['--min-tissue', '1', '--overlap', '128', '--encoder', encoder, '--out', out];
  try {
    const args = ['--import', SAYS_PEAK, cli, 'slides', slide, ...options];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(/error: (.*)/.exec(stderr)?.[1] ?? stderr);
    const [header = [], row = []] = readFileSync(join(out, 'slides.csv'), 'utf8')
      .split('\n')
      .map((line) => line.split(','));
    const value = (name: string) => Number(row[header.indexOf(name)]);
    const peakMb = Number(/peak_kb (\d+)/.exec(stderr)?.[1]) / 1024;
    return { patches: value('patches'), seconds: value('seconds'), peakMb };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
