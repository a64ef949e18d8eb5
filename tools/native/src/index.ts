export { findTfjsNode } from './addon.js';
export { install, wantsGpu, type InstallOptions } from './install.js';
export { defaultCache } from './library.js';
export { NativeError } from './native-error.js';
export {
  installOpenSlide,
  OPENSLIDE_VERSION,
  openSlideFile,
  openSlideFolder,
  openSlideWheel,
  type InstallOpenSlideOptions,
  type OpenSlideInstallation,
} from './openslide.js';
export { verify, type Verification } from './verify.js';
export { planWheels, TENSORFLOW_VERSION, type Platform, type Wheel, type WheelPlan } from './wheels.js';
