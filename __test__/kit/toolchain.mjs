// Node and npm as packages of a registry on loopback: the ones that this test runs on.

import { mkdtemp, cp, mkdir, readFile, rm, writeFile, chmod, realpath } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as tar from 'tar';
import { shared } from './shared.mjs';

let made;

/**
 * Node for this platform, as the packages `node-<os>-<arch>` hold it, and npm: `[{ name, version,
 * tarball, manifest }]`.
 */
export function toolchain() {
  made ??= make();
  return made;
}

async function make() {
  const node = await packedNode(await realpath(process.execPath), process.versions.node);
  const root = await npmFolder();
  const npm = await packed(`npm of ${root}`, async (folder) => {
    await cp(root, folder, { recursive: true, dereference: true });
    const inside = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    return { name: inside.name, version: inside.version, bin: inside.bin, engines: inside.engines };
  });
  return [node, npm];
}

/** Node of this version and for this platform, as the packages `node-<os>-<arch>` hold it. */
export function packedNode(program, version) {
  const os = process.platform === 'win32' ? 'win' : process.platform;
  return packed(`node ${version} of ${program}`, async (folder) => {
    await mkdir(join(folder, 'bin'));
    await cp(program, join(folder, 'bin/node'));
    await chmod(join(folder, 'bin/node'), 0o755);
    const manifest = { name: `node-${os}-${process.arch}`, version, bin: { node: 'bin/node' } };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    return manifest;
  });
}

/**
 * The folder of the npm that the PATH has. It says so itself: not every npm lies below the global
 * folder of the Node that runs it.
 */
export async function npmFolder() {
  const cwd = await mkdtemp(join(tmpdir(), 'kit-npm-'));
  try {
    await writeFile(join(cwd, 'package.json'), JSON.stringify({ scripts: { where: 'node -p process.env.npm_execpath' } }));
    const program = execFileSync('npm', ['run', '--silent', 'where'], { cwd, encoding: 'utf8' }).trim();
    return dirname(dirname(await realpath(program)));
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

/**
 * The package that `fill` writes, which gives its manifest: packed once in a run, since Node has
 * 100 MB.
 */
async function packed(what, fill) {
  const place = await shared(`tool-${createHash('sha256').update(what).digest('hex').slice(0, 20)}`, async (cwd) => {
    const folder = join(cwd, 'package');
    await mkdir(folder);
    const manifest = await fill(folder);
    await tar.create({ cwd, file: join(cwd, 'package.tgz'), portable: true, gzip: { level: 1 } }, ['package']);
    await writeFile(join(cwd, 'manifest.json'), JSON.stringify(manifest));
    await rm(folder, { recursive: true });
  });
  const manifest = JSON.parse(await readFile(join(place, 'manifest.json'), 'utf8'));
  return { name: manifest.name, version: manifest.version, manifest, tarball: await readFile(join(place, 'package.tgz')) };
}
