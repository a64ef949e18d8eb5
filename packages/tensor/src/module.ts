import * as tf from '@tensorflow/tfjs';
import { MhimError } from './errors.js';
import type { Rng } from './rng.js';

/** What a layer needs to know about the call it is in: nothing of it is a mode of the object. */
export interface Call {
  /** True while training: dropout acts, and moving state (a global query, say) moves. Default false. */
  training?: boolean;
  /** Where the call's random numbers come from; needed when training with any dropout rate above 0. */
  rng?: Rng;
}

/** Values by their PyTorch state-dict names. */
export type StateDict = Record<string, tf.Tensor>;

/** What {@link Module.loadStateDict} accepts: tensors, or the host tensors that file readers give. */
export type StateSource = Record<string, tf.Tensor | { shape: number[]; data: ArrayLike<number> | ArrayLike<bigint> }>;

export interface LoadOptions {
  /** Throw unless every key matches (default). When false, what matches is loaded and the rest reported. */
  strict?: boolean;
}

export interface LoadReport {
  loaded: string[];
  /** Ours, but not in the source. */
  missing: string[];
  /** In the source, but not ours. */
  unexpected: string[];
  /** In both, with different shapes. */
  misshaped: { key: string; expected: number[]; found: number[] }[];
}

/**
 * A tree of named parameters. Names are those of the official PyTorch modules, so that their state dicts load without a
 * mapping table. Parameters are `tf.Variable`s, hence tensors; gradients come from `tf.variableGrads`.
 */
export abstract class Module {
  private readonly own = new Map<string, tf.Variable>();
  private readonly buffers = new Set<string>();
  private readonly children = new Map<string, Module>();
  private readonly aliases = new Map<string, string>();
  private readonly skipped = new Set<string>();

  /** Every parameter of the tree by its full name, in registration order (PyTorch's `named_parameters`). */
  parameters(): Map<string, tf.Variable> {
    return this.collect(false);
  }

  /** The parameters that the optimiser changes. */
  trainableParameters(): Map<string, tf.Variable> {
    return new Map([...this.parameters()].filter(([, variable]) => variable.trainable));
  }

  /** Number of trainable scalars, as the paper's Table 6 counts them. */
  parameterCount(): number {
    return [...this.trainableParameters().values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Parameters, buffers and alias names; the tensors are the live ones, not copies. */
  stateDict(): StateDict {
    const state: StateDict = Object.fromEntries(this.collect(true));
    for (const [alias, target] of this.allAliases()) state[alias] = state[target] as tf.Tensor;
    return state;
  }

  /**
   * Copies values in by name.
   * @throws MhimError `state-dict` in strict mode, listing all missing, unexpected and mis-shaped keys at once.
   */
  loadStateDict(source: StateSource, { strict = true }: LoadOptions = {}): LoadReport {
    const targets = this.collect(true);
    const aliases = this.allAliases();
    const skipped = this.allSkipped();
    const report: LoadReport = { loaded: [], missing: [], unexpected: [], misshaped: [] };
    const found = new Map<string, StateSource[string]>();
    for (const [key, value] of Object.entries(source)) {
      if (skipped.has(key)) continue;
      const name = targets.has(key) ? key : aliases.get(key);
      if (name === undefined) report.unexpected.push(key);
      else if (name === key || !(name in source)) found.set(name, value);
    }
    for (const [key, variable] of targets) {
      const value = found.get(key);
      if (value === undefined) report.missing.push(key);
      else if (!sameShape(value.shape, variable.shape)) {
        report.misshaped.push({ key, expected: variable.shape, found: value.shape });
      } else report.loaded.push(key);
    }
    if (strict && report.missing.length + report.unexpected.length + report.misshaped.length > 0) {
      throw new MhimError(`the state dict does not fit ${this.constructor.name}. ${describe(report)}`, {
        code: 'state-dict',
        hint: 'Load with { strict: false } to take only what matches.',
      });
    }
    for (const key of report.loaded) assign(targets.get(key) as tf.Variable, found.get(key) as StateSource[string]);
    return report;
  }

  /** Frees every parameter of the tree. */
  dispose(): void {
    for (const variable of this.own.values()) variable.dispose();
    for (const child of this.children.values()) child.dispose();
  }

  /** Registers a parameter; takes ownership of `value`. */
  protected parameter<R extends tf.Rank>(name: string, value: tf.Tensor<R>, trainable = true): tf.Variable<R> {
    const variable = tf.variable(value, trainable);
    if (variable !== (value as tf.Tensor)) value.dispose();
    this.own.set(name, variable as tf.Variable);
    return variable;
  }

  /** Registers state that is saved and loaded but is no parameter (running statistics). */
  protected buffer<R extends tf.Rank>(name: string, value: tf.Tensor<R>): tf.Variable<R> {
    this.buffers.add(name);
    return this.parameter(name, value, false);
  }

  /** Registers a sub-module under `name`; an empty name merges its parameters into this level. */
  protected child<M extends Module>(name: string, module: M): M {
    this.children.set(name, module);
    return module;
  }

  /** Lets `alias` stand for `name` in saved state dicts, as PyTorch does with a tensor registered twice. */
  protected alias(alias: string, name: string): void {
    this.aliases.set(alias, name);
  }

  /** Passes over `name` when loading: official state dicts have it, but it holds nothing that varies. */
  protected skip(name: string): void {
    this.skipped.add(name);
  }

  private collect(withBuffers: boolean): Map<string, tf.Variable> {
    const all = new Map<string, tf.Variable>();
    for (const [name, variable] of this.own) if (withBuffers || !this.buffers.has(name)) all.set(name, variable);
    for (const [prefix, child] of this.children) {
      for (const [name, variable] of child.collect(withBuffers)) all.set(join(prefix, name), variable);
    }
    return all;
  }

  private allAliases(): Map<string, string> {
    const all = new Map(this.aliases);
    for (const [prefix, child] of this.children) {
      for (const [alias, name] of child.allAliases()) all.set(join(prefix, alias), join(prefix, name));
    }
    return all;
  }

  private allSkipped(): Set<string> {
    const all = new Set(this.skipped);
    for (const [prefix, child] of this.children) {
      for (const name of child.allSkipped()) all.add(join(prefix, name));
    }
    return all;
  }
}

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`;
}

function assign(variable: tf.Variable, value: StateSource[string]): void {
  tf.tidy(() => {
    // `data` is read once, which `instanceof` would do too: a source may make its values only when they are asked for.
    if ('dataId' in value) return variable.assign(value.clone());
    const { data: values } = value;
    const data = values instanceof Float32Array ? values : Float32Array.from(values as ArrayLike<number>, Number);
    variable.assign(tf.tensor(data.slice(), variable.shape, 'float32'));
  });
}

function sameShape(a: number[], b: number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

function describe({ missing, unexpected, misshaped }: LoadReport): string {
  const parts = [];
  if (missing.length > 0) parts.push(`Missing: ${missing.join(', ')}.`);
  if (unexpected.length > 0) parts.push(`Unexpected: ${unexpected.join(', ')}.`);
  if (misshaped.length > 0) {
    const list = misshaped.map(({ key, expected, found }) => `${key} (expected [${expected}], found [${found}])`);
    parts.push(`Mis-shaped: ${list.join(', ')}.`);
  }
  return parts.join(' ');
}
