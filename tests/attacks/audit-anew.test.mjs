// A client that finds versions anew although the lockfile seems to have them, or that needs what the
// lockfile does not tell: `reproduce audit` must not pass it.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../../__test__/kit/cli.mjs';
import { writeFiles } from '../../__test__/kit/tarball.mjs';
import { openWorld } from '../../__test__/world.mjs';

const MANIFEST = { name: 'x', version: '1.0.0', dependencies: { 's-good': '^1.0.0' } };
const NEEDING = { name: 'x', version: '1.0.0', dependencies: { 's-dep': '^1.0.0' } };

let world;
let clean;
const of = {};
before(async () => {
  world = await openWorld();
  clean = await world.home();
  of.good = await world.release('s-good');
  of.dep = await world.release('s-dep', { json: { dependencies: { 's-good': '^1.0.0' } } });
});
after(() => world.close());

let projects = 0;
async function project(files) {
  const root = join(clean.home, `a-${projects++}`);
  await writeFiles(root, { '.git/HEAD': 'ref: refs/heads/main\n', 'package.json': JSON.stringify(MANIFEST), ...files });
  return root;
}
const audit = (folder, ...args) => run(['audit', '--json', ...args], { env: clean.env, cwd: folder });
const manifest = (more, from = MANIFEST) => ({ 'package.json': JSON.stringify({ ...from, ...more }) });

/** The control passes, and each of the others is undecided for a finding with this code. */
async function told(control, code, cases) {
  const first = await audit(await project(control));
  assert.deepEqual([first.code, first.json.findings], [0, []], `the control: ${JSON.stringify(first.json)}`);
  const passed = [];
  for (const [title, files] of Object.entries(cases)) {
    const ran = await audit(await project(files));
    const all = [...(ran.json.findings ?? []), ...(ran.json.packages ?? []).flatMap(({ findings }) => findings)];
    if (ran.code !== 2 || !all.some((finding) => finding.code === code)) passed.push(`${title}: ${ran.code} ${JSON.stringify(ran.json.findings ?? ran.json)}`);
  }
  assert.deepEqual(passed, []);
}

const entry = ({ url, integrity }) => ({ version: '1.0.0', resolved: url, integrity });
const npm = (rows = { 'node_modules/s-good': entry(of.good) }, root = MANIFEST) => ({ 'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages: { '': root, ...rows } }) });
const pnpm = (more = '') => ({ 'pnpm-lock.yaml': `lockfileVersion: '9.0'\n\n${more}importers:\n  .:\n    dependencies:\n      s-good:\n        specifier: ^1.0.0\n        version: 1.0.0\n\npackages:\n  s-good@1.0.0:\n    resolution: {integrity: ${of.good.integrity}}\n\nsnapshots:\n  s-good@1.0.0: {}\n` });
/** s-dep, with what its row says that it needs. */
const pnpmOf = (needs, more = `  s-good@1.0.0:\n    resolution: {integrity: ${of.good.integrity}}\n`, rows = '  s-good@1.0.0: {}\n') => ({
  ...manifest({}, NEEDING),
  'pnpm-lock.yaml': `lockfileVersion: '9.0'\n\nimporters:\n  .:\n    dependencies:\n      s-dep:\n        specifier: ^1.0.0\n        version: 1.0.0\n\npackages:\n  s-dep@1.0.0:\n    resolution: {integrity: ${of.dep.integrity}}\n${more}\nsnapshots:\n  s-dep@1.0.0:${needs}\n${rows}`,
});
const berry = (name, needs, more = '', from = NEEDING) => ({
  ...manifest({}, from),
  'yarn.lock': `__metadata:\n  version: 8\n  cacheKey: 10c0\n\n"${name}@npm:^1.0.0":\n  version: 1.0.0\n  resolution: "${name}@npm:1.0.0"\n${needs}  languageName: node\n  linkType: hard\n${more}\n"x@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "x@workspace:."\n  dependencies:\n    ${name}: "npm:^1.0.0"\n  languageName: unknown\n  linkType: soft\n`,
});
const good = '\n"s-good@npm:^1.0.0":\n  version: 1.0.0\n  resolution: "s-good@npm:1.0.0"\n  languageName: node\n  linkType: hard\n';

test('pnpm and yarn 2: what a package needs and its row does not tell comes back where the client asks anew', async () => {
  await told(pnpmOf('\n    dependencies:\n      s-good: 1.0.0'), 'lockfile-other-manifest', { 'pnpm: no needs': pnpmOf(' {}', '', '') });
  await told(berry('s-dep', '  dependencies:\n    s-good: "npm:^1.0.0"\n', good), 'lockfile-other-manifest', {
    'yarn: no needs': berry('s-dep', ''),
    'yarn: another range': berry('s-dep', '  dependencies:\n    s-good: "npm:1"\n', good.replace('^1.0.0', '1')),
  });
});

test('yarn 2: resolutions and catalogs that the version is in, and that have no line of their own', async () => {
  const plain = berry('s-good', '', '', MANIFEST);
  const catalog = (range) => ({ ...berry('s-good', '', '', MANIFEST), ...manifest({ dependencies: { 's-good': 'catalog:' } }), '.yarnrc.yml': `catalog:\n  s-good: "${range}"\n` });
  const by = (files) => ({ ...files, 'yarn.lock': files['yarn.lock'].replace('s-good: "npm:^1.0.0"', 's-good: "catalog:"') });
  await told({ ...plain, ...manifest({ resolutions: { 's-good': '^1.0.0' } }) }, 'lockfile-stale', {
    resolutions: { ...plain, ...manifest({ resolutions: { 's-good': '>=1.0.0' } }) },
    'another descriptor': { ...plain, 'yarn.lock': plain['yarn.lock'].replace('"s-good@npm:^1.0.0":', '"s-good@npm:^0.9.0 || ^1.0.0":') },
    catalog: by(catalog('>=1.0.0')),
  });
  const ran = await audit(await project(by(catalog('^1.0.0'))));
  assert.deepEqual([ran.code, ran.json.findings], [0, []], JSON.stringify(ran.json));
});

test('pnpm: settings of the lockfile alone, and a version that the project’s pnpm ignores', async () => {
  await told(pnpm(), 'lockfile-stale', {
    overrides: pnpm('overrides:\n  zz: 1.0.0\n\n'),
    autoInstallPeers: pnpm('settings:\n  autoInstallPeers: false\n\n'),
    ignoredOptionalDependencies: pnpm('ignoredOptionalDependencies:\n  - zz\n\n'),
    packageExtensionsChecksum: pnpm('packageExtensionsChecksum: 0123456789abcdef0123456789abcdef\n\n'),
    'a pnpm that ignores it': { ...pnpm(), ...manifest({ packageManager: 'pnpm@8.0.0' }) },
  });
});

test('pnpm: what the lockfile says of peers, settings, patches, catalogs and overrides excuses nothing', async () => {
  const peer = await world.release('s-peer', { json: { peerDependencies: { 's-good': '^1.0.0', 's-opt': '*' }, peerDependenciesMeta: { 's-opt': { optional: true } } } });
  const row = "    peerDependencies:\n      s-good: ^1.0.0\n      s-opt: '*'\n    peerDependenciesMeta:\n      s-opt:\n        optional: true\n";
  const optional = row.replace('Meta:\n', 'Meta:\n      s-good:\n        optional: true\n');
  const of_ = ({ head = '', rows = row, needs = '\n    dependencies:\n      s-good: 1.0.0', importer = '', ...more } = {}) => ({
    ...manifest({ dependencies: { 's-peer': '^1.0.0', 's-good': '^1.0.0' } }),
    'pnpm-lock.yaml': `lockfileVersion: '9.0'\n\n${head}importers:\n  .:\n${importer}    dependencies:\n      s-good:\n        specifier: ^1.0.0\n        version: 1.0.0\n      s-peer:\n        specifier: ^1.0.0\n        version: 1.0.0(s-good@1.0.0)\npackages:\n  s-good@1.0.0:\n    resolution: {integrity: ${of.good.integrity}}\n  s-peer@1.0.0:\n    resolution: {integrity: ${peer.integrity}}\n${rows}snapshots:\n  s-good@1.0.0: {}\n  s-peer@1.0.0(s-good@1.0.0):${needs || ' {}'}\n`,
    ...more,
  });
  await told(of_(), 'lockfile-other-manifest', {
    'no peers': of_({ rows: '' }),
    'no peers, and not there': of_({ rows: '', needs: '' }),
    'another range': of_({ rows: row.replace('^1.0.0', '^1.2.0') }),
    'an optional one, and not there': of_({ rows: optional, needs: '' }),
  });
  const settings = (line) => `settings:\n  autoInstallPeers: true\n  ${line}\n\n`;
  const head = (text, more) => of_({ head: text, ...more });
  await told(head(settings('excludeLinksFromLockfile: false')), 'lockfile-stale', {
    ...Object.fromEntries(['excludeLinksFromLockfile: true', 'injectWorkspacePackages: true', 'peersSuffixMaxLength: 500', 'dedupePeers: true', 'neverHeardOf: true'].map((line) => [line, head(settings(line))])),
    'a patch': head('patchedDependencies:\n  s-none@1.0.0:\n    hash: abc\n    path: x.patch\n\n'),
    'a patch of pnpm 11': head('patchedDependencies:\n  s-none@1.0.0: abc\n\n'),
    'a catalog': head('catalogs:\n  default:\n    s-none:\n      specifier: ^1.0.0\n      version: 1.0.0\n\n'),
    'dependenciesMeta': of_({ importer: '    dependenciesMeta:\n      s-good:\n        injected: true\n' }),
    'publishDirectory': of_({ importer: '    publishDirectory: dist\n' }),
    'another value of an override': head('overrides:\n  s-none: 2.0.0\n\n', { 'pnpm-workspace.yaml': 'overrides:\n  s-none: 1.0.0\n' }),
    'a folder for what a package needs': of_({ needs: '\n    dependencies:\n      s-good: link:evil', 'evil/package.json': '{"name":"s-good","version":"1.0.0"}' }),
  });
});

test('a range of a registry that leads to a folder of the project, which is no workspace', async () => {
  const own = { 'vendor/e/package.json': JSON.stringify({ name: 's-good', version: '1.6.6' }) };
  const link = { 'node_modules/s-good': { resolved: 'vendor/e', link: true }, 'vendor/e': { name: 's-good', version: '1.6.6' } };
  const asked = { dependencies: { 's-good': 'file:vendor/e' } };
  await told({ ...npm(link, { ...MANIFEST, ...asked }), ...manifest(asked), ...own }, 'lockfile-stale', {
    npm: { ...npm(link), ...own },
    pnpm: { 'pnpm-lock.yaml': "lockfileVersion: '9.0'\n\nimporters:\n  .:\n    dependencies:\n      s-good:\n        specifier: ^1.0.0\n        version: link:vendor/e\n", ...own },
  });
});

test('an override that is for nothing, a peer and an optional dependency: npm asks for another version', async () => {
  const both = { ...MANIFEST, dependencies: { 's-dep': '*', 's-good': '*' } };
  const needing = (needs, more) => {
    const { overrides, ...root } = { ...both, ...more };
    return { ...npm({ 'node_modules/s-good': entry(of.good), 'node_modules/s-dep': { ...entry(of.dep), ...needs } }, root), ...manifest({ ...root, overrides }) };
  };
  const next = { dependencies: { 's-good': '^2.0.0' } };
  await told(needing({ dependencies: { 's-good': '^1.0.0' } }, { overrides: { nothing: { 's-good': '^1.0.0' } } }), 'lockfile-stale', {
    'an override of nothing': needing(next, { overrides: { nothing: { 's-good': '^1.0.0' } } }),
    'an override below it': needing(next, { overrides: { 's-good': { nothing: '1.0.0' } } }),
    'an override of another version': needing(next, { overrides: { 's-good@^3': '1.0.0' } }),
    'a reference': needing(next, { overrides: { nothing: { 's-good': '$s-good' } } }),
    'a peer': needing({ peerDependencies: { 's-good': '^2.0.0' } }),
    'an optional peer': needing({ peerDependencies: { 's-good': '^2.0.0' }, peerDependenciesMeta: { 's-good': { optional: true } } }),
    'what is optional': needing({ optionalDependencies: { 's-good': '^2.0.0' } }),
    'the project’s own peer': needing({}, { dependencies: { 's-dep': '*' }, peerDependencies: { 's-good': '^2.0.0' } }),
  });
});

test('yarn 1: what the folder of a link asks for, and a resolution with a line of its own', async () => {
  const line = (patterns) => `${patterns}:\n  version "1.0.0"\n  resolved "${of.good.url}"\n  integrity ${of.good.integrity}\n\n`;
  const lock = (patterns, more = '') => ({ 'yarn.lock': `# yarn lockfile v1\n\n\n${more}${line(patterns)}` });
  const link = '"own@link:own":\n  version "0.0.0"\n  uid ""\n\n';
  const linked = (own) => ({ ...lock('s-good@^1.0.0', link), ...manifest({ dependencies: { 's-good': '^1.0.0', own: 'link:own' } }), 'own/package.json': JSON.stringify({ name: 'own', version: '1.0.0', ...own }) });
  await told(linked({ dependencies: { 's-good': '^1.0.0' }, devDependencies: { 's-bad': '1' } }), 'lockfile-stale', {
    dependencies: linked({ dependencies: { 's-bad': '1.0.0' } }),
    optionalDependencies: linked({ optionalDependencies: { 's-good': '1' } }),
  });
  const resolved = (resolutions, patterns) => ({ ...lock(patterns), ...manifest({ resolutions }) });
  await told(resolved({ 's-good': '1.0.0' }, 's-good@1.0.0, s-good@^1.0.0'), 'client-settings', {
    'without a line': resolved({ 's-good': '1.0.0' }, 's-good@^1.0.0'),
    'an address': resolved({ 's-good': 'file:own' }, 's-good@^1.0.0'),
  });
});

test('what is told of the whole file is annotated, too', async () => {
  const folder = await project({ ...npm(), ...manifest({ dependencies: { 's-good': '^1.0.0', 's-none': '1' } }), '.npmrc': 'cache=./c\n' });
  const ran = await run(['audit'], { env: { ...clean.env, GITHUB_ACTIONS: 'true', CI: 'true' }, cwd: folder });
  const lines = `${ran.stdout}${ran.stderr}`.split('\n').filter((line) => line.startsWith('::'));
  assert.equal(ran.code, 2);
  for (const code of ['lockfile-stale', 'client-settings']) assert.equal(lines.some((line) => line.startsWith('::warning file=package-lock.json,') && line.includes(code)), true, lines.join('\n'));
});

test('an exception with a pin holds for what it was written for, and one without is told', async () => {
  const asked = { dependencies: { fork: 'github:team/fork' } };
  const address = (owner, commit) => `git+ssh://git@code.example/${owner}/fork.git#${commit.repeat(40)}`;
  const locked = (resolved) => ({ ...npm({ 'node_modules/fork': { version: '1.0.0', resolved } }, { ...MANIFEST, ...asked }), ...manifest(asked) });
  const decided = (more, key = 'node_modules/fork', code = 'git') => ({ 'reproduce.json': JSON.stringify({ exceptions: [{ package: key, code, reason: 'ours', until: '2099-01-01', ...more }] }) });
  const answer = async (files) => {
    const ran = await audit(await project(files));
    return [ran.code, (ran.json.findings ?? [ran.json]).map(({ code }) => code).filter((code) => code !== 'client-settings')];
  };
  const [own, other] = [address('team', 'a'), address('evil', 'b')];
  const pin = `${own} 1.0.0`;
  assert.deepEqual(await answer({ ...locked(own), ...decided({ pin }) }), [0, []]);
  assert.deepEqual(await answer({ ...locked(other), ...decided({ pin }) }), [2, ['exception-changed']]);
  assert.deepEqual(await answer({ ...locked(own), ...decided({}) }), [0, ['exception-unpinned']], 'an older file keeps working, and is told');
  const begun = await project(locked(own));
  await audit(begun, '--write-exceptions');
  await writeFiles(begun, locked(own));
  assert.equal((await audit(begun)).code, 0, 'the list that is written holds');
  await writeFiles(begun, locked(other));
  assert.equal((await audit(begun)).code, 2, 'and for nothing else');

  const release = (path, text = 'a()\n') => ({ ...berry('s-good', '', '', MANIFEST), '.yarnrc.yml': `yarnPath: ${path}\n`, 'own.cjs': text, 'evil.cjs': 'evil()\n' });
  const setting = await project(release('own.cjs'));
  await audit(setting, '--write-exceptions');
  assert.equal((await audit(setting)).code, 0);
  for (const changed of [release('evil.cjs'), release('own.cjs', 'evil()\n')]) {
    await writeFiles(setting, changed);
    assert.equal((await audit(setting)).code, 2);
  }
});
