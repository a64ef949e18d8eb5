export {
  discreteNll,
  hazards,
  risk,
  survival,
  type DiscreteNllOptions,
  type DiscreteOutcome,
} from './discrete-time.js';
