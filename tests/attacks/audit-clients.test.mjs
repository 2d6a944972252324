// A client that takes another lockfile than the audited one, or finds versions anew that the
// lockfile seems to have: `reproduce audit` must not pass it.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../../__test__/kit/cli.mjs';
import { git } from '../../__test__/kit/history.mjs';
import { writeFiles } from '../../__test__/kit/tarball.mjs';
import { openWorld } from '../../__test__/world.mjs';

const MANIFEST = { name: 'x', version: '1.0.0', dependencies: { 's-good': '^1.0.0' } };

let world;
let clean;
const of = {};
before(async () => {
  world = await openWorld();
  clean = await world.home();
  of.good = await world.release('s-good');
  of.two = await world.registry.publish({ files: { 'package.json': JSON.stringify({ name: 's-good', version: '2.0.0' }), 'index.js': 'two()\n' } });
  of.other = await world.release('s-other');
  of.bad = await world.release('s-bad', { published: { 'index.js': 'evil()\n' } });
});
after(() => world.close());

let projects = 0;
/** A repository with the project in the folder `p`; `../` is the repository's own folder. */
async function project(files) {
  const root = join(clean.home, `c-${projects++}`);
  const placed = Object.entries({ 'package.json': JSON.stringify(MANIFEST), ...files }).filter(([, text]) => text !== null);
  await writeFiles(root, { '.git/HEAD': 'ref: refs/heads/main\n', ...Object.fromEntries(placed.map(([name, text]) => [name.startsWith('../') ? name.slice(3) : `p/${name}`, text])) });
  return join(root, 'p');
}
const audit = (folder, ...args) => run(['audit', '--json', ...args], { env: clean.env, cwd: folder });
const manifest = (more) => ({ 'package.json': JSON.stringify({ ...MANIFEST, ...more }) });

/** The control passes, and each of the others is undecided for a finding with this code. */
async function told(control, code, cases, ...args) {
  const first = await audit(await project(control), ...args);
  assert.deepEqual([first.code, first.json.findings], [0, []], `the control: ${JSON.stringify(first.json)}`);
  const passed = [];
  for (const [title, files] of Object.entries(cases)) {
    const ran = await audit(await project(files), ...args);
    const all = [...(ran.json.findings ?? []), ...(ran.json.packages ?? []).flatMap(({ findings }) => findings)];
    if (ran.code !== 2 || !all.some((finding) => finding.code === code)) passed.push(`${title}: ${ran.code} ${JSON.stringify(ran.json.findings ?? ran.json)}`);
  }
  assert.deepEqual(passed, []);
}

// ── the lockfiles ──

const entry = ({ url, integrity }, version = '1.0.0') => ({ version, resolved: url, integrity });
const npm = (rows = { 'node_modules/s-good': entry(of.good) }, root = MANIFEST) => ({ 'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages: { '': root, ...rows } }) });
const yarn = (patterns = 's-good@^1.0.0', one = of.good, version = '1.0.0') => ({ 'yarn.lock': `# yarn lockfile v1\n\n\n${patterns}:\n  version "${version}"\n  resolved "${one.url}"\n  integrity ${one.integrity}\n` });
const pnpmText = (more = '', importer = '') => `lockfileVersion: '9.0'\n\n${more}importers:\n  .:\n    dependencies:\n      s-good:\n        specifier: ^1.0.0\n        version: 1.0.0\n${importer}\npackages:\n  s-good@1.0.0:\n    resolution: {integrity: ${of.good.integrity}}\n\nsnapshots:\n  s-good@1.0.0: {}\n`;
const pnpm = (...args) => ({ 'pnpm-lock.yaml': pnpmText(...args) });
const bun = (more = {}) => ({ 'bun.lock': JSON.stringify({ lockfileVersion: 1, workspaces: { '': { name: 'x', dependencies: MANIFEST.dependencies } }, ...more, packages: { 's-good': ['s-good@1.0.0', '', {}, of.good.integrity] } }) });
const deno = (specifiers = { 'npm:s-good@1': '1.0.0' }) => ({ 'deno.lock': JSON.stringify({ version: '5', specifiers, npm: { 's-good@1.0.0': { integrity: of.good.integrity } } }) });

// ── another folder's lockfile ──

test('a client takes the lockfile of the root above whose workspace the audited folder is', async () => {
  const root = (workspaces) => ({ '../package.json': JSON.stringify({ name: 'root', workspaces }) });
  for (const [client, files] of Object.entries({ npm: npm(), yarn: yarn(), bun: bun() })) {
    await told({ ...files, ...root(['packages/*', 'q']) }, 'client-settings', {
      [`${client}: by its name`]: { ...files, ...root(['p']) },
      [`${client}: by a pattern`]: { ...files, ...root(['./*']) },
      [`${client}: below a name`]: { ...files, ...root({ packages: ['**'] }) },
      [`${client}: by a pattern that is not understood`]: { ...files, ...root(['{p,q}']) },
    });
  }
  await told({ ...npm(), ...root(['*', '!p']) }, 'client-settings', { 'npm: an exception that no longer holds': { ...npm(), ...root(['!p', '*']) } });
  await told({ ...pnpm(), 'pnpm-workspace.yaml': 'packages: [q]\n' }, 'client-settings', {
    'pnpm: any root above': { ...pnpm(), '../pnpm-workspace.yaml': 'packages: [q]\n' },
  });
  await told(deno(), 'client-settings', { deno: { ...deno(), '../deno.json': '{"workspace":["./p"]}' } });
  for (const [client, files] of Object.entries({ npm: npm(), yarn: yarn(), pnpm: pnpm(), bun: bun(), deno: deno() })) {
    await told(files, 'client-settings', {
      [`${client}: a folder without package.json`]: { ...files, 'package.json': null, '../package.json': '{}' },
      [`${client}: a folder of that name`]: { ...files, 'package.json': null, 'package.json/x': '', '../package.json': '{}' },
    });
  }
});

test('a workspace with a lockfile of its own is told: it may be the one that counts', async () => {
  const rows = { 'node_modules/s-good': entry(of.good), 'node_modules/w': { resolved: 'w', link: true }, w: { name: 'w', version: '1.0.0' } };
  const files = { ...npm(rows, { ...MANIFEST, workspaces: ['w'] }), ...manifest({ workspaces: ['w'] }), 'w/package.json': '{"name":"w","version":"1.0.0"}' };
  await told(files, 'client-settings', {
    'its own': { ...files, 'w/package-lock.json': '{}' },
    'a shrinkwrap': { ...files, 'w/npm-shrinkwrap.json': '{}' },
  });
});

// ── workspaces that the lockfile does not have ──

test('pnpm and yarn 2: a workspace that their own settings name and the lockfile does not have', async () => {
  const evil = JSON.stringify({ name: 'w', dependencies: { 's-bad': '1.0.0' } });
  await told({ ...pnpm(), 'pnpm-workspace.yaml': "packages: ['w/**', '!**/test']\n", 'w/test/package.json': evil }, 'lockfile-stale', {
    'pnpm: a pattern': { ...pnpm(), 'pnpm-workspace.yaml': "packages: ['w/**']\n", 'w/a/b/package.json': evil },
    'pnpm: package.yaml': { ...pnpm(), 'pnpm-workspace.yaml': "packages: ['w']\n", 'w/package.yaml': 'name: w\n' },
    'pnpm 8: no pattern at all': { 'pnpm-lock.yaml': pnpmText().replace('9.0', '6.0').replaceAll('s-good@1.0.0', '/s-good@1.0.0').replace(/\nsnapshots[^]*/, ''), 'pnpm-workspace.yaml': 'nodeLinker: hoisted\n', 'w/package.json': evil },
  });
  const berry = (more = '', text = '') => ({ 'yarn.lock': `__metadata:\n  version: 8\n  cacheKey: 10c0\n\n"s-good@npm:^1.0.0":\n  version: 1.0.0\n  resolution: "s-good@npm:1.0.0"\n  languageName: node\n  linkType: hard\n\n"x@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "x@workspace:."\n  dependencies:\n    s-good: "npm:^1.0.0"\n  languageName: unknown\n  linkType: soft\n${more}`, ...text });
  const own = '\n"w@workspace:w":\n  version: 0.0.0-use.local\n  resolution: "w@workspace:w"\n  languageName: unknown\n  linkType: soft\n';
  const files = { ...berry(own), ...manifest({ workspaces: ['w'] }), 'w/package.json': '{"name":"w"}' };
  await told(files, 'lockfile-stale', {
    'yarn: a workspace of a workspace': { ...files, 'w/package.json': '{"name":"w","workspaces":["v"]}', 'w/v/package.json': evil },
  });
});

test('--workspace takes all that the word fits, as npm does', async () => {
  const rows = {
    'node_modules/s-good': entry(of.good),
    'node_modules/s-bad': entry(of.bad),
    'node_modules/w': { resolved: 'a', link: true },
    'node_modules/v': { resolved: 'w', link: true },
    a: { name: 'w', dependencies: { 's-good': '^1.0.0' } },
    w: { name: 'v', dependencies: { 's-bad': '^1.0.0' } },
  };
  const folder = await project({ ...npm(rows, { name: 'x', workspaces: ['a', 'w'] }), 'package.json': JSON.stringify({ name: 'x', workspaces: ['a', 'w'] }), 'a/package.json': JSON.stringify(rows.a), 'w/package.json': JSON.stringify(rows.w) });
  const names = async (workspace) => (await audit(folder, '--workspace', workspace)).json.packages.map(({ name }) => name);
  assert.deepEqual(await names('a'), ['s-good']);
  assert.deepEqual(await names('w'), ['s-bad', 's-good']);
});

// ── versions that a client finds anew ──

test('a version that is in no range that asks for it: the client finds another one', async () => {
  const next = JSON.stringify({ ...MANIFEST, dependencies: { 's-good': '^1.0.0', 's-other': '^1.0.0' } });
  const other = (needs) => ({ 'node_modules/s-good': entry(of.good), 'node_modules/s-other': { ...entry(of.other), dependencies: needs } });
  await told(npm(), 'lockfile-stale', {
    'npm: of the project': npm({ 'node_modules/s-good': entry(of.two, '2.0.0') }),
    'npm: of a package': { ...npm(other({ 's-good': '^2.0.0' }), JSON.parse(next)), 'package.json': next },
    'npm: of a link': { ...npm({ 'node_modules/s-good': { resolved: 'w', link: true }, w: { name: 's-good', version: '0.1.0' } }), 'w/package.json': '{"name":"s-good","version":"0.1.0"}' },
  });
  await told(yarn(), 'lockfile-stale', { yarn: yarn('s-good@^1.0.0', of.two, '2.0.0') });
  const two = manifest({ dependencies: { 's-good': '^2.0.0' } });
  await told(bun(), 'lockfile-stale', {
    'bun: of the project': { 'bun.lock': bun()['bun.lock'].replace('^1.0.0', '^2.0.0'), ...two },
    'bun: an override of the lockfile alone': bun({ overrides: { 's-good': '1.0.0' } }),
  });
  await told(pnpm(), 'lockfile-stale', { 'pnpm: of the project': { 'pnpm-lock.yaml': pnpmText().replace('^1.0.0', '^2.0.0'), ...two } });
  await told(deno(), 'lockfile-stale', {
    'deno: a specifier': deno({ 'npm:s-good@2': '1.0.0' }),
    'deno: without an entry': deno({ 'npm:s-good@1': '1.5.0' }),
    'deno: none for package.json': deno({}),
    'deno: another one in package.json': { ...deno(), ...manifest({ dependencies: { 's-bad': '1.0.0' } }) },
  });
});

test('yarn 2: a patch is only the one that package.json asks for, and is told', async () => {
  const patch = 'patch:s-good@npm%3A1.0.0#./x.patch';
  const asks = (range) => manifest({ dependencies: { 's-good': range } });
  const key = `s-good@${patch}::locator=x%40workspace%3A.`;
  const text = `__metadata:\n  version: 8\n  cacheKey: 10c0\n\n"s-good@npm:1.0.0":\n  version: 1.0.0\n  resolution: "s-good@npm:1.0.0"\n  languageName: node\n  linkType: hard\n\n"${key}":\n  version: 1.0.0\n  resolution: "s-good@${patch}::version=1.0.0&hash=c560a1&locator=x%40workspace%3A."\n  languageName: node\n  linkType: hard\n\n"x@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "x@workspace:."\n  dependencies:\n    s-good: "${patch}"\n  languageName: unknown\n  linkType: soft\n`;
  const honest = { 'yarn.lock': text, ...asks(patch) };
  const plain = await audit(await project(honest));
  assert.deepEqual([plain.code, plain.json.findings, plain.json.leftOut.filter(({ exitCode }) => exitCode).map((left) => [left.key, left.reason])], [2, [], [[key, 'file']]]);
  await told(honest, 'lockfile-stale', {
    'a patch of another package': { ...honest, ...asks('patch:s-bad@npm%3A1.0.0#./x.patch') },
    'of another version': { ...honest, ...asks('patch:s-good@npm%3A2.0.0#./x.patch') },
    'another patch': { ...honest, ...asks('patch:s-good@npm%3A1.0.0#./y.patch') },
    'a tarball': { ...honest, ...asks('file:./evil.tgz') },
    'a folder': { ...honest, ...asks('portal:./evil'), 'evil/package.json': '{"name":"s-good","dependencies":{"s-bad":"1.0.0"}}' },
  }, '--accept-left-out', 'file');
});

// ── overrides ──

test('npm: an override is a range by which the lockfile goes, or it is told', async () => {
  const overrides = (all) => ({ ...npm(), ...manifest({ overrides: all }) });
  await told(overrides({ 's-good': '^1.0.0', 's-none': { 's-good': '1.0.0' }, 's-good@1': '$s-good' }), 'client-settings', {
    'another package': overrides({ 's-good': 'npm:s-bad' }),
    'another package and version': overrides({ 's-good': 'npm:s-bad@1.0.0' }),
    'a tag': overrides({ 's-good': 'evil' }),
    'a tag like a range': overrides({ 's-good': 'latest' }),
    'a repository': overrides({ 's-good': 'owner/repository' }),
    'a file': overrides({ 's-good': 'file:e.tgz' }),
    'a version that the lockfile does not have': overrides({ 's-good': '1.9.0' }),
    'a range below another': overrides({ 's-none': { 's-good': '^1.9.0' } }),
    'a range for some': overrides({ 's-good@^1': '>=1.9' }),
    'itself, below': overrides({ 's-good': { '.': '1.9.0' } }),
    'what nobody asks for': overrides({ 's-good': '$s-none' }),
    'nothing': overrides({ 's-good': '' }),
  });
});

test('pnpm and bun: an override and a catalog are as the lockfile says, or it goes by them', async () => {
  const pnpmOf = (settings, lock) => ({ ...pnpm(lock), 'pnpm-workspace.yaml': settings });
  await told(pnpmOf("catalog:\n  s-good: ^1.0.0\noverrides:\n  s-other: '^3.0.0'\n  x>s-good: '^1.0.0'\n", "overrides:\n  s-other: ^3.0.0\n\ncatalogs:\n  default:\n    s-good:\n      specifier: ^1.0.0\n      version: 1.0.0\n\n"), 'client-settings', {
    'another package': pnpmOf('overrides:\n  s-good: npm:s-bad\n'),
    'another version': pnpmOf("overrides:\n  s-good: '1.9.0'\n"),
    'below another': pnpmOf("overrides:\n  x>s-good: '>=1.9.0'\n"),
    'another one in a catalog': pnpmOf('catalog:\n  s-good: npm:s-bad\n'),
    'another version in a catalog': pnpmOf("catalog:\n  s-good: '1.9.0'\n", 'catalogs:\n  default:\n    s-good:\n      specifier: ^1.0.0\n      version: 1.0.0\n\n'),
    'in package.json': { ...pnpm(), ...manifest({ pnpm: { overrides: { 's-good': '1.9.0' } } }) },
  });
  await told({ ...bun({ overrides: { 's-good': '^1.0.0' } }), ...manifest({ overrides: { 's-good': '^1.0.0' } }) }, 'client-settings', {
    bun: { ...bun(), ...manifest({ overrides: { 's-good': '1.9.0' } }) },
    'bun: resolutions': { ...bun(), ...manifest({ resolutions: { 's-good': 'npm:s-bad' } }) },
  });
});

// ── what a row says of the package itself ──

test('a command is the file that the package has for it, and not another one of its files', async () => {
  const tool = await world.release('s-tool', { json: { bin: { 's-tool': 'index.js' } }, files: { 'other.js': 'other()\n' } });
  const root = { name: 'x', version: '1.0.0', dependencies: { 's-tool': '^1.0.0' } };
  const rows = (more) => ({ ...npm({ 'node_modules/s-tool': { ...entry(tool), ...more } }, root), 'package.json': JSON.stringify(root) });
  await told(rows({ bin: { 's-tool': 'index.js' } }), 'lockfile-other-manifest', {
    'another file': rows({ bin: { 's-tool': 'other.js' } }),
    'another command': rows({ bin: { 's-tool': 'index.js', node: 'other.js' } }),
    'another name': rows({ bin: { tsc: 'index.js' } }),
    'no text': rows({ bin: { 's-tool': 1 } }),
  });
  const ofBun = (bin) => ({ 'bun.lock': JSON.stringify({ lockfileVersion: 1, workspaces: { '': { name: 'x', dependencies: root.dependencies } }, packages: { 's-tool': ['s-tool@1.0.0', '', { bin }, tool.integrity] } }), 'package.json': JSON.stringify(root) });
  await told(ofBun({ 's-tool': 'index.js' }), 'lockfile-other-manifest', { bun: ofBun({ 's-tool': 'other.js' }) });
  const scripts = await audit(await project(rows({ hasInstallScript: false })));
  assert.deepEqual([scripts.code, scripts.json.leftOut.some(({ reason }) => reason === 'unreadable')], [2, true]);
});

test('npm 1: what a package needs and its entry does not tell, npm 7 finds anew', async () => {
  const asks = await world.release('s-asks', { json: { dependencies: { 's-good': '^1.0.0' } } });
  const root = { name: 'x', version: '1.0.0', dependencies: { 's-asks': '^1.0.0', 's-good': '^1.0.0' } };
  const one = (more) => ({ 'package-lock.json': JSON.stringify({ lockfileVersion: 1, requires: true, dependencies: { 's-asks': { ...entry(asks), ...more }, 's-good': entry(of.good) } }), 'package.json': JSON.stringify(root) });
  await told(one({ requires: { 's-good': '^1.0.0' } }), 'lockfile-other-manifest', { 'no requires': one({}), 'other requires': one({ requires: { 's-asks': '1' } }) });
});

// ── files ──

test('a store of pnpm in the project, and files that yarn 1 removes', async () => {
  await told(pnpm(), 'client-settings', { 'a store': { ...pnpm(), '.pnpm-store/v10/files/00/0': 'evil' } });
  await told(yarn(), 'client-settings', { '.yarnclean': { ...yarn(), '.yarnclean': 'index.js\n' } });
});

test('pnpm: a file is cut at its lines of hyphens, and not read as YAML before that', async () => {
  const tools = (version) => `---\nlockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    configDependencies: {}\n    packageManagerDependencies:\n      s-other:\n        specifier: ${version}\n        version: ${version}\n\npackages:\n\n  s-other@1.0.0:\n    resolution: {integrity: ${of.other.integrity}}\n\nsnapshots:\n\n  s-other@1.0.0: {}\n\n---\n`;
  const code = async (text) => {
    const ran = await audit(await project({ 'pnpm-lock.yaml': text }));
    return ran.code === 0 ? 0 : ran.json.code ?? ran.json.findings;
  };
  const plain = pnpmText();
  assert.equal(await code(plain), 0, 'one document');
  assert.equal(await code(tools('1.0.0') + plain), 0, 'two documents');
  for (const [title, text] of Object.entries({
    'begins with hyphens: empty for pnpm': `---\n${plain}`,
    'hyphens and a blank': `---\n${plain}--- \n${plain}`,
    'two of a project': `---\n${plain}---\n${plain}`,
    'one of pnpm behind it': `---\n${plain}${tools('1.0.0').replace(/---\n$/, '')}`,
    'no hyphens before the first': `${plain}---\n${plain}`,
    'the end of a document': `${plain}...\n`,
    'three': `${tools('1.0.0')}${plain}---\n${plain}`,
  })) assert.equal(await code(text), 'lockfile-malformed', title);
});

// ── what changed ──

test('--since and --omit: what moves from development to production is judged', async () => {
  const dev = { name: 'x', version: '1.0.0', devDependencies: { 's-bad': '1.0.0' } };
  const production = { name: 'x', version: '1.0.0', dependencies: { 's-bad': '1.0.0' } };
  const folder = await project({ ...npm({ 'node_modules/s-bad': { ...entry(of.bad), dev: true } }, dev), 'package.json': JSON.stringify(dev) });
  const root = join(folder, '..');
  const commit = async () => {
    await git(['init', '-q'], { cwd: root });
    await git(['add', '.'], { cwd: root });
    await git(['-c', 'user.name=x', '-c', 'user.email=x@x.example', 'commit', '-qm', 'x'], { cwd: root });
  };
  await commit();
  const names = async (...args) => (await audit(folder, '--since', 'HEAD', ...args)).json.packages.map(({ name }) => name);
  assert.deepEqual(await names('--omit', 'dev'), []);
  await writeFiles(folder, { ...npm({ 'node_modules/s-bad': entry(of.bad) }, production), 'package.json': JSON.stringify(production) });
  assert.deepEqual(await names('--omit', 'dev'), ['s-bad']);
  assert.deepEqual(await names(), [], 'without --omit it was there before');
});

// ── bounds ──

test('a file of hundreds of thousands of needs is refused or read in time', async () => {
  const needs = (count) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`q${at}`, '1']));
  const deep = (levels, inner) => levels === 0 ? inner : { a: { version: '1.0.0', dependencies: deep(levels - 1, inner) } };
  const files = {
    'one entry': { 'package-lock.json': JSON.stringify({ lockfileVersion: 1, dependencies: { a: { version: '1.0.0', requires: needs(400_000) } } }) },
    'a wide level': { 'package-lock.json': JSON.stringify({ lockfileVersion: 1, dependencies: { ...Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`b${at}`, { version: '1.0.0' }])), a: { version: '1.0.0', requires: needs(300_000) } } }) },
    'deep below each other': { 'package-lock.json': JSON.stringify({ lockfileVersion: 1, dependencies: deep(120, { b: { version: '1.0.0', requires: needs(400_000) } }) }) },
    'pnpm 5': { 'pnpm-lock.yaml': `lockfileVersion: 5.4\nspecifiers:\n${Array.from({ length: 100_000 }, (_, at) => `  q${at}: 1\n`).join('')}dependencies:\n${Array.from({ length: 100_000 }, (_, at) => `  q${at}: 1.0.0\n`).join('')}` },
  };
  for (const [title, more] of Object.entries(files)) {
    const folder = await project({ ...more, 'package.json': '{"name":"x"}' });
    const started = Date.now();
    const ran = await audit(folder, '--offline');
    assert.deepEqual([ran.code, Date.now() - started < 15_000], [2, true], `${title}: ${Date.now() - started} ms`);
  }
});

test('what a package.json asks for in a way that the client reads and the lockfile does not have', async () => {
  const peers = { peerDependencies: { 's-bad': '1.0.0' } };
  const asking = (more) => ({ 'package.json': JSON.stringify({ ...MANIFEST, ...more }) });
  for (const [client, files] of Object.entries({ npm: npm(), bun: bun(), pnpm: pnpm('settings:\n  autoInstallPeers: true\n\n') })) {
    await told(files, 'lockfile-stale', {
      [`${client}: peers`]: { ...files, ...asking(peers) },
      [`${client}: a list`]: { ...files, ...asking({ devDependencies: ['npm:s-bad@1.0.0'] }) },
      [`${client}: a text`]: { ...files, ...asking({ devDependencies: 's-bad@1.0.0' }) },
      // pnpm takes the one that is not for development, which the lockfile has.
      ...(client !== 'pnpm' && { [`${client}: in two lists`]: { ...files, ...asking({ devDependencies: { 's-good': 'npm:s-bad@1.0.0' } }) } }),
    });
  }
  // The control: peers that the lockfile has, and one that is a dependency for development, too.
  const own = { ...MANIFEST, peerDependencies: { 's-good': '>=1' } };
  const fine = await audit(await project({ ...npm(undefined, own), 'package.json': JSON.stringify(own) }));
  assert.deepEqual([fine.code, fine.json.findings], [0, []], JSON.stringify(fine.json));
});

test('a range that npm reads more loosely than its grammar says is not met by just any version', async () => {
  const loose = (range) => {
    const own = { ...MANIFEST, dependencies: { 's-good': range } };
    return { ...npm(undefined, own), 'package.json': JSON.stringify(own) };
  };
  await told(loose('latest'), 'lockfile-stale', { 'a hyphen too many': loose('>=1.9.0-'), 'a word that is passed over': loose('^1.9.0 || x.y') });
});

test('yarn 1: a second setting on one line, and a catalog of bun in the workspaces', async () => {
  await told({ ...yarn(), '.yarnrc': 'save-prefix "^"\n' }, 'client-settings', {
    'in quotes': { ...yarn(), '.yarnrc': 'save-prefix "^" yarn-path "./evil.js"\n' },
    'bare': { ...yarn(), '.yarnrc': 'save-prefix ^ yarn-path ./evil.js\n' },
  });
  await told(bun(), 'client-settings', {
    'bun: a catalog': { ...bun(), ...manifest({ workspaces: { packages: [], catalog: { 's-good': 'npm:s-bad@1.0.0' } } }) },
  });
});
