// Stored results: when one answers, when it does not, and where it is kept.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { CLI, run } from './kit/cli.mjs';
import { random } from './kit/random.mjs';
import { assertValid, cacheOf, manifest, openWorld } from './world.mjs';

const { default: reproduce } = await import('../index.js');

let world;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

/** How many requests either server saw while this ran. */
async function requestsOf(work) {
  const from = [world.registry.requests.length, world.host.requests.length];
  const value = await work();
  return { value, registry: world.registry.requests.slice(from[0]).map(({ url }) => url), host: world.host.requests.slice(from[1]).map(({ url }) => url) };
}

const resultsOf = (clean) => join(cacheOf(clean), 'results.json');
const stored = async (file) => JSON.parse(await readFile(file, 'utf8'));

/**
 * Changes stored results as the program would have written them: what is tested is not whether they
 * have its seal.
 */
async function edit(file, change) {
  const results = await stored(file);
  change(results);
  const key = await readFile(join(dirname(file), 'seal.key'));
  for (const [name, result] of Object.entries(results)) {
    const { confirmed } = result;
    for (const field of ['confirmed', 'seal']) delete result[field];
    const sealed = `reproduce result 2\n${JSON.stringify([name, confirmed])}\n${JSON.stringify(result)}`;
    Object.assign(result, { confirmed, seal: createHmac('sha256', key).update(sealed).digest('base64') });
  }
  await writeFile(file, JSON.stringify(results));
}

const HOUR_MS = 3_600_000;
const hoursAgo = (hours) => new Date(Date.now() - hours * HOUR_MS).toISOString();

/** A package that was judged once. */
async function judged(name, options = {}) {
  const clean = await world.home();
  const release = await world.release(name, options);
  const first = await world.judge(release.spec, { clean });
  return { ...release, clean, first, file: resultsOf(clean) };
}

test('an exact version that was judged is answered with no network', async () => {
  const { spec, clean, first } = await judged('c-exact');
  const { value, registry, host } = await requestsOf(() => world.judge(spec, { clean }));
  assert.deepEqual([registry, host], [[], []]);
  assert.deepEqual({ ...value, ran: null }, { ...first, cached: true, ran: null });
});

test('the file of results is an object from name@version to a result', async () => {
  const { spec, file, integrity } = await judged('c-file');
  await world.release('c-file2');
  const results = await stored(file);
  assert.deepEqual(Object.keys(results), [spec]);
  assert.equal(results[spec].package.integrity, integrity);
  assertValid(results[spec]);
});

test('a second package is added to the file', async () => {
  const { clean, file } = await judged('c-add1');
  const other = await world.release('c-add2');
  await world.judge(other.spec, { clean });
  assert.deepEqual(Object.keys(await stored(file)).sort(), ['c-add1@1.0.0', 'c-add2@1.0.0']);
});

for (const spec of ['c-tags', 'c-tags@latest', 'c-tags@^1', 'c-tags@1.x']) {
  test(`${spec} needs one request for the metadata, and nothing else`, async () => {
    const clean = await world.home();
    const release = await world.release('c-tags');
    await world.judge(release.spec, { clean });
    const { value, registry, host } = await requestsOf(() => world.judge(spec, { clean }));
    assert.equal(value.verdict, 'identical');
    assert.equal(value.package.spec, spec, 'the spec is what was asked, not what was asked before');
    assert.deepEqual([registry.length, host], [1, []], registry.join());
  });
}

test('v1.0.0, =1.0.0, an alias and a purl are the same exact version', async () => {
  const { clean } = await judged('c-forms');
  for (const spec of ['c-forms@v1.0.0', 'c-forms@=1.0.0', 'npm:c-forms@1.0.0', 'other@npm:c-forms@1.0.0', 'pkg:npm/c-forms@1.0.0']) {
    const { value, registry } = await requestsOf(() => world.judge(spec, { clean }));
    assert.deepEqual([value.package.spec, value.package.name, registry], [spec, 'c-forms', []], spec);
  }
});

test('--force asks again and stores what it finds', async () => {
  const { spec, clean, file, first } = await judged('c-force');
  const { value, registry, host } = await requestsOf(() => world.judge(spec, { clean, args: ['--force'] }));
  assert.ok(registry.length > 0 && host.length > 0);
  assert.ok(value.timestamp > first.timestamp);
  assert.equal((await stored(file))[spec].timestamp, value.timestamp);
});

test('--no-cache neither reads nor writes results', async () => {
  const { spec, clean, file } = await judged('c-nocache');
  const before_ = await readFile(file, 'utf8');
  const { registry } = await requestsOf(() => world.judge(spec, { clean, args: ['--no-cache'] }));
  assert.ok(registry.length > 0);
  assert.equal(await readFile(file, 'utf8'), before_);
  const other = await world.home();
  await world.judge(spec, { clean: other, args: ['--no-cache'] });
  assert.equal(existsSync(resultsOf(other)), false);
});

test('--offline answers what is stored, and is an error for the rest', async () => {
  const { spec, clean } = await judged('c-offline');
  const known = await requestsOf(() => world.judge(spec, { clean, args: ['--offline'] }));
  const unknown = await requestsOf(() => world.judge('c-offline2@1.0.0', { clean, args: ['--offline'] }));
  assert.deepEqual([known.value.verdict, known.registry, unknown.registry], ['identical', [], []]);
  assert.deepEqual([unknown.value.verdict, unknown.value.code], ['error', 'offline']);
});

test('--cache-file is relative to the cache folder, or absolute', async () => {
  const { spec } = await world.release('c-cachefile');
  const clean = await world.home();
  await world.judge(spec, { clean, args: ['--cache-file', 'reproduce-results.json'] }).catch((error) => assert.match(error.message, /left in the cache/));
  assert.ok(existsSync(join(cacheOf(clean), 'reproduce-results.json')));
  const absolute = join(clean.home, 'deep', 'er', 'mine.json');
  await mkdir(dirname(absolute), { recursive: true });
  await world.judge(spec, { clean, args: ['--cache-file', absolute] }).catch((error) => assert.match(error.message, /left in the cache/));
  assert.deepEqual(Object.keys(await stored(absolute)), [spec]);
  assert.equal(existsSync(resultsOf(clean)), false);
});

test('--cache-dir is where everything is kept', async () => {
  const { spec } = await world.release('c-cachedir');
  const clean = await world.home();
  const folder = join(clean.home, 'mine');
  await world.judge(spec, { clean, args: ['--cache-dir', 'mine'] });
  assert.deepEqual(Object.keys(await stored(join(folder, 'results.json'))), [spec]);
  assert.ok((await readdir(folder)).includes('git'));
  assert.equal(existsSync(cacheOf(clean)), false);
});

// ── what makes a stored result count no more ──

for (const [what, change] of [
  ['another version of the program', (result) => (result.reproduceVersion = '0.0.1')],
  ['another schema', (result) => (result.schemaVersion = 0)],
  ['another --accept', (result) => (result.options.accept = 'identical')],
  ['other strategies', (result) => (result.options.strategies = [])],
  ['another registry', (result) => (result.options.registry = 'https://elsewhere.example/')],
  ['another --source', (result) => (result.options.source = 'https://elsewhere.example/a/b')],
  ['an unknown verdict', (result) => (result.verdict = 'fine')],
  ['a missing field', (result) => delete result.package],
]) {
  test(`a result of ${what} does not count`, async () => {
    const { spec, clean, file } = await judged(`c-other-${what.replace(/\W+/g, '-')}`);
    await edit(file, (results) => change(results[spec]));
    const { value, registry } = await requestsOf(() => world.judge(spec, { clean }));
    assert.ok(registry.length > 0, 'the stored result was believed');
    assert.equal(value.verdict, 'identical');
  });
}

test('another integrity of the version than the stored one does not count', async () => {
  const { clean, file, spec } = await judged('c-integrity');
  await world.release('c-integrity', { published: { 'index.js': 'evil\n' } });
  const answer = await world.judge('c-integrity@latest', { clean });
  assert.equal(answer.verdict, 'differs');
  assert.equal((await stored(file))[spec].verdict, 'differs');
});

test('a stored result of another package under this name does not count', async () => {
  const { clean, file, spec } = await judged('c-swap1');
  await world.release('c-swap2', { published: { 'index.js': 'evil\n' } });
  await edit(file, (results) => (results['c-swap2@1.0.0'] = results[spec]));
  const answer = await world.judge('c-swap2@1.0.0', { clean });
  assert.deepEqual([answer.package.name, answer.verdict], ['c-swap2', 'differs']);
});

test('a result that decided is believed after a year', async () => {
  for (const [name, published, verdict] of [['c-old-same', {}, 'identical'], ['c-old-differs', { 'index.js': 'x\n' }, 'differs']]) {
    const { spec, clean, file } = await judged(name, { published });
    await edit(file, (results) => (results[spec].timestamp = hoursAgo(24 * 365)));
    const { value, registry } = await requestsOf(() => world.judge(spec, { clean }));
    assert.deepEqual([value.verdict, registry], [verdict, []]);
  }
});

test('a result that decided nothing is believed for a day', async () => {
  const { spec, clean, file, first } = await judged('c-undecided', { json: { repository: null } });
  assert.equal(first.verdict, 'no-source');
  await edit(file, (results) => (results[spec].timestamp = hoursAgo(23)));
  assert.deepEqual((await requestsOf(() => world.judge(spec, { clean }))).registry, []);
  await edit(file, (results) => (results[spec].timestamp = hoursAgo(25)));
  assert.ok((await requestsOf(() => world.judge(spec, { clean }))).registry.length > 0);
});

test('a result from the future that decided nothing does not count for ever', async () => {
  const { spec, clean, file } = await judged('c-future', { json: { repository: null } });
  await edit(file, (results) => (results[spec].timestamp = hoursAgo(-24 * 365 * 50)));
  assert.ok((await requestsOf(() => world.judge(spec, { clean }))).registry.length > 0);
});

test('an error is never stored', async () => {
  const clean = await world.home();
  await world.judge('c-nobody@1.0.0', { clean });
  const { file } = await world.release('c-notarball');
  world.registry.tarballs.delete(file);
  await world.judge('c-notarball@1.0.0', { clean });
  assert.equal(existsSync(resultsOf(clean)), false);
});

test('a tarball on disk is not stored under the name that it gives itself', async () => {
  const { tarball } = await world.release('c-disk');
  const clean = await world.home();
  await writeFile(join(clean.home, 'c-disk-1.0.0.tgz'), tarball);
  const answer = await world.judge(join(clean.home, 'c-disk-1.0.0.tgz'), { clean });
  assert.equal(answer.verdict, 'identical');
  assert.equal(existsSync(resultsOf(clean)), false);
});

// ── a file that is not what it should be ──

test('a broken file of results is no obstacle: the answer says so, and the old file is kept beside', async () => {
  const { clean, file } = await judged('c-broken1');
  const half = (await readFile(file)).subarray(0, 300);
  await writeFile(file, half);
  const { spec } = await world.release('c-broken2');
  const { json, code } = await run([spec, '--json'], clean);
  assert.deepEqual([json.verdict, code], ['identical', 0]);
  assert.ok(json.findings.some((finding) => finding.code === 'cache-damaged'), JSON.stringify(json.findings));
  assert.deepEqual(Object.keys(await stored(file)), [spec]);
  const [aside, ...more] = (await readdir(cacheOf(clean))).filter((name) => name.includes('results') && !['results.json', '.results.json.lock'].includes(name));
  assert.deepEqual([await readFile(join(cacheOf(clean), aside)), more], [half, []]);
});

test('what is no JSON in the place of the results is moved aside once, and nothing of it is lost', async () => {
  const { clean, file, spec } = await judged('c-nojson');
  await writeFile(file, '{broken');
  const codes = async () => (await run([spec, '--json'], clean)).json.findings.map(({ code }) => code).filter((code) => code.startsWith('cache-')).sort();
  assert.deepEqual(await codes(), ['cache-broken', 'cache-damaged']);
  assert.equal(await readFile(`${file}.broken-1`, 'utf8'), '{broken');
  assert.deepEqual([await codes(), Object.keys(await stored(file))], [[], [spec]], 'the next run has its results again');
});

test('a file of something else is left alone, and the answer says so', async () => {
  const { spec } = await world.release('c-notours');
  const clean = await world.home();
  const file = join(clean.home, 'package.json');
  await writeFile(file, '["mine"]\n');
  const answer = await world.judge(spec, { clean, args: ['--cache-file', file] });
  assert.equal(answer.verdict, 'identical');
  assert.deepEqual(answer.findings.map(({ code }) => code), ['cache-not-ours'], 'said once');
  assert.equal(await readFile(file, 'utf8'), '["mine"]\n');
});

test('an empty file of results is an empty cache', async () => {
  const { spec } = await world.release('c-emptyfile');
  const clean = await world.home();
  await mkdir(cacheOf(clean), { recursive: true });
  await writeFile(resultsOf(clean), '');
  const answer = await world.judge(spec, { clean });
  assert.equal(answer.verdict, 'identical');
  assert.deepEqual(Object.keys(await stored(resultsOf(clean))), [spec]);
});

test('a git cache that was deleted is made again', async () => {
  const { spec, clean } = await judged('c-gitcache');
  await rm(join(cacheOf(clean), 'git'), { recursive: true });
  assert.equal((await world.judge(spec, { clean, args: ['--force'] })).verdict, 'identical');
});

for (const [what, ending, content] of [['pack cut to nothing', '.pack', ''], ['pack of other bytes', '.pack', 'garbage'], ['index cut to nothing', '.idx', ''], ['index of other bytes', '.idx', 'garbage']]) {
  test(`a git cache with a ${what}, as a lost power leaves it, is named as the cause`, async () => {
    const { spec, clean } = await judged(`c-${what.replace(/\W+/g, '-')}`, { published: { 'index.js': 'evil\n' } });
    const git = join(cacheOf(clean), 'git');
    const [repository] = await readdir(git);
    const packs = join(git, repository, 'objects', 'pack');
    for (const name of await readdir(packs)) if (name.endsWith(ending)) await writeFile(join(packs, name), content);
    const answer = await world.judge(spec, { clean, args: ['--force'] });
    assert.deepEqual([answer.verdict, answer.code], ['error', 'object-damaged'], answer.message);
    assert.match(answer.hints.join(), /cache/);
  });
}

// ── JavaScript ──

/** Runs the function in this process against this world's servers. */
function call(spec, options = {}) {
  return reproduce(spec, { registry: world.registry.url, ...options });
}

/**
 * The function's environment is this process's: for the time of a test it is that of a clean home,
 * and nothing else.
 */
async function inProcess(t) {
  const clean = await world.home();
  const saved = { ...process.env };
  const become = (env) => {
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, env);
  };
  // The git host of this process still needs git.
  become({ ...clean.env, PATH: saved.PATH });
  t.after(() => become(saved));
  return clean;
}

test('cache: an object is filled and read', async (t) => {
  const clean = await inProcess(t);
  const { spec } = await world.release('c-memory');
  const cache = {};
  const first = await call(spec, { cache });
  assert.deepEqual(Object.keys(cache), [spec]);
  assert.deepEqual(cache[spec], first);
  await rm(resultsOf(clean), { force: true });
  const { value, registry, host } = await requestsOf(() => call(spec, { cache }));
  assert.deepEqual([value, registry, host], [{ ...first, cached: true }, [], []]);
});

for (const form of ['npm:c-memforms@1.0.0', 'x@npm:c-memforms@1.0.0', 'pkg:npm/c-memforms@1.0.0', 'c-memforms@v1.0.0', '  c-memforms@1.0.0 ', 'c-memforms@latest', 'c-memforms']) {
  test(`cache: an object answers ${JSON.stringify(form)} too`, async (t) => {
    const clean = await inProcess(t);
    const { spec } = await world.release('c-memforms');
    const cache = { [spec]: await call(spec) };
    await rm(resultsOf(clean), { force: true });
    const { host } = await requestsOf(() => call(form, { cache }));
    assert.deepEqual(host, [], 'the stored result was not used');
  });
}

test('cache: a result in the object counts before the file’s, and only if it fits', async (t) => {
  await inProcess(t);
  const { spec } = await world.release('c-before');
  const result = await call(spec);
  const marked = { ...result, hints: ['from memory'] };
  assert.deepEqual((await call(spec, { cache: { [spec]: marked } })).hints, ['from memory']);
  const outdated = { ...marked, reproduceVersion: '0.0.1' };
  assert.deepEqual((await call(spec, { cache: { [spec]: outdated } })).hints, []);
});

test('cache: a broken entry in the object does no harm', async (t) => {
  await inProcess(t);
  const { spec } = await world.release('c-brokenentry');
  for (const entry of [null, 1, 'x', [], {}, { verdict: 'identical', reproduced: true }]) {
    const cache = { [spec]: entry };
    const result = await call(spec, { cache, force: false });
    assert.equal(result.verdict, 'identical');
    assert.deepEqual(cache[spec], result);
  }
});

test('cache: false neither reads nor writes results', async (t) => {
  const clean = await inProcess(t);
  const { spec } = await world.release('c-false');
  await call(spec, { cache: false });
  assert.equal(existsSync(resultsOf(clean)), false);
  await call(spec);
  const { registry } = await requestsOf(() => call(spec, { cache: false }));
  assert.ok(registry.length > 0);
});

test('cacheDir and cacheFile say where, as the options of the command do', async (t) => {
  const clean = await inProcess(t);
  const { spec } = await world.release('c-jsdirs');
  const cacheDir = join(clean.home, 'js');
  await call(spec, { cacheDir, cacheFile: 'r.json' });
  assert.deepEqual(Object.keys(await stored(join(cacheDir, 'r.json'))), [spec]);
  const absolute = join(clean.home, 'abs', 'r.json');
  await mkdir(dirname(absolute));
  await call(spec, { cacheDir, cacheFile: absolute });
  assert.deepEqual(Object.keys(await stored(absolute)), [spec]);
  const { registry } = await requestsOf(() => call(spec, { cacheDir, cacheFile: absolute }));
  assert.deepEqual(registry, []);
});

test('force: true asks again and fills the object', async (t) => {
  await inProcess(t);
  const { spec } = await world.release('c-jsforce');
  const cache = {};
  const first = await call(spec, { cache });
  const { value, registry } = await requestsOf(() => call(spec, { cache, force: true }));
  assert.ok(registry.length > 0);
  assert.ok(value.timestamp > first.timestamp);
  assert.deepEqual(cache[spec], value);
});

test('eight processes at once share one file and lose nothing', async () => {
  const clean = await world.home();
  const specs = await Promise.all(Array.from({ length: 8 }, async (_, nth) => (await world.release(`c-many-${nth}`)).spec));
  const runs = await Promise.all(specs.map((spec) => run([spec, '--json'], { env: clean.env, command: [process.execPath, CLI] })));
  assert.deepEqual(runs.map(({ json }) => json.verdict), specs.map(() => 'identical'));
  assert.deepEqual(Object.keys(await stored(resultsOf(clean))).sort(), [...specs].sort());
  assert.ok(dirname(resultsOf(clean)).startsWith(clean.cacheDir));
});

test('a process that is killed at any moment leaves whole results, and the next run is right', async () => {
  const clean = await world.home();
  const kept = await world.release('c-kept');
  await world.judge(kept.spec, { clean });
  const { pick } = random(20_260_101);
  let killed = 0;
  for (let nth = 0; nth < 15; nth++) {
    const { spec } = await world.release(`c-killed-${nth}`);
    // At a request that it makes, each in its turn, and now and then a little later: the last one
    // is before the result is stored.
    let left = 1 + (nth % 5);
    let child;
    const on = () => {
      left -= 1;
      if (left === 0) setTimeout(() => child.kill('SIGKILL'), pick([0, 2, 10, 30]));
      return false;
    };
    const unwatch = [world.registry, world.host].map((server) => server.fault({ on }));
    const ran = await run([spec, '--json'], { env: clean.env, onStart: (started) => (child = started) });
    for (const stop of unwatch) stop();
    if (ran.signal === 'SIGKILL') killed += 1;
    const results = await stored(resultsOf(clean));
    assert.equal(results[kept.spec].verdict, 'identical', `kill ${nth}`);
    assert.equal((await run([spec, '--json'], clean)).json.verdict, 'identical', `kill ${nth}`);
  }
  assert.ok(killed >= 8, `only ${killed} of 15 were killed before their end`);
});

test('eight processes at once share one repository’s objects', async () => {
  const clean = await world.home();
  const name = 'c-shared';
  const { spec } = await world.release(name, { files: { 'package.json': manifest(name), 'big.txt': 'x\n'.repeat(10_000) } });
  const runs = await Promise.all(Array.from({ length: 8 }, () => run([spec, '--json', '--force'], clean)));
  assert.deepEqual(runs.map(({ json, stderr }) => json?.verdict ?? stderr), Array(8).fill('identical'));
});
