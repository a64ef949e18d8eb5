export { checkFiles, type CheckFilesOptions, type FileProblem, type FilesCheck } from './cohorts/check-files.js';
export { cohortFolds, FOLD_SCHEMES, type CohortFoldOptions, type FoldScheme } from './cohorts/cohort-folds.js';
export { extractorOf, EXTRACTORS, type Extractor, type ExtractorName } from './cohorts/extractors.js';
export {
  findFeatures,
  type DataSetFolders,
  type FeatureFile,
  type FeatureFolder,
  type FindFeaturesOptions,
} from './cohorts/find-features.js';
export {
  joinCohort,
  type CohortJoin,
  type CohortRules,
  type CohortSlide,
  type CohortTable,
} from './cohorts/join-cohort.js';
export {
  parsePublishedTable,
  readPublishedTable,
  type PublishedTable,
  type PublishedTableOptions,
  type TableKind,
} from './cohorts/published-table.js';
export { isDiagnostic, slideBarcode, slideName } from './cohorts/slide-names.js';
export { checkFolds, type CheckFoldsOptions, type FoldProblem } from './folds/check-folds.js';
export { foldSeed, partsOf, type Fold } from './folds/fold.js';
export {
  headFolds,
  holdOutValidation,
  rrtSurvivalFolds,
  v1Folds,
  type HeadFoldOptions,
  type OfficialFoldOptions,
} from './folds/official-folds.js';
export { foldsOverBags, patientFolds, withValidation, type PatientFoldOptions } from './folds/patient-folds.js';
export { readFolds } from './folds/read-folds.js';
export { splitByFold, stratifiedKFold, type StratifiedKFoldOptions } from './folds/stratified-k-fold.js';
export { hashFolds, nameFolds, writeFolds, type NamedFold, type WriteFoldsOptions } from './folds/write-folds.js';
export type { Bag, BagInfo } from './bag.js';
export { openBagFiles, openBagFolder, type BagFolder, type BagFolderOptions } from './bag-folder.js';
export { checkClassNumbers, classCount, type BagSource } from './bag-source.js';
export { checkUnique } from './bag-identity.js';
export { openBagStore, type BagStoreOptions } from './bag-store.js';
export type { BagStoreIndex } from './bag-store-files.js';
export { caseBags } from './case-bags.js';
export { checkBag, type BagExpectations } from './check-bag.js';
export { convertBags, type BagFormat } from './convert.js';
export { withH5, writeH5, type H5File } from './formats/h5-sandbox.js';
export { readNpy, writeNpy } from './formats/npy.js';
export { BAG_EXTENSIONS, bagId, readBagFile, type ReadBagFileOptions } from './formats/read-bag-file.js';
export { checkBagFormat, writeBagFile, type BagFileFormat } from './formats/write-bag-file.js';
export { gridPositions, halfFilledGrid, type GridPositions, type GridPositionsOptions } from './grid-positions.js';
export { openBags } from './open-bags.js';
export { BagCache, readAhead, type ReadAheadOptions } from './read-ahead.js';
export { fitStandardiser, standardise, type Standardiser } from './standardise.js';
export { verifyBagStore } from './verify-bag-store.js';
export { writeBagStore, type WriteBagStoreOptions } from './write-bag-store.js';
export { labelBags, type LabelBagsOptions, type LabelledBag } from './labels-join.js';
export { caseOfSlide } from './labels-table.js';
export type { LabelRow, ReadLabelsOptions } from './label-row.js';
export { parseLabels, readLabels, type LabelTable } from './labels.js';
export {
  BENCHMARKS,
  benchmarkFolds,
  openBenchmark,
  type BenchmarkInfo,
  type BenchmarkName,
  type OpenBenchmarkOptions,
} from './benchmark.js';
export { PATCH_KINDS, type PatchKind, type SlideLayout } from './simulated-layout.js';
export { simulatedSlides, type SimulatedSlides, type SimulatedSlidesOptions } from './simulated.js';
