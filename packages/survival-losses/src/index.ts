export { coxLoss, coxPartialLikelihood, type CoxLikelihood, type CoxLossOptions, type CoxTies } from './cox.js';
export { coxRegression, type CoxRegression, type CoxRegressionOptions } from './cox-regression.js';
export {
  discreteCrossEntropy,
  discreteNll,
  hazards,
  risk,
  survival,
  type DiscreteLossOptions,
  type DiscreteOutcome,
} from './discrete-time.js';
export { fitTimeBins, timeBinOf } from './time-bins.js';
