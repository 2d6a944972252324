// The command line: words in, one answer on stdout, exit code out.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { CLI, run } from './kit/cli.mjs';
import { createRepository, git } from './kit/history.mjs';
import { listen, startPages } from './kit/server.mjs';
import { gzip, integrityOf, npmTarball, rawTar } from './kit/tarball.mjs';
import { assertConsistent, assertNothingLeft, assertValid, manifest, openWorld } from './world.mjs';

let world;
/** One home for runs whose cache does not matter. */
let clean;
/** One package per verdict. */
let good;
let bad;
let none;
before(async () => {
  world = await openWorld();
  clean = await world.home();
  good = (await world.release('x-good')).spec;
  bad = (await world.release('x-bad', { published: { 'index.js': 'evil()\n', 'extra.js': 'x\n' } })).spec;
  none = (await world.release('x-none', { json: { repository: null } })).spec;
});
after(() => world.close());

/** Runs the command; `env` adds to the clean environment. */
function cli(args, { env = {}, ...options } = {}) {
  return run(args, { env: { ...clean.env, ...env }, cwd: clean.home, ...options });
}

const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));

// ── several specs ──

for (const [what, specs, code] of [
  ['all reproduced', () => [good, good], 0],
  ['one not reproduced', () => [good, bad], 1],
  ['one undecided', () => [good, none], 2],
  ['one not reproduced and one undecided', () => [none, bad, good], 1],
  ['one not reproduced and one error', () => ['x-nobody@1.0.0', bad], 1],
  ['one error', () => [good, 'x-nobody@1.0.0'], 2],
]) {
  test(`several specs, ${what}: exit code ${code}, one JSON object per line`, async () => {
    const ran = await cli([...specs(), '--json']);
    assert.equal(ran.code, code);
    const lines = ran.stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(lines.map((answer) => answer.package.spec), specs());
    lines.forEach((answer) => assertConsistent(answer));
  });
}

test('several specs without --json: a report each, errors on stderr', async () => {
  const ran = await cli([good, 'x-nobody@1.0.0', bad]);
  assert.equal(ran.code, 1);
  assert.match(ran.stdout, /identical {2}x-good@1\.0\.0[^]*differs .*x-bad@1\.0\.0/);
  assert.match(ran.stderr, /^error\[package-not-found\]: .*x-nobody/);
});

test('a timeout of one spec does not take the others with it', async () => {
  await world.release('x-slow');
  const lift = world.registry.fault({ on: '/x-slow/1.0.0', hang: true });
  const ran = await cli(['x-slow@1.0.0', good, '--json', '--timeout', '0.4']);
  lift();
  const lines = ran.stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
  assert.deepEqual([ran.code, lines.map(({ verdict }) => verdict)], [2, ['error', 'identical']]);
});

// ── usage ──

for (const args of [[], ['--nonsense'], ['a', '--accept', 'maybe'], ['a', '--timeout', 'soon'], ['a', '--strategy', 'gulp'], ['a', '--color', 'pink'], ['a', '-q', '--verbose'], ['']]) {
  test(`a usage error is told on stderr with exit code 2: reproduce ${args.join(' ')}`, async () => {
    const ran = await cli(args);
    assert.deepEqual([ran.code, ran.stdout], [2, '']);
    assert.match(ran.stderr, /^error/);
  });

  test(`a usage error under --json is one object on stdout: reproduce ${args.join(' ')}`, async () => {
    for (const flag of [['--json'], ['-j'], ['-fj']]) {
      const ran = await cli([...flag, ...args]);
      assert.equal(ran.code, 2);
      assert.ok(ran.json, `${flag}: ${ran.stdout}${ran.stderr}`);
      assertConsistent(ran.json);
      assert.deepEqual([ran.json.verdict, ran.json.stage, ran.stderr], ['error', 'usage', '']);
    }
  });
}

test('words of other tools are packages', async () => {
  for (const word of ['enqueue', 'work', 'status', 'collect']) {
    await world.release(word);
    assert.equal((await cli([word, '--json'])).json.verdict, 'identical', word);
  }
});

for (const word of ['inspect', 'replay', 'stage', 'explain', 'cache', 'completions']) {
  test(`${word} is reserved for a command, ${word}@latest is the package`, async () => {
    const reserved = await cli([word, '--json']);
    assert.deepEqual([reserved.code, reserved.json.code], [2, 'usage']);
    assert.match(reserved.json.hints.join(), new RegExp(`${word}@latest`));
    await world.release(word);
    const asked = await cli([`${word}@latest`, '--json']);
    assert.deepEqual([asked.json.package.name, asked.json.verdict], [word, 'identical']);
  });
}

test('help@latest is the package, help is help', async () => {
  await world.release('help');
  assert.equal((await cli(['help@latest', '--json'])).json.verdict, 'identical');
  assert.match((await cli(['help'])).stdout, /Usage: reproduce/);
});

test('--help and -h say what there is, on stdout with exit code 0', async () => {
  for (const flag of ['--help', '-h']) {
    const ran = await cli([flag]);
    assert.deepEqual([ran.code, ran.stderr], [0, '']);
    for (const word of ['--json', '--force', '--strategy', '--accept', '--registry', '--source', '--timeout', '--offline', '--cache-dir', '--cache-file', '--no-cache', '--diff', '--emit', '--quiet', '--verbose', '--color', 'Exit codes']) {
      assert.ok(ran.stdout.includes(word), `${flag} says ${word}`);
    }
  }
});

test('--version and -V print the version', async () => {
  for (const flag of ['--version', '-V']) {
    const ran = await cli([flag]);
    assert.deepEqual([ran.code, ran.stdout], [0, `reproduce ${version}\n`]);
  }
});

test('options may stand before and after the spec, and -- ends them', async () => {
  for (const args of [['--json', good], [good, '--json'], ['--json', '--', good]]) assert.equal((await cli(args)).json.verdict, 'identical');
});

// ── hooks ──

const HOOK = { npm_package_name: 'x-good', npm_package_version: '1.0.0' };

for (const event of ['publish', 'postpublish']) {
  test(`without a spec in npm's ${event} hook, the package being published is checked`, async () => {
    // The folder as well: the time alone does not tell a version that is as old as this process.
    const { files } = await world.release(`x-${event}`);
    const folder = join(clean.home, event);
    await mkdir(folder);
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const hook = { npm_package_name: `x-${event}`, npm_package_version: '1.0.0', npm_package_json: join(folder, 'package.json') };
    const { json, code } = await cli(['--json'], { env: { ...hook, npm_lifecycle_event: event } });
    assert.deepEqual([code, json.package.spec, json.verdict], [0, `x-${event}@1.0.0`, 'identical']);
  });
}

test('without a spec in another hook of npm’s it is a usage error', async () => {
  const { code } = await cli([], { env: { ...HOOK, npm_lifecycle_event: 'test' } });
  assert.equal(code, 2);
});

test('a spec counts before the hook', async () => {
  const { json } = await cli([bad, '--json'], { env: { ...HOOK, npm_lifecycle_event: 'postpublish' } });
  assert.equal(json.package.spec, bad);
});

test('REPRODUCE_ACTIVE makes a nested call of a hook leave at once with 0, and no other', async () => {
  const from = world.registry.requests.length;
  for (const args of [[], ['--registry', world.registry.url], ['--local'], ['--local', '.']]) {
    const ran = await cli(args, { env: { REPRODUCE_ACTIVE: '1' } });
    // It says so: a file of the project may have set the variable.
    assert.deepEqual([ran.code, ran.stdout, ran.stderr], [0, '', 'reproduce: nothing was checked: REPRODUCE_ACTIVE is set, as in builds of this program\n'], args.join(' '));
    const { code, json } = await cli([...args, '--json'], { env: { REPRODUCE_ACTIVE: '1' } });
    assert.deepEqual([code, json.verdict, json.reproduced, json.message], [0, 'error', false, 'nothing was checked: REPRODUCE_ACTIVE is set'], args.join(' '));
  }
  for (const args of [[bad], [good, '--quiet'], ['--from', 'list.txt'], ['stage', 'ms'], ['replay', 'x.json'], [bad, '--nonsense'], ['--nonsense'], ['--local', '--nonsense'], ['audit', '--omit', 'dev'], ['survey', 'x', '--db', 'y']]) {
    const ran = await cli([...args, '--json'], { env: { REPRODUCE_ACTIVE: '1' } });
    assert.deepEqual([ran.code, ran.json.verdict, ran.json.code], [2, 'error', 'usage'], args.join(' '));
    assert.match(ran.json.message, args.includes('--nonsense') ? /nonsense/ : /REPRODUCE_ACTIVE is set$/);
    assert.equal((await cli(args, { env: { REPRODUCE_ACTIVE: '1' } })).code, 2, args.join(' '));
  }
  assert.equal(world.registry.requests.length, from, 'nothing was judged');
  for (const unset of ['', '0']) assert.equal((await cli([good], { env: { REPRODUCE_ACTIVE: unset } })).code, 0, `the control: '${unset}' is none`);
});

// ── how much, and in which colours ──

const ESC = '\u001b';

test('--quiet prints nothing but errors; the exit code says it', async () => {
  for (const [spec, code] of [[good, 0], [bad, 1], [none, 2]]) {
    const ran = await cli([spec, '--quiet']);
    assert.deepEqual([ran.code, ran.stdout, ran.stderr], [code, '', '']);
  }
  const failed = await cli(['x-nobody@1.0.0', '-q']);
  assert.deepEqual([failed.code, failed.stdout], [2, '']);
  assert.match(failed.stderr, /package-not-found/);
});

test('--verbose prints evidence, every file and the times', async () => {
  const { stdout } = await cli([bad, '--verbose']);
  assert.match(stdout, /evidence {3}git-head/);
  assert.match(stdout, /extra\.js/);
  assert.match(stdout, /times .*total \d+ ms/);
});

test('--diff prints the lines that differ', async () => {
  const { stdout, code } = await cli([bad, '--diff']);
  assert.equal(code, 1);
  assert.match(stdout, /^-evil\(\)$/m);
  assert.match(stdout, /^\+module\.exports/m);
});

test('the report by default is at most a dozen lines, whatever differs', async () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, nth) => [`lib/${nth}.js`, `${nth}\n`]));
  const { spec } = await world.release('x-many', { files: many, published: Object.fromEntries(Object.keys(many).map((path) => [path, 'evil\n'])) });
  const { stdout } = await cli([spec]);
  assert.ok(stdout.trimEnd().split('\n').length <= 12, stdout);
  assert.match(stdout, /and 96 more/);
  assert.ok((await cli([spec, '--verbose'])).stdout.includes('lib/99.js'));
});

test('colour: never where stdout is no terminal, always when asked', async () => {
  assert.ok(!(await cli([bad])).stdout.includes(ESC));
  assert.ok((await cli([bad, '--color', 'always'])).stdout.includes(ESC));
  assert.ok(!(await cli([bad, '--color', 'never'], { env: { FORCE_COLOR: '1' } })).stdout.includes(ESC));
});

test('NO_COLOR switches colour off, FORCE_COLOR on; the flag counts before both', async () => {
  assert.ok((await cli([bad], { env: { FORCE_COLOR: '1' } })).stdout.includes(ESC));
  assert.ok(!(await cli([bad], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stdout.includes(ESC));
  assert.ok((await cli([bad, '--color=always'], { env: { NO_COLOR: '1' } })).stdout.includes(ESC));
});

test('colour never gets into --json', async () => {
  const { stdout } = await cli([bad, '--json', '--color', 'always'], { env: { FORCE_COLOR: '1' } });
  assert.ok(!stdout.includes(ESC));
});

test('the report under colour is the report without, but for the colours', async () => {
  const strip = (text) => text.replaceAll(new RegExp(`${ESC}\\[[0-9;]*m`, 'g'), '');
  for (const spec of [good, bad, none]) assert.equal(strip((await cli([spec, '--color', 'always', '--no-cache'])).stdout), (await cli([spec, '--no-cache'])).stdout);
});

test('without UTF-8 in the locale the report is ASCII', async () => {
  for (const spec of [good, bad, none]) {
    const { stdout } = await cli([spec], { env: { LANG: 'C', LC_ALL: 'C' } });
    assert.match(stdout, /^[\x20-\x7e\n]*$/);
  }
});

test('no progress is printed where there is no terminal', async () => {
  assert.equal((await cli([good, '--force'])).stderr, '');
});

// ── hostile text ──

const HOSTILE = `evil${ESC}[2J${ESC}]0;owned\u0007\u202egpj.exe\u200b\r\nok`;
/** No character that a terminal obeys, reorders by, or does not show. */
const SAFE = /^[^\p{Cc}\p{Cf}\u2028\u2029]*$/u;
const safe = (text) => text.split('\n').forEach((line) => assert.match(line, SAFE, JSON.stringify(line)));

test('hostile text in file names, findings and the diff is escaped in every report', async () => {
  const { spec } = await world.release('x-hostile', {
    files: { 'a.txt': 'one\n' },
    published: { [`${ESC}[31mred`]: 'x\n', '\u202egnp.js': 'x\n', 'a.txt': `one${ESC}[2J\u202e\n`, 'zero\u200bwidth.js': 'x\n' },
  });
  for (const flags of [[], ['--verbose'], ['--diff'], ['--verbose', '--diff']]) {
    const { stdout, stderr } = await cli([spec, ...flags]);
    safe(stdout);
    safe(stderr);
    assert.match(stdout, /\\u\{1b\}/);
  }
});

test('hostile text in tags, repository addresses, versions and messages is escaped', async () => {
  const inside = { 'package.json': manifest('x-hostile2', '1.0.0', { repository: HOSTILE }), 'index.js': 'x\n' };
  await world.registry.publish({ files: inside, deprecated: HOSTILE });
  const refused = await cli(['x-hostile2@1.0.0', '--verbose']);
  safe(refused.stdout);
  await world.registry.publish({ name: 'x-hostile3', version: '1.0.0', files: inside, dist: { tarball: `http://127.0.0.1:1/${HOSTILE}` } });
  const failed = await cli(['x-hostile3@1.0.0']);
  safe(failed.stderr + failed.stdout);
  const typed = await cli([`x${ESC}[2J@1.0.0`]);
  safe(typed.stderr + typed.stdout);
  const tagged = await cli(['x-good@\u202enext']);
  safe(tagged.stderr + tagged.stdout);
});

test('an unknown option with hostile text is escaped', async () => {
  const ran = await cli([`--x${ESC}]0;owned\u0007\u202e`]);
  assert.equal(ran.code, 2);
  safe(ran.stderr);
});

test('the answer of a server is not printed as it is', async () => {
  const web = await listen(() => ({ status: 500, headers: { 'content-type': 'text/plain' }, body: HOSTILE }));
  const ran = await cli(['a@1.0.0', '--registry', web.url]);
  await web.close();
  assert.equal(ran.code, 2);
  safe(ran.stderr);
});

// ── streams and signals ──

test('a reader that goes away (| head) is no error', async () => {
  const specs = Array.from({ length: 40 }, () => good);
  const command = ['/bin/sh', '-c', '"$@" | head -n 1; echo "ended"', 'sh', process.execPath, CLI];
  const ran = await run([...specs, '--json'], { env: { ...clean.env, PATH: process.env.PATH }, command });
  const [first, ended] = ran.stdout.trim().split('\n');
  assertValid(JSON.parse(first));
  assert.deepEqual([ended, ran.stderr], ['ended', '']);
  const help = await run(['--help'], { env: { ...clean.env, PATH: process.env.PATH }, command });
  assert.equal(help.stderr, '');
});

test('a full disk behind stdout is an error, not a success', async () => {
  if (!existsSync('/dev/full')) return assert.ok(process.platform !== 'linux');
  const command = ['/bin/sh', '-c', '"$@" > /dev/full', 'sh', process.execPath, CLI];
  const ran = await run([good], { env: { ...clean.env, PATH: process.env.PATH }, command });
  assert.notEqual(ran.code, 0);
});

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) {
  test(`${signal} ends a run with ${code}, and leaves nothing`, async () => {
    const at = await world.home();
    await world.release('x-interrupted');
    const lift = world.host.fault({ on: 'x-interrupted/info/refs', hang: true });
    const from = world.host.requests.length;
    const ran = await run(['x-interrupted@1.0.0', '--json'], {
      env: at.env,
      timeout: 15_000,
      onStart: async (child) => {
        while (world.host.requests.length === from && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
        child.kill(signal);
      },
    });
    lift();
    assert.deepEqual([ran.code, ran.signal, ran.timedOut], [code, null, false]);
    await assertNothingLeft(at);
    assert.equal((await run(['x-interrupted@1.0.0', '--json'], at)).json.verdict, 'identical', 'what was interrupted is not stored');
  });
}

test('under --json an interrupted run prints one object for each package', async () => {
  const lift = world.registry.fault({ on: '/x-hang/1.0.0', hang: true });
  const from = world.registry.requests.length;
  const ran = await cli(['x-hang@1.0.0', 'x-hang@1.0.1', '--json'], {
    onStart: async (child) => {
      while (world.registry.requests.length === from && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
      child.kill('SIGINT');
    },
  });
  lift();
  assert.equal(ran.code, 130);
  const said = ran.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  assert.deepEqual(said.map(({ package: { spec }, verdict, code }) => [spec, verdict, code]), [['x-hang@1.0.0', 'error', 'cancelled'], ['x-hang@1.0.1', 'error', 'cancelled']]);
  for (const one of said) assertValid(one);
});

// ── other specs ──

test('a tarball’s address', async () => {
  const { url, integrity } = await world.release('x-url');
  const answer = await world.judge(url);
  assert.deepEqual([answer.verdict, answer.package.name, answer.package.version, answer.package.integrity], ['identical', 'x-url', '1.0.0', integrity]);
  assert.equal(answer.package.location, url);
});

test('a tarball’s address on any host that the user types', async () => {
  const { tarball } = await world.release('x-anyurl');
  const pages = await startPages({ '/deep/x.tgz': tarball });
  const answer = await world.judge(`${pages.url}deep/x.tgz`);
  await pages.close();
  assert.equal(answer.verdict, 'identical');
});

for (const form of ['x-file-1.0.0.tgz', './x-file-1.0.0.tgz', 'file:x-file-1.0.0.tgz', 'file:./x-file-1.0.0.tgz', '~/x-file-1.0.0.tgz', 'x@file:./x-file-1.0.0.tgz', 'ABSOLUTE']) {
  test(`a .tgz on disk: ${form}`, async () => {
    const { tarball } = await world.release('x-file');
    const at = await world.home();
    await writeFile(join(at.home, 'x-file-1.0.0.tgz'), tarball);
    const answer = await world.judge(form === 'ABSOLUTE' ? join(at.home, 'x-file-1.0.0.tgz') : form, { clean: at });
    assert.deepEqual([answer.verdict, answer.package.name, answer.package.version], ['identical', 'x-file', '1.0.0'], answer.message);
  });
}

test('a .tgz that is not there, and one that is none, are errors: nobody claims that they are packages', async () => {
  const at = await world.home();
  await writeFile(join(at.home, 'junk.tgz'), 'junk');
  await mkdir(join(at.home, 'folder.tgz'));
  assert.equal((await world.judge('./nowhere.tgz', { clean: at })).code, 'file-unreadable');
  assert.equal((await world.judge('./folder.tgz', { clean: at })).code, 'file-unreadable');
  const { verdict, code } = await world.judge('./junk.tgz', { clean: at });
  assert.deepEqual([verdict, code], ['error', 'archive-unrecognised']);
});

test('npm: aliases and purls', async () => {
  await world.release('@x-scope/pkg');
  for (const spec of ['npm:@x-scope/pkg@1.0.0', 'anything@npm:@x-scope/pkg@^1', '@a/b@npm:@x-scope/pkg', 'pkg:npm/%40x-scope/pkg@1.0.0', 'pkg:npm/@x-scope/pkg@1.0.0']) {
    const answer = await world.judge(spec);
    assert.deepEqual([answer.verdict, answer.package.name, answer.package.spec], ['identical', '@x-scope/pkg', spec]);
  }
});

test('ranges, tags and nothing are resolved as npm does', async () => {
  const name = 'x-picks';
  const commits = [];
  for (const [number, tag, deprecated] of [['1.0.0', null], ['1.2.0', null], ['1.3.0', null, 'broken'], ['2.0.0', 'latest'], ['3.0.0-rc.1', 'next']]) {
    const files = { 'package.json': manifest(name, number), 'index.js': `${number}\n` };
    commits.push({ label: number, files });
    await world.registry.publish({ files, tag, deprecated });
  }
  await world.host.add(`kit/${name}`, { commits, tags: Object.fromEntries(commits.map(({ label }) => [`v${label}`, label])) });
  for (const [spec, expected] of [[name, '2.0.0'], [`${name}@^1`, '1.2.0'], [`${name}@1.3.0`, '1.3.0'], [`${name}@next`, '3.0.0-rc.1'], [`${name}@>=1 <2`, '1.2.0'], [`${name}@latest`, '2.0.0'], [`${name}@*`, '2.0.0']]) {
    const answer = await world.judge(spec);
    assert.deepEqual([answer.package.version, answer.verdict], [expected, 'identical'], spec);
  }
});

test('--emit writes the rebuilt tarball', async () => {
  const { spec, integrity } = await world.release('x-emit');
  const at = await world.home();
  const ran = await run([spec, '--emit', 'out.tgz'], { env: at.env, cwd: at.home });
  assert.match(ran.stderr, /^out\.tgz: the rebuilt tarball$/m);
  assert.equal(integrityOf(await readFile(join(at.home, 'out.tgz'))), integrity);
  for (const flag of ['--quiet', '--json']) {
    const { stderr } = await run([spec, '--emit', 'out.tgz', flag], { env: at.env, cwd: at.home });
    assert.equal(stderr, '', flag);
  }
});

test('--emit to a place that cannot be written is an error that names it', async () => {
  const at = await world.home();
  await mkdir(join(at.home, 'folder'));
  for (const place of [join(at.home, 'nowhere', 'out.tgz'), join(at.home, 'folder')]) {
    const answer = await world.judge(good, { clean: at, args: ['--emit', place] });
    assert.equal(answer.verdict, 'error');
    assert.ok(answer.message.includes(place), answer.message);
    assert.match(answer.hints.join(), /--emit/);
  }
});

test('--emit of what was not rebuilt writes nothing', async () => {
  const at = await world.home();
  const out = join(at.home, 'out.tgz');
  const emit = (spec, ...more) => run([spec, '--emit', 'out.tgz', ...more], { env: at.env, cwd: at.home });
  // An earlier tarball must not pass for one of this run, however it ends.
  for (const [what, act, told] of [
    ['text', () => emit(none), /out\.tgz was not written, because nothing was rebuilt \[emit-nothing\]/],
    ['JSON', () => emit(none, '--json'), /"code":"emit-nothing"/],
    ['an error', () => emit('no-such-package@1.0.0', '--json'), /"code":"package-not-found"/],
    ['a recipe that is none', () => run(['replay', 'list.txt', '--emit', 'out.tgz', '--json'], { env: at.env, cwd: at.home }), /"code":"recipe-/],
  ]) {
    await writeFile(join(at.home, 'list.txt'), 'x\n');
    assert.equal((await emit(good)).code, 0);
    assert.ok(existsSync(out), what);
    const ran = await act();
    assert.match(ran.stdout, told, `${what}: ${ran.stderr}`);
    assert.equal(existsSync(out), false, what);
  }
  assert.equal((await emit(good)).code, 0);
  const offline = await emit(good, '--offline', '--json');
  assert.deepEqual([offline.code, offline.json.code, offline.json.message], [2, 'usage', '--emit needs a rebuild, and under --offline nothing is rebuilt']);
  const { json } = await emit(good, '--json', '--force');
  assert.ok(!json.findings.some(({ code }) => code === 'emit-nothing'), 'the control');
});

test('--registry counts before npm’s configuration, and a nonsense one is a usage error', async () => {
  const { json } = await cli([good, '--json', '--force', '--registry', world.registry.url], { env: { npm_config_registry: 'http://127.0.0.1:9/' } });
  assert.equal(json.verdict, 'identical');
  const from = world.registry.requests.length;
  const nonsense = await cli([good, '--json', '--force', '--registry', 'nonsense'], { env: { HTTPS_PROXY: 'http://127.0.0.1:9' } });
  assert.deepEqual([nonsense.json.verdict, nonsense.json.stage, world.registry.requests.length], ['error', 'usage', from]);
});

test('a scoped registry of .npmrc is asked for its scope', async () => {
  await world.release('@x-own/pkg');
  const at = await world.home({ registry: 'http://127.0.0.1:9/' });
  await writeFile(join(at.home, '.npmrc'), `@x-own:registry=${world.registry.url}\n`);
  assert.equal((await world.judge('@x-own/pkg@1.0.0', { clean: at })).verdict, 'identical');
});

// ── snapshots ──

/**
 * What differs from run to run is the port; from Node to Node, whose zlib makes the tarballs, their
 * digests.
 */
const stable = (text) => text.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT').replaceAll(/sha512-[\w+/]{19}…/g, 'sha512-DIGEST…');

/** One package for each verdict, always with the same bytes. */
const REPORTS = {
  identical: async () => (await world.release('report-identical')).spec,
  'same-content': async () => {
    const files = { 'package.json': manifest('report-same-content'), 'index.js': "module.exports = 'report-same-content';\n" };
    return (await world.release('report-same-content', { publication: { tarball: gzip(gunzipSync(await npmTarball(files)), { level: 0 }) } })).spec;
  },
  differs: async () => (await world.release('report-differs', { published: { 'index.js': 'evil()\n', 'setup.js': 'x\n' }, files: { 'lib.js': 'l\n' } })).spec,
  malformed: async () => {
    const entries = [{ path: 'package/package.json', data: manifest('report-malformed') }, { path: 'package/index.js', data: "module.exports = 'report-malformed';\n" }];
    return (await world.release('report-malformed', { publication: { tarball: gzip(rawTar(entries, { trailing: Buffer.from('trailing'.padEnd(512)) }), { level: 0 }) } })).spec;
  },
  'no-source': async () => (await world.release('report-no-source', { json: { repository: null } })).spec,
  unreachable: async () => {
    const name = 'report-unreachable';
    const files = { 'package.json': manifest(name), 'index.js': 'x\n' };
    const { pull } = await world.host.add(`kit/${name}`, {
      commits: [{ label: 'base', files: { 'package.json': manifest(name, '0.9.0') } }, { label: 'pull', files }],
      branches: { main: 'base' },
      refs: { 'refs/pull/1/head': 'pull' },
    });
    await world.registry.publish({ files, gitHead: pull });
    return `${name}@1.0.0`;
  },
  unsupported: async () => (await world.release('report-unsupported', { json: { repository: { type: 'svn', url: 'https://svn.example.org/r/trunk' } } })).spec,
  error: async () => 'report-nobody@1.0.0',
};

for (const [verdict, make] of Object.entries(REPORTS)) {
  test(`the report of ${verdict} is as committed in snapshots/`, async () => {
    const spec = await make();
    const at = await world.home();
    const { stdout, stderr, code } = await run([spec], at);
    const text = stable(`$ reproduce ${spec}\n${stdout}${stderr && `[stderr]\n${stderr}`}[exit ${code}]\n`);
    const file = new URL(`snapshots/report-${verdict}.txt`, import.meta.url);
    if (process.env.UPDATE_SNAPSHOTS) await writeFile(file, text);
    assert.ok(existsSync(file), 'no snapshot: make it with UPDATE_SNAPSHOTS=1 and read it');
    assert.equal(text, await readFile(file, 'utf8'));
  });
}

test('a repository described as data is the same in every run, so that snapshots can name commits', async () => {
  const at = await world.home();
  const history = { commits: [{ label: 'c', files: { a: 'a\n' } }] };
  const first = await createRepository(join(at.home, '1.git'), history);
  assert.deepEqual(await createRepository(join(at.home, '2.git'), history), first);
  assert.equal(await git(['--git-dir', join(at.home, '1.git'), 'rev-parse', 'main']), first.c);
});
