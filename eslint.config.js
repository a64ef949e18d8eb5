import nx from '@nx/eslint-plugin';
import js from '@eslint/js';
import ts from 'typescript-eslint';

/** Which package may import which: the table of docs/architecture.md. */
const mayImport = {
  tensor: [],
  metrics: [],
  'mil-aggregators': ['tensor'],
  'recycle-network': ['tensor'],
  'survival-losses': ['tensor'],
  datasets: ['tensor', 'survival-losses'],
  encoders: ['tensor'],
  slides: ['tensor', 'datasets', 'encoders'],
  'hard-mining': ['tensor', 'mil-aggregators', 'recycle-network'],
  training: ['tensor', 'metrics', 'mil-aggregators', 'recycle-network', 'survival-losses', 'datasets', 'hard-mining'],
  figures: ['metrics'],
  viewer: ['figures'],
  native: [],
};
const all = Object.keys(mayImport);
const depConstraints = [
  ...Object.entries(mayImport).map(([name, others]) => ({
    sourceTag: `pkg:${name}`,
    onlyDependOnLibsWithTags: [name, ...others].map((other) => `pkg:${other}`),
  })),
  { sourceTag: 'layer:app', onlyDependOnLibsWithTags: all.map((name) => `pkg:${name}`) },
  { sourceTag: 'layer:private', onlyDependOnLibsWithTags: ['layer:private', ...all.map((name) => `pkg:${name}`)] },
];

export default ts.config(
  { ignores: ['**/dist', '**/.nx', '**/.reports', '**/node_modules'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  {
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          enforceBuildableLibDependency: false,
          allow: ['^.*/tsup\\.base(\\.js)?$', '^.*/vitest\\.base(\\.js)?$'],
          depConstraints,
        },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-restricted-syntax': ['error', { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' }],
    },
  },
  {
    // Tests may use the private testing package and the packages' dev dependencies.
    files: ['**/*.test.ts', '**/test-helpers.ts'],
    rules: { '@nx/enforce-module-boundaries': 'off' },
  },
  {
    files: ['**/*.config.{ts,js}', 'eslint.config.js'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['tools/**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
