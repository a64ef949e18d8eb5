import * as tf from '@tensorflow/tfjs';
import { isNative, MhimError, nativeOp, nativeOps, type NativeAttribute } from '@mhim/tensor';

export interface AdamConfig {
  /** Default 2e-4 (MHIM-v2 §4.2). */
  learningRate?: number;
  beta1?: number;
  beta2?: number;
  /** Added after the square root, as PyTorch does; default 1e-8. */
  epsilon?: number;
  /** Default 1e-5 (MHIM-v2 §4.2). */
  weightDecay?: number;
  /** Whether the decay is added to the gradient (L2, `torch.optim.Adam`) or shrinks the parameter (`AdamW`). Default false. */
  decoupled?: boolean;
}

/** What an optimiser remembers, by parameter name, and the number of its steps. */
export interface OptimiserState {
  step: number;
  tensors: Record<string, tf.Tensor>;
}

/** Changes parameters by their gradients. */
export interface Optimiser {
  /** In force from the next step on. */
  learningRate: number;
  /**
   * One update. Parameters without a gradient stay as they are.
   * @param gradients by parameter name
   */
  step(gradients: Record<string, tf.Tensor>): void;
  /** Live tensors; copy them before the next step. */
  state(): OptimiserState;
  restore(state: OptimiserState): void;
  dispose(): void;
}

/**
 * Adam (Kingma & Ba 2015, Alg. 1) with PyTorch's L2 weight decay, or AdamW (Loshchilov & Hutter 2019).
 * On the native backend the update of a parameter is one TensorFlow kernel over its memory.
 */
export function adam(parameters: Map<string, tf.Variable>, config: AdamConfig = {}): Optimiser {
  const complete = { ...defaults, ...config };
  return isNative() ? new NativeAdam(parameters, complete) : new PlainAdam(parameters, complete);
}

const defaults: Required<AdamConfig> = {
  learningRate: 2e-4,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 1e-5,
  decoupled: false,
};

/** Adam in tfjs operations, for every backend; the reference of {@link NativeAdam}. */
export class PlainAdam implements Optimiser {
  learningRate: number;
  private count = 0;
  private readonly moments: Map<string, { m: tf.Variable; v: tf.Variable }>;

  constructor(
    private readonly parameters: Map<string, tf.Variable>,
    private readonly config: Required<AdamConfig>,
  ) {
    this.learningRate = config.learningRate;
    const zeros = (shape: number[]) => tf.tidy(() => tf.variable(tf.zeros(shape), false));
    this.moments = new Map([...parameters].map(([name, { shape }]) => [name, { m: zeros(shape), v: zeros(shape) }]));
  }

  step(gradients: Record<string, tf.Tensor>): void {
    const { beta1, beta2, epsilon, weightDecay, decoupled } = this.config;
    const { rate, correction } = stepSize(++this.count, this.learningRate, this.config);
    tf.tidy(() => {
      for (const [name, parameter] of this.parameters) {
        const raw = gradients[name];
        if (!raw) continue;
        const { m, v } = this.moments.get(name) as { m: tf.Variable; v: tf.Variable };
        const gradient = weightDecay && !decoupled ? tf.add(raw, tf.mul(parameter, weightDecay)) : raw;
        m.assign(tf.add(tf.mul(m, beta1), tf.mul(gradient, 1 - beta1)));
        v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(gradient), 1 - beta2)));
        const shrunk = decoupled ? tf.mul(parameter, 1 - this.learningRate * weightDecay) : parameter;
        const move = tf.div(tf.mul(m, rate), tf.add(tf.sqrt(v), epsilon * correction));
        parameter.assign(tf.sub(shrunk, move));
      }
    });
  }

  state(): OptimiserState {
    const tensors: Record<string, tf.Tensor> = {};
    for (const [name, { m, v }] of this.moments) Object.assign(tensors, { [`${name}.m`]: m, [`${name}.v`]: v });
    return { step: this.count, tensors };
  }

  restore({ step, tensors }: OptimiserState): void {
    this.count = step;
    for (const [name, { m, v }] of this.moments) {
      m.assign(tf.clone(required(tensors, `${name}.m`)));
      v.assign(tf.clone(required(tensors, `${name}.v`)));
    }
  }

  dispose(): void {
    for (const { m, v } of this.moments.values()) tf.dispose([m, v]);
  }
}

const FLOAT: NativeAttribute = { name: 'dtype', type: 'TYPE', value: 'FLOAT' };
/** The name by which TensorFlow knows a resource that nobody else shares and that dies with its handle. */
const ANONYMOUS = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';

/** Adam by TensorFlow's `ResourceApplyAdam`: one pass over memory instead of fifteen. */
export class NativeAdam implements Optimiser {
  learningRate: number;
  private count = 0;
  private readonly slots: Map<string, Slot>;
  private readonly constants: tf.Scalar[];
  private readonly excess: { first: number; second: number };

  constructor(
    parameters: Map<string, tf.Variable>,
    private readonly config: Required<AdamConfig>,
  ) {
    this.learningRate = config.learningRate;
    this.slots = new Map([...parameters].map(([name, parameter]) => [name, new Slot(parameter)]));
    // beta1_power = beta2_power = 0: the bias corrections are in the rate, in double precision.
    this.constants = [0, 0, config.beta1, config.beta2].map((value) => tf.scalar(value));
    // The kernel takes 1 − β in single precision, off by a constant factor of up to 1e-5; the moments carry it, the step not.
    const excess = (beta: number) => Math.fround(1 - Math.fround(beta)) / (1 - beta);
    this.excess = { first: excess(config.beta1), second: Math.sqrt(excess(config.beta2)) };
  }

  step(gradients: Record<string, tf.Tensor>): void {
    const { epsilon, weightDecay, decoupled } = this.config;
    const { rate, correction } = stepSize(++this.count, this.learningRate, this.config);
    tf.tidy(() => {
      const [power1, power2, beta1, beta2] = this.constants as [tf.Scalar, tf.Scalar, tf.Scalar, tf.Scalar];
      const { first, second } = this.excess;
      const [size, floor] = [tf.scalar((rate * second) / first), tf.scalar(epsilon * correction * second)];
      const scalars = [power1, power2, size, beta1, beta2, floor];
      for (const [name, slot] of this.slots) {
        const raw = gradients[name];
        if (!raw) continue;
        const { parameter } = slot;
        if (decoupled) parameter.assign(tf.mul(parameter, 1 - this.learningRate * weightDecay));
        const gradient = weightDecay && !decoupled ? tf.add(raw, tf.mul(parameter, weightDecay)) : raw;
        slot.apply(scalars, gradient);
      }
    });
  }

  state(): OptimiserState {
    const tensors: Record<string, tf.Tensor> = {};
    for (const [name, slot] of this.slots)
      Object.assign(tensors, { [`${name}.m`]: slot.read('m'), [`${name}.v`]: slot.read('v') });
    return { step: this.count, tensors };
  }

  restore({ step, tensors }: OptimiserState): void {
    this.count = step;
    for (const [name, slot] of this.slots) {
      slot.write('m', required(tensors, `${name}.m`));
      slot.write('v', required(tensors, `${name}.v`));
    }
  }

  dispose(): void {
    tf.dispose(this.constants);
    for (const slot of this.slots.values()) slot.dispose();
  }
}

/** A parameter with its moments as TensorFlow variables. */
class Slot {
  private readonly handles: Record<'value' | 'm' | 'v', tf.Tensor>;
  private known: object | undefined;

  constructor(readonly parameter: tf.Variable) {
    this.handles = { value: handle(parameter.shape), m: handle(parameter.shape), v: handle(parameter.shape) };
    tf.tidy(() => {
      this.write('m', tf.zeros(parameter.shape));
      this.write('v', tf.zeros(parameter.shape));
    });
  }

  apply(scalars: tf.Tensor[], gradient: tf.Tensor): void {
    const { value, m, v } = this.handles;
    // Somebody else may have assigned the parameter since our last step (a loaded state, say).
    if (this.known !== this.parameter.dataId) this.write('value', this.parameter);
    nativeOps(
      'ResourceApplyAdam',
      [{ name: 'T', type: 'TYPE', value: 'FLOAT' }],
      [value, m, v, ...scalars, gradient],
      0,
    );
    this.parameter.assign(this.read('value'));
    this.known = this.parameter.dataId;
  }

  read(which: 'value' | 'm' | 'v'): tf.Tensor {
    return nativeOp('ReadVariableOp', [FLOAT], [this.handles[which]]);
  }

  write(which: 'value' | 'm' | 'v', tensor: tf.Tensor): void {
    nativeOps('AssignVariableOp', [FLOAT], [this.handles[which], tensor], 0);
  }

  dispose(): void {
    tf.dispose(Object.values(this.handles));
  }
}

function handle(shape: number[]): tf.Tensor {
  return tf.keep(
    nativeOp(
      'VarHandleOp',
      [
        FLOAT,
        { name: 'shape', type: 'SHAPE', value: shape },
        { name: 'container', type: 'STRING', value: '' },
        { name: 'shared_name', type: 'STRING', value: ANONYMOUS },
      ],
      [],
    ),
  );
}

export interface SgdConfig {
  learningRate: number;
  momentum?: number;
  weightDecay?: number;
}

/** Stochastic gradient descent with momentum and L2 decay, as `torch.optim.SGD`. */
export class Sgd implements Optimiser {
  learningRate: number;
  private count = 0;
  private readonly velocity = new Map<string, tf.Variable>();

  constructor(
    private readonly parameters: Map<string, tf.Variable>,
    private readonly config: SgdConfig,
  ) {
    this.learningRate = config.learningRate;
  }

  step(gradients: Record<string, tf.Tensor>): void {
    const { momentum = 0, weightDecay = 0 } = this.config;
    this.count++;
    for (const [name, parameter] of this.parameters) {
      const raw = gradients[name];
      if (!raw) continue;
      const velocity = momentum ? this.velocity.get(name) : undefined;
      if (momentum && !velocity) {
        // The first step's velocity is the gradient itself.
        const first = tf.tidy(() => tf.variable(tf.add(raw, tf.mul(parameter, weightDecay)), false));
        this.velocity.set(name, first);
      }
      tf.tidy(() => {
        const gradient = tf.add(raw, tf.mul(parameter, weightDecay));
        if (velocity) velocity.assign(tf.add(tf.mul(velocity, momentum), gradient));
        const move = momentum ? (this.velocity.get(name) as tf.Tensor) : gradient;
        parameter.assign(tf.sub(parameter, tf.mul(move, this.learningRate)));
      });
    }
  }

  state(): OptimiserState {
    return {
      step: this.count,
      tensors: Object.fromEntries([...this.velocity].map(([name, v]) => [`${name}.velocity`, v])),
    };
  }

  restore({ step, tensors }: OptimiserState): void {
    this.count = step;
    this.dispose();
    for (const name of this.parameters.keys()) {
      const stored = tensors[`${name}.velocity`];
      if (stored) this.velocity.set(name, tf.variable(stored, false));
    }
  }

  dispose(): void {
    for (const velocity of this.velocity.values()) velocity.dispose();
    this.velocity.clear();
  }
}

/** Adam's step with its bias corrections: lr·√(1−β₂ᵗ)/(1−β₁ᵗ), and √(1−β₂ᵗ), by which ε has to shrink along. */
function stepSize(
  t: number,
  learningRate: number,
  { beta1, beta2 }: Required<AdamConfig>,
): { rate: number; correction: number } {
  const correction = Math.sqrt(1 - beta2 ** t);
  return { rate: (learningRate * correction) / (1 - beta1 ** t), correction };
}

function required(tensors: Record<string, tf.Tensor>, name: string): tf.Tensor {
  const tensor = tensors[name];
  if (tensor) return tensor;
  throw new MhimError(`the optimiser's state has no ${name}.`, { code: 'state-dict' });
}
