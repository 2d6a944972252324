// The things of a machine that the checks need. Said at the start of `npm test`: a test that fails
// for want of perl an hour later says less.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const rust = /^rust-version = "(?<oldest>[\d.]+)"$/m.exec(readFileSync(new URL('../Cargo.toml', import.meta.url), 'utf8')).groups.oldest;

/** What a program prints, or null if it is not there or fails. */
function said(command, ...args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', shell: process.platform === 'win32' });
  return status === 0 ? stdout.trim() : null;
}

/** True if `version` is `least` or later; both are dotted numbers. */
function reaches(version, least) {
  return version.localeCompare(least, 'en', { numeric: true }) >= 0;
}

/**
 * System calls of perl that the attacks' controls make; a container's filter may refuse them
 * (docs/sandbox.md).
 */
const CALLS = { x64: { unshare: '272, 0x10000000', ptrace: '101, 0, 0, 0, 0', io_uring_setup: '425, 4, $zero', keyctl: '250, 0, -3, 1' }, arm64: { unshare: '97, 0x10000000', ptrace: '117, 0, 0, 0, 0', io_uring_setup: '425, 4, $zero', keyctl: '219, 0, -3, 1' } };

function call(args) {
  return said('perl', '-e', `my $zero = qq(\\0) x 128; exit(syscall(${args}) < 0)`) !== null;
}

/** `[name, what it is for, whether it is here]` of all that the checks need. */
function needs() {
  const all = [
    [`Node ${engines.node}`, 'everything', reaches(process.versions.node, /[\d.]+/.exec(engines.node)[0])],
    ['npm', 'its packages and the tests of npm itself', said('npm', '--version')],
    [`Rust ${rust} or later`, 'everything', reaches(said('rustc', '--version')?.split(' ')[1] ?? '0', rust)],
    ['rustfmt', 'format', said('cargo', 'fmt', '--version')],
    ['clippy', 'lint', said('cargo', 'clippy', '--version')],
    ['git', 'the servers of the tests', said('git', '--version')],
  ];
  if (process.platform === 'win32') return all;
  all.push(
    ['a C compiler', 'crates with C in them', said('cc', '--version')],
    ['make', 'packages that a makefile builds', said('make', '--version')],
  );
  if (process.platform !== 'linux') return all;
  const perl = said('perl', '-MSocket', '-e', '1');
  all.push(['perl with Socket', 'attacks on the sandbox', perl]);
  for (const program of ['setsid', 'awk', 'su', 'dd']) all.push([program, 'attacks on the sandbox', said('sh', '-c', `command -v ${program}`)]);
  all.push(['bwrap (bubblewrap)', 'the second tier of the sandbox', said('bwrap', '--version')]);
  all.push(['podman', 'builds in a container', said('podman', '--version')]);
  all.push(['a Chromium', 'the page of a run', said('chromium', '--version') ?? said('chromium-browser', '--version') ?? said('google-chrome', '--version')]);
  // Asked by perl.
  for (const [name, args] of Object.entries((perl !== null && CALLS[process.arch]) || {})) all.push([`a kernel that allows ${name}`, 'controls of the attacks', call(args)]);
  return all;
}

/** One line for each thing that this machine lacks. */
export function lacking() {
  return needs()
    .filter(([, , here]) => here === null || here === false)
    .map(([name, purpose]) => `${name}: for ${purpose}`);
}
