import { MhimError } from '@mhim/tensor';
import { compareDistribution } from './compare-distribution.js';
import { compareTensor, type Failure } from './compare.js';
import type { Adapter, Adapters, Outputs, TensorInfo } from './conformance-case.js';
import { loadCases, type CaseFilter, type LoadedCase } from './load-cases.js';

export interface CaseResult {
  area: string;
  case: string;
  kind: string;
  passed: boolean;
  /** Wall-clock seconds. */
  seconds: number;
  failures: Failure[];
}

export interface ConformanceReport {
  passed: number;
  failed: number;
  cases: CaseResult[];
}

/** Thrown by adapters for a case whose model is not built yet. */
export class KindNotBuilt extends Error {
  constructor(what: string) {
    super(`kind not built: ${what}`);
    this.name = 'KindNotBuilt';
  }
}

/** Runs every case below a directory through our code; `onCase` hears of each as it ends. */
export async function runConformance(
  directory: string,
  adapters: Adapters,
  filter: CaseFilter = {},
  onCase: (result: CaseResult) => void = () => undefined,
): Promise<ConformanceReport> {
  const cases: CaseResult[] = [];
  for (const fixture of loadCases(directory, filter)) {
    const result = await runCase(fixture, adapters[fixture.kind]);
    cases.push(result);
    onCase(result);
  }
  const passed = cases.filter((result) => result.passed).length;
  return { passed, failed: cases.length - passed, cases };
}

/** Runs one case; errors of ours are failures of the case, never of the run. */
export async function runCase(fixture: LoadedCase, adapter: Adapter | undefined): Promise<CaseResult> {
  const start = performance.now();
  let failures: Failure[];
  try {
    if (!adapter) throw new KindNotBuilt(fixture.kind);
    await fixture.load();
    failures = judge(fixture, withGradientSamples(fixture, await adapter(fixture)));
  } catch (error) {
    const known = error instanceof KindNotBuilt || error instanceof MhimError;
    failures = [{ tensor: '-', message: known ? error.message : String((error as Error)?.stack ?? error) }];
  }
  const { area, name, kind } = fixture;
  const seconds = (performance.now() - start) / 1000;
  return { area, case: name, kind, passed: failures.length === 0, seconds, failures };
}

/** The lines that the command prints for a case: one for each failing tensor. */
export function describeFailures({ area, case: name, failures }: CaseResult): string[] {
  return failures.map(({ tensor, message }) => `FAIL ${area}/${name}${tensor === '-' ? '' : ` ${tensor}`}: ${message}`);
}

function judge(fixture: LoadedCase, outputs: Outputs): Failure[] {
  const failures: Failure[] = [];
  for (const [tensor, info] of Object.entries(fixture.tensors)) {
    if (!isExpected(tensor, info)) continue;
    const value = outputs[tensor];
    if (value === undefined) {
      if (!isVariant(tensor)) failures.push({ tensor, message: 'not computed' });
      continue;
    }
    const got = typeof value === 'number' ? [value] : value;
    const compare = fixture.kind === 'init.model' ? compareDistribution : compareTensor;
    const failure = compare(fixture, tensor, got);
    if (failure) failures.push(failure);
  }
  return [...failures, ...unaskedParameters(fixture, outputs), ...gradientsWithoutCause(fixture, outputs)];
}

function isExpected(name: string, { role }: TensorInfo): boolean {
  return role === 'expected' || (role === 'gradient' && !name.startsWith('aux.'));
}

/** What another path of the official code gives instead (README §1); a run need not compute it. */
function isVariant(name: string): boolean {
  return /^(grad_official|out_pscan|grad_pscan|grad_ce)\./.test(name);
}

/** A model with more parameters than the official one is another model. */
function unaskedParameters(fixture: LoadedCase, outputs: Outputs): Failure[] {
  if (fixture.kind !== 'init.model') return [];
  return Object.keys(outputs)
    .filter((tensor) => !fixture.has(tensor))
    .map((tensor) => ({ tensor, message: 'the official model has no such parameter' }));
}

function gradientsWithoutCause(fixture: LoadedCase, outputs: Outputs): Failure[] {
  return fixture.paramsWithoutGradient.flatMap((parameter) => {
    const value = outputs[`grad.${parameter}`];
    const all = value === undefined ? [] : typeof value === 'number' ? [value] : Array.from(value);
    const nonZero = all.some((entry) => entry !== 0);
    return nonZero
      ? [{ tensor: `grad.${parameter}`, message: 'the loss does not touch it, its gradient is not 0' }]
      : [];
  });
}

/** Big cases store three statistics and 24 entries of each gradient instead of all of it (README §1). */
function withGradientSamples(fixture: LoadedCase, outputs: Outputs): Outputs {
  const all = { ...outputs };
  for (const name of Object.keys(fixture.tensors)) {
    const [, form, parameter] = /^(gradstat|gradsample)\.(.*)$/.exec(name) ?? [];
    const gradient = outputs[`grad.${parameter}`];
    if (form === undefined || gradient === undefined || name in outputs) continue;
    const values = typeof gradient === 'number' ? [gradient] : gradient;
    all[name] = form === 'gradstat' ? statistics(values) : samples(values);
  }
  return all;
}

function statistics(values: ArrayLike<number>): number[] {
  let [squares, sum, most] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    squares += value * value;
    sum += value;
    most = Math.max(most, Math.abs(value));
  }
  return [Math.sqrt(squares), sum, most];
}

function samples(values: ArrayLike<number>): number[] {
  return Array.from({ length: 24 }, (_, k) => values[(7919 * k + 13) % values.length] as number);
}
