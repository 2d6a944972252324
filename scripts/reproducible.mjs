// Shows that a release build gives the same bytes in any folder: builds it twice, in two folders of
// other names and depths, and compares. It takes minutes and is no part of the tests; the release
// workflow runs it (docs/release.md).
//   node scripts/reproducible.mjs [folder]     builds in two new folders below this one; default the system's for temporary files
//   node scripts/reproducible.mjs --once       builds here and in one new folder: half the time, and the build here is kept

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binariesOf, PLATFORMS } from './platforms.mjs';
import { TOOLS } from './tools.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { target } = createRequire(import.meta.url)('../native.cjs');
const platform = PLATFORMS.find((one) => one.platform === target());
const once = process.argv.includes('--once');
const below = process.argv.slice(2).find((word) => !word.startsWith('-')) ?? tmpdir();

const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
if (listed.status !== 0) throw new Error(`git ls-files: ${listed.stderr}`);
const sources = listed.stdout.split('\0').filter(Boolean);

/** Builds in a folder, with a user's environment of its own, and gives the hash of each binary. */
function build(folder, env) {
  const ran = spawnSync(process.execPath, ['scripts/build.mjs', '--dist'], { cwd: folder, stdio: 'inherit', env: { ...process.env, CARGO_TARGET_DIR: undefined, CARGO_INSTALL_ROOT: TOOLS, npm_command: undefined, ...env } });
  if (ran.status !== 0) throw new Error(`the build in ${folder} failed`);
  return Object.fromEntries(binariesOf(platform).map((file) => [file, createHash('sha256').update(readFileSync(join(folder, file))).digest('hex')]));
}

function copyTo(folder) {
  for (const path of sources) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path));
  }
}

const work = mkdtempSync(join(below, 'reproducible-'));
try {
  const places = [once ? root : join(work, 'a'), join(work, 'another name', 'and/deeper')];
  for (const folder of places.filter((one) => one !== root)) copyTo(folder);
  const builds = places.map((folder, at) => {
    // Of a build's surroundings these differ between machines most: the locale, the time zone, the
    // user, the number of jobs.
    return build(folder, at === 0 ? {} : { LANG: 'de_DE.UTF-8', TZ: 'Asia/Tokyo', CARGO_BUILD_JOBS: '3', USER: 'somebody' });
  });
  const [first, second] = builds;
  for (const file of Object.keys(first)) console.log(`${first[file] === second[file] ? 'same   ' : 'DIFFERS'} ${file} ${first[file]} ${second[file]}`);
  process.exitCode = Object.keys(first).every((file) => first[file] === second[file]) ? 0 : 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
