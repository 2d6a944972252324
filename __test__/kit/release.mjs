// This program as a release publishes it: the tarball of the main package and of this platform's,
// in a registry on loopback.

import { cp, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PLATFORMS } from '../../scripts/platforms.mjs';
import { run } from './cli.mjs';
import { shared } from './shared.mjs';
import { npmFolder } from './toolchain.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { target } = createRequire(import.meta.url)('../../native.cjs');

/**
 * A folder with `node`, `npm`, `npx` and a shell, and nothing else: no git, no compiler, no Rust.
 * @param {{ also?: string[] }} [options] `also`: further programs of the system, as pnpm's commands
 * need them
 */
export async function bareBin({ also = [] } = {}) {
  const bin = await mkdtemp(join(tmpdir(), 'kit-bin-'));
  await symlink(process.execPath, join(bin, 'node'));
  const npm = await npmFolder();
  for (const name of ['npm', 'npx']) await symlink(join(npm, 'bin', `${name}-cli.js`), join(bin, name));
  for (const name of also) await symlink(await realpath(join('/usr/bin', name)), join(bin, name));
  await symlink('/bin/sh', join(bin, 'sh'));
  return bin;
}

/**
 * The name that the tests publish under: the checkout's own is private, and a release has another.
 */
export const RELEASED = '@kit/reproduce';

/** What of the checkout a release is packed from; the binaries come to it. */
const PARTS = ['package.json', 'package-lock.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'THIRD_PARTY_NOTICES', 'bin.cjs', 'index.js', 'index.cjs', 'api.cjs', 'index.d.ts', 'index.d.cts', 'codes.d.ts', 'native.cjs', 'schema', 'docs', 'npm', 'scripts', 'action', 'Cargo.toml'];

/**
 * A copy of the checkout's packages under `RELEASED`, or one name after the other, with the
 * binaries that are built here.
 */
export async function namedCheckout(folder, env, names = [{ name: RELEASED, repository: 'https://github.com/kit/reproduce' }]) {
  const built = (await readdir(root)).filter((name) => /^reproduce(-sandbox)?\./.test(name));
  for (const part of [...PARTS, ...built]) await cp(join(root, part), join(folder, part), { recursive: true });
  for (const { name, repository } of names) {
    const named = await run(['scripts/packages.mjs', '--name', name, '--repository', repository], { command: [process.execPath], cwd: folder, env });
    if (named.code !== 0) throw new Error(named.stderr);
  }
}

/** Fills a folder with a copy of the checkout's packages, and their tarballs. */
async function pack(folder, env, names) {
  const checkout = join(folder, 'checkout');
  await namedCheckout(checkout, env, names);
  const packed = await run(['scripts/pack.mjs', join(folder, 'tarballs')], { command: [process.execPath], cwd: checkout, env, timeout: 300_000 });
  if (packed.code !== 0) throw new Error(`nothing was packed: ${packed.stderr}`);
}

/**
 * A folder with `checkout` and `tarballs`, those of the main package and of the platforms that are
 * built here. Under the tests' own name they are packed once in a run: npm takes long to pack an
 * addon.
 */
async function packedRelease(work, env, names) {
  if (!names) return shared('release', (folder) => pack(folder, env));
  await pack(work, env, names);
  return work;
}

/**
 * Publishes the main package and this platform's. @param {Awaited<ReturnType<typeof
 * import('./verdaccio.mjs').startVerdaccio>>} verdaccio @param {string} bin from `bareBin`: packing
 * needs no more than Node @param {{ others?: boolean, names?: { name: string, repository: string
 * }[] }} [options] `names`: as `namedCheckout` has them; `others`: the other platforms' too,
 * without their binaries; yarn 1 wants all of them to be there @returns {Promise<{ main: object,
 * platform: object }>} name, version, unpacked size and files of each, as `npm publish --json` says
 */
export async function publishRelease(verdaccio, bin, { others = false, names } = {}) {
  const work = await mkdtemp(join(tmpdir(), 'kit-release-'));
  try {
    const env = { PATH: bin };
    // The release tests the very files that it publishes.
    const given = names ? undefined : process.env.REPRODUCE_TEST_TARBALLS;
    const place = given ? work : await packedRelease(work, env, names);
    const folder = given ?? join(place, 'tarballs');
    const packed = {};
    const out = new Set();
    for (const tarball of (await readdir(folder)).filter((name) => name.endsWith('.tgz'))) {
      const ran = await verdaccio.npm(['publish', join(folder, tarball), '--ignore-scripts', '--json'], { cwd: work, env });
      const [one] = published(JSON.parse(ran.stdout));
      const platform = PLATFORMS.find((some) => one.name.endsWith(`-${some.platform}`))?.platform;
      if (platform === undefined) packed.main = one;
      else if (platform === target() || packed.platform === undefined) packed.platform = one;
      out.add(platform);
    }
    const rest = others ? PLATFORMS.map(({ platform }) => platform).filter((platform) => !out.has(platform)) : [];
    for (const name of rest) await verdaccio.npm(['publish', join(place, 'checkout/npm', name), '--ignore-scripts'], { cwd: work, env });
    return packed;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The packages of `npm publish --json`: one object by itself, or under its name. */
function published(said) {
  return said.name ? [said] : Object.values(said);
}
