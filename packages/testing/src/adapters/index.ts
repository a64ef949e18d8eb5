import type { Adapters } from '../conformance-case.js';
import { abmilAdapters } from './abmil.js';
import { clamAdapters } from './clam.js';
import { dsmilAdapters } from './dsmil.js';
import { dtfdAdapters } from './dtfd.js';
import { encoderAdapters } from './encoders.js';
import { foldAdapters } from './folds.js';
import { ibmilAdapters } from './ibmil.js';
import { initialisationAdapters } from './initialisation.js';
import { poolingAdapters } from './instance-pooling.js';
import { mamba2DAdapters } from './mamba-2d.js';
import { metricAdapters } from './metrics.js';
import { mhimPartAdapters } from './mhim-parts.js';
import { mhimAdapters } from './mhim.js';
import { operationAdapters } from './operations.js';
import { rrtAdapters } from './rrt.js';
import { slideAdapters } from './slides.js';
import { survivalAdapters } from './survival.js';
import { trainingAdapters } from './training.js';
import { trajectoryAdapters } from './trajectories.js';
import { transMILAdapters } from './transmil.js';

/** Every kind of case that our code solves. */
export const adapters: Adapters = {
  ...abmilAdapters,
  ...dsmilAdapters,
  ...clamAdapters,
  ...poolingAdapters,
  ...rrtAdapters,
  ...dtfdAdapters,
  ...encoderAdapters,
  ...ibmilAdapters,
  ...mamba2DAdapters,
  ...mhimAdapters,
  ...mhimPartAdapters,
  ...operationAdapters,
  ...metricAdapters,
  ...foldAdapters,
  ...initialisationAdapters,
  ...trainingAdapters,
  ...trajectoryAdapters,
  ...transMILAdapters,
  ...survivalAdapters,
  ...slideAdapters,
};
