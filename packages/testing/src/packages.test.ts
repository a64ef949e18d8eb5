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
  // Beside its whole, a package may give a part: a folder of `src` with an index of its own.
  const parts = Object.keys(manifest.exports).flatMap((key) => /^\.\/([\w-]+)$/.exec(key)?.[1] ?? []);
  const entries = ['index', ...parts];

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
    const { '.': whole, './package.json': description, ...others } = manifest.exports;
    expect(description).toBe('./package.json');
    expect(whole).toEqual(exported('./src/index.ts', 'index'));
    for (const part of parts) expect(others[`./${part}`]).toEqual(exported(`./src/${part}/index.ts`, part));
    expect(Object.keys(others)).toHaveLength(parts.length);
    // The conditions are tried in order: a program would get the sources' types otherwise.
    for (const entry of [whole, ...Object.values(others)])
      expect(Object.keys(entry as object)).toEqual(['@mhim/source', 'import', 'require']);
    for (const file of ['README.md', 'LICENSE']) expect(existsSync(join(folder, file)), file).toBe(true);
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'));
  });

  test('publishes its sources without what only tests use', () => {
    const { files = [] } = manifest;
    expect(files.slice(0, 3)).toEqual(['dist', 'src', '!src/**/*.test.ts']);
    const testOnly = readdirSync(join(folder, 'src')).filter((file) =>
      /^(test-helpers|example-.*|.*-child)\.ts$/.test(file),
    );
    for (const file of testOnly) expect(files).toContain(`!src/${file}`);
  });

  // Tests run from source; the build is what users get, and `npm test` makes it first.
  describe.runIf(existsSync(join(folder, 'dist/index.js')))('built', () => {
    test.each(entries)('gives ESM and CJS the same names, and declares them: %s', (entry) => {
      const { esm, cjs } = exportsOf(folder, entry);
      expect(esm.length).toBeGreaterThan(0);
      expect(esm).toEqual(cjs);
      for (const file of [`${entry}.d.ts`, `${entry}.d.cts`]) {
        const declared = readFileSync(join(folder, 'dist', file), 'utf8');
        for (const symbol of esm) expect(declared, file).toMatch(new RegExp(`\\b${symbol}\\b`));
      }
    });

    test('imports what it declares, and declares what it imports', () => {
      const files = entries.flatMap((entry) => [`${entry}.js`, `${entry}.d.ts`]);
      const imported = new Set(files.flatMap((file) => [...importsOf(join(folder, 'dist', file))]));
      const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
      for (const module of imported) expect(Object.keys(declared)).toContain(module);
      for (const module of Object.keys(manifest.dependencies ?? {})) expect([...imported]).toContain(module);
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

/** What package.json has to say of an entry. */
function exported(source: string, built: string) {
  return {
    '@mhim/source': source,
    import: { types: `./dist/${built}.d.ts`, default: `./dist/${built}.js` },
    require: { types: `./dist/${built}.d.cts`, default: `./dist/${built}.cjs` },
  };
}

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

/** The names that the builds of an entry export, as a program of its own sees them. */
function exportsOf(folder: string, entry: string): { esm: string[]; cjs: string[] } {
  const program = `
    import { createRequire } from 'node:module';
    const require = createRequire(${JSON.stringify(join(folder, 'package.json'))});
    const esm = await import(${JSON.stringify(pathToFileURL(join(folder, `dist/${entry}.js`)).href)});
    const cjs = require(require('./package.json').name + ${JSON.stringify(entry === 'index' ? '' : `/${entry}`)});
    const names = (module) => Object.keys(module).filter((name) => name !== 'default' && name !== '__esModule').sort();
    console.log(JSON.stringify({ esm: names(esm), cjs: names(cjs) }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as { esm: string[]; cjs: string[] };
}
