// `npm test`: set-up, then the fast checks (format, lint, types), then every package's tests; the last line counts them.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nx, root, run, setup } from './setup.mjs';

const shared = process.env.MHIM_SHARED ?? join(root, '..', 'shared');
if (existsSync(join(shared, 'conformance'))) process.env.MHIM_SHARED = shared;
else
  console.log(
    'The large conformance set (../shared) is not here: testing parity on the selection in the repository only.',
  );

setup();

const failed = [];
check('format', () => run(join(root, 'node_modules', '.bin', 'prettier'), ['--check', '--log-level', 'warn', '.']));
check('lint', () => nx(['lint'], { quiet: true }));
check('types', () => nx(['typecheck'], { quiet: true }));

for (const project of projects()) rmSync(join(project, '.reports'), { recursive: true, force: true });
check('tests', () => nx(['test'], { quiet: true, parallel: 1, continueOnError: true }));

const count = { passed: 0, failed: 0, skipped: 0 };
for (const project of projects()) {
  const report = join(project, '.reports', 'vitest.json');
  if (!existsSync(report)) continue;
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  // A file that does not even load has no failed test of its own.
  const broken = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  count.passed += numPassedTests;
  count.failed += numFailedTests + broken.length;
  count.skipped += numPendingTests + numTodoTests;
}
// What failed besides single tests: a check, or a test run that ended before it could report.
const others = failed.filter((name) => name !== 'tests' || count.failed === 0);
for (const name of failed) console.log(`FAILED: ${name}`);
count.failed += others.length;
count.passed += 4 - failed.length;
const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
console.log(`${count.passed} passed, ${count.failed} failed${skipped}`);
process.exitCode = count.failed > 0 ? 1 : 0;

function check(name, action) {
  const start = Date.now();
  if (action() !== 0) failed.push(name);
  console.log(`${name}: ${failed.includes(name) ? 'failed' : 'ok'} (${((Date.now() - start) / 1000).toFixed(0)} s)`);
}

function projects() {
  return ['packages', 'apps', 'tools'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(root, folder, name)),
  );
}
