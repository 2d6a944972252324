// Toolchains of Rust, by rustup.

import { spawnSync } from 'node:child_process';

/**
 * Installs a toolchain unless it is there: one that the user has linked to another is left as it
 * is. @param {string} toolchain a version, with a platform behind it or not @param {{ args?:
 * string[], needs?: string[] }} [options] `needs`: programs that it must have; `args`: for `rustup
 * toolchain install`
 */
export function ensureToolchain(toolchain, { args = [], needs = ['rustc', 'cargo'] } = {}) {
  if (needs.every((program) => which(toolchain, program) !== undefined)) return;
  const ran = spawnSync('rustup', ['toolchain', 'install', toolchain, '--profile', 'minimal', '--no-self-update', ...args], { stdio: 'inherit' });
  if (ran.error || ran.status !== 0) throw new Error(`rustup toolchain install ${toolchain}: ${ran.error?.message ?? `ended with ${ran.status}`}`);
}

/** The path of a toolchain's program; undefined if it has none. */
export function which(toolchain, program) {
  const ran = spawnSync('rustup', ['which', '--toolchain', toolchain, program], { encoding: 'utf8', env: { ...process.env, RUSTUP_AUTO_INSTALL: '0' } });
  return ran.status === 0 ? ran.stdout.trim() : undefined;
}
