import cliProgress from 'cli-progress';
import type { SlideStage } from '@mhim/slides';
import { duration } from '@mhim/training';

/** Seconds between lines where there is no terminal. */
const LINE_SECONDS = 15;

export interface SlideProgress {
  slide(index: number, total: number, name: string): void;
  stage(stage: SlideStage, done: number, total: number): void;
  /** A slide has ended; `before` when it took no work. */
  result(line: string, before: boolean): void;
  stop(): void;
}

/** Shows the slide being worked on and the folder, each with the time left: a bar on a terminal, a line now and then elsewhere. */
export function slideProgress(stream: NodeJS.WriteStream = process.stderr): SlideProgress {
  const bar = stream.isTTY
    ? new cliProgress.SingleBar({
        stream,
        format: '{title} [{bar}] {work}  {left}',
        barsize: 24,
        hideCursor: true,
        clearOnComplete: true,
      })
    : undefined;
  let [title, slides, index, worked, began, stageBegan] = ['', 1, 0, 0, Date.now(), Date.now()];
  let lastLine = Date.now();
  let work: SlideStage | undefined;
  const show = (done: number, total: number) => {
    const text = work === 'features' ? `features ${done}/${total}` : (work ?? '');
    const left = [rest(done, total, stageBegan, 'slide'), rest(worked, worked + slides - index, began, 'folder')];
    const times = left.filter((part) => part !== '').join(', ');
    bar?.setTotal(Math.max(1, total));
    bar?.update(done, { title, work: text, left: times });
    if (bar || Date.now() - lastLine < LINE_SECONDS * 1000) return;
    lastLine = Date.now();
    stream.write(`${title}: ${text}${times === '' ? '' : `  ${times}`}\n`);
  };
  return {
    slide(at, total, name) {
      [title, slides, index, work, stageBegan] = [`${at + 1}/${total} ${name}`, total, at, undefined, Date.now()];
      bar?.start(1, 0, { title, work: '', left: '' });
    },
    stage(stage, done, total) {
      if (stage !== work) stageBegan = Date.now();
      work = stage;
      show(done, total);
    },
    result(line, before) {
      bar?.stop();
      if (before) began = worked === 0 ? Date.now() : began;
      else worked++;
      stream.write(`${title}: ${line}\n`);
    },
    stop: () => bar?.stop(),
  };
}

function rest(done: number, total: number, began: number, what: string): string {
  const rate = done / (Date.now() - began);
  return done > 0 && total > done && rate > 0 ? `${what} ${duration((total - done) / rate / 1000)} left` : '';
}
