// `reproduce audit`: all that a project installs, from its lockfile, against a registry and a git
// host on loopback.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { run } from './kit/cli.mjs';
import { integrityOf, writeFiles } from './kit/tarball.mjs';
import { openWorld } from './world.mjs';

const read = async (path) => JSON.parse(await readFile(new URL(path, import.meta.url), 'utf8'));
const OTHER = integrityOf(Buffer.from('another tarball'));

let world;
let clean;
let validate;
/**
 * The packages of all projects here: `good` and `scoped` are reproduced, `bad` differs, `alone` has
 * no source.
 */
const of = {};
before(async () => {
  world = await openWorld();
  clean = await world.home();
  of.good = await world.release('a-good');
  of.scoped = await world.release('@kit/a-scoped');
  of.bad = await world.release('a-bad', { published: { 'index.js': 'evil()\n' } });
  of.alone = await world.release('a-alone', { json: { repository: null } });
  const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
  addFormats(ajv);
  ajv.addSchema(await read('../schema/result.schema.json'));
  validate = ajv.compile(await read('../schema/audit.schema.json'));
});
after(() => world.close());

let projects = 0;
/** A folder with these files. */
async function project(files) {
  const folder = join(clean.home, `project-${projects++}`);
  await writeFiles(folder, files);
  return folder;
}

/** Runs the command in a folder; what it says in JSON fits the schema. */
async function audit(folder, ...args) {
  const ran = await run(['audit', ...args], { env: clean.env, cwd: folder });
  if (args.includes('--json') && ran.json.verdict !== 'error') {
    assert.ok(validate(ran.json), JSON.stringify(validate.errors));
    assert.equal(ran.json.exitCode, ran.code);
  }
  return ran;
}

const locked = ({ name, version, integrity, url }, more = {}) => [`node_modules/${name}`, { version, resolved: url, integrity, ...more }];
/** package-lock.json of version 3 with these rows. */
const lockfile = (...rows) => `${JSON.stringify({ lockfileVersion: 3, packages: Object.fromEntries(rows) }, null, 2)}\n`;
const rowOf = (ran, { name }) => ran.json.packages.find((row) => row.name === name);

test('each package has a line as it is done, and the end has the total, what was left out, and why packages fail', async () => {
  const folder = await project({
    'package-lock.json': lockfile(
      ['', { name: 'x', workspaces: ['parts/*'] }],
      locked(of.good),
      ['node_modules/alias', { name: of.scoped.name, version: '1.0.0', integrity: of.scoped.integrity }],
      locked(of.bad),
      locked(of.alone),
      ['node_modules/part', { resolved: 'parts/part', link: true }],
      ['parts/part', { version: '1.0.0' }],
      ['node_modules/git', { version: '1.0.0', resolved: 'git+ssh://git@code.example/o/git.git#01' }],
    ),
  });
  const ran = await audit(folder, '--color=never');
  assert.deepEqual([ran.code, ran.stderr], [1, '']);
  const lines = ran.stdout.split('\n');
  assert.equal(lines[0], 'package-lock.json (npm): 4 packages');
  assert.deepEqual(lines.slice(1, 5).sort(), [
    '? no-source     a-alone@1.0.0  (no-repository)',
    '✓ identical     @kit/a-scoped@1.0.0',
    '✓ identical     a-good@1.0.0',
    '✗ differs       a-bad@1.0.0  (content-differs)',
  ].sort());
  assert.deepEqual(lines.slice(5), [
    '',
    'not reproduced, by reason:',
    '      1  differs (content-differs): a-bad@1.0.0',
    '      1  no-source (no-repository): a-alone@1.0.0',
    'left out: 1 git, 1 link, 1 project, 1 workspace (1 of them count as not decided)',
    '4 packages: 2 reproduced (2 identical), 1 not reproduced, 1 not decided; 0 with provenance',
    '',
  ]);
});

test('the whole audit is one object, and its lines can be read as they come', async () => {
  const folder = await project({ 'package-lock.json': lockfile(locked(of.good), locked(of.bad), ['node_modules/f', { version: '1.0.0', resolved: 'file:f.tgz' }]) });
  const { json, stderr } = await audit(folder, '--json');
  assert.equal(stderr, '');
  assert.deepEqual(json.packages.map(({ name, verdict, exitCode }) => [name, verdict, exitCode]), [['a-bad', 'differs', 1], ['a-good', 'identical', 0]]);
  assert.deepEqual(json.packages[1].places, [{ line: 4, column: 5, key: 'node_modules/a-good' }]);
  assert.match(json.packages[1].source, /^git\+https:\/\/github\.com\/kit\/a-good/);
  assert.deepEqual(json.leftOut, [{ line: 14, column: 5, key: 'node_modules/f', reason: 'file', exitCode: 2, exception: null, exceptionIsNew: false }]);

  const streamed = await audit(folder, '--ndjson', '-');
  assert.equal(streamed.code, 1);
  for (const line of streamed.json) assert.ok(validate(line), JSON.stringify(validate.errors));
  assert.deepEqual(streamed.json.map(({ type }) => type), ['package', 'package', 'left-out', 'total']);
  assert.deepEqual(streamed.json.at(-1).totals, json.totals);
  const filed = await audit(folder, '--ndjson', 'out.ndjson');
  assert.match(filed.stdout, /2 packages: 1 reproduced/);
  const inFile = (await readFile(join(folder, 'out.ndjson'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line).type);
  assert.deepEqual(inFile, ['package', 'package', 'left-out', 'total']);
});

test('stored results are used, and --offline asks nobody', async () => {
  const folder = await project({ 'package-lock.json': lockfile(locked(of.good), locked(of.bad)) });
  await audit(folder);
  const from = world.registry.requests.length;
  const { json, code } = await audit(folder, '--json', '--offline');
  assert.deepEqual([code, json.packages.map(({ cached }) => cached)], [1, [true, true]]);
  assert.equal(world.registry.requests.length, from, 'the registry was asked');
  const none = await audit(await project({ 'package-lock.json': lockfile(locked({ ...of.good, version: '9.0.0' })) }), '--json', '--offline');
  assert.deepEqual([none.code, none.json.packages[0].verdict], [2, 'error']);
});

// ── the lockfile against the registry ──

test('a hash that is not the registry’s fails the audit, at its line, though what the registry serves is reproduced', async () => {
  const right = await audit(await project({ 'package-lock.json': lockfile(locked(of.good)) }), '--json');
  assert.deepEqual([right.code, rowOf(right, of.good).findings], [0, []]);
  const wrong = await audit(await project({ 'package-lock.json': lockfile(locked(of.good, { integrity: OTHER })) }), '--json');
  const row = rowOf(wrong, of.good);
  assert.deepEqual([wrong.code, row.verdict, row.reproduced, row.exitCode], [1, 'identical', false, 1]);
  assert.deepEqual(row.findings.map(({ code, severity, path }) => [code, severity, path]), [['lockfile-integrity-mismatch', 'error', 'package-lock.json:4:5']]);
  assert.equal(wrong.json.totals.notAsLocked, 1);
  const told = await audit(await project({ 'package-lock.json': lockfile(locked(of.good, { integrity: OTHER })) }));
  assert.match(told.stdout, /✗ identical {5}a-good@1\.0\.0.*\n {4}package-lock\.json:4:5: lockfile-integrity-mismatch: /);
});

test('a second copy of a package is held as the first is', async () => {
  const copy = ['node_modules/x/node_modules/a-good', { version: '1.0.0', resolved: of.good.url, integrity: OTHER }];
  const ran = await audit(await project({ 'package-lock.json': lockfile(locked(of.good), copy) }), '--json');
  assert.deepEqual([ran.code, ran.json.totals.packages, rowOf(ran, of.good).findings[0].path], [1, 1, 'package-lock.json:9:5']);
});

test('of several hashes the strongest counts', async () => {
  const sha1 = integrityOf(of.good.tarball, 'sha1');
  const both = await audit(await project({ 'package-lock.json': lockfile(locked(of.good, { integrity: `sha1-AAAA ${of.good.integrity}` })) }));
  assert.equal(both.code, 0);
  const tampered = await audit(await project({ 'package-lock.json': lockfile(locked(of.good, { integrity: `${sha1} ${OTHER}` })) }));
  assert.equal(tampered.code, 1);
});

test('another host is told; without the registry’s hash nothing is known of what it serves', async () => {
  const away = { resolved: 'https://files.example/a-good/-/a-good-1.0.0.tgz' };
  const same = await audit(await project({ 'package-lock.json': lockfile(locked(of.good, away)) }), '--json');
  assert.deepEqual([same.code, rowOf(same, of.good).findings.map(({ code, severity }) => [code, severity])], [0, [['lockfile-other-host', 'warning']]]);
  const unknown = await audit(await project({ 'package-lock.json': lockfile(locked(of.good, { ...away, integrity: undefined })) }), '--json');
  assert.deepEqual([unknown.code, rowOf(unknown, of.good).findings.map(({ code, severity }) => [code, severity])], [2, [['lockfile-other-host', 'error']]]);
  const plain = await audit(await project({ 'package-lock.json': lockfile(locked(of.good, { integrity: undefined })) }), '--json');
  assert.deepEqual([plain.code, rowOf(plain, of.good).findings], [0, []], 'the registry’s own host needs no hash');
});

test('the tarball of something else on the same host is told', async () => {
  const ran = await audit(await project({ 'package-lock.json': lockfile(locked(of.good, { resolved: of.bad.url, integrity: undefined })) }), '--json');
  assert.deepEqual([ran.code, rowOf(ran, of.good).findings.map(({ code }) => code)], [2, ['lockfile-other-tarball']]);
});

test('the tampered package is named at its line in every format', async () => {
  const { good, scoped } = of;
  const hex = (integrity) => Buffer.from(integrity.split('-')[1], 'base64').toString('hex');
  const component = ({ name, version }, integrity) => ({ type: 'library', name, purl: `pkg:npm/${name.replace('@', '%40')}@${version}`, hashes: [{ alg: 'SHA-512', content: hex(integrity) }] });
  const one = { 'package-lock.json': `{"lockfileVersion":1,"dependencies":{\n"a-good":{"version":"1.0.0","integrity":"${OTHER}"},\n"al":{"version":"npm:${scoped.name}@1.0.0","integrity":"${scoped.integrity}"}}}` };
  const formats = [
    [one, 'package-lock.json:2:1'],
    [{ 'npm-shrinkwrap.json': lockfile(locked(good, { integrity: OTHER }), locked(scoped)) }, 'npm-shrinkwrap.json:4:5'],
    [{ 'yarn.lock': `# yarn lockfile v1\n\n\na-good@^1.0.0:\n  version "1.0.0"\n  resolved "${good.url}#00"\n  integrity ${OTHER}\n\n"al@npm:${scoped.name}@1":\n  version "1.0.0"\n  resolved "${scoped.url}"\n  integrity ${scoped.integrity}\n` }, 'yarn.lock:4:1'],
    [{ 'pnpm-lock.yaml': `lockfileVersion: '9.0'\npackages:\n  a-good@1.0.0:\n    resolution: {integrity: ${OTHER}}\n  '${scoped.name}@1.0.0':\n    resolution: {integrity: ${scoped.integrity}}\n` }, 'pnpm-lock.yaml:3:3'],
    [{ 'pnpm-lock.yaml': `lockfileVersion: 5.4\npackages:\n  /a-good/1.0.0:\n    resolution: {integrity: ${OTHER}}\n  /${scoped.name}/1.0.0_x@1.0.0:\n    resolution: {integrity: ${scoped.integrity}}\n` }, 'pnpm-lock.yaml:3:3'],
    [{ 'bun.lock': `{"lockfileVersion":1,"packages":{\n  "a-good": ["a-good@1.0.0", "", {}, "${OTHER}"],\n  "al": ["${scoped.name}@1.0.0", "", {}, "${scoped.integrity}"],\n}}` }, 'bun.lock:2:3'],
    [{ 'deno.lock': `{"version":"5","npm":{\n"a-good@1.0.0":{"integrity":"${OTHER}"},\n"${scoped.name}@1.0.0":{"integrity":"${scoped.integrity}"}}}` }, 'deno.lock:2:1'],
    [{ 'bom.json': `{"bomFormat":"CycloneDX","components":[\n${JSON.stringify(component(good, OTHER))},\n${JSON.stringify(component(scoped, scoped.integrity))}]}` }, 'bom.json:2:1', 'bom.json'],
  ];
  let compared = 0;
  for (const [files, place, ...named] of formats) {
    const ran = await audit(await project(files), '--json', ...named);
    assert.deepEqual(ran.json.packages?.map(({ name, exitCode }) => [name, exitCode]), [[scoped.name, 0], ['a-good', 1]], place);
    assert.deepEqual([ran.code, rowOf(ran, good).findings.map(({ path }) => path)], [1, [place]], place);
    compared += 1;
  }
  // The checksum of yarn 2 and later is of another archive: there is nothing to hold.
  const berry = await audit(await project({ 'yarn.lock': `__metadata:\n  version: 8\n\n"a-good@npm:^1.0.0":\n  version: 1.0.0\n  resolution: "a-good@npm:1.0.0"\n  checksum: 10c0/00\n` }), '--json');
  assert.deepEqual([berry.code, rowOf(berry, good).findings], [0, []]);
  assert.equal(compared, formats.length);
});

// ── which packages ──

test('--omit and --workspace choose, and what is not chosen is counted', async () => {
  const rows = [
    ['', { name: 'root', workspaces: ['parts/*'], dependencies: { 'a-good': '1' }, devDependencies: { 'a-bad': '1' } }],
    locked(of.good),
    locked(of.bad, { dev: true }),
    locked(of.scoped, { optional: true }),
    ['node_modules/part', { resolved: 'parts/part', link: true }],
    ['parts/part', { name: 'part', version: '1.0.0', optionalDependencies: { [of.scoped.name]: '1' } }],
  ];
  const folder = await project({ 'package-lock.json': lockfile(...rows) });
  const chosen = async (...args) => {
    const { code, json } = await audit(folder, '--json', ...args);
    return [code, json.packages.map(({ name }) => name), json.totals.omitted];
  };
  assert.deepEqual(await chosen(), [1, ['@kit/a-scoped', 'a-bad', 'a-good'], 0]);
  assert.deepEqual(await chosen('--omit', 'dev'), [0, ['@kit/a-scoped', 'a-good'], 1]);
  assert.deepEqual(await chosen('--omit', 'dev,optional'), [0, ['a-good'], 2]);
  assert.deepEqual(await chosen('--workspace', 'part'), [0, ['@kit/a-scoped'], 2]);
  assert.deepEqual(await chosen('--workspace', 'parts/part', '--workspace', '.'), [1, ['@kit/a-scoped', 'a-bad', 'a-good'], 0]);
  const none = await audit(folder, '--json', '--workspace', 'nothing');
  assert.deepEqual([none.code, none.json.code], [2, 'lockfile-no-workspace']);
  const yarn = await project({ 'yarn.lock': `a-good@1:\n  version "1.0.0"\n  resolved "${of.good.url}"\n` });
  assert.equal((await audit(yarn, '--json', '--workspace', 'x')).json.code, 'lockfile-workspaces-unknown');
  const kinds = await audit(yarn, '--json', '--omit', 'dev');
  assert.deepEqual([kinds.code, kinds.json.findings.map(({ code }) => code), kinds.json.totals.packages], [0, ['lockfile-kinds-unknown'], 1]);
});

const installed = (path, { files }) => Object.fromEntries(Object.entries(files).map(([name, content]) => [`node_modules/${path}/${name}`, content]));

test('--tree reads what lies in node_modules', async () => {
  const folder = await project({
    ...installed('a-good', of.good),
    ...installed('a-good/node_modules/@kit/a-scoped', of.scoped),
  });
  const { code, json } = await audit(folder, '--json', '--tree');
  assert.deepEqual([code, json.format, json.packages.map(({ places: [{ key }] }) => key)], [0, 'tree', ['a-good/node_modules/@kit/a-scoped', 'a-good']]);
});

test('of several lockfiles the one of the package manager is read', async () => {
  const files = { 'package-lock.json': lockfile(locked(of.good)), 'yarn.lock': `"${of.scoped.name}@1":\n  version "1.0.0"\n` };
  const unnamed = await audit(await project(files), '--json');
  assert.deepEqual([unnamed.json.format, unnamed.json.findings.map(({ code }) => code)], ['yarn', ['lockfile-one-of-several']]);
  const named = await audit(await project({ ...files, 'package.json': '{"packageManager":"npm@11.0.0"}' }), '--json');
  assert.deepEqual([named.json.format, named.json.findings.map(({ code }) => code)], ['npm', ['lockfile-one-of-several']]);
  const folder = await project(files);
  const byPath = await run(['audit', join(folder, 'package-lock.json'), '--json'], { env: clean.env, cwd: clean.home });
  assert.deepEqual([byPath.code, byPath.json.format], [0, 'npm']);
});

// ── the exit code ──

test('what fails an audit is chosen', async () => {
  const code = async (rows, ...args) => (await audit(await project({ 'package-lock.json': lockfile(...rows) }), ...args)).code;
  assert.equal(await code([locked(of.alone)]), 2);
  assert.equal(await code([locked(of.alone)], '--fail-on', 'differs'), 0);
  assert.equal(await code([locked(of.alone), locked(of.bad)], '--fail-on', 'differs'), 1);
  assert.equal(await code([locked(of.alone), locked(of.bad)], '--fail-on', 'none'), 0);
  assert.equal(await code([locked(of.good, { integrity: OTHER })], '--fail-on', 'differs'), 1);
  assert.equal(await code([locked(of.good)], '--accept', 'identical'), 0);
  // What cannot be read may be installed all the same.
  assert.equal(await code([locked(of.good), ['node_modules/odd', { version: 'x/y' }]]), 2);
  assert.equal(await code([locked(of.good), ['node_modules/nowhere', { version: '1.0.0' }]]), 2);
  assert.equal(await code([]), 0);
});

// ── decisions of a team ──

const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const decided = (...exceptions) => ({ 'reproduce.json': JSON.stringify({ exceptions }) });

test('an exception lets a package stay as it is, until its last day', async () => {
  const rows = lockfile(locked(of.bad), locked(of.alone), locked(of.good));
  const all = async (...exceptions) => audit(await project({ 'package-lock.json': rows, ...decided(...exceptions) }), '--json');
  const known = { package: 'a-bad@1.0.0', reason: 'the build writes the time', until: day(1) };
  const other = { package: 'a-al*', code: 'no-repository', reason: 'asked for', until: day(30) };
  const both = await all(known, other);
  assert.deepEqual([both.code, both.json.findings, both.json.totals.excepted], [0, [], 2]);
  const row = rowOf(both, of.bad);
  assert.deepEqual([row.verdict, row.reproduced, row.exception, row.exitCode], ['differs', false, known.reason, 0]);
  assert.equal((await all(known)).code, 2, 'the other one is still undecided');
  assert.equal((await all(other)).code, 1);
  for (const [change, code] of [[{ package: 'a-bad@1.0.1' }, 1], [{ package: 'a-bad' }, 0], [{ package: 'a-ba*@1.0.0' }, 0], [{ code: 'files-differ' }, 1], [{ code: 'content-differs' }, 0], [{ until: day(0) }, 0]]) {
    assert.equal((await all({ ...known, ...change }, other)).code, code, JSON.stringify(change));
  }
  const over = await all({ ...known, until: day(-2) }, other);
  assert.deepEqual([over.code, over.json.findings.map(({ code }) => code)], [1, ['exception-over']]);
  const told = await audit(await project({ 'package-lock.json': rows, ...decided(known, other) }));
  assert.match(told.stdout, /a-bad@1\.0\.0.*\n {4}excepted: the build writes the time\n/);
  assert.match(told.stdout, /\nexcepted: 2 \(reproduce\.json\)\n/);
});

test('an exception that nothing needs any more is told, but not of a part of the lockfile', async () => {
  const folder = await project({
    'package-lock.json': lockfile(['', { dependencies: { 'a-good': '1' }, devDependencies: { [of.scoped.name]: '1' } }], locked(of.good), locked(of.scoped, { dev: true })),
    ...decided({ package: 'a-good', reason: 'x', until: day(1) }, { package: 'gone', reason: 'x', until: day(-9) }),
  });
  const whole = await audit(folder, '--json');
  assert.deepEqual([whole.code, whole.json.findings.map(({ code }) => code)], [0, ['exception-unused', 'exception-unused']]);
  const part = await audit(folder, '--json', '--omit', 'dev');
  assert.deepEqual([part.code, part.json.findings], [0, []]);
});

test('no exception lifts what the lockfile says otherwise than the registry', async () => {
  const files = decided({ package: '*-good', reason: 'x', until: day(1) }, { package: 'a-good', reason: 'x', until: day(1) });
  const ran = await audit(await project({ 'package-lock.json': lockfile(locked(of.good, { integrity: OTHER })), ...files }), '--json');
  assert.equal(ran.code, 1);
});

test('--write-exceptions begins the list, and what is new fails', async () => {
  const folder = await project({ 'package-lock.json': lockfile(locked(of.good), locked(of.bad), locked(of.alone)) });
  const first = await audit(folder, '--write-exceptions');
  assert.deepEqual([first.code, first.stderr], [1, 'reproduce.json: 2 exceptions\n']);
  const { exceptions } = JSON.parse(await readFile(join(folder, 'reproduce.json'), 'utf8'));
  assert.deepEqual(exceptions.map(({ package: name, code }) => [name, code]), [['a-alone@1.0.0', 'no-repository'], ['a-bad@1.0.0', 'content-differs']]);
  assert.ok(exceptions.every(({ until, reason }) => until === day(90) && reason.includes(day(0))));
  const second = await audit(folder, '--json');
  assert.deepEqual([second.code, second.json.findings], [0, []]);
  const again = await audit(folder, '--write-exceptions');
  assert.deepEqual([again.code, again.stderr.split('\n')[0].startsWith('error[exceptions-unwritable]')], [2, true]);
  assert.equal((await audit(folder, '--write-exceptions', '--omit', 'dev')).code, 2, 'a list of a part is none');
});

test('a list that cannot be followed stops the audit', async () => {
  const good = { package: 'a', reason: 'x', until: day(1) };
  for (const text of ['{', '[]', '{}', '{"exceptions":[],"more":1}', ...[{ ...good, until: 'soon' }, { ...good, until: undefined }, { ...good, reason: ' ' }, { ...good, package: '*' }, { ...good, why: 1 }].map((one) => JSON.stringify({ exceptions: [one] }))]) {
    const ran = await audit(await project({ 'package-lock.json': lockfile(locked(of.good)), 'reproduce.json': text }), '--json');
    assert.deepEqual([ran.code, ran.json.code], [2, 'exceptions-invalid'], text);
  }
});

test('what is no lockfile is said, in words and as JSON', async () => {
  const cases = [
    [{ 'package.json': '{}' }, 'lockfile-missing'],
    [{ 'bun.lockb': '' }, 'lockfile-binary'],
    [{ 'package-lock.json': '{' }, 'lockfile-malformed'],
    [{ 'package-lock.json': '{"lockfileVersion":9}' }, 'lockfile-version'],
    [{ 'x.txt': '' }, 'lockfile-unknown', 'x.txt'],
    [{}, 'lockfile-unreadable', 'nowhere'],
  ];
  for (const [files, code, ...named] of cases) {
    const folder = await project({ '.keep': '', ...files });
    const ran = await audit(folder, '--json', ...named);
    assert.deepEqual([ran.code, ran.json.verdict, ran.json.code], [2, 'error', code]);
    const told = await audit(folder, ...named);
    assert.deepEqual([told.code, told.stdout], [2, '']);
    assert.match(told.stderr, new RegExp(`^error\\[${code}\\]: `));
  }
  for (const args of [['--jobs', '0'], ['--jobs', '65'], ['--omit', 'all'], ['--json', '--ndjson', '-'], ['--fail-on', 'never']]) {
    assert.equal((await audit(clean.home, ...args)).code, 2, args.join(' '));
  }
});

test('an audit that is stopped says so', { skip: process.platform === 'win32' && 'signals' }, async () => {
  const slow = await world.release('a-slow');
  let running;
  const lift = world.registry.fault({ on: 'a-slow', hang: true, onHit: () => running.kill('SIGINT') });
  const folder = await project({ 'package-lock.json': lockfile(locked(slow), locked(of.good)) });
  const ran = await run(['audit', '--jobs', '1', '--ndjson', 'out.ndjson'], {
    env: clean.env,
    cwd: folder,
    onStart: (child) => (running = child),
  });
  lift();
  assert.equal(ran.code, 130, ran.stdout + ran.stderr);
  assert.doesNotMatch(await readFile(join(folder, 'out.ndjson'), 'utf8'), /"type":"total"/, 'no end, for it did not come to one');
});

test('no entry of a lockfile is a word for a file here', async () => {
  const name = 'a-good@1.0.0-x.tgz';
  const folder = await project({ '1.0.0-x.tgz': of.good.tarball, 'package-lock.json': lockfile(['node_modules/a-good', { version: '1.0.0-x.tgz' }]) });
  const control = await run([name, '--json'], { env: clean.env, cwd: folder });
  assert.equal(control.json.package.version, '1.0.0', 'on the command line it is');
  const ran = await audit(folder, '--json');
  assert.deepEqual([ran.code, ran.json.packages, ran.json.totals.leftOut], [2, [], { unreadable: 1 }]);
});

test('names and keys of a lockfile do not speak to the terminal', async () => {
  const folder = await project({ 'package-lock.json': lockfile(locked(of.good), ['node_modules/\u001b[2J', { version: '\u001b[31m' }]) });
  const ran = await audit(folder);
  assert.equal(ran.code, 2);
  assert.ok(!ran.stdout.includes('\u001b[2J'));
  const { stdout } = await audit(folder, '--json');
  assert.ok(!stdout.includes('\u001b'));
});
