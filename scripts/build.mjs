// Builds the addon in a source checkout. In an installed package there is nothing to build: this file is not in it.
//   node scripts/build.mjs            builds if the addon is missing or older than the sources (npm install does this)
//   node scripts/build.mjs --force    always asks cargo
//   node scripts/build.mjs --dist     the slow, small build for a release
//   node scripts/build.mjs --dev      the quick, slow-running build for the edit loop
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { target } = createRequire(import.meta.url)('../native.cjs');
const dist = process.argv.includes('--dist');

if (!existsSync(join(root, 'Cargo.toml'))) process.exit(0);
const profile = dist ? 'dist' : process.argv.includes('--dev') ? 'dev' : 'release';
// One after the other: built together, the two would share their dependencies' features, and the tests would build them all again.
// Builds run under a program of its own; there is one for Linux only.
const crates = [['--lib'], ...(process.platform === 'linux' ? [['--package', 'reproduce-sandbox']] : [])];
for (const crate of crates) {
  const cargo = spawnSync('cargo', ['build', ...crate, '--locked', '--profile', profile], { cwd: root, stdio: 'inherit' });
  if (cargo.error?.code === 'ENOENT') {
    console.error('error: cargo was not found\n\nhint: a source checkout needs Rust 1.88 or later: https://rustup.rs');
    process.exit(1);
  }
  if (cargo.status !== 0) process.exit(cargo.status ?? 1);
}

const library = { linux: 'libreproduce.so', darwin: 'libreproduce.dylib', win32: 'reproduce.dll' }[process.platform];
const folder = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), profile === 'dev' ? 'debug' : profile);
const built = join(folder, library);
const addon = join(root, `reproduce.${target()}.node`);
replace(built, addon);
if (process.platform === 'linux') replace(join(folder, 'reproduce-sandbox'), join(root, `reproduce-sandbox.${target()}`));

/** Through a rename: a running process keeps the file that it has mapped. */
function replace(from, to) {
  copyFileSync(from, `${to}.new`);
  renameSync(`${to}.new`, to);
}
