// A distribution of Node on loopback, laid out as the project's own: the Node that this test runs
// on, with signed hashes.

import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tar from 'tar';
import { detached } from './openpgp.mjs';
import { startPages } from './server.mjs';

const PLATFORM = `${process.platform}-${process.arch}`;
export const VERSION = process.versions.node;
/** The archive's name. */
export const ARCHIVE = `node-v${VERSION}-${PLATFORM}.tar.gz`;
let made;

/** The archive of this Node; `program` in place of the program. */
export async function archive({ program } = {}) {
  if (program !== undefined) return pack(program);
  made ??= pack();
  return made;
}

/** SHASUMS256.txt of files by name. */
export function shasums(files) {
  const line = ([name, bytes]) => `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`;
  return Object.entries(files).map(line).join('');
}

/**
 * Starts a distribution that is honest: the caller changes `pages`. `base` is the folder of the
 * version.
 */
export async function startDistribution(key) {
  const tarball = await archive();
  const text = shasums({ [`node-v${VERSION}-headers.tar.gz`]: 'headers', [ARCHIVE]: tarball, 'win-x64/node.exe': 'exe' });
  const base = `/dist/v${VERSION}/`;
  const index = [{ version: `v${VERSION}`, date: '2024-01-01', files: [PLATFORM, 'src'], npm: '10.0.0' }];
  const server = await startPages({
    '/dist/index.json': JSON.stringify(index),
    [`${base}SHASUMS256.txt`]: text,
    [`${base}SHASUMS256.txt.sig`]: detached(key, text),
    [base + ARCHIVE]: tarball,
  });
  return Object.assign(server, { base, text, tarball, address: `${server.url}dist` });
}

async function pack(program) {
  const cwd = await mkdtemp(join(tmpdir(), 'kit-dist-'));
  try {
    const top = `node-v${VERSION}-${PLATFORM}`;
    await mkdir(join(cwd, top, 'bin'), { recursive: true });
    const node = join(cwd, top, 'bin/node');
    if (program === undefined) await cp(await realpath(process.execPath), node);
    else await writeFile(node, program);
    await chmod(node, 0o755);
    return await tar.create({ cwd, portable: true, gzip: { level: 1 } }, [top]).concat();
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}
