import cliProgress from 'cli-progress';
import type { FitObserver } from './fit-observer.js';

export interface Progress {
  /** An observer that shows one run of `fit` under this title. */
  run(title: string): FitObserver;
  /** Removes the bar. */
  stop(): void;
}

/** Seconds between lines where there is no terminal. */
const LINE_SECONDS = 15;

/**
 * Shows a run's epochs with the time left and the latest figures: a bar on a terminal, a line now and then elsewhere.
 */
export function progressBar(stream: NodeJS.WriteStream = process.stderr): Progress {
  const bar = stream.isTTY
    ? new cliProgress.SingleBar({
        stream,
        format: '{title} [{bar}] epoch {epoch}/{epochs}  {figures}  {left}',
        barsize: 24,
        hideCursor: true,
        clearOnComplete: true,
      })
    : undefined;
  let lastLine = Date.now();
  return {
    run(title) {
      let [total, start, begun, done, epochs, steps] = [0, 0, Date.now(), 0, 0, 1];
      let figures = '';
      const left = () => {
        const rate = (done - start) / (Date.now() - begun);
        return rate > 0 ? `${duration((total - done) / rate / 1000)} left` : '';
      };
      const show = () => {
        const epoch = Math.min(epochs, Math.floor(done / steps) + 1);
        bar?.update(done, { title, epoch, epochs, figures, left: left() });
        if (bar || Date.now() - lastLine < LINE_SECONDS * 1000) return;
        lastLine = Date.now();
        stream.write(`${title}: epoch ${epoch}/${epochs}  ${figures}  ${left()}\n`);
      };
      return {
        onStart(run) {
          ({ epochs, steps } = run);
          [total, start, begun] = [epochs * steps, run.startEpoch * steps, Date.now()];
          done = start;
          bar?.start(total, start, { title, epoch: run.startEpoch + 1, epochs, figures, left: '' });
        },
        onStep() {
          done++;
          show();
        },
        onEpoch({ loss, selection }) {
          figures = `loss ${loss.toFixed(3)}  selection ${selection.toFixed(3)}`;
          show();
        },
      };
    },
    stop: () => bar?.stop(),
  };
}

export interface CountProgress {
  update(done: number, total: number): void;
  /** Removes the bar. */
  stop(): void;
}

/** Shows how many of a number of things are done, with the time left: a bar on a terminal, a line now and then elsewhere. */
export function countProgress(title: string, stream: NodeJS.WriteStream = process.stderr): CountProgress {
  const bar = stream.isTTY
    ? new cliProgress.SingleBar({
        stream,
        format: '{title} [{bar}] {value}/{total}  {left}',
        barsize: 24,
        hideCursor: true,
        clearOnComplete: true,
      })
    : undefined;
  const begun = Date.now();
  let lastLine = begun;
  let started = false;
  return {
    update(done, total) {
      const seconds = (Date.now() - begun) / 1000;
      const left = done > 0 && seconds > 1 ? `${duration(((total - done) * seconds) / done)} left` : '';
      if (!started) bar?.start(total, done, { title, left });
      else bar?.update(done, { title, left });
      started = true;
      if (bar || Date.now() - lastLine < LINE_SECONDS * 1000) return;
      lastLine = Date.now();
      stream.write(`${title}: ${done}/${total}  ${left}\n`);
    },
    stop: () => bar?.stop(),
  };
}

/** "1 h 20 min", "3 min", "12 s". */
export function duration(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
