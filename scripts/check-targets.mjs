// Type-checks the addon, and the program that builds run under, for platforms that this machine
// cannot run:
//   node scripts/check-targets.mjs [target…]     default: all of scripts/platforms.mjs but this machine's
// `rustup target add` gets their standard libraries. What the crates have in C is not compiled: a
// stand-in answers in place of the compilers, which are not here. So this shows that the Rust code
// fits the platform, and no more. It takes minutes.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PLATFORMS } from './platforms.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { target } = createRequire(import.meta.url)('../native.cjs');
const named = process.argv.slice(2);
const wanted = PLATFORMS.filter(({ platform, triple }) => (named.length > 0 ? named.includes(triple) : platform !== target()));

/** Writes an empty file where a compiler or an archiver was told to write one. */
const STAND_IN = `#!/bin/sh
for word in "$@"; do
  case "$before" in -o) : > "$word" ;; esac
  case "$word" in -Fo*) : > "\${word#-Fo}" ;; -out:*|/out:*|-OUT:*) : > "\${word#*:}" ;; *.a|*.lib) : > "$word" ;; esac
  before="$word"
done
exit 0
`;

const work = mkdtempSync(join(tmpdir(), 'targets-'));
const failed = [];
try {
  const tool = join(work, 'stand-in');
  writeFileSync(tool, STAND_IN);
  chmodSync(tool, 0o755);
  for (const { triple, sandbox } of wanted) {
    run('rustup', ['target', 'add', triple], process.env);
    const name = triple.replaceAll('-', '_');
    const env = { ...process.env, [`CC_${name}`]: tool, [`CXX_${name}`]: tool, [`AR_${name}`]: tool, SDKROOT: work, MACOSX_DEPLOYMENT_TARGET: '11.0' };
    for (const crate of [['--lib'], ...(sandbox ? [['--package', 'reproduce-sandbox']] : [])]) {
      if (!run('cargo', ['check', ...crate, '--locked', '--target', triple], env)) failed.push(`${triple} ${crate.join(' ')}`);
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(failed.length > 0 ? `failed: ${failed.join(', ')}` : `checked: ${wanted.map(({ triple }) => triple).join(', ')}`);
process.exitCode = failed.length > 0 || wanted.length === 0 ? 1 : 0;

function run(command, args, env) {
  const ran = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
  if (ran.error) console.error(ran.error.message);
  return ran.status === 0;
}
