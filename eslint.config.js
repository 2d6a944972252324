import js from '@eslint/js';

/** What Node itself defines, whatever its version: no list to keep. */
const node = Object.fromEntries(Object.getOwnPropertyNames(globalThis).map((name) => [name, 'readonly']));

export default [
  { ignores: ['target/', 'bench/.work/', 'npm/', 'crates/page/assets/', '**/*.d.ts'] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2024, globals: node },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-implicit-coercion': ['error', { boolean: false }],
      'no-shadow': 'error',
      'no-throw-literal': 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs', globals: { __dirname: 'readonly', __filename: 'readonly' } } },
  { files: ['bin.cjs', 'index.cjs', 'native.cjs'], languageOptions: { ecmaVersion: 6 } },
  {
    // They run in a browser.
    files: ['page/**'],
    languageOptions: { globals: Object.fromEntries(['addEventListener', 'document', 'getSelection', 'innerHeight', 'innerWidth', 'matchMedia', 'ResizeObserver', 'scrollY', 'window'].map((name) => [name, 'readonly'])) },
  },
  {
    // It runs in builds, on the Node of the time.
    files: ['crates/rebuild/src/build_run/replace.js'],
    languageOptions: { ecmaVersion: 5, sourceType: 'commonjs' },
    rules: { 'no-var': 'off', 'object-shorthand': 'off', 'prefer-const': 'off' },
  },
];
