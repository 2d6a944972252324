// Installs the Rust that a job of CI is to use, and makes it the one that the folder uses:
//   node scripts/rust.mjs            the release's, of rust-toolchain-release
//   node scripts/rust.mjs --oldest   the oldest that Cargo.toml allows
//   node scripts/rust.mjs --target aarch64-apple-darwin    with the standard library of another platform

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureToolchain } from './rustup.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (path) => readFileSync(join(root, path), 'utf8');
const oldest = () => /^rust-version = "(.*)"$/m.exec(read('Cargo.toml'))[1];
const target = process.argv.includes('--target') ? process.argv[process.argv.indexOf('--target') + 1] : undefined;
const version = process.argv.includes('--oldest') ? oldest() : read('rust-toolchain-release').trim();

ensureToolchain(version, { args: ['--component', 'clippy', '--component', 'rustfmt'], needs: ['rustc', 'cargo', 'cargo-clippy', 'rustfmt'] });
for (const args of [...(target ? [['target', 'add', '--toolchain', version, target]] : []), ['override', 'set', version, '--path', root]]) {
  const { status, error } = spawnSync('rustup', args, { stdio: 'inherit' });
  if (error) console.error(`rustup: ${error.message}`);
  if (status !== 0) process.exit(1);
}
