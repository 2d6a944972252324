// Node and npm as packages of a registry on loopback: the ones that this test runs on.

import { mkdtemp, cp, mkdir, readFile, rm, writeFile, chmod, realpath } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as tar from 'tar';

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
  const npm = await packed(async (folder) => {
    const root = await npmFolder();
    await cp(root, folder, { recursive: true, dereference: true });
    const inside = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    return { name: inside.name, version: inside.version, bin: inside.bin, engines: inside.engines };
  });
  return [node, npm];
}

/** Node of this version and for this platform, as the packages `node-<os>-<arch>` hold it. */
export function packedNode(program, version) {
  const os = process.platform === 'win32' ? 'win' : process.platform;
  return packed(async (folder) => {
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

async function packed(fill) {
  const cwd = await mkdtemp(join(tmpdir(), 'kit-tool-'));
  try {
    const folder = join(cwd, 'package');
    await mkdir(folder);
    const manifest = await fill(folder);
    const tarball = await tar.create({ cwd, portable: true, gzip: { level: 1 } }, ['package']).concat();
    return { name: manifest.name, version: manifest.version, manifest, tarball };
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}
