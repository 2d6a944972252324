// What helps somebody who runs it every day: stored answers are marked, several packages have a
// total and may come from a list, and a version that was just published is waited for.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CLI, run } from './kit/cli.mjs';
import { openWorld } from './world.mjs';

let world;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

/** A home with what was asked of it, as text. */
async function asking(options) {
  const clean = await world.home(options);
  return { clean, cli: (args, more = {}) => run(args, { env: clean.env, cwd: clean.home, ...more }) };
}

test('an answer that was stored says so, and how old it is', async () => {
  const { spec } = await world.release('u-stored');
  const { clean, cli } = await asking();
  assert.doesNotMatch((await cli([spec])).stdout, /\(stored /);
  assert.match((await cli([spec])).stdout, /^✓ identical {2}u-stored@1\.0\.0 {2}\(stored \d+ \S+ ago; --force checks again\)\n/);
  assert.equal((await world.judge(spec, { clean })).cached, true);
  assert.equal('cached' in (await world.judge(spec, { clean, args: ['--force'] })), false);
  // What is stored is not itself marked: the mark is of the answer.
  assert.equal((await world.judge(spec, { clean })).cached, true);
});

test('--max-age judges again what is older', async () => {
  const { spec } = await world.release('u-age');
  const { clean } = await asking();
  await world.judge(spec, { clean });
  assert.equal((await world.judge(spec, { clean, args: ['--max-age', '1h'] })).cached, true);
  const from = world.host.requests.length;
  assert.equal('cached' in (await world.judge(spec, { clean, args: ['--max-age', '0s'] })), false);
  assert.ok(world.host.requests.length > from);
});

test('several packages end with a total, one does not, and JSON has none', async () => {
  const good = await world.release('u-good');
  const bad = await world.release('u-bad', { published: { 'index.js': 'other\n' } });
  const none = await world.release('u-none', { json: { repository: null } });
  const { cli } = await asking();
  const ran = await cli([good.spec, bad.spec, none.spec, 'u-nothing']);
  assert.equal(ran.code, 1);
  assert.match(ran.stdout, /\n\n4 packages: 1 reproduced \(1 identical\), 1 not reproduced, 2 not decided\n$/);
  assert.doesNotMatch((await cli([good.spec])).stdout, /packages:/);
  assert.equal((await cli([good.spec, bad.spec, '--json'])).json.length, 2);
  assert.equal((await cli([good.spec, good.spec, '--quiet'])).stdout, '');
});

test('packages come from a file and from standard input', async () => {
  const [one, two] = [await world.release('u-one'), await world.release('u-two')];
  const { clean, cli } = await asking();
  await writeFile(join(clean.home, 'list'), `# what we use\n${one.spec}\n\n${two.spec} # twice\n`);
  const names = (ran) => ran.json.map(({ package: { spec } }) => spec);
  assert.deepEqual(names(await cli(['--json', '--from', 'list'])), [one.spec, two.spec]);
  assert.deepEqual(names(await cli(['--json', '-', one.spec], { input: `${two.spec}\n` })), [two.spec, one.spec]);
  assert.equal((await cli(['--json', '-'], { input: `${two.spec}\n` })).json.package.spec, two.spec);
});

test('a list that cannot be read, and one without a package, are errors', async () => {
  const { clean, cli } = await asking();
  await writeFile(join(clean.home, 'empty'), '# nothing\n');
  await writeFile(join(clean.home, 'bytes'), Buffer.of(0xff, 0xfe));
  for (const [file, code] of [['missing', 'list-unreadable'], ['bytes', 'list-unreadable'], ['empty', 'usage']]) {
    const ran = await cli(['--json', '--from', file]);
    assert.deepEqual([ran.code, ran.json.code], [2, code], file);
  }
});

test('--wait waits for a version that the registry does not show yet', async () => {
  const { cli } = await asking();
  const without = await cli(['u-late@1.0.0', '--json']);
  assert.deepEqual([without.code, without.json.code], [2, 'package-not-found']);
  const from = world.registry.requests.length;
  const waiting = cli(['u-late@1.0.0', '--json', '--wait']);
  // It has asked, and was told that there is none.
  while (!world.registry.requests.slice(from).some(({ path, status }) => path === '/u-late' && status === 404)) await new Promise((resolve) => setTimeout(resolve, 20));
  await world.release('u-late');
  const ran = await waiting;
  assert.deepEqual([ran.code, ran.json.verdict], [0, 'identical']);
});

test('--wait takes its time also behind a space, and no package of that name is asked for', async () => {
  const { cli } = await asking();
  const from = world.registry.requests.length;
  const ran = await cli(['u-nobody@1.0.0', '--json', '--wait', '1s']);
  assert.deepEqual([ran.code, ran.json.code], [2, 'package-not-found']);
  assert.match(ran.json.hints.join('\n'), /waited for 1/);
  assert.deepEqual(world.registry.requests.slice(from).filter(({ path }) => /1s/.test(path)), []);
  const odd = await cli(['u-nobody@1.0.0', '--json', '--wait', '300']);
  assert.deepEqual([odd.code, odd.json.code], [2, 'usage'], 'a time without a unit');
});

test('--wait uses all of its time, and says that it waited', async () => {
  const { cli } = await asking();
  const began = performance.now();
  const ran = await cli(['u-nobody@1.0.0', '--json', '--wait=4s']);
  const took = performance.now() - began;
  assert.deepEqual([ran.code, ran.json.code], [2, 'package-not-found']);
  assert.ok(took >= 4000, `${took}`);
  assert.match(ran.json.hints.join('\n'), /waited for 4 s/);
  assert.doesNotMatch((await cli(['u-nobody@1.0.0', '--json'])).json.hints.join('\n'), /waited/, 'the control');
});

test('--wait ends when its time is over', async () => {
  const { cli } = await asking();
  const ran = await cli(['u-never@1.0.0', '--json', '--wait=1s']);
  assert.deepEqual([ran.code, ran.json.code], [2, 'package-not-found']);
});

test('what is quick has no progress in a log', async () => {
  const { spec } = await world.release('u-quick');
  const { cli } = await asking();
  assert.equal((await cli([spec])).stderr, '');
});

test('--progress tells every stage on stderr, and beside --json nothing else is on stdout', async () => {
  const { spec } = await world.release('u-told');
  const { cli } = await asking();
  const silent = await cli([spec, '--json']);
  assert.equal(silent.stderr, '', 'a program that reads both streams has JSON alone');
  for (const more of [['--json'], []]) {
    const ran = await cli([spec, '--progress', '--force', ...more]);
    assert.match(ran.stderr, /^u-told@1\.0\.0: [^\n]+ \([\d.]+ m?s\)\n/);
    assert.match(ran.stderr, /^u-told@1\.0\.0: packing the commit's files \(/m);
    if (more.length > 0) assert.equal(JSON.parse(ran.stdout).verdict, 'identical');
    assert.equal(ran.stdout.includes("packing the commit's files"), false);
  }
  const both = await cli([spec, '--progress', '--quiet']);
  assert.deepEqual([both.code, both.stdout], [2, '']);
});

const SCRIPT = ['/usr/bin/script', '/bin/script'].find((path) => existsSync(path));

test('on a terminal a line moves on stderr beside --json, and the file has JSON alone', { skip: SCRIPT ? false : 'no `script`, which gives a program a terminal' }, async () => {
  const { spec } = await world.release('u-moving');
  const { clean } = await asking();
  const shown = join(clean.home, 'shown');
  const quoted = [process.execPath, CLI, spec, '--json'].map((word) => `'${word}'`).join(' ');
  // `script` runs a shell, and a shell needs its programs.
  const env = { ...clean.env, PATH: `${clean.env.PATH}:/usr/bin:/bin`, SHELL: '/bin/sh', TERM: 'xterm' };
  const ran = await run(['-q', '-e', '-c', `${quoted} > '${join(clean.home, 'out.json')}'`, shown], { command: [SCRIPT], env, cwd: clean.home });
  assert.equal(ran.code, 0, ran.stdout + ran.stderr);
  assert.equal(JSON.parse(await readFile(join(clean.home, 'out.json'), 'utf8')).verdict, 'identical');
  assert.match(await readFile(shown, 'utf8'), /u-moving@1\.0\.0 /);
  const inCi = await run(['-q', '-e', '-c', `${quoted} --force > '${join(clean.home, 'out.json')}'`, shown], { command: [SCRIPT], env: { ...env, CI: 'true' }, cwd: clean.home });
  assert.equal(inCi.code, 0, inCi.stdout + inCi.stderr);
  assert.doesNotMatch(await readFile(shown, 'utf8'), /u-moving@1\.0\.0 /, 'the control: a log keeps every line, so none moves there');
});
