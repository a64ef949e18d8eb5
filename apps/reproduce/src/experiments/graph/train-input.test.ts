import { expect, test } from 'vitest';
import { checkSettings } from './train-input.js';

test.each(['data=x', 'dataSet=tcga-brca', 'extractor=uni', 'labels=x', 'model=clam-sb', 'seed=1', 'task=survival'])(
  '--set %s would have other numbers under the headings of a table, and is refused',
  (setting) => {
    expect(() => checkSettings(['epochs=3', setting])).toThrow(
      expect.objectContaining({ code: 'config', path: '--set' }) as Error,
    );
  },
);

test('what no heading stands for can be set', () => {
  checkSettings(['foldScheme=official', 'onMissing=skip', 'maskRatioHigh=0.05', 'aggregator.gated=true']);
});
