// The programs that check and describe what this one is made of, each with its version. They are
// installed where they are first asked for: into target/tools, or where CARGO_INSTALL_ROOT says.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The folder of the tools. */
export const TOOLS = process.env.CARGO_INSTALL_ROOT ?? join(root, 'target/tools');

/** From the crates' registry: version, and features where its program is not built without. */
const CRATES = Object.freeze({
  'cargo-about': { version: '0.9.3', features: 'cli' },
  'cargo-cyclonedx': { version: '0.5.9' },
  'cargo-deny': { version: '0.20.2' },
  'cargo-vet': { version: '0.10.3' },
});

/** Installs a tool in its version, and gives the path of its program. */
export function crate(name) {
  const { version, features } = CRATES[name];
  mkdirSync(TOOLS, { recursive: true });
  // Does nothing where this very version is installed. Built outside of the checkout, whose flags
  // and locks are of another program.
  must('cargo', ['install', '--quiet', '--locked', `${name}@${version}`, '--root', TOOLS, ...(features ? ['--features', features] : [])], { cwd: TOOLS });
  return join(TOOLS, 'bin', name);
}

/** zizmor, by hash, without touching the packages of the system's Python. */
export function zizmor() {
  const folder = join(TOOLS, 'python');
  if (!existsSync(join(folder, 'bin/zizmor'))) {
    must('python3', ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes', '--only-binary', ':all:', '--target', folder, '-r', join(root, 'scripts/zizmor.txt')]);
  }
  return join(folder, 'bin/zizmor');
}

function must(command, args, options = {}) {
  const ran = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (ran.error || ran.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${ran.error?.message ?? `ended with ${ran.status}`}`);
}
