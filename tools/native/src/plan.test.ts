import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compilerArguments, findTfjsNode, installAddon } from './addon.js';
import { install, wantsGpu } from './install.js';
import { cudaPlace, libraryPlace, obtainLibrary, type Library } from './library.js';
import {
  installOpenSlide,
  OPENSLIDE_VERSION,
  openSlideFile,
  openSlideFolder,
  openSlidePlace,
  openSlideWheel,
} from './openslide.js';
import { run } from './run.js';
import { planWheels } from './wheels.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mhim-native-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const linux = { os: 'linux', arch: 'x64' } as const;

test('the CPU wheel is the small one where it exists, checked by its sum', () => {
  const { tensorflow, cuda, libraries } = planWheels(linux, false);
  expect(tensorflow.requirement).toBe('tensorflow-cpu==2.21.0');
  expect(tensorflow.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(cuda).toEqual([]);
  expect(libraries).toEqual(['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']);
  expect(planWheels({ os: 'linux', arch: 'arm64' }, false).tensorflow).toMatchObject({
    requirement: 'tensorflow==2.21.0',
    tags: expect.arrayContaining(['manylinux_2_27_aarch64']),
  });
  expect(planWheels({ os: 'darwin', arch: 'arm64' }, false).libraries[0]).toBe('libtensorflow_cc.2.dylib');
});

test('a GPU takes the full wheel and the CUDA libraries of its extra', () => {
  const { tensorflow, cuda } = planWheels(linux, true);
  expect(tensorflow.requirement).toBe('tensorflow==2.21.0');
  const names = cuda.map(({ requirement }) => requirement.split('>')[0]);
  for (const part of [
    'cublas',
    'cudnn',
    'cufft',
    'curand',
    'cusolver',
    'cusparse',
    'cuda-runtime',
    'nccl',
    'nvjitlink',
  ]) {
    expect(names).toContain(`nvidia-${part}-cu12`);
  }
  expect(wantsGpu('yes')).toBe(true);
  expect(wantsGpu('no')).toBe(false);
  expect(wantsGpu('auto', 'darwin')).toBe(false);
});

test('machines without a library are told in one sentence', () => {
  expect(() => planWheels({ os: 'win32', arch: 'x64' }, false)).toThrow(/no library for win32 on x64/);
  expect(() => planWheels({ os: 'darwin', arch: 'arm64' }, true)).toThrow(/CUDA needs Linux/);
});

test('of a wheel only the libraries and the headers in use are unpacked', () => {
  const libraries = planWheels(linux, false).libraries;
  expect(libraryPlace('tensorflow/libtensorflow_cc.so.2', libraries)).toBe('libtensorflow_cc.so.2');
  expect(libraryPlace('tensorflow/include/tensorflow/c/c_api.h', libraries)).toBe('include/tensorflow/c/c_api.h');
  expect(libraryPlace('tensorflow/include/Eigen/Core', libraries)).toBeUndefined();
  expect(libraryPlace('tensorflow/python/keras/x.py', libraries)).toBeUndefined();
  expect(cudaPlace('nvidia/cublas/lib/libcublas.so.12')).toBe('libcublas.so.12');
  expect(cudaPlace('nvidia/cublas/include/cublas.h')).toBeUndefined();
});

test('the CUDA libraries lie beside TensorFlow’s, on the addon’s load path', async () => {
  const [tfjsNode, from, cuda] = ['tfjs-node', 'library', 'cuda'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [join(tfjsNode, 'binding'), from, cuda]) mkdirSync(path, { recursive: true });
  const names: [string, string] = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
  for (const name of names) writeFileSync(join(from, name), '');
  writeFileSync(join(cuda, 'libcublas.so.12'), '');
  writeFileSync(join(folder, 'addon.node'), '');
  writeFileSync(join(tfjsNode, 'binding', 'a.cc'), '');
  const library: Library = { folder: from, names, include: join(from, 'include'), cuda: [cuda], origin: 'a test' };
  await installAddon(tfjsNode, join(folder, 'addon.node'), library);
  const listed = run('ls', [join(tfjsNode, 'deps', 'lib')])
    .stdout.trim()
    .split('\n');
  expect(listed).toEqual(['libcublas.so.12', ...names]);
  const flags = compilerArguments(tfjsNode, library, linux, 'out.node');
  expect(flags).toContain('-Wl,--disable-new-dtags,-rpath,$ORIGIN/../../deps/lib');
  expect(flags).toContain('-l:libtensorflow_cc.so.2');
});

test('a folder named by the user is used as it is, or refused by name', async () => {
  const options = { platform: linux, gpu: false, cache: folder, log: () => {} };
  await expect(obtainLibrary({ ...options, path: '/nowhere' })).rejects.toThrow(
    /\/nowhere does not hold libtensorflow_cc/,
  );
  await expect(
    install({ library: '/nowhere', package: findTfjsNode(), cache: folder, force: true, log: () => {} }),
  ).rejects.toThrow(/\/nowhere/);
  expect(() => findTfjsNode('/nowhere')).toThrow(/not the folder of/);
});

test('a missing pip or Python is one sentence', async () => {
  const path = process.env.PATH;
  process.env.PATH = '/nowhere';
  try {
    await expect(obtainLibrary({ platform: linux, gpu: false, cache: folder, log: () => {} })).rejects.toThrow(
      /Python 3 was not found; install it/,
    );
  } finally {
    process.env.PATH = path;
  }
});

test('OpenSlide comes from its wheel, one for each system, checked by its sum', () => {
  for (const [os, arch, file] of [
    ['linux', 'x64', 'libopenslide.so.1'],
    ['linux', 'arm64', 'libopenslide.so.1'],
    ['darwin', 'arm64', 'libopenslide.1.dylib'],
    ['win32', 'x64', 'libopenslide-1.dll'],
  ] as const) {
    const wheel = openSlideWheel({ os, arch });
    expect(wheel.requirement).toBe(`openslide-bin==${OPENSLIDE_VERSION}`);
    expect(wheel.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(openSlideFile({ os })).toBe(file);
    expect(openSlidePlace(`openslide_bin/${file}`, { os })).toBe(file);
  }
  const licence = 'openslide_bin-4.0.1.2.dist-info/licenses/COPYING.LESSER';
  expect(openSlidePlace(licence, linux)).toBe('licenses/COPYING.LESSER');
  expect(openSlidePlace('openslide_bin/__init__.py', linux)).toBeUndefined();
  expect(() => openSlideWheel({ os: 'linux', arch: 'riscv64' })).toThrow(
    /no library for linux on riscv64.*MHIM_OPENSLIDE/,
  );
});

test('an OpenSlide that is named and does not load is one sentence; a damaged cache is fetched again', async () => {
  const [named, path] = [process.env.MHIM_OPENSLIDE, process.env.PATH];
  const said: string[] = [];
  try {
    process.env.MHIM_OPENSLIDE = '/nowhere/libopenslide.so.1';
    await expect(installOpenSlide({ cache: folder, log: () => {} })).rejects.toThrow(/\/nowhere.* does not load/);
    delete process.env.MHIM_OPENSLIDE;
    const place = openSlideFolder(folder, linux);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'complete'), `openslide-bin==${OPENSLIDE_VERSION}`);
    writeFileSync(join(place, openSlideFile(linux)), 'no library');
    process.env.PATH = '/nowhere';
    const outcome = await installOpenSlide({ cache: folder, platform: linux, log: (line) => said.push(line) }).then(
      ({ file }) => file,
      (error: Error) => error.message,
    );
    // Where the system has an OpenSlide of its own, that one is taken.
    expect(outcome).toMatch(/^libopenslide|Python 3 was not found/);
    expect(said[0]).toMatch(/^Downloading openslide-bin==/);
  } finally {
    process.env.PATH = path;
    if (named === undefined) delete process.env.MHIM_OPENSLIDE;
    else process.env.MHIM_OPENSLIDE = named;
  }
});
