// A right lockfile in a project whose settings make a client install other bytes: `reproduce audit`
// must not pass it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../../__test__/kit/cli.mjs';
import { startRegistry } from '../../__test__/kit/registry.mjs';
import { writeFiles } from '../../__test__/kit/tarball.mjs';
import { openWorld } from '../../__test__/world.mjs';

const MANIFEST = { name: 'x', version: '1.0.0', dependencies: { 's-good': '^1.0.0' } };
const HOOK = '.pnpmfile.cjs';

let world;
let clean;
let good;
let evil;
before(async () => {
  world = await openWorld();
  clean = await world.home();
  good = await world.release('s-good');
  evil = await startRegistry();
  await evil.publish({ files: { 'package.json': JSON.stringify({ name: 's-good', version: '1.0.0' }), 'index.js': 'evil()\n' } });
});
after(async () => {
  await world.close();
  await evil.close();
});

/** The right lockfile of each client, with the hash of the tarball that is reproduced. */
const LOCKS = {
  npm: () => ({ 'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages: { '': MANIFEST, 'node_modules/s-good': { version: '1.0.0', resolved: good.url, integrity: good.integrity } } }) }),
  yarn: () => ({ 'yarn.lock': `# yarn lockfile v1\n\n\ns-good@^1.0.0:\n  version "1.0.0"\n  resolved "${good.url}"\n  integrity ${good.integrity}\n` }),
  berry: () => ({ 'yarn.lock': '__metadata:\n  version: 8\n  cacheKey: 10c0\n\n"s-good@npm:^1.0.0":\n  version: 1.0.0\n  resolution: "s-good@npm:1.0.0"\n  languageName: node\n  linkType: hard\n\n"x@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "x@workspace:."\n  dependencies:\n    s-good: "npm:^1.0.0"\n  languageName: unknown\n  linkType: soft\n' }),
  pnpm: () => ({ 'w/package.json': '{"name":"w"}', 'pnpm-lock.yaml': `lockfileVersion: '9.0'\n\nimporters:\n  .:\n    dependencies:\n      s-good:\n        specifier: ^1.0.0\n        version: 1.0.0\n  w: {}\n\npackages:\n  s-good@1.0.0:\n    resolution: {integrity: ${good.integrity}}\n\nsnapshots:\n  s-good@1.0.0: {}\n` }),
  bun: () => ({ 'bun.lock': JSON.stringify({ lockfileVersion: 1, workspaces: { '': { name: 'x', dependencies: MANIFEST.dependencies } }, packages: { 's-good': ['s-good@1.0.0', '', {}, good.integrity] } }) }),
  deno: () => ({ 'deno.lock': JSON.stringify({ version: '5', specifiers: { 'npm:s-good@1': '1.0.0' }, npm: { 's-good@1.0.0': { integrity: good.integrity } } }) }),
};

let projects = 0;
async function project(files) {
  const root = join(clean.home, `s-${projects++}`);
  // The folder of a repository, with no more of one than that: it ends what is looked at above.
  await writeFiles(root, { '.git/HEAD': 'ref: refs/heads/main\n', 'p/package.json': JSON.stringify(MANIFEST), ...Object.fromEntries(Object.entries(files).map(([name, text]) => [name.startsWith('../') ? name.slice(3) : `p/${name}`, text])) });
  return join(root, 'p');
}
const audit = (folder, ...args) => run(['audit', '--json', ...args], { env: clean.env, cwd: folder });
const settings = ({ json }) => json.findings.filter(({ code }) => code === 'client-settings');

/** Files of harmless settings pass, and each of the others is told as the setting that it is. */
function held(client, title, harmless, cases) {
  test(`${client}: ${title}`, async () => {
    const control = await audit(await project({ ...LOCKS[client](), ...harmless() }));
    assert.deepEqual([control.code, control.json.findings, control.json.packages.map(({ exitCode }) => exitCode)], [0, [], [0]], 'the control');
    for (const [name, files] of Object.entries(cases())) {
      const ran = await audit(await project({ ...LOCKS[client](), ...files }));
      assert.deepEqual([ran.code, ran.json.packages[0].verdict], [2, 'identical'], name);
      assert.ok(settings(ran).some(({ message, severity, path }) => severity === 'warning' && message.startsWith(`${name}: `) && name.startsWith(path)), `${name}: ${JSON.stringify(ran.json.findings)}`);
    }
  });
}

// ── caches and stores in the project, and what lies there already ──

held('npm', 'a cache in the project', () => ({ '.npmrc': 'fund=false\nsave-exact=true\n' }), () => ({
  '.npmrc#cache': { '.npmrc': 'prefer-offline=true\ncache=./c\n' },
  '../.npmrc#cache': { '../.npmrc': 'cache=./c\n' },
  node_modules: { 'node_modules/s-good/index.js': 'evil()\n' },
}));
held('yarn', 'a cache and a mirror in the project', () => ({ '.yarnrc': 'save-prefix "~"\n' }), () => ({
  '.yarnrc#cache-folder': { '.yarnrc': 'cache-folder "./c"\n' },
  '.yarnrc#yarn-offline-mirror': { '.yarnrc': 'yarn-offline-mirror "./m"\n' },
  '.npmrc#yarn-offline-mirror': { '.npmrc': 'yarn-offline-mirror=./m\n' },
}));
held('berry', 'a cache in the project', () => ({ '.yarnrc.yml': 'enableGlobalCache: false\nnodeLinker: node-modules\n' }), () => ({
  '.yarn/cache': { '.yarn/cache/s-good-npm-1.0.0-0.zip': 'evil' },
  '.yarnrc.yml#cacheFolder': { '.yarnrc.yml': 'cacheFolder: ./c\n' },
  '.pnp.cjs': { '.pnp.cjs': 'evil()\n' },
}));
held('pnpm', 'a store in the project', () => ({ '.npmrc': 'node-linker=hoisted\n' }), () => ({
  '.npmrc#store-dir': { '.npmrc': 'store-dir=./st\nverify-store-integrity=false\n' },
  'w/.npmrc#store-dir': { 'w/.npmrc': 'store-dir=./st\n' },
  'pnpm-workspace.yaml#storeDir': { 'pnpm-workspace.yaml': 'storeDir: ./st\n' },
}));
held('bun', 'a cache in the project', () => ({ 'bunfig.toml': '[install]\nexact = true\n', '.env': 'PORT=3000\n' }), () => ({
  'bunfig.toml#install.cache.dir': { 'bunfig.toml': '[install.cache]\ndir = "./c"\n' },
  '.env#BUN_INSTALL_CACHE_DIR': { '.env': 'BUN_INSTALL_CACHE_DIR=./c\n' },
}));

// ── another lockfile, or none ──

held('npm', 'another lockfile, or none', () => ({ '.npmrc': 'package-lock=true\n' }), () => ({
  '.npmrc#package-lock': { '.npmrc': 'package-lock=false\n' },
  '.npmrc#force': { '.npmrc': 'force=true\n' },
  'package.json#packageManager': { 'package.json': JSON.stringify({ ...MANIFEST, packageManager: 'yarn@1.22.22' }) },
  'bun.lockb': { 'bun.lockb': 'x' },
}));
held('pnpm', 'another lockfile, or none', () => ({ 'pnpm-workspace.yaml': 'packages: [w]\n' }), () => ({
  '.npmrc#lockfile': { '.npmrc': 'lockfile=false\n' },
  '.npmrc#lockfile-dir': { '.npmrc': 'lockfile-dir=./l\n' },
  '.npmrc#git-branch-lockfile': { '.npmrc': 'git-branch-lockfile=true\n' },
  'pnpm-workspace.yaml#gitBranchLockfile': { 'pnpm-workspace.yaml': 'gitBranchLockfile: true\n' },
  'pnpm-workspace.yaml#sharedWorkspaceLockfile': { 'pnpm-workspace.yaml': 'sharedWorkspaceLockfile: false\n' },
}));
held('yarn', 'no lockfile', () => ({ '.yarnrc': '--install.frozen-lockfile true\n' }), () => ({
  '.yarnrc#--install.no-lockfile': { '.yarnrc': '--install.no-lockfile true\n' },
  'package.json#resolutions': { 'package.json': JSON.stringify({ ...MANIFEST, resolutions: { 's-good': '1.9.0' } }) },
}));
held('berry', 'another lockfile', () => ({ '.yarnrc.yml': 'enableImmutableInstalls: true\n' }), () => ({ '.yarnrc.yml#lockfileFilename': { '.yarnrc.yml': 'lockfileFilename: evil.lock\n' } }));
held('deno', 'another lockfile, or none', () => ({ 'deno.json': '{"nodeModulesDir":"auto","lock":true}' }), () => ({ 'deno.json#lock': { 'deno.json': '{"lock":"./evil.lock"}' } }));

test('npm: the shrinkwrap that npm reads in place of the file that was named', async () => {
  const folder = await project({ ...LOCKS.npm(), 'npm-shrinkwrap.json': '{"lockfileVersion":3,"packages":{}}' });
  const named = await audit(folder, 'package-lock.json');
  assert.deepEqual([named.code, settings(named).map(({ path }) => path)], [2, ['npm-shrinkwrap.json']]);
  await rm(join(folder, 'npm-shrinkwrap.json'));
  assert.equal((await audit(folder, 'package-lock.json')).code, 0);
});

// ── code and packages of the configuration ──

held('pnpm', 'hooks and packages of its configuration', () => ({ 'package.json': JSON.stringify({ ...MANIFEST, packageManager: 'pnpm@10.0.0' }) }), () => ({
  [HOOK]: { [HOOK]: 'evil()\n' },
  'pnpm-workspace.yaml#configDependencies': { 'pnpm-workspace.yaml': `configDependencies:\n  s-bad: "1.0.0+${good.integrity}"\n` },
  'pnpm-workspace.yaml#patchedDependencies': { 'pnpm-workspace.yaml': 'patchedDependencies:\n  s-good: p.patch\n' },
  'package.json#pnpm.patchedDependencies': { 'package.json': JSON.stringify({ ...MANIFEST, pnpm: { patchedDependencies: { 's-good@1.0.0': 'p.patch' } } }) },
}));
held('berry', 'programs and plugins', () => ({ 'package.json': JSON.stringify({ ...MANIFEST, packageManager: 'yarn@4.9.1' }) }), () => ({
  '.yarnrc.yml#yarnPath': { '.yarnrc.yml': 'yarnPath: .yarn/releases/yarn-4.9.1.cjs\n' },
  '.yarnrc.yml#plugins': { '.yarnrc.yml': 'plugins:\n  - ./p.cjs\n' },
  '.env.yarn': { '.env.yarn': 'YARN_HTTP_PROXY=http://e\n' },
}));

// ── registries, proxies and mirrors ──

held('npm', 'registries and proxies', () => ({ '.npmrc': `registry=${world.registry.url}\n@s:registry=${world.registry.url}\n` }), () => ({
  '.npmrc#registry': { '.npmrc': `registry=${evil.url}\n` },
  '.npmrc#proxy': { '.npmrc': `proxy=${evil.url}\n` },
  '.npmrc#cafile': { '.npmrc': 'cafile=e.pem\n' },
  '.npmrc#strict-ssl': { '.npmrc': 'strict-ssl=false\n' },
  '.npmrc': { '.npmrc': `\ufeffregistry=${world.registry.url}\n` },
  '.corepack.env': { '.corepack.env': `COREPACK_NPM_REGISTRY=${evil.url}\n` },
}));
held('berry', 'registries and proxies', () => ({ '.yarnrc.yml': `# none\nnodeLinker: node-modules\n` }), () => ({
  '.yarnrc.yml': { '.yarnrc.yml': `"npmRegi\\x73tryServer": "${evil.url}"\n` },
  '.yarnrc.yml#httpProxy': { '.yarnrc.yml': `httpProxy: "${evil.url}"\n` },
}));
held('bun', 'registries and proxies', () => ({ 'bunfig.toml': `[install]\nregistry = "${world.registry.url}"\n` }), () => ({
  'bunfig.toml': { 'bunfig.toml': `[install]\n"regi\\u0073try" = "${evil.url}"\n` },
  '.env#HTTP_PROXY': { '.env': `HTTP_PROXY=${evil.url}\n` },
}));

// ── decisions ──

test('what is committed of node_modules counts, and what a client wrote here does not', async () => {
  const folder = await project(LOCKS.npm());
  const git = (...args) => execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@x.example', ...args], { cwd: folder, stdio: 'pipe' });
  await rm(join(folder, '../.git'), { recursive: true });
  git('init', '-q', '..');
  git('add', '.');
  git('commit', '-qm', 'x');
  await writeFiles(folder, { 'node_modules/s-good/index.js': 'here\n' });
  assert.equal((await audit(folder)).code, 0, 'the client wrote it');
  git('add', '-f', '.');
  git('commit', '-qm', 'y');
  const ran = await audit(folder);
  assert.deepEqual([ran.code, settings(ran).map(({ path }) => path)], [2, ['node_modules']]);
});

test('a file of settings that is a link is not read', async () => {
  const folder = await project({ ...LOCKS.npm(), real: 'fund=false\n' });
  await symlink('real', join(folder, '.npmrc'));
  assert.equal((await audit(folder)).code, 2);
});

test('settings are accepted by the user for all, or by the team for one and a while', async () => {
  const files = { ...LOCKS.npm(), '.npmrc': 'cache=own\n' };
  const decided = (more) => ({ ...files, 'reproduce.json': JSON.stringify({ exceptions: [{ package: '.npmrc#cache', code: 'client-settings', reason: 'our cache', until: '2999-01-31', ...more }] }) });
  const code = async (of, ...args) => (await audit(await project(of), ...args)).code;
  assert.equal(await code(files), 2);
  assert.equal(await code(files, '--accept-settings'), 0);
  assert.equal(await code(files, '--fail-on', 'differs'), 0);
  const accepted = await audit(await project(decided({})));
  assert.deepEqual([accepted.code, accepted.json.findings.map(({ severity, message }) => [severity, message.includes('our cache')])], [0, [['info', true], ['warning', false]]], 'and that it is not pinned');
  for (const more of [{ until: '2020-01-31' }, { package: '.npmrc' }, { code: 'file' }]) assert.equal(await code(decided(more)), 2, JSON.stringify(more));
  const begun = await project(files);
  await audit(begun, '--write-exceptions');
  assert.equal((await audit(begun)).code, 0, 'the list that is written holds');
});

/** Of each client: files with a setting, and the one of them that it names. */
const NAMED = {
  'package.json#pnpm.patchedDependencies': ['pnpm', { 'package.json': JSON.stringify({ ...MANIFEST, pnpm: { patchedDependencies: { 's-good@1.0.0': 'patches/x.patch' } } }) }, 'patches/x.patch'],
  'pnpm-workspace.yaml#patchedDependencies': ['pnpm', { 'pnpm-workspace.yaml': 'packages: [w]\npatchedDependencies:\n  s-good@1.0.0: patches/x.patch\n' }, 'patches/x.patch'],
  '.yarnrc.yml#plugins': ['berry', { '.yarnrc.yml': 'plugins:\n  - path: .yarn/plugins/p.cjs\n    spec: "https://code.example/p.js"\n  - checksum: ab\n    path: q.cjs\n', 'q.cjs': 'q' }, '.yarn/plugins/p.cjs'],
  'package.json#patchedDependencies': ['bun', { 'package.json': JSON.stringify({ ...MANIFEST, patchedDependencies: { 's-good@1.0.0': 'patches/x.patch' } }) }, 'patches/x.patch'],
  'bunfig.toml#preload': ['bun', { 'bunfig.toml': 'preload = ["./p.ts", "./q.ts"]\n', 'p.ts': 'p' }, 'q.ts'],
  '.npmrc#node-options': ['npm', { '.npmrc': 'node-options=--no-warnings --require=./r.cjs\n' }, 'r.cjs'],
};
for (const [name, [client, files, file]] of Object.entries(NAMED)) {
  test(`${client}: an exception for ${name} is for the files that it names, too`, async () => {
    const folder = await project({ ...LOCKS[client](), ...files, [file]: 'a' });
    await audit(folder, '--write-exceptions');
    const found = async () => {
      const { code, json } = await audit(folder);
      return [code, json.findings.map((one) => one.code).filter((one) => one.startsWith('exception'))];
    };
    assert.deepEqual(await found(), [0, []], 'the control');
    await writeFiles(folder, { [file]: 'evil' });
    assert.deepEqual(await found(), [2, ['exception-changed']]);
    await writeFiles(folder, { [file]: 'a' });
    assert.deepEqual(await found(), [0, []], 'as it was');
  });
}

test('an exception for a folder is for all files in it', async () => {
  for (const value of ['cache=./c', 'cache=c']) {
    const folder = await project({ ...LOCKS.npm(), '.npmrc': `${value}\n`, 'c/x': 'a' });
    await audit(folder, '--write-exceptions');
    assert.equal((await audit(folder)).code, 0, 'the control');
    await writeFiles(folder, { 'c/y': 'evil' });
    const { code, json } = await audit(folder);
    assert.deepEqual([code, json.findings.filter((one) => one.code === 'exception-changed').length], [2, 1], value);
  }
});

test('what names a file that nobody finds has no pin, and that is told', async () => {
  for (const [value, files] of Object.entries({ 'node-options=--require=./r': { 'r.txt': 'a' }, 'cafile=/nowhere/ca.pem': {}, 'cafile=~/ca.pem': { '~/ca.pem': 'a' }, 'cafile=../ca.pem': { '../ca.pem': 'a' } })) {
    const folder = await project({ ...LOCKS.npm(), '.npmrc': `${value}\n`, ...files });
    await audit(folder, '--write-exceptions');
    const { code, json } = await audit(folder);
    assert.deepEqual([code, json.findings.filter((one) => one.code === 'exception-unpinned').length], [0, 1], value);
    const key = `.npmrc#${value.split('=')[0]}`;
    await writeFiles(folder, { 'reproduce.json': JSON.stringify({ exceptions: [{ package: key, code: 'client-settings', pin: value.slice(value.indexOf('=') + 1), reason: 'ours', until: '2999-01-31' }] }) });
    const pinned = await audit(folder);
    assert.deepEqual([pinned.code, pinned.json.findings.filter((one) => one.code === 'exception-changed').length], [2, 1], `${value} with a pin for its words alone`);
  }
});

test('yarn 2 and later: an exception for a patch is for the patch’s file', async () => {
  const resolution = 's-good@patch:s-good@npm%3A1.0.0#./x.patch::version=1.0.0&hash=edf0ad&locator=x%40workspace%3A.';
  const asked = 'patch:s-good@npm%3A1.0.0#./x.patch';
  const entry = (key, of, more = '') => `"${key}":\n  version: 1.0.0\n  resolution: "${of}"\n${more}  languageName: node\n  linkType: hard\n\n`;
  const lock = `__metadata:\n  version: 8\n  cacheKey: 10c0\n\n${entry(`s-good@patch:s-good@npm%3A1.0.0#./x.patch::locator=x%40workspace%3A.`, resolution)}${entry('s-good@npm:1.0.0', 's-good@npm:1.0.0')}"x@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "x@workspace:."\n  dependencies:\n    s-good: "${asked}"\n  languageName: unknown\n  linkType: soft\n`;
  const folder = await project({ 'yarn.lock': lock, 'package.json': JSON.stringify({ ...MANIFEST, dependencies: { 's-good': asked } }), 'x.patch': 'a' });
  assert.equal((await audit(folder)).code, 2);
  await audit(folder, '--write-exceptions');
  const control = await audit(folder);
  assert.deepEqual([control.code, control.json.findings.map(({ code }) => code)], [0, []], 'the control');
  await writeFiles(folder, { 'x.patch': 'evil' });
  const ran = await audit(folder);
  assert.deepEqual([ran.code, ran.json.findings.map(({ code }) => code)], [2, ['exception-changed']]);
});

test('the audit asks whom the user’s own configuration names, and the project’s only where it is accepted', async () => {
  const own = await project({ ...LOCKS.npm(), '.npmrc': `registry=${world.registry.url}\n` });
  const theirs = await run(['audit', '--json', '--force'], { env: { ...clean.env, npm_config_registry: evil.url }, cwd: own });
  assert.deepEqual([theirs.code === 0, settings(theirs).map(({ message }) => message.split(':')[0])], [false, ['.npmrc#registry']]);
  const user = await world.home();
  await writeFiles(user.env.HOME, { '.npmrc': `registry=${evil.url}\n` });
  const env = Object.fromEntries(Object.entries(user.env).filter(([name]) => name !== 'npm_config_registry'));
  const followed = await run(['audit', '--json', '--accept-settings'], { env, cwd: own });
  assert.deepEqual([followed.code, followed.json.packages[0].verdict], [0, 'identical']);
});
