// Builds the addon in a source checkout. In an installed package there is nothing to build: this
// file is not in it.
//   node scripts/build.mjs            builds if the addon is missing or older than the sources (npm install does this)
//   node scripts/build.mjs --force    always asks cargo
//   node scripts/build.mjs --dist     the slow, small build for a release: the same bytes in any folder (docs/release.md)
//   node scripts/build.mjs --dist --target aarch64-unknown-linux-gnu    for another platform, where its linker is installed
//   node scripts/build.mjs --container --target aarch64-unknown-linux-gnu      the same as a release has it: in the platform's image
//   node scripts/build.mjs --dev      the quick, slow-running build for the edit loop
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { containerCargo } from './container.mjs';
import { distEnvironment } from './dist-environment.mjs';
import { PLATFORMS } from './platforms.mjs';
import { writeSboms } from './sbom.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { target } = createRequire(import.meta.url)('../native.cjs');
const container = process.argv.includes('--container');
const dist = container || process.argv.includes('--dist');
const triple = process.argv.includes('--target') ? process.argv[process.argv.indexOf('--target') + 1] : undefined;

if (!existsSync(join(root, 'Cargo.toml'))) process.exit(0);
// `npm pack` and `npm publish` run `prepare` too, and nothing that is built is in the package.
if (['pack', 'publish'].includes(process.env.npm_command)) process.exit(0);

const platform = PLATFORMS.find((one) => (triple ? one.triple === triple : one.platform === target()));
if (!platform) {
  console.error(`error: ${triple ?? target()} is not a platform of scripts/platforms.mjs`);
  process.exit(1);
}
if (container && (!platform.image || !triple)) {
  console.error('error: --container is for a --target of Linux');
  process.exit(1);
}
const profile = dist ? 'dist' : process.argv.includes('--dev') ? 'dev' : 'release';
const targetFolder = container ? join(root, 'target/container') : (process.env.CARGO_TARGET_DIR ?? join(root, 'target'));
const env = dist && !container ? distEnvironment(process.env, { root, targetFolder, platform }) : process.env;
const runCargo = container ? containerCargo({ root, targetFolder, platform }) : (args) => spawnSync('cargo', args, { cwd: root, stdio: 'inherit', env });
// One after the other: built together, the two would share their dependencies' features, and the
// tests would build them all again. As a cdylib alone where it is for a release: cargo does no
// link-time optimisation for what is a rlib too.
const addon = dist ? ['rustc', '--lib', '--crate-type', 'cdylib'] : ['build', '--lib'];
const crates = [addon, ...(platform.sandbox ? [['build', '--package', 'reproduce-sandbox']] : [])];
for (const crate of crates) {
  const args = [...crate, '--locked', '--profile', profile, ...(triple ? ['--target', triple] : [])];
  const cargo = runCargo(args);
  if (cargo.error?.code === 'ENOENT') {
    console.error('error: cargo was not found\n\nhint: a source checkout needs Rust 1.89 or later: https://rustup.rs');
    process.exit(1);
  }
  if (cargo.status !== 0) process.exit(cargo.status ?? 1);
}

const library = { linux: 'libreproduce.so', darwin: 'libreproduce.dylib', win32: 'reproduce.dll' }[platform.os];
const folder = join(targetFolder, ...(triple ? [triple] : []), profile === 'dev' ? 'debug' : profile);
replace(join(folder, library), join(root, `reproduce.${platform.platform}.node`));
if (platform.sandbox) replace(join(folder, 'reproduce-sandbox'), join(root, `reproduce-sandbox.${platform.platform}`));
if (dist) writeSboms({ root, platform });

/** Through a rename: a running process keeps the file that it has mapped. */
function replace(from, to) {
  copyFileSync(from, `${to}.new`);
  renameSync(`${to}.new`, to);
}
