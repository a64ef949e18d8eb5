#!/usr/bin/env node
import { Command, Option } from 'commander';
import { findTfjsNode } from './addon.js';
import { install, wantsGpu, type InstallOptions } from './install.js';
import { defaultCache } from './library.js';
import { NativeError } from './native-error.js';
import { installOpenSlide, openSlideFile, openSlideWheel } from './openslide.js';
import { verify } from './verify.js';
import { planWheels } from './wheels.js';

const program = new Command('mhim-native').description(
  'Sets up native libraries from Python wheels: the TensorFlow backend of TensorFlow.js, and OpenSlide.',
);

program
  .command('install', { isDefault: true })
  .description(
    'obtains libtensorflow (a named folder, an installed Python tensorflow, the cache, pip), builds and verifies',
  )
  .option('--library <folder>', 'folder with libtensorflow_cc and include (also MHIM_TENSORFLOW)')
  .addOption(new Option('--gpu <choice>', 'CUDA libraries').choices(['auto', 'yes', 'no']).default('auto'))
  .option('--cache <folder>', 'where downloads stay (also MHIM_CACHE)', defaultCache())
  .option('--package <folder>', 'folder of @tensorflow/tfjs-node-gpu')
  .option('--force', 'build again')
  .option('--dry-run', 'print what would be fetched and built')
  .addHelpText(
    'after',
    `
Examples:
  npx @mhim/native install                     CPU, or GPU where an NVIDIA driver is found
  npx @mhim/native install --gpu yes --dry-run   which wheels a GPU machine would fetch
  MHIM_TENSORFLOW=/opt/tf npx @mhim/native       link against a library of your own`,
  )
  .action(async (options: InstallOptions & { dryRun?: boolean }) => {
    if (options.dryRun) return printPlan(wantsGpu(options.gpu ?? 'auto'));
    await install(options);
  });

program
  .command('verify')
  .description('runs one product on the installed addon')
  .option('--package <folder>', 'folder of @tensorflow/tfjs-node-gpu')
  .action((options: { package?: string }) => {
    const { device, milliseconds } = verify(findTfjsNode(options.package));
    console.log(
      `Native backend: works on the ${device.toUpperCase()} (${milliseconds.toFixed(1)} ms for the first product).`,
    );
  });

program
  .command('openslide')
  .description('obtains OpenSlide 4, which reads whole-slide images (MHIM_OPENSLIDE, the cache, pip, the system)')
  .option('--cache <folder>', 'where downloads stay (also MHIM_CACHE)', defaultCache())
  .option('--force', 'fetch it again')
  .option('--dry-run', 'print what would be fetched')
  .addHelpText(
    'after',
    `
Examples:
  npx @mhim/native openslide
  MHIM_OPENSLIDE=/opt/lib/libopenslide.so.1 npx @mhim/native openslide   prove a library of your own`,
  )
  .action(async ({ dryRun, ...options }: { cache: string; force?: boolean; dryRun?: boolean }) => {
    if (!dryRun) return void (await installOpenSlide(options));
    const platform = { os: process.platform, arch: process.arch };
    const { requirement, tags, sha256 } = openSlideWheel(platform);
    console.log(`library     ${openSlideFile(platform)}`);
    console.log(`wheel       ${requirement}  [${tags.join(', ')}]  sha256 ${sha256}`);
  });

function printPlan(gpu: boolean): void {
  const plan = planWheels({ os: process.platform, arch: process.arch }, gpu);
  console.log(`libraries   ${plan.libraries.join(', ')}`);
  for (const { requirement, tags, sha256 } of [plan.tensorflow, ...plan.cuda]) {
    console.log(`wheel       ${requirement}  [${tags.join(', ')}]${sha256 ? `  sha256 ${sha256}` : ''}`);
  }
  console.log('load path   $ORIGIN/../../deps/lib, with all CUDA libraries linked into it');
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof NativeError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
