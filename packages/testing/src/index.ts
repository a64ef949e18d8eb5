export { adapters } from './adapters/index.js';
export type { Adapter, Adapters, ConformanceCase, Outputs, TensorInfo } from './conformance-case.js';
export { findCases, loadCases, type CaseFilter } from './load-cases.js';
export {
  describeFailures,
  KindNotBuilt,
  runConformance,
  type CaseResult,
  type ConformanceReport,
} from './run-conformance.js';
