// Shows that a published release is what its tag gives: builds every package again, and compares
// with the registry's tarballs.
//   node scripts/verify-release.mjs <version> [--only linux-x64-gnu,…] [--binaries <folder>]
// The tag v<version> of this repository is checked out into a new folder. The Linux binaries are
// built there in their image, those of other systems on such a machine. `--binaries` takes binaries
// that were built elsewhere (upload-artifact of several machines); `--only` names the platforms
// that are to be shown, by default all. The registry is the one that npm is configured for. Exit
// code 0: all that was to be shown is the same; 1: something differs; 2: something could not be
// built here.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm } from './pack.mjs';
import { binariesOf, PLATFORMS, sbomsOf } from './platforms.mjs';
import { releaseIn } from './publish.mjs';
import { differences } from './tarball.mjs';
import { TOOLS } from './tools.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
const work = mkdtempSync(join(tmpdir(), 'verify-release-'));
const version = process.argv[2];
if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version ?? '')) fail(`${version ?? 'nothing'} is no version`);
const only = option('--only')?.split(',') ?? PLATFORMS.map(({ platform }) => platform);
const unknown = only.filter((name) => !PLATFORMS.some(({ platform }) => platform === name));
if (unknown.length > 0) fail(`${unknown.join(', ')} is no platform`);
const binaries = option('--binaries');

let differs = 0;
let unbuilt = 0;
try {
  const source = join(work, 'source');
  // No hook and no filter of this clone's configuration has a say in what is checked out.
  must('git', ['clone', '--quiet', '--no-local', '--depth', '1', '--branch', `v${version}`, '--config', 'core.hooksPath=/dev/null', `file://${root}`, source]);
  const built = PLATFORMS.filter(({ platform }) => only.includes(platform)).filter((platform) => provide(platform, source));
  must(process.execPath, ['scripts/pack.mjs', join(work, 'ours')], { cwd: source });
  const { packages } = releaseIn(join(work, 'ours'));
  for (const { manifest, bytes } of packages) compare(`${manifest.name}@${manifest.version}`, bytes);
  for (const platform of only.filter((name) => !built.some((one) => one.platform === name))) {
    unbuilt += 1;
    console.log(`not shown  ${platform}: it is built on another machine, see --binaries`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = differs > 0 ? 1 : unbuilt > 0 ? 2 : 0;

/** Puts the binaries of a platform into the source; false if they cannot be made here. */
function provide(one, source) {
  const files = binariesOf(one);
  if (binaries !== undefined) {
    if (!files.every((file) => existsSync(join(binaries, file)))) return false;
    for (const file of [...files, ...sbomsOf(one).filter((name) => existsSync(join(binaries, name)))]) copyFileSync(join(binaries, file), join(source, file));
    return true;
  }
  const [os, cpu] = [process.platform, process.arch];
  // An image for another processor would be emulated; macOS builds for both of its own.
  if (one.os !== os || (one.cpu !== cpu && os !== 'darwin')) return false;
  must(process.execPath, ['scripts/build.mjs', one.image ? '--container' : '--dist', '--target', one.triple], { cwd: source, env: { ...process.env, CARGO_INSTALL_ROOT: TOOLS } });
  return true;
}

/** Says whether a package that was made here is the one of the registry. */
function compare(spec, ours) {
  const into = mkdtempSync(join(work, 'theirs-'));
  const ran = npm(['pack', spec, '--ignore-scripts', '--pack-destination', into], { cwd: into });
  if (ran.status !== 0) fail(`npm pack ${spec}: ${ran.error?.message ?? ran.stderr}`);
  const theirs = readFileSync(join(into, readdirSync(into).find((name) => name.endsWith('.tgz'))));
  const lines = differences(ours, theirs);
  // The same files in another archive: another npm or Node packed it.
  const word = lines.length > 0 ? 'DIFFERS' : ours.equals(theirs) ? 'identical' : 'same files';
  console.log(`${word.padEnd(10)} ${spec}`);
  for (const line of lines) console.log(`           ${line}`);
  if (lines.length > 0) differs += 1;
}

function must(command, args, options = {}) {
  const ran = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
  if (ran.error || ran.status !== 0) fail(`${command} ${args.join(' ')}: ${ran.error?.message ?? `ended with ${ran.status}`}`);
}

/** Ends undecided. */
function fail(message) {
  console.error(`error: ${message}`);
  rmSync(work, { recursive: true, force: true });
  process.exit(2);
}
