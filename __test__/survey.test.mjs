// `reproduce survey` and `reproduce report`: lists of packages against a registry and a git host on
// loopback.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chown, lstat, mkdir, readFile, readdir, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { run } from './kit/cli.mjs';
import { manifest, openWorld } from './world.mjs';

const read = async (path) => JSON.parse(await readFile(new URL(path, import.meta.url), 'utf8'));

let world;
let clean;
let validate;
const of = {};
before(async () => {
  world = await openWorld();
  clean = await world.home();
  of.good = await world.release('s-good');
  of.scoped = await world.release('@kit/s-scoped');
  of.alone = await world.release('s-alone', { json: { repository: null } });
  // What is published is in no commit, and a build could make it.
  of.built = await world.release('s-built', { published: { 'dist/index.js': 'built()\n' }, json: { scripts: { build: 'node make.js' } } });
  const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
  addFormats(ajv);
  ajv.addSchema(await read('../schema/result.schema.json'));
  validate = ajv.compile(await read('../schema/survey.schema.json'));
});
after(() => world.close());

let files = 0;
/** A path of its own below the home. */
const path = (name) => join(clean.home, `${files++}-${name}`);

/** A file with a list. */
async function list(text) {
  const file = path('list.txt');
  await writeFile(file, text);
  return file;
}

/** Runs the command with a database of its own unless one is named. */
const survey = (args, { db = path('s.db'), ...options } = {}) => run(['survey', ...args, '--db', db], { env: clean.env, cwd: clean.home, ...options });
const report = (...args) => run(['report', ...args], { env: clean.env, cwd: clean.home });

/** The lines of a file of NDJSON; each fits the schema. */
async function linesOf(file) {
  const lines = (await readFile(file, 'utf8')).split('\n').filter(Boolean).map((line) => JSON.parse(line));
  for (const line of lines) assert.ok(validate(line), JSON.stringify(validate.errors));
  return lines;
}
/** Has the registry answer nothing more until `lift`; `hit` is kept when a request waits. */
function stuck() {
  let lift;
  const hit = new Promise((resolve) => {
    lift = world.registry.fault({ hang: true, onHit: resolve });
  });
  return { hit, lift };
}
const verdicts = (lines) => Object.fromEntries(lines.map(({ spec, result, error }) => [spec, (result ?? error).verdict]));

const canMount = process.platform === 'linux' && process.getuid() === 0;

test('a list in every form is judged, each package once, and its lines, its figures and its database agree', async () => {
  const [file, db, ndjson] = [await list(`# all\n${of.good.spec}\npkg:npm/%40kit/s-scoped@1.0.0\n{"name":"s-alone","version":"1.0.0"}\n${of.good.spec}\ns-nowhere\n`), path('s.db'), path('s.ndjson')];
  const ran = await survey([file, '--ndjson', ndjson, '--color=never'], { db });
  assert.equal(ran.code, 2, ran.stderr);
  assert.match(ran.stderr, /: 4 packages, 1 named again, kept in .*s\.db\n$/);
  assert.deepEqual(ran.stdout.split('\n').slice(0, 4).sort(), [
    '? no-source     s-alone@1.0.0  (no-repository)',
    '✓ identical     @kit/s-scoped@1.0.0',
    '✓ identical     s-good@1.0.0',
    '? error         s-nowhere  (package-not-found)',
  ].sort());
  assert.match(ran.stdout, /\n {6}2 {3}50\.0 % {2}reproduced {2}\(95 %: 15\.0–85\.0 %\)\n/);
  const lines = await linesOf(ndjson);
  assert.deepEqual(verdicts(lines), { 's-good@1.0.0': 'identical', '@kit/s-scoped@1.0.0': 'identical', 's-alone@1.0.0': 'no-source', 's-nowhere': 'error' });
  // The same from the database and from the lines.
  const [fromDb, fromLines, again] = [await report(db, '--json'), await report(ndjson, '--json'), await report(db, '--ndjson')];
  assert.deepEqual({ ...fromDb.json, list: '' }, { ...fromLines.json, list: '' });
  assert.deepEqual(again.stdout.trim().split('\n').map((line) => JSON.parse(line)), lines);
  // A class is a list again.
  const listed = await report(db, '--class', 'no-repository', '--list');
  assert.equal(listed.stdout, 's-alone@1.0.0\n');
  const fed = await survey(['-', '--ndjson', '-'], { input: listed.stdout });
  assert.deepEqual([fed.code, verdicts([fed.json])], [2, { 's-alone@1.0.0': 'no-source' }]);
  assert.match((await report(db, '--md')).stdout, /\| reproduced \| 2 \| 50\.0 % \| 15\.0–85\.0 % \|/);
});

test('the page of a survey has its packages, and says what changed since an earlier one', async () => {
  const [db, ndjson, html, both] = [path('s.db'), path('s.ndjson'), path('s.html'), path('both.html')];
  await survey([await list(`${of.good.spec}\ns-alone@1.0.0\n`), '--ndjson', ndjson], { db });
  const made = await report(db, '--html', html);
  assert.deepEqual([made.code, made.stdout], [0, '']);
  const page = await readFile(html, 'utf8');
  assert.ok(page.startsWith('<!doctype html>') && page.includes('Content-Security-Policy'));
  assert.ok(page.includes(of.good.spec) && page.includes('s-alone@1.0.0'));
  assert.doesNotMatch(page, /<(script|link|img)[^>]+(src|href)=/, 'it asks for nothing');
  // Of its lines, beside an earlier state.
  const last = path('last.ndjson');
  await writeFile(last, (await readFile(ndjson, 'utf8')).replaceAll('"identical"', '"differs"'));
  assert.equal((await report(ndjson, '--html', both, '--earlier', last)).code, 0);
  assert.match(await readFile(both, 'utf8'), /improved/);
  // What cannot be read, or written, is said, and the page that was there stays.
  const kept = await report(path('nowhere.db'), '--html', html);
  assert.deepEqual([kept.code, await readFile(html, 'utf8')], [2, page]);
  assert.equal((await report(db, '--html', path('no/folder.html'))).code, 2);
  // A link or a device is written to, and not replaced.
  const link = path('link.html');
  await symlink(html, link);
  assert.equal((await report(db, '--html', link)).code, 0);
  assert.deepEqual([(await lstat(link)).isSymbolicLink(), (await readFile(html, 'utf8')).startsWith('<!doctype html>')], [true, true]);
  // A file is not written over what it is made of, and a page that is not whole over none.
  const data = await readFile(db);
  for (const args of [[db, '--html', db], [ndjson, '--html', ndjson]]) assert.equal((await report(...args)).code, 2);
  assert.equal((await survey([await list(`${of.good.spec}\n`), '--ndjson', db], { db })).code, 2);
  assert.ok((await readFile(db)).subarray(0, 16).equals(data.subarray(0, 16)));
  await writeFile(last, `${await readFile(ndjson, 'utf8')}not json\n`);
  assert.deepEqual([(await report(last, '--html', html)).code, await readFile(html, 'utf8')], [2, page]);
});

test('a line of results that is none is told by its number, in words', async () => {
  const [made, cut] = [path('whole.ndjson'), path('cut.ndjson')];
  await survey([await list(`${of.good.spec}\n`), '--ndjson', made]);
  const whole = await readFile(made, 'utf8');
  const cases = { 'not json': /line 2 of .*: it is not JSON \(column 2\)/, [whole.slice(0, whole.indexOf(':') + 1)]: /line 2 of .*: it ends in the middle of its JSON/, '{"spec":7}': /line 2 of .*: it is JSON, but not as this program writes it/ };
  for (const [line, told] of Object.entries(cases)) {
    await writeFile(cut, `${whole}${line}\n`);
    const { code, stderr } = await report(cut);
    assert.equal(code, 2);
    assert.match(stderr, told);
    assert.doesNotMatch(stderr, /at line 1|EOF|expected/);
  }
});

test('what says that it is reproduced counts by its verdict', async () => {
  const [lines, made] = [path('said.ndjson'), path('made.ndjson')];
  await survey([await list(`${of.good.spec}\n`), '--ndjson', made]);
  const [{ result }] = await linesOf(made);
  const said = (spec, more) => {
    const named = { ...result.package, name: spec.split('@')[0] };
    return `${JSON.stringify({ spec, result: { ...result, package: named, reproduced: true, ...more }, error: null, durationMs: 1 })}\n`;
  };
  await writeFile(lines, said('a@1.0.0', { verdict: 'differs' }) + said('b@1.0.0', {}) + said('c@1.0.0', { verdict: 'error' }));
  // An error that says another verdict, and a line without one, are not decided.
  const odd = [{ spec: 'd@1.0.0', result: null, error: { verdict: 'identical', reproduced: true }, durationMs: 1 }, { spec: 'e@1.0.0', result: {}, error: null, durationMs: 1 }];
  await writeFile(lines, odd.map((line) => `${JSON.stringify(line)}\n`).join(''), { flag: 'a' });
  const { reproduced, notReproduced, notDecided, unreadable, packages } = (await report(lines, '--json')).json;
  assert.deepEqual([reproduced.count, notReproduced.count, notDecided.count, unreadable, packages], [1, 1, 3, 2, 5]);
});

test('one package in several spellings counts once in every figure', async () => {
  const [file, db, ndjson] = [await list(`s-good\ns-good@1.0.0\ns-good@latest\nnpm:s-good@1\npkg:npm/s-good@1.0.0\ns-alone\n`), path('s.db'), path('s.ndjson')];
  const ran = await survey([file, '--json', '--ndjson', ndjson], { db });
  assert.match(ran.stderr, /: 5 packages, 1 named again, /);
  assert.match(ran.stderr, /\n3 results are of packages that the list has in another spelling, and do not count\n/);
  const figures = ({ json: { packages, reproduced, waiting } }) => [packages, reproduced.count, waiting];
  assert.deepEqual(figures(ran), [2, 1, 0]);
  for (const from of [db, ndjson]) {
    const made = await report(from, '--json');
    assert.deepEqual(figures(made), [2, 1, 0]);
    assert.match(made.stderr, /: 3 lines are of packages that it has already, and do not count\n$/);
  }
  assert.equal((await linesOf(ndjson)).length, 5);
  // What goes on counts the same.
  assert.deepEqual(figures(await survey([file, '--json'], { db })), [2, 1, 0]);
});

test('the year is known of what needed no build: the commit says it', async () => {
  const db = path('s.db');
  assert.equal((await survey([await list(`${of.good.spec}\n`)], { db })).code, 0);
  const { result } = (await report(db, '--ndjson')).json;
  const year = result.origin.committedAt.slice(0, 4);
  assert.match(year, /^20\d\d$/);
  assert.deepEqual(Object.keys((await report(db, '--json')).json.by.year), [year]);
});

test('another registry of the configuration is another question', async () => {
  const [db, file] = [path('s.db'), await list(`${of.good.spec}\n`)];
  assert.equal((await survey([file], { db })).code, 0);
  const other = await survey([file, '--registry', 'http://127.0.0.1:9/'], { db });
  assert.doesNotMatch(other.stderr, /goes on where it ended/);
});

test('a database of another user, and a link beside one, are not believed', { skip: !canMount && 'wants root, to give files away' }, async () => {
  const db = path('s.db');
  const file = await list(`${of.good.spec}\n`);
  assert.equal((await survey([file], { db })).code, 0);
  for (const lay of [() => chown(db, 65534, 65534), () => symlink('/etc', `${db}.files-x`).then(() => rename(`${db}.files-x`, `${db}-wal`))]) {
    await chown(db, 0, 0);
    await rm(`${db}-wal`, { force: true });
    await lay();
    for (const ran of [await report(db), await survey([file], { db })]) assert.deepEqual([ran.code, /another user/.test(ran.stderr)], [2, true], ran.stderr);
  }
});

test('a list that names no package says which line, and nothing is made', async () => {
  const db = path('s.db');
  for (const [text, code] of [[`${of.good.spec}\n\n./x.tgz\n`, 'list-line'], ['# none\n', 'list-empty'], ['{"nam":1}\n', 'list-line']]) {
    const ran = await survey([await list(text), '--json'], { db });
    assert.deepEqual([ran.code, ran.json.code], [2, code], text);
    await assert.rejects(stat(db), { code: 'ENOENT' });
  }
  const ran = await survey([await list('a\n\nb c@@\n')], { db });
  assert.match(ran.stderr, /line 3 of /);
});

test('the first packages of npm-high-impact come from the registry', async () => {
  const top = `export const top = [\n  's-good',\n  '@kit/s-scoped',\n  's-alone'\n]\n`;
  await world.registry.publish({ files: { 'package.json': manifest('npm-high-impact'), 'lib/top.js': top } });
  const ran = await survey(['--top', '2', '--ndjson', '-']);
  assert.deepEqual([ran.code, verdicts(ran.json)], [0, { 's-good': 'identical', '@kit/s-scoped': 'identical' }]);
});

test('what needs a build has no verdict before one was tried: it waits, and a later run goes on', async () => {
  const [file, db, ndjson] = [await list(`${of.built.spec}\n${of.good.spec}\n`), path('s.db'), path('s.ndjson')];
  const first = await survey([file, '--no-build', '--ndjson', ndjson], { db });
  assert.deepEqual([first.code, verdicts(await linesOf(ndjson))], [2, { 's-good@1.0.0': 'identical' }]);
  assert.match(first.stderr, /\n1 wait for a build: /);
  const { waiting, reproduced } = (await report(db, '--json')).json;
  assert.deepEqual([waiting, reproduced], [1, { count: 1, of: 1, share: 1, low: null, high: null }]);
  const asked = world.registry.requests.length;
  const again = await survey([file, '--no-build'], { db });
  assert.match(again.stderr, /goes on where it ended/);
  assert.equal(world.registry.requests.length, asked, 'what is known was asked again');
  // Without the flag it is tried; this registry has no Node to build with.
  const built = await survey([file, '--ndjson', ndjson], { db });
  const lines = await linesOf(ndjson);
  assert.deepEqual([built.code, lines.length, lines[0].spec], [2, 2, 's-good@1.0.0']);
  assert.notEqual((lines[1].result ?? lines[1].error).code, 'build-put-off');
});

test('the same list goes on and asks nothing again; another list, other options and --force begin anew', async () => {
  const [file, db] = [await list(`${of.good.spec}\n${of.alone.spec}\n`), path('s.db')];
  await survey([file], { db });
  const asked = world.registry.requests.length;
  const again = await survey([await list(`${of.good.spec}\n${of.alone.spec}\n`), '--ndjson', '-'], { db });
  assert.deepEqual([again.json.length, world.registry.requests.length], [2, asked]);
  for (const more of [['--accept', 'identical'], ['--force']]) {
    const before_ = world.registry.requests.length;
    await survey([file, ...more], { db });
    assert.ok(world.registry.requests.length > before_, more.join(' '));
  }
  assert.equal((await report(db, '--run', '1', '--json')).json.packages, 2);
  assert.equal((await report(db, '--run', '9', '--json')).json.code, 'list-empty');
});

test('ten packages of one repository run one behind another and fetch what is new alone', async () => {
  const names = Array.from({ length: 10 }, (_, at) => `s-mono-${at}`);
  const repository = (name) => ({ repository: { type: 'git', url: 'git+https://github.com/kit/s-mono.git', directory: `packages/${name}` } });
  const filesOf = (name) => ({ 'package.json': manifest(name, '1.0.0', repository(name)), 'index.js': `module.exports = '${name}';\n` });
  const source = Object.fromEntries(names.flatMap((name) => Object.entries(filesOf(name)).map(([file, text]) => [`packages/${name}/${file}`, text])));
  const ids = await world.host.add('kit/s-mono', { commits: [{ label: 'c', files: source }] });
  for (const name of names) await world.registry.publish({ files: filesOf(name), gitHead: ids.c });
  /** Requests for objects, each with the time from its beginning to its end. */
  const fetches = () => world.host.requests.filter(({ path: asked }) => asked.includes('s-mono') && asked.endsWith('git-upload-pack')).length;
  const at = fetches();
  const alone = await survey([await list(`${names[0]}\n`), '--cache-dir', path('cache')]);
  const one = fetches() - at;
  const all = await survey([await list(`${names.join('\n')}\n`), '--cache-dir', path('cache'), '--jobs', '4', '--ndjson', '-']);
  const ten = fetches() - at - one;
  assert.deepEqual([alone.code, all.code], [0, 0], all.stderr);
  assert.deepEqual(new Set(Object.values(verdicts(all.json))), new Set(['identical']));
  assert.deepEqual(all.json.map(({ spec }) => spec).sort(), names);
  // The commit and its trees come once; the refs are asked for by each, and each has files of its
  // own.
  assert.ok(one > 0 && ten < 10 * one, `${ten} requests for ten, ${one} for one`);
});

test('a survey that is stopped ends cleanly, says so, and goes on', async () => {
  const [file, db] = [await list(`${of.good.spec}\n${of.alone.spec}\n`), path('s.db')];
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) {
    const { hit, lift } = stuck();
    const stopped = await survey([file], { db, onStart: (child) => hit.then(() => child.kill(signal)) });
    lift();
    assert.deepEqual([stopped.code, stopped.signal], [code, null], stopped.stderr);
    assert.match(stopped.stderr, /\n0 of 2 are done; the same command goes on\n/);
  }
  const whole = await survey([file, '--ndjson', '-'], { db });
  assert.equal(whole.json.length, 2);
});

test('two surveys on one file: the second is refused, and a report reads it meanwhile', async () => {
  const [file, db] = [await list(`${of.good.spec}\n${of.alone.spec}\n`), path('s.db')];
  const { hit, lift } = stuck();
  const seen = {};
  const first = await survey([file], {
    db,
    onStart: (child) =>
      hit.then(async () => {
        seen.second = await survey([file, '--json'], { db });
        seen.report = await report(db, '--json');
        child.kill('SIGINT');
      }),
  });
  lift();
  assert.equal(first.code, 130);
  assert.deepEqual([seen.second.code, seen.second.json.code], [2, 'survey-busy']);
  assert.deepEqual([seen.report.code, seen.report.json.packages, seen.report.json.waiting], [0, 0, 2]);
  assert.equal((await survey([file], { db })).code, 2);
});

test('--disk removes from the caches what was used longest ago, and nothing without it', async () => {
  const cacheDir = path('cache');
  const git = join(cacheDir, 'git');
  await survey([await list(`${of.good.spec}\n`), '--cache-dir', cacheDir]);
  const [repository] = await readdir(git);
  const old = new Date(Date.now() - 3_600_000);
  for (const name of ['', ...(await readdir(join(git, repository), { recursive: true }))]) await utimes(join(git, repository, name), old, old);
  await survey([await list(`${of.alone.spec}\n`), '--cache-dir', cacheDir]);
  assert.deepEqual(await readdir(git), [repository], 'the control');
  await survey([await list(`${of.alone.spec}\n`), '--cache-dir', cacheDir, '--disk', '1B']);
  assert.deepEqual(await readdir(git), []);
});

test('a file of another program is refused and left as it is', async () => {
  const db = path('notes.txt');
  await writeFile(db, 'my notes\n');
  const ran = await survey([await list(`${of.good.spec}\n`), '--json'], { db });
  assert.deepEqual([ran.code, ran.json.code], [2, 'survey-foreign']);
  assert.equal(await readFile(db, 'utf8'), 'my notes\n');
  assert.equal((await report(db, '--json')).json.code, 'survey-line');
});

test('a full disk stops it in clear words; what was done is there, and with room it goes on', { skip: !canMount && 'wants root, to mount a small disk' }, async () => {
  const disk = path('disk');
  await mkdir(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disk]);
  try {
    const specs = [];
    for (let at = 0; at < 40; at++) {
      const changed = Array.from({ length: 300 }, (_, line) => `line ${at} ${line} ${'x'.repeat(40)}`).join('\n');
      specs.push((await world.release(`s-large-${at}`, { published: { 'README.md': changed } })).spec);
    }
    const [file, db] = [await list(`${specs.join('\n')}\n`), join(disk, 's.db')];
    const full = await survey([file, '--no-build', '--strategy', 'source'], { db });
    assert.equal(full.code, 2);
    assert.match(full.stderr, /error\[survey-disk-full\]: there is no room for /);
    const kept = (await report(db, '--json')).json;
    assert.ok(kept.packages > 0 && kept.packages < specs.length, JSON.stringify(kept));
    execFileSync('mount', ['-o', 'remount,size=64m', disk]);
    const whole = await survey([file, '--no-build', '--strategy', 'source', '--ndjson', '-'], { db });
    assert.equal(whole.json.length, specs.length, whole.stderr);
  } finally {
    execFileSync('umount', [disk]);
    await rm(disk, { recursive: true });
  }
});
