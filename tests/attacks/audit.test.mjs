// A lockfile that a client installs other bytes by than those that were judged: `reproduce audit`
// must not pass it.

import assert from 'node:assert/strict';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../../__test__/kit/cli.mjs';
import { startPages } from '../../__test__/kit/server.mjs';
import { integrityOf, writeFiles } from '../../__test__/kit/tarball.mjs';
import { openWorld } from '../../__test__/world.mjs';

const EVIL = 'evil()\n';
const MANIFEST = { name: 'x', version: '1.0.0', dependencies: { 's-good': '^1.0.0' } };

let world;
let clean;
let evil;
/**
 * `good` is reproduced; `twin` is another package of that file name on the same host, and `bad` is
 * the evil one elsewhere.
 */
const of = {};
before(async () => {
  world = await openWorld();
  clean = await world.home();
  of.good = await world.release('s-good');
  of.other = await world.release('s-other');
  of.bad = await world.release('s-bad', { published: { 'index.js': EVIL } });
  of.twin = await world.registry.publish({ files: { 'package.json': JSON.stringify({ name: '@kit/s-good', version: '1.0.0' }), 'index.js': EVIL } });
  evil = await startPages({ '/s-good-1.0.0.tgz': { body: of.bad.tarball } });
  evil.tarball = `${evil.url.replace(/\/$/, '')}/s-good-1.0.0.tgz`;
});
after(async () => {
  await world.close();
  await evil.close();
});

let projects = 0;
async function project(files) {
  const folder = join(clean.home, `p-${projects++}`);
  await writeFiles(folder, { 'package.json': JSON.stringify(MANIFEST), ...files });
  return folder;
}
/** A package.json that asks for these. */
const asksFor = (dependencies) => ({ 'package.json': JSON.stringify({ ...MANIFEST, dependencies }) });
const audit = (folder, ...args) => run(['audit', '--json', ...args], { env: clean.env, cwd: folder });

/** Each of these files makes an audit that is not 0, and the control one that is. */
async function refused(control, cases, ...args) {
  const said = async (files) => {
    const ran = await audit(await project(files), ...args);
    return [ran.code, JSON.stringify([ran.json.code, ran.json.packages?.map(({ name, findings }) => [name, findings.map(({ code }) => code)]), ran.json.leftOut])];
  };
  const [code, why] = await said(control);
  assert.equal(code, 0, `the control: ${why}`);
  const passed = [];
  for (const [title, files] of Object.entries(cases)) {
    const [exit, found] = await said(files);
    if (exit !== 1 && exit !== 2) passed.push(`${title}: ${exit} ${found}`);
  }
  assert.deepEqual(passed, []);
}

// ── npm ──

const lock = (rows, more = {}) => ({ 'package-lock.json': JSON.stringify({ lockfileVersion: 3, ...more, packages: { '': MANIFEST, ...rows } }, null, 1) });
const row = (more) => lock({ 'node_modules/s-good': { version: '1.0.0', ...more } });
const locked = ({ url, integrity }, more = {}) => ({ version: '1.0.0', resolved: url, integrity, ...more });

test('npm: the address of an entry is the registry’s to the letter, or a strong hash holds', async () => {
  const { good, twin, bad } = of;
  const twinUrl = twin.url ?? good.url.replace('s-good', '@kit/s-good');
  const addresses = {
    'another tarball on the host': twinUrl,
    'a dot segment': twinUrl.replace('/-/', '/./-/'),
    'dotdot behind /-/': good.url.replace(/\/-\/.*/, '/-/../../@kit/s-good/-/s-good-1.0.0.tgz'),
    'an encoded letter of the name': twinUrl.replace('@kit', '@%6bit'),
    'an encoded dot segment': twinUrl.replace('/-/', '/%2e/-/'),
    'an encoded hyphen': twinUrl.replace('/-/', '/%2d/'),
    backslashes: twinUrl.replace('/-/', '\\-\\'),
    'another host': evil.tarball,
    'ends as a commit': `${evil.tarball}#commit=1`,
    'ends as a repository': `${evil.tarball}#x.git`,
    'a blank before it': ` ${evil.tarball}`,
    'a tab in the scheme': evil.tarball.replace('http', 'ht\ttp'),
    'no slashes': evil.tarball.replace('http://', 'http:'),
    'a file': 'file:e.tgz',
    'yarn’s name of the public registry': 'https://registry.yarnpkg.com/s-good/-/s-good-1.0.0.tgz',
    'the public registry': 'https://registry.npmjs.org/s-good/-/s-good-1.0.0.tgz',
  };
  await refused(row({ resolved: good.url }), Object.fromEntries(Object.entries(addresses).map(([title, resolved]) => [title, row({ resolved })])));
  await refused(row({ resolved: addresses['another host'], integrity: good.integrity }), {
    'sha1 alone': row({ resolved: good.url, integrity: integrityOf(bad.tarball, 'sha1') }),
    'sha1 of the right one': row({ resolved: evil.tarball, integrity: integrityOf(good.tarball, 'sha1') }),
    'sha256 of another': row({ resolved: good.url, integrity: integrityOf(bad.tarball, 'sha256') }),
    'the right one and another one': row({ resolved: evil.tarball, integrity: `${good.integrity} ${bad.integrity}` }),
    'a kind of hash that nobody knows': row({ resolved: evil.tarball, integrity: `${good.integrity} sha3-512AAAA` }),
    'no text': row({ resolved: true }),
    'a link by another word': row({ resolved: 'e', link: 1, integrity: good.integrity }),
  });
});

test('what a client reads otherwise than a reader of JSON, and addresses that a client cleans', async () => {
  const { good, bad } = of;
  const { host, hostname, port } = new URL(good.url);
  const merge = row({ ...locked(good), deprecated: '<<<<<<<' })['package-lock.json'];
  await refused(row({ resolved: good.url }), {
    'marks of a merge in texts': { 'package-lock.json': merge },
    'a tab in the port': row({ resolved: `http://${hostname}:${port.slice(0, 2)}\t${port.slice(2)}/s-bad/-/s-bad-1.0.0.tgz?x@${host}/s-good/-/s-good-1.0.0.tgz` }),
    'a query': row({ resolved: `${good.url}?version=2` }),
    'a key of JavaScript': { 'package-lock.json': row({ resolved: good.url })['package-lock.json'].replace('"version"', '"__proto__": {}, "version"') },
    'a member of nobody': row({ resolved: good.url, x: 1 }),
    'a path of another form': lock({ 'node_modules//s-good': locked(bad), 'node_modules/s-good': locked(good) }),
    'a need without a row': row({ ...locked(good), dependencies: { 's-bad': '^1.0.0' } }),
    'version 2 with another tree': lock({ 'node_modules/s-good': locked(good) }, { lockfileVersion: 2, dependencies: { 's-good': { version: '1.0.0', resolved: evil.tarball, integrity: bad.integrity } } }),
  });
});

test('package.json is what a client installs, whatever the lockfile says of it', async () => {
  const { good } = of;
  const manifest = (more) => ({ 'package.json': JSON.stringify({ ...MANIFEST, ...more }) });
  const files = row(locked(good));
  await refused(files, {
    'one more': { ...files, ...manifest({ optionalDependencies: { 's-bad': '^1.0.0' } }) },
    'another range': { ...files, ...manifest({ dependencies: { 's-good': '*' } }) },
    'an empty lockfile': { 'package-lock.json': '{"lockfileVersion":3,"packages":{}}' },
    'a workspace': { ...files, ...manifest({ workspaces: ['w'] }), 'w/package.json': JSON.stringify({ name: 'w', dependencies: { 's-bad': '1.0.0' } }) },
  });
  await refused(files, { 'the root says that it is for development': { 'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages: { '': { devDependencies: MANIFEST.dependencies }, 'node_modules/s-good': { ...locked(good), dev: true } } }) } }, '--omit', 'dev');
});

test('nothing is written through a link of the audited folder', async () => {
  const folder = await project(row(locked(of.good)));
  await writeFile(`${folder}-mine`, 'mine\n');
  await symlink(`${folder}-mine`, join(folder, 'out'));
  for (const flag of ['--ndjson', '--summary']) {
    const args = flag === '--ndjson' ? ['audit', flag] : ['audit', '--json', flag];
    assert.equal((await run([...args, 'out'], { env: clean.env, cwd: folder })).code, 2, flag);
    assert.equal((await run([...args, 'plain'], { env: clean.env, cwd: folder })).code, 0, `the control of ${flag}`);
  }
  assert.equal(await readFile(`${folder}-mine`, 'utf8'), 'mine\n');
});

test('npm: a file of two truths, bundles that are none, and lockfiles in packages', async () => {
  const { good, bad } = of;
  const inner = JSON.stringify({ name: 's-shrink', version: '1.0.0', lockfileVersion: 3, packages: { '': { dependencies: { 's-bad': '1.0.0' } }, 'node_modules/s-bad': locked(bad) } });
  const shrink = await world.release('s-shrink', { json: { dependencies: { 's-other': '1.0.0' } }, files: { 'npm-shrinkwrap.json': inner } });
  const inside = (more, above = {}) => lock({ 'node_modules/s-good': locked(good, { dependencies: { 's-bad': '1.0.0' }, ...above }), 'node_modules/s-good/node_modules/s-bad': { version: '1.0.0', inBundle: true, ...more } });
  await refused(lock({ 'node_modules/s-good': locked(good), 'node_modules/s-shrink': locked(shrink) }), {
    'version 1 with a table': lock({ 'node_modules/s-good': locked(bad) }, { lockfileVersion: 1, dependencies: { 's-good': { version: '1.0.0', integrity: good.integrity } } }),
    'a row twice': { 'package-lock.json': `{"lockfileVersion":3,"packages":{"node_modules/s-good":${JSON.stringify(locked(good))},"node_modules/s-good":${JSON.stringify(locked(good))}}}` },
    'in a bundle': inside({}),
    'in a bundle, with a hash': inside({ integrity: bad.integrity }),
    'in a bundle that the file lists': inside({}, { bundleDependencies: ['s-bad'] }),
    'a lockfile in the package': lock({ 'node_modules/s-shrink': locked(shrink, { hasShrinkwrap: true }) }),
    'a link out of the project': lock({ 'node_modules/s-good': { resolved: '../e', link: true } }),
    'a range that is another package': lock({ 'node_modules/s-good': { name: 's-other', ...locked(of.other) } }),
    'a package asks for an address': lock({ 'node_modules/s-good': locked(good, { dependencies: { 's-other': 'https://evil.example/x.tgz' } }), 'node_modules/s-other': { version: '1.0.0' } }),
    git: lock({ 'node_modules/s-good': { version: '1.0.0', resolved: 'git+ssh://git@code.example/o/s.git#01' } }),
  });
});

test('what really lies in the tarball of a package that was judged needs no row of its own', async () => {
  const within = { 'node_modules/in/package.json': '{"name":"in","version":"1.0.0"}', 'node_modules/in/index.js': '' };
  const bundle = await world.release('s-bundle', { json: { dependencies: { in: '1.0.0' }, bundleDependencies: ['in'] }, files: within });
  const rows = (version) => lock({ 'node_modules/s-bundle': locked(bundle, { dependencies: { in: '1.0.0' }, bundleDependencies: ['in'] }), 'node_modules/s-bundle/node_modules/in': { version, inBundle: true } });
  const told = async (files) => (await audit(await project(files))).json.leftOut.filter(({ reason }) => reason === 'bundled').map(({ exitCode }) => exitCode);
  assert.deepEqual(await told(rows('1.0.0')), [0]);
  assert.deepEqual(await told(rows('1.0.1')), [2]);
});

test('an alias that a package asks for in the lockfile alone is told', async () => {
  const asking = await world.release('s-asking', { json: { dependencies: { al: 'npm:s-other@^1.0.0' } } });
  const { other } = of;
  const wants = { al: 'npm:s-other@^1.0.0' };
  const npm = (name, by) => lock({ '': {}, [`node_modules/${name}`]: locked(by, { dependencies: wants }), 'node_modules/al': { name: 's-other', ...locked(other) } });
  const pnpmOf = (name, by) => ({ 'pnpm-lock.yaml': `lockfileVersion: '9.0'\npackages:\n  ${name}@1.0.0:\n    resolution: {integrity: ${by.integrity}}\n  s-other@1.0.0:\n    resolution: {integrity: ${other.integrity}}\nsnapshots:\n  ${name}@1.0.0:\n    dependencies:\n      al: s-other@1.0.0\n  s-other@1.0.0: {}\n` });
  const yarn = (name, by) => ({ 'yarn.lock': `# yarn lockfile v1\n\n\n${name}@^1.0.0:\n  version "1.0.0"\n  resolved "${by.url}"\n  integrity ${by.integrity}\n  dependencies:\n    al "npm:s-other@^1.0.0"\n\n"al@npm:s-other@^1.0.0":\n  version "1.0.0"\n  resolved "${other.url}"\n  integrity ${other.integrity}\n` });
  const berry = (name) => ({ 'yarn.lock': `__metadata:\n  version: 8\n\n"${name}@npm:^1.0.0":\n  version: 1.0.0\n  resolution: "${name}@npm:1.0.0"\n  dependencies:\n    al: "npm:s-other@^1.0.0"\n\n"al@npm:s-other@^1.0.0":\n  version: 1.0.0\n  resolution: "s-other@npm:1.0.0"\n` });
  const bun = (name, by) => ({ 'bun.lock': `{"lockfileVersion":1,"packages":{"${name}":["${name}@1.0.0","",{"dependencies":${JSON.stringify(wants)}},"${by.integrity}"],"al":["s-other@1.0.0","",{},"${other.integrity}"]}}` });
  for (const of_ of [npm, pnpmOf, yarn, berry, bun]) {
    const told = async (name, by) => {
      const ran = await audit(await project({ ...of_(name, by), 'package.json': '{"name":"x"}' }));
      return [ran.code, ran.json.packages.find((one) => one.name === 's-other').findings.map(({ code }) => code)];
    };
    assert.deepEqual(await told('s-asking', asking), [0, []], `${of_.name}, the control`);
    assert.deepEqual(await told('s-good', of.good), [2, ['lockfile-other-package']], of_.name);
  }
});

test('--omit goes by the graph, and not by a word of the entry', async () => {
  const rows = (more) => lock({ 'node_modules/s-good': locked(of.good, { dependencies: { 's-bad': '1.0.0' } }), 'node_modules/s-bad': locked(of.bad, more) });
  const root = { ...MANIFEST, devDependencies: { 's-bad': '1' } };
  const control = { ...lock({ '': root, 'node_modules/s-good': locked(of.good), 'node_modules/s-bad': locked(of.bad, { dev: true }) }), 'package.json': JSON.stringify(root) };
  await refused(control, { dev: rows({ dev: true }), devOptional: rows({ devOptional: true }), optional: rows({ optional: true }), peer: rows({ peer: true }) }, '--omit', 'dev,optional,peer');
});

// ── pnpm, yarn ──

const rowsOf = (packages) => `snapshots:\n${[...packages.matchAll(/^ {2}(\S.*):$/gm)].map(([, key]) => `  ${key}: {}\n`).join('')}`;
const pnpm = (version, packages, specifier = '^1.0.0', snapshots = rowsOf(packages)) => ({ 'pnpm-lock.yaml': `lockfileVersion: '9.0'\n\nimporters:\n  .:\n    dependencies:\n      s-good:\n        specifier: '${specifier}'\n        version: ${version}\n\npackages:\n${packages}\n${snapshots}` });
const resolution = (text) => pnpm('1.0.0', `  s-good@1.0.0:\n    resolution: {${text}}\n`);

test('pnpm: what an entry names is the registry’s, or a strong hash holds', async () => {
  const { good, bad } = of;
  const sha1 = integrityOf(bad.tarball, 'sha1');
  const at = evil.tarball;
  const both = (more, snapshot) => pnpm('1.0.0', `  s-good@1.0.0:\n    resolution: {integrity: ${good.integrity}}\n  s-bad@1.0.0:\n    resolution: {integrity: ${bad.integrity}}\n${more}`, '^1.0.0', `snapshots:\n  s-good@1.0.0:\n    dependencies:\n      s-bad: 1.0.0\n  s-bad@1.0.0:${snapshot}\n`);
  await refused(resolution(`integrity: ${good.integrity}`), {
    'a relative tarball': resolution("tarball: '@kit/s-good/-/s-good-1.0.0.tgz'"),
    'a relative tarball with a hash': resolution(`tarball: '@kit/s-good/-/s-good-1.0.0.tgz', integrity: ${sha1}`),
    'without a scheme': resolution(`tarball: '${at.replace('http:', '')}', integrity: ${sha1}`),
    'a blank before it': resolution(`tarball: ' ${at}', integrity: ${sha1}`),
    gitHosted: resolution(`gitHosted: true, tarball: '${at}'`),
    'a file': resolution("tarball: 'file:e.tgz'"),
    'a folder': resolution('type: directory, directory: e'),
    'another host': resolution(`tarball: '${at}', integrity: ${sha1}`),
    'the name of another': pnpm('1.0.0', `  s-good@1.0.0:\n    name: s-bad\n    version: 1.0.0\n    resolution: {}\n`),
    'a range is a tarball': pnpm(at, `  s-good@${at}:\n    resolution: {integrity: ${bad.integrity}, tarball: '${at}'}\n    version: 1.0.0\n`),
    'a range is a file': pnpm('file:e.tgz', `  s-good@file:e.tgz:\n    resolution: {integrity: ${bad.integrity}, tarball: 'file:e.tgz'}\n    version: 1.0.0\n`),
    'a range is another package': pnpm('s-other@1.0.0', `  s-other@1.0.0:\n    resolution: {integrity: ${of.other.integrity}}\n`),
    'a link out of the project': pnpm('link:../e', ''),
  });
  for (const [kind, files] of [['dev', both('    dev: true\n', ' {}')], ['optional', both('', '\n    optional: true')]]) assert.notEqual((await audit(await project(files), '--omit', kind)).code, 0, kind);
  assert.equal((await audit(await project({ ...pnpm('s-other@1.0.0', `  s-other@1.0.0:\n    resolution: {integrity: ${of.other.integrity}}\n`, 'npm:s-other@^1.0.0'), ...asksFor({ 's-good': 'npm:s-other@^1.0.0' }) }))).code, 0, 'an alias that was asked for');
});

test('yarn: only what yarn itself writes is read, and what has no hash names nothing of its own', async () => {
  const one = (lines) => ({ 'yarn.lock': `# yarn lockfile v1\n\n\ns-good@^1.0.0:\n  version "1.0.0"\n${lines}\n` });
  const at = evil.tarball;
  await refused(one(`  resolved "${of.good.url}"\n  integrity ${of.good.integrity}`), {
    'another host': one(`  resolved "${at}"`),
    'a colon': one(`  resolved: "${at}"`),
    quotes: one(`  "resolved" "${at}"`),
    'two keys': one(`  x, resolved "${at}"`),
    escapes: one(`  resolved "${at.replace('http', 'htt\\u0070')}"`),
    'a dot segment': one(`  resolved "${of.good.url.replace('s-good/', 'x/../@kit/s-good/')}"`),
    'dotdot behind /-/': one(`  resolved "${of.good.url.replace(/\/-\/.*/, '/-/../../@kit/s-good/-/s-good-1.0.0.tgz')}"`),
    'a file': one('  resolved "file:e.tgz"'),
    'a commit': one(`  resolved "${at}#commit=0"`),
    'sha1 of another': one(`  resolved "${of.good.url}#${'0'.repeat(40)}"`),
    'yarn 1 and 2': { 'yarn.lock': `__metadata:\n  version: 8\n\n"s-good@^1.0.0":\n  version: "1.0.0"\n  resolution: "s-good@npm:1.0.0"\n  resolved: "${at}"\n` },
    'a registry of yarn’s own': { ...one('  uid "x"'), '.yarnrc': 'registry "https://evil.example"\n' },
  });
  const own = (key) => `\n"x@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "x@workspace:."\n  dependencies:\n    ${key.replace('@', ': "')}"\n`;
  const berry = (resolved, key = 's-good@npm:^1.0.0', more = {}) => ({ 'yarn.lock': `__metadata:\n  version: 8\n  cacheKey: 10c0\n\n"${key}":\n  version: 1.0.0\n  resolution: "${resolved}"\n  languageName: node\n  linkType: hard\n${own(key)}`, ...more });
  await refused(berry('s-good@npm:1.0.0'), {
    __archiveUrl: berry(`s-good@npm:1.0.0::__archiveUrl=${encodeURIComponent(at)}`),
    'an encoded name': berry(`s-good@npm:1.0.0::%5F%5FarchiveUrl=${encodeURIComponent(at)}`),
    'the second parameter': berry(`s-good@npm:1.0.0::a=1&__archive%55rl=${encodeURIComponent(at)}`),
    'a tarball': berry(`s-good@${at}`),
    'a file': berry('s-good@file:./e.tgz#./e.tgz::hash=000000&locator=x%40workspace%3A.'),
    'another package': berry('s-other@npm:1.0.0'),
    'a registry of its own': berry('s-good@npm:1.0.0', undefined, { '.yarnrc.yml': 'npmRegistryServer: "https://evil.example"\n' }),
    'a registry of its own, with an escape': berry('s-good@npm:1.0.0', undefined, { '.yarnrc.yml': '"npmRegistr\\x79Server": "https://evil.example"\n' }),
    'a registry of its own, in a variable': berry('s-good@npm:1.0.0', undefined, { '.env.yarn': 'YARN_NPM_REGISTRY_SERVER=https://evil.example\n' }),
    'a registry that it does not read': berry('s-good@npm:1.0.0', undefined, { '.npmrc': `registry=${world.registry.url}\n` }),
  });
  assert.equal((await audit(await project(berry('s-other@npm:1.0.0', 'al@npm:s-other@^1.0.0', asksFor({ al: 'npm:s-other@^1.0.0' }))))).code, 0, 'an alias that was asked for');
});

// ── node_modules, settings, decisions ──

const tree = (files, more = {}) => ({ ...Object.fromEntries(Object.entries(files).map(([name, content]) => [`node_modules/s-good/${name}`, content])), ...more });

test('--tree compares what lies there with what the registry has, and tells what is in no package', async () => {
  const { files } = of.good;
  await refused(tree(files), {
    'another content': tree({ ...files, 'index.js': EVIL }),
    'a file more': tree({ ...files, 'more.js': EVIL }),
    'a file less': tree({ 'package.json': files['package.json'] }),
    'a file beside': tree(files, { 'node_modules/stray.js': EVIL }),
    'a hidden folder': tree(files, { 'node_modules/.hidden/index.js': EVIL }),
    'another package in its folder': Object.fromEntries(Object.entries(of.other.files).map(([name, content]) => [`node_modules/s-good/${name}`, content])),
    'a program': tree(files, { 'node_modules/.bin/tsc': EVIL }),
  }, '--tree');
  const folder = await project(tree(files, { 'elsewhere/s-bad/package.json': of.bad.files['package.json'] }));
  await symlink('../../elsewhere', join(folder, 'node_modules/s-good/node_modules'));
  const ran = await audit(folder, '--tree');
  assert.deepEqual([ran.code, ran.json.leftOut.map(({ key, exitCode }) => [key, exitCode])], [2, [['s-good/node_modules', 2]]]);
});

test('no exception lets pass what was not judged, and each kind of what is left out can be accepted', async () => {
  const until = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const decided = (...exceptions) => ({ 'reproduce.json': JSON.stringify({ exceptions: exceptions.map((one) => ({ reason: 'x', until, ...one })) }) });
  const missing = lock({ 'node_modules/s-good': { version: '9.9.9', resolved: evil.tarball, integrity: of.bad.integrity } });
  const ran = await audit(await project({ ...missing, ...decided({ package: 's-good' }) }));
  assert.deepEqual([ran.code, ran.json.packages[0].exception], [2, null]);

  const git = { ...lock({ '': {}, 'node_modules/g': { version: '1.0.0', resolved: 'git+ssh://git@code.example/o/g.git#01' } }), 'package.json': '{"name":"x"}' };
  const code = async (files, ...args) => (await audit(await project({ ...git, ...files }), ...args)).code;
  assert.equal(await code({}), 2);
  assert.equal(await code({}, '--accept-left-out', 'git'), 0);
  assert.equal(await code({}, '--accept-left-out', 'file,link'), 2);
  assert.equal(await code(decided({ package: 'node_modules/g', code: 'git' })), 0);
  assert.equal(await code(decided({ package: 'node_modules/g', code: 'file' })), 2);
  assert.equal(await code(decided({ package: 'node_modules/g' })), 2, 'the reason is to be named');
});

test('several lockfiles are told, whatever package.json says of its package manager', async () => {
  const told = async (more) => {
    const ran = await audit(await project({ ...row({ resolved: of.good.url }), 'yarn.lock': `s-good@^1.0.0:\n  version "1.0.0"\n  resolved "${of.good.url}"\n`, 'package.json': JSON.stringify({ ...MANIFEST, ...more }) }));
    return [ran.code, ran.json.findings.map(({ code }) => code)];
  };
  const alone = await audit(await project({ ...row({ resolved: of.good.url }), 'package.json': JSON.stringify(MANIFEST) }));
  assert.deepEqual([alone.code, alone.json.findings], [0, []], 'the control');
  for (const more of [{}, { packageManager: 'npm@11.0.0' }]) assert.deepEqual(await told(more), [2, ['lockfile-one-of-several']]);
  for (const packageManager of ['none@1.0.0', 'pnpm@9.0.0']) assert.deepEqual(await told({ packageManager }), [2, ['lockfile-one-of-several', 'client-settings']]);
});

test('a large SBOM is read in time', async () => {
  const folder = await project({});
  await writeFile(join(folder, 'bom.json'), `{"spdxVersion":"SPDX-2.3","documentDescribes":[${'"x",'.repeat(4_000_000)}"x"],"packages":[${'{"SPDXID":"y"},'.repeat(150_000)}{"SPDXID":"z"}]}`);
  const above = 'node_modules/a/'.repeat(60);
  const needs = Array.from({ length: 60 }, (_, at) => `"q${at}":""`);
  await writeFile(join(folder, 'package-lock.json'), `{"lockfileVersion":3,"packages":{"":{},${Array.from({ length: 12_000 }, (_, at) => `"${above}node_modules/p${at}":{"version":"x/y","dependencies":{${needs}}}`)}}}`);
  for (const file of ['bom.json', 'package-lock.json']) {
    const started = Date.now();
    const ran = await run(['audit', file, '--offline', '--json'], { env: clean.env, cwd: folder });
    assert.deepEqual([ran.code, Date.now() - started < 20_000], [2, true], file);
  }
});

test('no secret of the environment goes to a host that only the audited folder names', async () => {
  const host = new URL(evil.url).host;
  const folder = await project({ ...lock({ 'node_modules/a': { version: '1.0.0' } }), '.npmrc': `registry=${evil.url}\n//${host}/:_authToken=\${NPM_TOKEN}\n` });
  const env = Object.fromEntries(Object.entries({ ...clean.env, NPM_TOKEN: 'npm_secret' }).filter(([key]) => !/registry/i.test(key)));
  const ask = async (more = {}, ...args) => {
    const from = evil.requests.length;
    await run(['audit', folder, '--json', ...args], { env: { ...env, ...more }, cwd: clean.home });
    return evil.requests.slice(from).map(({ headers }) => headers.authorization ?? '');
  };
  assert.deepEqual(await ask({ npm_config_registry: world.registry.url }), [], 'nobody asked for that');
  const theirs = await ask({}, '--accept-settings');
  assert.ok(theirs.length > 0, 'the registry of the folder is asked');
  assert.ok(!JSON.stringify(theirs).includes('npm_secret'));
  const own = await ask({ npm_config_registry: evil.url }, '--accept-settings');
  assert.ok(own.some((header) => header.includes('npm_secret')), 'the user’s own registry gets it');
});
