// This program as a release publishes it: the tarball of the main package and of this platform's, in a registry on loopback.

import { mkdtemp, mkdir, readdir, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './cli.mjs';
import { npmFolder } from './toolchain.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * A folder with `node`, `npm`, `npx` and a shell, and nothing else: no git, no compiler, no Rust.
 * @param {{ also?: string[] }} [options] `also`: further programs of the system, as pnpm's commands need them
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
 * Packs the main package and this platform's from the addon that is built, and publishes both.
 * @param {Awaited<ReturnType<typeof import('./verdaccio.mjs').startVerdaccio>>} verdaccio
 * @param {string} bin from `bareBin`: packing needs no more than Node
 * @param {{ others?: boolean }} [options] `others`: the other platforms' too, without their binaries; yarn 1 wants all of them to be there
 * @returns {Promise<{ main: object, platform: object }>} what `npm pack --json` says of each
 */
export async function publishRelease(verdaccio, bin, { others = false } = {}) {
  const work = await mkdtemp(join(tmpdir(), 'kit-release-'));
  try {
    const env = { PATH: bin };
    const collected = await run(['scripts/packages.mjs', '--into', work], { command: [process.execPath], cwd: root, env });
    if (collected.code !== 0 || collected.stdout === '') throw new Error(`no platform is built: ${collected.stderr}`);
    const [platform] = collected.stdout.trim().split('\n');
    const packed = {};
    await mkdir(join(work, 'tarballs'));
    for (const [name, folder] of [['platform', join(work, platform)], ['main', root]]) {
      const ran = await verdaccio.npm(['pack', '--json', '--pack-destination', join(work, 'tarballs')], { cwd: folder, env });
      packed[name] = JSON.parse(ran.stdout)[0];
    }
    for (const tarball of await readdir(join(work, 'tarballs'))) {
      await verdaccio.npm(['publish', join(work, 'tarballs', tarball), '--ignore-scripts'], { cwd: work, env });
    }
    const rest = others ? (await readdir(join(root, 'npm'))).filter((name) => name !== platform) : [];
    for (const name of rest) await verdaccio.npm(['publish', join(root, 'npm', name), '--ignore-scripts'], { cwd: work, env });
    return packed;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

