// What makes a release build give the same bytes in any folder, on any day, for any user
// (docs/release.md).

import { homedir } from 'node:os';
import { join } from 'node:path';

/** 1985-10-26T08:15:00Z, the time that npm gives to every file. For compilers that write a date. */
export const EPOCH = '499162500';

/** Between flags in CARGO_ENCODED_RUSTFLAGS: a path may have spaces in it. */
const SEPARATOR = String.fromCharCode(0x1f);

/**
 * The environment of cargo for a release build. @param {Record<string, string | undefined>} env the
 * caller's; flags of its own are kept and come first @param {{ root: string, targetFolder: string,
 * platform: import('./platforms.mjs').Platform }} build @returns {Record<string, string |
 * undefined>}
 */
export function distEnvironment(env, { root, targetFolder, platform }) {
  const cargoHome = env.CARGO_HOME ?? join(env.HOME ?? homedir(), '.cargo');
  // The last that fits counts: the longer path comes after the one that it may lie in.
  const names = [
    [cargoHome, '/cargo'],
    [root, '/reproduce'],
    [targetFolder, '/reproduce/target'],
  ];
  const rust = names.map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
  // An addon is loaded into a process whose C library is there already; musl's own default is to
  // link it in.
  if (platform.libc === 'musl') rust.push('-Ctarget-feature=-crt-static');
  // No redistributable package need be installed on Windows.
  if (platform.os === 'win32') rust.push('-Ctarget-feature=+crt-static');
  // C: no assertions, which would hold the file's path, and no path where a compiler writes one all
  // the same.
  const c = platform.os === 'win32' ? [] : ['-DNDEBUG', ...names.map(([from, to]) => `-ffile-prefix-map=${from}=${to}`)];
  return {
    ...env,
    CARGO_INCREMENTAL: '0',
    CARGO_ENCODED_RUSTFLAGS: [...(env.CARGO_ENCODED_RUSTFLAGS?.split(SEPARATOR) ?? env.RUSTFLAGS?.split(' ') ?? []).filter(Boolean), ...rust].join(SEPARATOR),
    // A path may have spaces in it: the crate that runs compilers splits flags as a shell does only
    // when asked to.
    CC_SHELL_ESCAPED_FLAGS: '1',
    CFLAGS: [env.CFLAGS, ...c.map(quoted)].filter(Boolean).join(' '),
    SOURCE_DATE_EPOCH: env.SOURCE_DATE_EPOCH ?? EPOCH,
    ZERO_AR_DATE: '1',
    LC_ALL: 'C',
    TZ: 'UTC',
  };
}

/** A word as a shell reads it back. */
function quoted(word) {
  return /^[\w./=:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
