export { MhimError, type ErrorCode, type MhimErrorOptions } from './errors.js';
