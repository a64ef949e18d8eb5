import { afterEach, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../test-helpers.js';
import { CostMeter, stageCost } from './stage-cost.js';

const at = temporaryFolder();
afterEach(() => void vi.restoreAllMocks());

/** Four bags are learnt from and two are predicted; `seconds` of a step and of a prediction, epoch by epoch. */
function trained(epochs: readonly { step: number; predict: number }[]): CostMeter {
  let now = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const meter = new CostMeter(4, 2);
  meter.parameters = 7;
  meter.onStart();
  for (const { step, predict } of epochs) {
    for (let i = 0; i < 4; i++) {
      now += 1000 * step;
      meter.onStep();
    }
    now += 2 * 1000 * predict;
    meter.onEpoch();
  }
  return meter;
}

test('a training is timed without its first epoch, where it has others', async () => {
  await trained([
    { step: 9, predict: 5 },
    { step: 2, predict: 1 },
    { step: 4, predict: 2 },
  ]).write(at('several'));
  expect(stageCost(at('several'))).toMatchObject({
    ...{ parameters: 7, trainBags: 4, selectBags: 2, stepSeconds: 3, predictSeconds: 1.5 },
    machine: expect.stringMatching(/cores; /) as string,
  });
  expect(stageCost(at('several'))?.residentBytes).toBeGreaterThan(1e7);
  await trained([{ step: 9, predict: 5 }]).write(at('one'));
  expect(stageCost(at('one'))).toMatchObject({ stepSeconds: 9, predictSeconds: 5 });
});

test('what was trained in another process keeps its cost', async () => {
  await trained([{ step: 9, predict: 5 }]).write(at('kept'));
  await new CostMeter(4, 2).write(at('kept'));
  expect(stageCost(at('kept'))).toMatchObject({ stepSeconds: 9 });
  expect(stageCost(at('nowhere'))).toBeUndefined();
});
