import { NativeError } from './native-error.js';

/** The release of TensorFlow whose C library the addon is linked against. */
export const TENSORFLOW_VERSION = '2.21.0';

export interface Platform {
  os: NodeJS.Platform;
  arch: string;
}

/** One wheel to fetch with pip. */
export interface Wheel {
  /** pip's requirement, `name==version` or with bounds. */
  requirement: string;
  /** pip's platform tags, newest first. */
  tags: string[];
  /** Of the wheel file, where we pin it. */
  sha256?: string;
}

/** What a set-up fetches and where its libraries are called what. */
export interface WheelPlan {
  tensorflow: Wheel;
  /** The wheels with CUDA's libraries, for a GPU. */
  cuda: Wheel[];
  /** File names of the two TensorFlow libraries. */
  libraries: [string, string];
}

/**
 * The wheels for a machine: `tensorflow-cpu` where it exists and no GPU is wanted, else `tensorflow`, with the CUDA wheels of
 * its `and-cuda` extra for a GPU.
 * @throws NativeError where TensorFlow publishes no wheel
 */
export function planWheels({ os, arch }: Platform, gpu: boolean): WheelPlan {
  const tags = platformTags[`${os}-${arch}`];
  if (!tags) {
    throw new NativeError(
      `TensorFlow ${TENSORFLOW_VERSION} publishes no library for ${os} on ${arch}; MHIM runs on wasm there, without native speed.`,
    );
  }
  if (gpu && os !== 'linux') throw new NativeError(`CUDA needs Linux, this is ${os}; use --gpu no.`);
  const name = !gpu && os === 'linux' && arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
  return {
    tensorflow: {
      requirement: `${name}==${TENSORFLOW_VERSION}`,
      tags,
      sha256: sums[`${name}-${os}-${arch}`],
    },
    cuda: gpu ? cudaRequirements.map((requirement) => ({ requirement, tags: cudaTags(arch) })) : [],
    libraries:
      os === 'darwin'
        ? ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib']
        : ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
  };
}

const platformTags: Record<string, string[]> = {
  'linux-x64': ['manylinux_2_27_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64'],
  'linux-arm64': ['manylinux_2_27_aarch64', 'manylinux_2_17_aarch64', 'manylinux2014_aarch64'],
  'darwin-arm64': ['macosx_12_0_arm64'],
};

/** Of the wheels for CPython 3.12; the libraries inside are the same for every Python. */
const sums: Record<string, string> = {
  'tensorflow-cpu-linux-x64': 'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
  'tensorflow-linux-x64': 'b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0',
  'tensorflow-linux-arm64': 'b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552',
  'tensorflow-darwin-arm64': '56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712',
};

/** The extra `and-cuda` of tensorflow 2.21.0, without the compiler (`nvcc`), which running needs not. */
const cudaRequirements = [
  'nvidia-cublas-cu12>=12.5.3.2,<13.0',
  'nvidia-cuda-cupti-cu12>=12.5.82,<13.0',
  'nvidia-cuda-nvrtc-cu12>=12.5.82,<13.0',
  'nvidia-cuda-runtime-cu12>=12.5.82,<13.0',
  'nvidia-cudnn-cu12>=9.3.0.75,<10.0',
  'nvidia-cufft-cu12>=11.2.3.61,<12.0',
  'nvidia-curand-cu12>=10.3.6.82,<11.0',
  'nvidia-cusolver-cu12>=11.6.3.83,<12.0',
  'nvidia-cusparse-cu12>=12.5.1.3,<13.0',
  'nvidia-nccl-cu12>=2.27.7,<3.0',
  'nvidia-nvjitlink-cu12>=12.5.82,<13.0',
];

function cudaTags(arch: string): string[] {
  const machine = arch === 'x64' ? 'x86_64' : 'aarch64';
  return ['2_27', '2_18', '2_17'].map((glibc) => `manylinux_${glibc}_${machine}`).concat(`manylinux2014_${machine}`);
}
