// The whole check: lint, generated files, Rust tests, and the end-to-end tests against servers on loopback.
// It installs what it needs; a bare machine needs Node, Rust and git.
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

const steps = [
  ['format', 'cargo', ['fmt', '--all', '--check']],
  ['lint (Rust)', 'cargo', ['clippy', '--release', '--locked', '--package', 'reproduce', '--package', 'reproduce-deflate', '--all-targets', '--', '-D', 'warnings']],
  ['lint (sandbox)', 'cargo', ['clippy', '--release', '--locked', '--package', 'reproduce-sandbox', '--all-targets', '--', '-D', 'warnings']],
  ['lint (JavaScript)', 'node', ['node_modules/eslint/bin/eslint.js', '.']],
  ['types', 'node', ['node_modules/typescript/bin/tsc', '--project', '__test__/types/node16.json']],
  ['types (bundler)', 'node', ['node_modules/typescript/bin/tsc', '--project', '__test__/types/bundler.json']],
  ['addon', 'node', ['scripts/build.mjs']],
  ['conformance tools', npm, ['ci', '--prefix', '__test__/conformance', '--no-audit', '--no-fund']],
  ['Rust tests', 'cargo', ['test', '--release', '--locked', '--no-fail-fast']],
  ['Rust tests (deflate)', 'cargo', ['test', '--release', '--locked', '--package', 'reproduce-deflate']],
  ['Rust tests (sandbox)', 'cargo', ['test', '--release', '--locked', '--package', 'reproduce-sandbox']],
  ['end-to-end tests', 'node', ['--test', '--test-concurrency=2', '__test__/']],
  ['attacks', 'node', ['--test', '--test-concurrency=2', 'tests/attacks/']],
];

const only = process.argv.slice(2);
const failed = [];
for (const [name, command, args] of steps) {
  if (only.length > 0 && !only.some((word) => name.toLowerCase().includes(word))) continue;
  console.log(`\n==> ${name}: ${command} ${args.join(' ')}`);
  const started = Date.now();
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(error.message);
  console.log(`<== ${name}: ${status === 0 ? 'ok' : 'FAILED'} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`\nfailed: ${failed.join(', ')}`);
  process.exit(1);
}
