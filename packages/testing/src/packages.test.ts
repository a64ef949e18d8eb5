import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';

interface Manifest {
  name: string;
  description?: string;
  license?: string;
  type?: string;
  private?: boolean;
  sideEffects?: boolean;
  keywords?: string[];
  engines?: { node?: string };
  exports: Record<string, unknown>;
  main?: string;
  module?: string;
  types?: string;
  files?: string[];
  publishConfig?: { access?: string };
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

const root = join(import.meta.dirname, '../../..');
const packages = readdirSync(join(root, 'packages'))
  .map((name) => ({ name, folder: join(root, 'packages', name), manifest: manifestOf(join(root, 'packages', name)) }))
  .filter(({ manifest }) => !manifest.private);

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

describe.each(packages)('@mhim/$name', ({ name, folder, manifest }) => {
  test('is described in the same way as its siblings', () => {
    expect(manifest).toMatchObject({
      name: `@mhim/${name}`,
      description: expect.stringMatching(/.{20}/) as string,
      license: 'MIT',
      type: 'module',
      sideEffects: false,
      engines: { node: '>=20.19' },
      main: './dist/index.cjs',
      module: './dist/index.js',
      types: './dist/index.d.ts',
      publishConfig: { access: 'public' },
    });
    expect(manifest.keywords?.length).toBeGreaterThan(0);
    expect(manifest.exports).toEqual({
      '.': {
        '@mhim/source': './src/index.ts',
        import: { types: './dist/index.d.ts', default: './dist/index.js' },
        require: { types: './dist/index.d.cts', default: './dist/index.cjs' },
      },
      './package.json': './package.json',
    });
    // The conditions are tried in order: a program would get the sources' types otherwise.
    expect(Object.keys(manifest.exports['.'] as object)).toEqual(['@mhim/source', 'import', 'require']);
    for (const file of ['README.md', 'LICENSE']) expect(existsSync(join(folder, file)), file).toBe(true);
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'));
  });

  test('publishes its sources without what only tests use', () => {
    const { files = [] } = manifest;
    expect(files.slice(0, 3)).toEqual(['dist', 'src', '!src/**/*.test.ts']);
    const testOnly = readdirSync(join(folder, 'src')).filter((file) =>
      /^(test-helpers|example-data|.*-child)\.ts$/.test(file),
    );
    for (const file of testOnly) expect(files).toContain(`!src/${file}`);
  });

  // Tests run from source; the build is what users get, and `npm test` makes it first.
  describe.runIf(existsSync(join(folder, 'dist/index.js')))('built', () => {
    test('gives ESM and CJS the same names, and declares them', () => {
      const { esm, cjs } = exportsOf(folder);
      expect(esm.length).toBeGreaterThan(0);
      expect(esm).toEqual(cjs);
      for (const file of ['index.d.ts', 'index.d.cts']) {
        const declared = readFileSync(join(folder, 'dist', file), 'utf8');
        for (const symbol of esm) expect(declared, file).toMatch(new RegExp(`\\b${symbol}\\b`));
      }
    });

    test('imports what it declares, and declares what it imports', () => {
      const [code, types] = ['index.js', 'index.d.ts'].map((file) => importsOf(join(folder, 'dist', file))) as [
        Imports,
        Imports,
      ];
      const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
      for (const module of [...code, ...types]) expect(Object.keys(declared)).toContain(module);
      for (const module of Object.keys(manifest.dependencies ?? {})) expect([...code, ...types]).toContain(module);
    });
  });

  test('leaves TensorFlow.js to the program that uses it', () => {
    const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
    expect(Object.keys(dependencies).filter((module) => module.startsWith('@tensorflow/'))).toEqual([]);
    const usesTensors = '@mhim/tensor' in dependencies || name === 'tensor';
    expect(peerDependencies['@tensorflow/tfjs']).toBe(usesTensors ? '^4.22.0' : undefined);
    expect(peerDependenciesMeta['@tensorflow/tfjs']).toBeUndefined();
    for (const module of Object.keys(peerDependencies).filter((module) => module !== '@tensorflow/tfjs'))
      expect(peerDependenciesMeta[module]).toEqual({ optional: true });
    for (const [module, range] of Object.entries(dependencies))
      expect(range, module).toMatch(module.startsWith('@mhim/') ? /^workspace:\^$/ : /^\^/);
  });
});

type Imports = ReadonlySet<string>;

/** The packages that a built file imports, statically or not, or requires; what Node brings is left out. */
function importsOf(path: string): Imports {
  const statements =
    /^(?:import|export) (?:[^'";]* from )?['"]([^'"\n]+)['"]|\b(?:import|require\w*)\(['"]([^'"]+)['"]\)/gm;
  const modules = [...readFileSync(path, 'utf8').matchAll(statements)].flatMap(([, a, b]) => a ?? b ?? []);
  return new Set(modules.filter((module) => !isBuiltin(module) && !module.startsWith('.')).map(packageOf));
}

/** `@scope/name/part` → `@scope/name` */
function packageOf(module: string): string {
  const parts = module.split('/');
  return parts.slice(0, module.startsWith('@') ? 2 : 1).join('/');
}

/** The names that a package's builds export, as a program of its own sees them. */
function exportsOf(folder: string): { esm: string[]; cjs: string[] } {
  const program = `
    import { createRequire } from 'node:module';
    const require = createRequire(${JSON.stringify(join(folder, 'package.json'))});
    const esm = await import(${JSON.stringify(pathToFileURL(join(folder, 'dist/index.js')).href)});
    const cjs = require(require('./package.json').name);
    const names = (module) => Object.keys(module).filter((name) => name !== 'default' && name !== '__esModule').sort();
    console.log(JSON.stringify({ esm: names(esm), cjs: names(cjs) }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as { esm: string[]; cjs: string[] };
}
