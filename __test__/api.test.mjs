// The JavaScript surface: `reproduce(spec, options)` as a program that installed it sees it.

import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { filesBelow, run } from './kit/cli.mjs';
import { integrityOf } from './kit/tarball.mjs';
import { assertConsistent, assertNothingLeft, assertValid, cacheOf, openWorld } from './world.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const own = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));

let world;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

/** A project that has the package in its node_modules. */
async function project() {
  const clean = await world.home();
  await mkdir(join(clean.home, 'node_modules'), { recursive: true });
  await symlink(ROOT, join(clean.home, 'node_modules', 'reproduce'));
  return clean;
}

/**
 * Runs a script in a project; what it prints with `say` comes back as a list. `kind` is the module
 * system.
 */
async function script(source, { clean, kind = 'mjs', ...options } = {}) {
  const at = clean ?? (await project());
  const file = join(at.home, `script-${Math.random().toString(36).slice(2)}.${kind}`);
  const tools = `const said = (e) => ({ name: e.name, code: e.code, stage: e.stage, hint: e.hint, message: e.message, isError: e instanceof Error });
const say = (value) => process.stdout.write(JSON.stringify(value === undefined ? null : value) + '\\n');\n`;
  const head = kind === 'mjs' ? "import { reproduce, ReproduceError } from 'reproduce';\n" : '';
  await writeFile(file, head + tools + source);
  const ran = await run([file], { command: [process.execPath], env: at.env, cwd: at.home, ...options });
  const lines = ran.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  return { ...ran, lines, clean: at };
}

/** As [`script`], for one that must end well. */
async function says(source, options) {
  const ran = await script(source, options);
  assert.deepEqual([ran.code, ran.stderr], [0, ''], ran.stdout);
  return ran.lines;
}

// ── how it is got ──

test('import default, named import and namespace give the function', async () => {
  const [kinds, same] = await says(`import byDefault from 'reproduce'; import * as all from 'reproduce';
say([typeof byDefault, typeof reproduce, typeof all.default, typeof ReproduceError]); say(byDefault === reproduce && all.reproduce === reproduce);`);
  assert.deepEqual([kinds, same], [['function', 'function', 'function', 'function'], true]);
});

test('require gives the function itself', async () => {
  const [kind, verdict] = await says(
    `const reproduce = require('reproduce'); say(typeof reproduce); reproduce('a-nobody@1.0.0').catch((error) => say(said(error).code));`,
    { kind: 'cjs' },
  );
  assert.deepEqual([kind, verdict], ['function', 'package-not-found']);
});

test('require and import give one function and one error', async () => {
  const [same] = await says(`import { createRequire } from 'node:module';
const all = createRequire(import.meta.url)('reproduce'); say([all === reproduce, all.ReproduceError === ReproduceError]);`);
  assert.deepEqual(same, [true, true]);
});

test('require gives the named exports too', async () => {
  const [kinds] = await says(`const all = require('reproduce'); say([typeof all.reproduce, typeof all.default, typeof all.ReproduceError]);`, { kind: 'cjs' });
  assert.deepEqual(kinds, ['function', 'function', 'function']);
});

test('every schema can be imported', async () => {
  const files = (await readdir(join(ROOT, 'schema'))).filter((file) => file.endsWith('.json'));
  assert.ok(files.length >= 4, `${files}`);
  const ids = await says(`const { createRequire } = await import('node:module'); const require = createRequire(import.meta.url);
for (const file of ${JSON.stringify(files)}) say(require(\`reproduce/schema/\${file}\`).$id);`);
  assert.deepEqual(ids.map((id) => id.split('/').at(-1).replace('-1.json', '.schema.json')), files);
});

test('the schema and package.json can be imported', async () => {
  const [id, name] = await says(
    `const { createRequire } = await import('node:module'); const require = createRequire(import.meta.url);
say(require('reproduce/schema/result.schema.json').$id); say(require('reproduce/package.json').name);`,
  );
  assert.match(id, /schema/);
  assert.equal(name, own.name);
});

test('importing does not load the addon, and starts nothing', async () => {
  const { code, stdout } = await script(`say(Object.keys(process.report.getReport().sharedObjects.filter((o) => /reproduce.*node$/.test(o))).length); say(process.getActiveResourcesInfo().filter((r) => r !== 'TTYWrap' && r !== 'PipeWrap' && r !== 'TickObject').length);`);
  assert.equal(code, 0);
  assert.equal(stdout.split('\n')[0], '0');
});

// ── results ──

test('a result is what --json prints', async () => {
  const { spec } = await world.release('a-same');
  const clean = await project();
  const [result] = await says(`say(await reproduce('${spec}'));`, { clean });
  assertConsistent(result);
  const { json } = await run([spec, '--json'], { env: clean.env });
  assert.deepEqual({ ...result, cached: true }, json, 'the same, from the store');
  await assertNothingLeft(clean);
});

test('a package that cannot be rebuilt is a result, not an error', async () => {
  const { spec: differs } = await world.release('a-differs', { published: { 'index.js': 'evil\n' } });
  const { spec: sourceless } = await world.release('a-sourceless', { json: { repository: null } });
  const results = await says(`for (const spec of ['${differs}', '${sourceless}']) say(await reproduce(spec));`);
  assert.deepEqual(results.map(({ verdict }) => verdict), ['differs', 'no-source']);
  results.forEach((result) => assertConsistent(result));
});

test('a process ends by itself when all is answered', async () => {
  const { spec } = await world.release('a-ends');
  // One that does not end is killed, and has no exit code.
  await says(`await reproduce('${spec}');`);
});

test('options: accept, strategy, source, emit, registry', async () => {
  const { spec, ids, integrity } = await world.release('a-options');
  const clean = await project();
  const [a, b, c, d] = await says(
    `say(await reproduce('${spec}', { accept: 'identical' }));
say(await reproduce('${spec}', { strategy: 'source' })); say(await reproduce('${spec}', { strategy: ['npm'] }));
say(await reproduce('${spec}', { source: 'https://github.com/kit/a-options#${ids.c}', emit: 'out.tgz', registry: '${world.registry.url}' }));`,
    { clean },
  );
  assert.deepEqual([a.verdict, b.verdict, c.verdict, d.verdict], Array(4).fill('identical'));
  assert.equal(a.options.accept, 'identical');
  assert.equal(d.options.source, `https://github.com/kit/a-options#${ids.c}`);
  assert.equal(integrityOf(await readFile(join(clean.home, 'out.tgz'))), integrity);
});

test('cwd is where relative paths start', async () => {
  const { tarball } = await world.release('a-cwd');
  const clean = await project();
  await mkdir(join(clean.home, 'sub'));
  await writeFile(join(clean.home, 'sub', 'x.tgz'), tarball);
  const [file] = await says(`say(await reproduce('./x.tgz', { cwd: 'sub', emit: 'out.tgz' }));`, { clean });
  assert.equal(file.verdict, 'identical');
  assert.ok((await readdir(join(clean.home, 'sub'))).includes('out.tgz'));
});

test('emit writes over no input, no settings and no tracked file, and through no link of a checkout', async () => {
  const { spec, tarball } = await world.release('a-places');
  const clean = await project();
  const at = (name) => join(clean.home, name);
  await mkdir(at('checkout/.git'), { recursive: true });
  await writeFile(at('in.tgz'), tarball);
  await writeFile(at('mine'), 'mine\n');
  await symlink(at('mine'), at('checkout/link'));
  const key = join(clean.cacheDir, 'reproduce/seal.key');
  const emit = (place, more = '') => `await reproduce('${spec}', { emit: ${JSON.stringify(place)}${more} }).catch((error) => say(said(error)));`;
  const source = [
    `await reproduce('${spec}');`,
    `await reproduce('./in.tgz', { emit: 'in.tgz' }).catch((error) => say(said(error)));`,
    ...['.npmrc', '.gitconfig', 'checkout/.git/config', key, 'checkout/link'].map((place) => emit(place)),
    emit('link', ", cwd: 'checkout'"),
    `for await (const line of (await import('reproduce')).reproduceMany(['${spec}'], { emit: 'x.tgz' })) say(line);`.replace(/^(.*)$/, 'try { $1 } catch (error) { say(said(error)); }'),
    `say((await reproduce('${spec}', { emit: ${JSON.stringify(at('fine.tgz'))} })).verdict);`,
  ];
  const lines = await says(source.join('\n'), { clean });
  const wanted = [/which is read/, /npm's settings/, /git's settings/, /git's own files/, /seal\.key/, /leads through the link/, /leads through the link/, /emit writes one tarball/];
  assert.equal(lines.length, wanted.length + 1, JSON.stringify(lines));
  for (const [nth, pattern] of wanted.entries()) {
    assert.equal(lines[nth].code, 'usage', JSON.stringify(lines[nth]));
    assert.match(lines[nth].message, pattern);
  }
  assert.equal(lines.at(-1), 'identical', 'the control');
  assert.deepEqual([await readFile(at('mine'), 'utf8'), await readFile(at('in.tgz'))], ['mine\n', tarball]);
});

test('twenty calls at once are all answered, each with its own', async () => {
  const specs = await Promise.all(Array.from({ length: 20 }, async (_, nth) =>
    (await world.release(`a-many-${nth}`, nth % 3 === 1 ? { published: { 'index.js': 'evil\n' } } : nth % 3 === 2 ? { json: { repository: null } } : {})).spec));
  const [results] = await says(`say(await Promise.all(${JSON.stringify(specs)}.map((spec) => reproduce(spec))));`);
  assert.deepEqual(results.map((result) => `${result.package.name}@${result.package.version}`), specs);
  assert.deepEqual(results.map(({ verdict }) => verdict), specs.map((_, nth) => ['identical', 'differs', 'no-source'][nth % 3]));
  results.forEach((result) => assertConsistent(result));
});

test('twenty calls for one package at once agree', async () => {
  const { spec } = await world.release('a-one');
  const clean = await project();
  const [results] = await says(`say(await Promise.all(Array.from({ length: 20 }, () => reproduce('${spec}'))));`, { clean });
  assert.deepEqual(new Set(results.map(({ verdict }) => verdict)), new Set(['identical']));
  await assertNothingLeft(clean);
});

test('options that are undefined are not given', async () => {
  const { spec } = await world.release('a-undefined');
  const [verdict] = await says(`say((await reproduce('${spec}', { cache: undefined, cacheDir: undefined, strategy: undefined, timeout: undefined, signal: undefined, onProgress: undefined })).verdict);`);
  assert.equal(verdict, 'identical');
});

test('it works in worker threads, also in several at once, and a worker can be ended on the way', async () => {
  const { spec } = await world.release('a-worker');
  const clean = await project();
  await writeFile(
    join(clean.home, 'worker.mjs'),
    "import reproduce from 'reproduce'; import { parentPort, workerData } from 'node:worker_threads'; parentPort.postMessage((await reproduce(workerData)).verdict);",
  );
  const lift = world.registry.fault({ on: '/a-worker-hangs', hang: true });
  const [verdicts] = await says(
    `import { Worker } from 'node:worker_threads'; import { once } from 'node:events';
const start = (workerData) => new Worker('./worker.mjs', { workerData });
const hanging = start('a-worker-hangs@1.0.0'); const workers = [start('${spec}'), start('${spec}')];
const verdicts = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
await hanging.terminate(); say(verdicts);`,
    { clean, timeout: 20_000 },
  );
  lift();
  assert.deepEqual(verdicts, ['identical', 'identical']);
});

test('process.exit on the way is quiet', async () => {
  const { spec } = await world.release('a-exit');
  for (const [server, on] of [[world.registry, '/a-exit/1.0.0'], [world.registry, 'a-exit-1.0.0.tgz'], [world.host, 'a-exit/info/refs']]) {
    let child;
    const lift = server.fault({ on, hang: true, onHit: () => child.kill('SIGUSR2') });
    const ran = await script(`process.on('SIGUSR2', () => process.exit(7)); reproduce('${spec}', { cache: false });`, { onStart: (started) => (child = started) });
    lift();
    assert.deepEqual([ran.code, ran.signal, ran.stderr], [7, null, ''], on);
  }
});

// ── the schema ──

/** Every object of an answer with the path to it. */
function* objectsIn(value, path = []) {
  if (value === null || typeof value !== 'object') return;
  if (!Array.isArray(value)) yield path;
  for (const [key, inner] of Object.entries(value)) yield* objectsIn(inner, [...path, key]);
}

test('the schema refuses an answer with a key too many or too few, wherever that is', async () => {
  const { spec } = await world.release('a-schema', { published: { 'index.js': 'evil\n', 'x.js': 'x\n' } });
  for (const asked of [spec, 'a-nobody@1.0.0']) {
    const { ran } = await world.judge(asked);
    for (const path of objectsIn(ran.json)) {
      const changed = (change) => {
        const copy = structuredClone(ran.json);
        change(path.reduce((at, key) => at[key], copy));
        return copy;
      };
      assert.throws(() => assertValid(changed((at) => (at.surprise = 1))), `a key too many in /${path.join('/')}`);
      for (const key of Object.keys(path.reduce((at, step) => at[step], ran.json))) {
        // A finding has a path only where there is one.
        if (key === 'path' && path[0] === 'findings') continue;
        // Only where the whole packument was read is it known when the version was published.
        if (key === 'publishedAt') continue;
        // Only the recipe of the attempt that decided says what came out, and what it took over
        // only where that is something.
        if ((key === 'tarball' && path.at(-1) === 'recipe') || (path.includes('tarball') && (key === 'adopted' || path.includes('adopted')))) continue;
        assert.throws(() => assertValid(changed((at) => delete at[key])), `${key} is missing in /${path.join('/')}`);
        assert.throws(() => assertValid(changed((at) => (at[key] = [[['wrong']]]))), `${key} is of another type in /${path.join('/')}`);
      }
    }
  }
});

test('an answer has every key of the tool before this one', async () => {
  const { spec } = await world.release('a-keys');
  const { ran: { json } } = await world.judge(spec);
  for (const key of ['reproduceVersion', 'timestamp', 'os', 'arch', 'strategy', 'reproduced', 'attested', 'package', 'source', 'diff']) assert.ok(key in json, key);
  assert.deepEqual(Object.keys(json.package).sort(), ['integrity', 'location', 'name', 'spec', 'version']);
  assert.deepEqual(Object.keys(json.source).sort(), ['integrity', 'location', 'spec']);
  assert.deepEqual([json.os, json.arch, json.reproduceVersion], [process.platform, process.arch, JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')).version]);
  assert.equal(new Date(json.timestamp).toISOString(), json.timestamp);
});

// ── errors ──

/** What a call throws. */
async function thrown(call, options) {
  const [error] = await says(`try { say(await ${call}); } catch (error) { say({ ...said(error), typed: error instanceof ReproduceError }); }`, options);
  return error;
}

for (const [call, code, stage] of [
  ["reproduce('a-nobody@1.0.0')", 'package-not-found', 'resolve'],
  ["reproduce('not a name')", 'invalid-package-name', 'usage'],
  ["reproduce('')", 'usage', 'usage'],
  ['reproduce()', 'usage', 'usage'],
  ['reproduce(42)', 'usage', 'usage'],
  ["reproduce('a@1', null)", 'usage', 'usage'],
  ["reproduce('a@1', 'json')", 'usage', 'usage'],
  ["reproduce('a@1', { get accept() { throw new Error('x'); } })", 'usage', 'usage'],
  ["reproduce('a@1', { maxAge: NaN })", 'usage', 'usage'],
  ["reproduce('a@1', { maxAge: 1n })", 'usage', 'usage'],
  ["reproduce('a@1', { node: 1n })", 'usage', 'usage'],
  ["reproduce('a@1', { cache: Object.freeze({}) })", 'usage', 'usage'],
  ["reproduce('a@1', { cache: { 'a@1.0.0': 1n } })", 'usage', 'usage'],
  ["reproduce('a@1', { cache: { get 'a@1.0.0'() { throw new Error('x'); } } })", 'usage', 'usage'],
  ["reproduce('a@1', { cache: new Proxy({}, { ownKeys() { throw new Error('x'); } }) })", 'usage', 'usage'],
  ["reproduce('a@1', { cache: (({ proxy, revoke }) => (revoke(), proxy))(Proxy.revocable({}, {})) })", 'usage', 'usage'],
  ["reproduce('a@1', { cache: ((cache) => Object.assign(cache, { 'a@1.0.0': cache }))({}) })", 'usage', 'usage'],
  ["reproduce('a@1', { cachedir: '/tmp' })", 'usage', 'usage'],
  ["reproduce('a@1', { json: true })", 'usage', 'usage'],
  ["reproduce('a@1', { accept: 'anything' })", 'usage', 'usage'],
  ["reproduce('a@1', { strategy: 'gulp' })", 'usage', 'usage'],
  ["reproduce('a@1', { strategy: 7 })", 'usage', 'usage'],
  ["reproduce('a@1', { timeout: -1 })", 'usage', 'usage'],
  ["reproduce('a@1', { timeout: 'soon' })", 'usage', 'usage'],
  ["reproduce('a@1', { timeout: NaN })", 'usage', 'usage'],
  ["reproduce('a@1', { cache: 'yes' })", 'usage', 'usage'],
  ["reproduce('a@1', { cache: null })", 'usage', 'usage'],
  ["reproduce('a@1', { onProgress: true })", 'usage', 'usage'],
  ["reproduce('a@1', { signal: 'stop' })", 'usage', 'usage'],
  ["reproduce('a@1', { registry: 'not an address' })", 'usage', 'usage'],
  ["reproduce('a@1', { cacheDir: 1n })", 'usage', 'usage'],
  ["reproduce('a@1', { cacheDir: '' })", 'usage', 'usage'],
  ["reproduce('a@1', { cacheFile: '' })", 'usage', 'usage'],
  ["reproduce('git+https://github.com/a/b')", 'git-spec', 'usage'],
]) {
  test(`${call} throws ${code}`, async () => {
    const error = await thrown(call);
    assert.deepEqual([error.code, error.stage, error.isError, error.typed], [code, stage, true, true], JSON.stringify(error));
    assert.ok(error.message.length > 0);
    assert.doesNotMatch(error.message, /line \d|column \d/, 'of a JSON that the caller never wrote');
    assert.ok(error.hint?.length > 0, 'a hint');
  });
}

test('an option of a wrong type is told by its own name', async () => {
  for (const [options, message] of [
    ["{ source: '' }", 'source must be a string, and not empty'],
    ['{ recipe: { x: 1 } }', 'recipe must be a string, and not empty'],
    ['{ noCache: true }', /^the options cannot be read: unknown field `noCache`, expected one of .*`source`.*`cache`.*, `signal`, `onProgress`, and `jobs` of reproduceMany$/],
    ['{ offline: true, force: true }', '--offline and --force do not go together'],
  ]) {
    const error = await thrown(`reproduce('a@1', ${options})`);
    assert.equal(error.code, 'usage', options);
    assert.match(error.message, message instanceof RegExp ? message : new RegExp(`^${message}$`), options);
    assert.doesNotMatch(error.message, /expected.*noCache/, options);
  }
});

test('a run that takes too long throws, and later calls are not harmed', async () => {
  const { spec } = await world.release('a-slow');
  const lift = world.registry.fault({ on: '/a-slow/1.0.0', hang: true, times: 1 });
  const [error, verdict] = await says(`try { await reproduce('${spec}', { timeout: 0.3 }); } catch (error) { say(said(error)); }
say((await reproduce('${spec}')).verdict);`);
  lift();
  assert.deepEqual([error.code, error.name, verdict], ['timed-out', 'ReproduceError', 'identical']);
});

test('an error is never stored in the cache object', async () => {
  const [keys] = await says(`const cache = {}; await reproduce('a-nobody@1.0.0', { cache }).catch(() => {}); say(Object.keys(cache));`);
  assert.deepEqual(keys, []);
});

// ── cancelling ──

test('a signal that is aborted already throws AbortError, and nothing is asked', async () => {
  const from = world.registry.requests.length;
  const error = await thrown("reproduce('a-nobody@1.0.0', { signal: AbortSignal.abort() })");
  assert.deepEqual([error.name, error.isError], ['AbortError', true]);
  assert.equal(world.registry.requests.length, from);
});

test('the reason of a signal is what is thrown', async () => {
  const [reason] = await says(`const reason = new Error('my reason'); try { await reproduce('a@1', { signal: AbortSignal.abort(reason) }); } catch (error) { say(error === reason); }`);
  assert.equal(reason, true);
});

for (const [what, stall] of [
  ['while the registry is asked', (name, more) => world.registry.fault({ on: `/${name}/1.0.0`, hang: true, ...more })],
  ['while the tarball is downloaded', (name, more) => world.registry.fault({ on: `${name}-1.0.0.tgz`, slow: 200, ...more })],
  ['while the repository is asked', (name, more) => world.host.fault({ on: `${name}/info/refs`, hang: true, ...more })],
  ['while objects are fetched', (name, more) => world.host.fault({ on: `${name}/git-upload-pack`, method: 'POST', after: 1, slow: 100, ...more })],
]) {
  test(`a signal ${what} throws AbortError soon, and leaves no process, no lock and no file`, async () => {
    const name = `a-abort-${what.replace(/\W+/g, '-')}`;
    const { spec } = await world.release(name, { files: { 'big.txt': 'x'.repeat(3000) } });
    let child;
    const lift = stall(name, { onHit: () => child.kill('SIGUSR2') });
    const clean = await project();
    const { lines: [error, verdict], code, stderr } = await script(
      `const control = new AbortController(); process.on('SIGUSR2', () => control.abort());
try { say(await reproduce('${spec}', { signal: control.signal })); } catch (error) { say(said(error)); }
say((await reproduce('a-nobody@1.0.0').catch((error) => error)).code);`,
      { clean, onStart: (started) => (child = started) },
    );
    lift();
    assert.deepEqual([error?.name, error?.isError, verdict, code, stderr], ['AbortError', true, 'package-not-found', 0, '']);
    await assertNothingLeft(clean);
    // The lock is free: another process can store at once.
    const { json } = await run([spec, '--json'], clean);
    assert.equal(json.verdict, 'identical');
  });
}

test('AbortSignal.timeout throws TimeoutError', async () => {
  const { spec } = await world.release('a-signal-timeout');
  const lift = world.registry.fault({ on: '/a-signal-timeout/1.0.0', hang: true });
  const error = await thrown(`reproduce('${spec}', { signal: AbortSignal.timeout(200) })`);
  lift();
  assert.equal(error.name, 'TimeoutError');
});

test('one call that is cancelled does not stop the others', async () => {
  const { spec } = await world.release('a-others');
  const lift = world.registry.fault({ on: '/a-hangs/1.0.0', hang: true });
  const [first, second] = await says(`const control = new AbortController(); setTimeout(() => control.abort(), 200);
const all = await Promise.allSettled([reproduce('a-hangs@1.0.0', { signal: control.signal }), reproduce('${spec}')]);
say(all[0].reason.name); say(all[1].value.verdict);`);
  lift();
  assert.deepEqual([first, second], ['AbortError', 'identical']);
});

test('a signal that is used for many calls keeps no listeners', async () => {
  const { spec } = await world.release('a-listeners');
  const [count] = await says(`import { getEventListeners } from 'node:events'; const { signal } = new AbortController();
for (let i = 0; i < 12; i++) await reproduce('${spec}', { signal }); say(getEventListeners(signal, 'abort').length);`);
  assert.equal(count, 0);
});

// ── progress ──

test('onProgress is told the stages in order', async () => {
  const { spec } = await world.release('a-progress');
  const [events] = await says(`const events = []; await reproduce('${spec}', { onProgress: (event) => events.push(event) }); await new Promise((r) => setTimeout(r, 20)); say(events);`);
  assert.ok(events.every(({ stage, message }) => typeof stage === 'string' && message.length > 0));
  const stages = [...new Set(events.map(({ stage }) => stage))];
  assert.deepEqual(stages.filter((stage) => ['resolve', 'locate', 'pack'].includes(stage)), ['resolve', 'locate', 'pack']);
});

test('onProgress is told everything before the promise settles', async () => {
  const { spec } = await world.release('a-progress2');
  const [order] = await says(`const order = []; await reproduce('${spec}', { onProgress: ({ stage }) => order.push(stage) }); order.push('settled'); await new Promise((r) => setTimeout(r, 50)); say(order);`);
  assert.equal(order.at(-1), 'settled');
});

test('an onProgress that throws does not end the process', async () => {
  const { spec } = await world.release('a-progress3');
  const { code, lines, stderr } = await script(`say((await reproduce('${spec}', { onProgress() { throw new Error('mine'); } }).catch((error) => ({ verdict: error.message }))).verdict);`);
  assert.equal(code, 0, stderr);
  assert.ok(['identical', 'mine'].includes(lines[0]), String(lines[0]));
});

// ── the command's own errors under a missing addon ──

test('a missing addon is a typed error that says what to do', async () => {
  const clean = await project();
  const copy = join(clean.home, 'copy');
  await mkdir(copy);
  for (const file of ['index.js', 'index.cjs', 'api.cjs', 'native.cjs', 'package.json', 'bin.cjs']) await writeFile(join(copy, file), await readFile(join(ROOT, file)));
  await writeFile(
    join(clean.home, 'use.mjs'),
    `import reproduce, { ReproduceError } from './copy/index.js';
const say = (error) => ({ code: error.code, stage: error.stage, hint: error.hint, typed: error instanceof ReproduceError, cause: error.cause instanceof Error });
try { await reproduce('a@1'); } catch (error) { console.log(JSON.stringify(say(error))); }`,
  );
  const { json } = await run([join(clean.home, 'use.mjs')], { command: [process.execPath], env: clean.env });
  assert.deepEqual([json.code, json.stage, json.typed, json.cause], ['binary-missing', 'usage', true, true]);
  assert.match(json.hint, /install/);
  const command = await run(['a@1'], { command: [process.execPath, join(copy, 'bin.cjs')], env: clean.env });
  assert.deepEqual([command.code, command.stdout], [2, '']);
  assert.match(command.stderr, /binary-missing[^]*hint: /);
});

test('no run of this file left anything outside its cache', async () => {
  const clean = await project();
  const { spec } = await world.release('a-left');
  await says(`await reproduce('${spec}');`, { clean });
  const known = [join(clean.home, 'bin', 'node'), join(clean.home, 'node_modules', 'reproduce')];
  const left = (await filesBelow(clean.home)).filter((file) => !file.startsWith(cacheOf(clean)) && !known.includes(file) && !file.includes('script-') && !file.includes('node_modules'));
  assert.deepEqual(left, []);
});

// ── many packages ──

test('reproduceMany gives each package as it is done, a failure of its own beside the results, in both module systems', async () => {
  const [good, alone] = [await world.release('x-many-good'), await world.release('x-many-alone', { json: { repository: null } })];
  const specs = JSON.stringify([good.spec, 'x-many-nowhere', alone.spec]);
  const body = `const stages = new Set();
const lines = [];
for await (const line of reproduceMany(${specs}, { jobs: 2, onProgress: ({ spec, stage }) => stages.add(spec + ' ' + stage) })) lines.push(line);
say({ lines: lines.map(({ spec, result, error, durationMs }) => [spec, result?.verdict ?? error.code, result === null, error === null, Number.isInteger(durationMs)]), stages: stages.has('${good.spec} resolve') });`;
  for (const [kind, source] of [
    ['mjs', `import { reproduceMany } from 'reproduce';\n${body}`],
    ['cjs', `const { reproduceMany } = require('reproduce');\n(async () => {\n${body}\n})();`],
  ]) {
    const ran = await script(source, { kind });
    assert.equal(ran.code, 0, ran.stderr);
    const [{ lines, stages }] = ran.lines;
    assert.deepEqual(lines.sort(), [
      [alone.spec, 'no-source', false, true, true],
      [good.spec, 'identical', false, true, true],
      ['x-many-nowhere', 'package-not-found', true, false, true],
    ]);
    assert.equal(stages, true);
  }
});

test('reproduceMany begins nothing that is not asked for, and leaving the loop ends what runs', async () => {
  const specs = [];
  for (let at = 0; at < 4; at++) specs.push((await world.release(`x-many-${at}`)).spec);
  const ran = await script(`import { reproduceMany } from 'reproduce';
const named = [];
const slowly = (function* () { for (const spec of ${JSON.stringify(specs)}) { named.push(spec); yield spec; } })();
const seen = [];
for await (const { spec } of reproduceMany(slowly, { jobs: 1 })) {
  seen.push([spec, named.length]);
  if (seen.length === 2) break;
}
say({ seen, named, over: slowly.next().done });`);
  assert.equal(ran.code, 0, ran.stderr);
  const [{ seen, named, over }] = ran.lines;
  assert.deepEqual(seen, [[specs[0], 1], [specs[1], 2]]);
  assert.deepEqual([named, over], [specs.slice(0, 2), true]);
});

test('reproduceMany rejects with the signal\'s reason, and for misuse', async () => {
  const { spec } = await world.release('x-many-hang');
  const lift = world.registry.fault({ on: '/x-many-hang', hang: true });
  const ran = await script(`import { reproduceMany } from 'reproduce';
const first = async (...args) => { for await (const line of reproduceMany(...args)) return line; };
say(await first(['${spec}'], { signal: AbortSignal.timeout(50) }).catch(said));
for (const args of [['semver'], [7], [[7]], [[], null], [['a'], { jobs: 0 }], [['a'], { cachedir: '' }], [['a'], { onProgress: 1 }]]) say(await first(...args).catch(said));`);
  lift();
  assert.equal(ran.code, 0, ran.stderr);
  const [aborted, ...misused] = ran.lines;
  assert.equal(aborted.name, 'TimeoutError');
  assert.deepEqual(misused.map(({ code }) => code), Array(7).fill('usage'));
});
