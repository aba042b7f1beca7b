import { readdirSync } from 'node:fs';
import { relative } from 'node:path/posix';
import { defineConfig, type OxlintConfig, type OxlintOverride } from 'oxlint';
import { layerOf, mayImport, systemModules, type Layer } from './tools/layers.ts';

const folders = readdirSync('src', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => `${entry.parentPath}/${entry.name}`.slice('src/'.length));

/**
 * What a file in `folder` must not import: every folder that its row in tools/layers.ts does not name. A specifier is
 * judged as text, so each forbidden folder is written as it looks from here; files directly in it count, not what lies
 * deeper (a deeper folder is in the list itself, or allowed). The files in `src` itself are for nobody.
 */
function restrictions(folder: string, layer: Layer): { regex: string; message: string }[] {
  const message = `src/${layer.folder} may import only itself, base${layer.mayImport.map((name) => `, ${name}`).join('')} (tools/layers.ts).`;
  const forbidden = folders.filter((other) => !mayImport(folder, other)).map((other) => `${relative(folder, other)}/`);
  const toRoot = '../'.repeat(folder.split('/').length);
  const rules = [...forbidden, toRoot].map((path) => ({
    regex: `^(?:\\./)?${path.replaceAll('.', '\\.')}[^/]*$`,
    message,
  }));
  rules.push({ regex: `^(?:\\./)?${toRoot.replaceAll('.', '\\.')}\\.\\./`, message });
  if (!layer.touchesSystem)
    rules.push({
      regex: `^(?:node:)?(?:${systemModules.join('|')})(?:/.*)?$`,
      message: `src/${layer.folder} does not touch the operating system: take a port instead (ARCHITECTURE §3).`,
    });
  return rules;
}

const ambient = ['Date', 'setTimeout', 'setInterval', 'setImmediate', 'process', 'fetch', 'performance'];
const noAmbient = ambient.map((name) => ({ name, message: 'Time, randomness and the process come through ports.' }));

const config: OxlintConfig = defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'node'],
  categories: { correctness: 'error', suspicious: 'error' },
  options: { typeAware: true },
  ignorePatterns: ['node_modules', 'dist', 'test/fences/planted'],
  rules: {
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/consistent-type-imports': ['error', { disallowTypeAnnotations: true }],
    'typescript/no-floating-promises': [
      'error',
      {
        allowForKnownSafeCalls: [{ from: 'package', name: ['test', 'describe', 'it', 'suite'], package: 'node:test' }],
      },
    ],
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/no-misused-promises': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/no-non-null-assertion': 'off',
    eqeqeq: 'error',
    'no-shadow': 'off',
    'no-await-in-loop': 'off',
    'no-underscore-dangle': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/no-array-sort': 'off',
    // Node's MessagePort has no target origin.
    'unicorn/require-post-message-target-origin': 'off',
    'import/no-named-as-default-member': 'off',
    'promise/always-return': 'off',
    'promise/no-multiple-resolved': 'off',
  },
  overrides: [
    ...folders.flatMap((folder): OxlintOverride[] => {
      const layer = layerOf(folder);
      if (layer === undefined) return [];
      return [
        {
          files: [`src/${folder}/*.ts`],
          rules: {
            'no-restricted-imports': ['error', { patterns: restrictions(folder, layer) }],
            ...(layer.touchesSystem ? {} : { 'no-restricted-globals': ['error', ...noAmbient] as never }),
          },
        },
      ];
    }),
    // What stands beside the code to test it may use more, but never what no test should need.
    {
      files: [
        '**/*.test.ts',
        '**/*.suite.ts',
        '**/*.child.ts',
        'test/**',
        'tools/**',
        'bench/**',
        'fuzz/**',
        'demo/**',
        '*.config.ts',
      ],
      rules: { 'no-restricted-imports': 'off', 'no-restricted-globals': 'off' },
    },
    { files: ['*.config.ts', 'tools/summary.ts'], rules: { 'import/no-default-export': 'off' } },
  ],
});

export default config;
