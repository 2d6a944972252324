// What a newcomer meets: every message names what is there, and an option that cannot be followed
// is said before anything is asked.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from './kit/cli.mjs';
import { manifest, openWorld } from './world.mjs';

let world;
let clean;
before(async () => {
  world = await openWorld();
  clean = await world.home();
});
after(() => world.close());

const cli = (args, at = clean) => run(args, { env: at.env, cwd: at.home });
const isRoot = process.getuid?.() === 0;

// ── configuration that cannot be followed ──

/** Fails unless the run ended with this code, and asked nobody. */
async function asksNobody(npmrc, code, { args = [], write } = {}) {
  const { spec } = await world.release(`u-${code}`);
  const at = await world.home();
  const file = join(at.home, '.npmrc');
  await (write ? write(file) : writeFile(file, npmrc));
  const from = world.registry.requests.length;
  const answer = await world.judge(spec, { clean: at, args });
  assert.deepEqual([answer.verdict, answer.code, answer.stage], ['error', code, 'usage'], npmrc);
  assert.equal(world.registry.requests.length, from, 'a registry was asked');
  assert.doesNotMatch(`${answer.message}${answer.hints}`, /s3cret/);
  return answer;
}

test('a registry that is no address stops the run: no other registry stands in for it', async () => {
  // The kit's own registry is in the environment, which goes before the file: these are settings
  // that nothing hides.
  await asksNobody('@corp:registry=not a url\n', 'invalid-registry');
  await asksNobody('@corp:registry=ftp://me:s3cret@registry.example/\n', 'invalid-registry');
});

test('a registry for everything that is no address stops the run, and the public one is not asked', async () => {
  const { spec } = await world.release('u-unscoped');
  const at = await world.home();
  const { npm_config_registry: own, ...env } = at.env;
  const judge = async (registry) => {
    await writeFile(join(at.home, '.npmrc'), `registry=${registry}\n`);
    return world.judge(spec, { clean: { ...at, env } });
  };
  assert.equal((await judge(own)).verdict, 'identical', 'the control: it is the file that names the registry');
  for (const registry of ['not a url', 'ftp://registry.example/']) {
    const answer = await judge(registry);
    assert.deepEqual([answer.verdict, answer.code, answer.stage], ['error', 'invalid-registry', 'usage'], registry);
  }
});

test('a proxy or a certificate that cannot be used stops the run', async () => {
  await asksNobody('https-proxy=gopher://s3cret@proxy.example\n', 'invalid-proxy');
  const { message } = await asksNobody('cafile=/nowhere/ca.pem\n', 'cafile-unreadable');
  assert.match(message, /the file \/nowhere\/ca\.pem, which cafile names, cannot be read: there is no such file/);
});

test('an .npmrc that is no text, or a folder, stops the run', async () => {
  await asksNobody('', 'npmrc-unreadable', { write: (file) => writeFile(file, Buffer.from([0xff, 0xfe, 0x00, 0xd8])) });
  await asksNobody('', 'npmrc-unreadable', { write: (file) => mkdir(file) });
});

test('a proxy that refuses is named, and not the registry behind it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  const at = await world.home();
  await writeFile(join(at.home, '.npmrc'), `proxy=http://127.0.0.1:${port}\nnoproxy=nothing.example\n`);
  const answer = await world.judge('u-proxied@1.0.0', { clean: at, args: ['--registry', 'http://registry.example/'] });
  assert.equal(answer.code, 'connection-refused');
  assert.equal(answer.message, `the proxy 127.0.0.1:${port} (on the way to registry.example) refused the connection`);
  // Nothing that only a checkout of this program has is named in a hint.
  assert.deepEqual(answer.hints, ["check the network and npm's proxy settings"]);
});

// ── where things are kept ──

test('a home that cannot be written gives the same answer, and leaves nothing', { skip: isRoot && 'root writes everywhere' }, async () => {
  const { spec } = await world.release('u-readonly');
  const at = await world.home();
  await mkdir(at.cacheDir, { recursive: true });
  await chmod(at.cacheDir, 0o555);
  const answer = await world.judge(spec, { clean: at });
  await chmod(at.cacheDir, 0o755);
  assert.equal(answer.verdict, 'identical');
  assert.ok(answer.findings.some(({ code }) => code === 'cache-temporary'));
});

test('a home that is a file gives the same answer, and leaves nothing', async () => {
  const { spec } = await world.release('u-file-home');
  const at = await world.home();
  await writeFile(join(at.home, 'taken'), '');
  const answer = await world.judge(spec, { clean: { ...at, env: { ...at.env, XDG_CACHE_HOME: join(at.home, 'taken') } } });
  assert.equal(answer.verdict, 'identical');
  assert.match(answer.findings.find(({ code }) => code === 'cache-temporary').message, /taken/);
});

test('a file of results in a folder that is not there is refused, and no folder is made', async () => {
  const at = await world.home();
  const before_ = await readdir(at.home);
  const answer = await world.judge('u-any@1.0.0', { clean: at, args: ['--cache-file', join(at.home, 'nowhere', 'x.json')] });
  assert.deepEqual([answer.code, answer.message], ['usage', `there is no folder ${join(at.home, 'nowhere')}`]);
  assert.deepEqual(await readdir(at.home), before_);
});

// ── words ──

test('a package without a version that can be had is told so, by its name', async () => {
  await world.registry.publish({ files: { 'package.json': manifest('u-empty') } });
  const none = await world.judge('u-empty@^9', { clean });
  assert.match(none.hints.join(), /npm view u-empty versions/);
  world.registry.unpublish('u-empty', '1.0.0');
  const answer = await world.judge('u-empty', { clean });
  assert.doesNotMatch(`${answer.message} ${answer.hints}`, /\*|<name>/);
});

test('a folder is sent to --local', async () => {
  await mkdir(join(clean.home, 'here'), { recursive: true });
  for (const folder of ['.', './here']) {
    const answer = await world.judge(folder, { clean });
    assert.equal(answer.code, 'folder-spec');
    assert.match(answer.hints.join(), new RegExp(`reproduce --local ${folder.replaceAll('.', '\\.')}`));
  }
});

test('a name that is a file here is checked as a package, with a warning', async () => {
  const at = await world.home();
  await world.release('u-lock.json');
  await writeFile(join(at.home, 'u-lock.json'), '{}');
  const answer = await world.judge('u-lock.json', { clean: at });
  assert.equal(answer.verdict, 'identical');
  assert.match(answer.findings.find(({ code }) => code === 'file-of-that-name').message, /u-lock\.json is also a file here/);
});

test('paths in messages are short, and without the system\'s number', async () => {
  const { spec } = await world.release('u-paths');
  await mkdir(join(clean.home, 'sub'), { recursive: true });
  const at = { ...clean, home: join(clean.home, 'sub') };
  for (const [args, path] of [[['./../nosuch.tgz'], join(clean.home, 'nosuch.tgz')], [[spec, '--source', '././nosuch'], join(at.home, 'nosuch')]]) {
    const { json } = await cli([...args, '--json'], at);
    const said = json.message;
    assert.ok(said.includes(path), said);
    assert.doesNotMatch(said, /os error|\/\.\.?\//);
  }
});

for (const [args, message] of [
  [['--timeout', 'abc'], /not a number of seconds/],
  [['--history=abc'], /not a number of versions/],
  [['--attest-key', 'k.pem'], /--attest/],
]) {
  test(`an option that cannot be followed says so in plain words: ${args.join(' ')}`, async () => {
    const ran = await cli(['u-any@1.0.0', ...args]);
    assert.equal(ran.code, 2);
    assert.match(ran.stderr, message);
    assert.doesNotMatch(ran.stderr, /literal|digit/);
  });
}

test('a recipe that is no JSON says so', async () => {
  await writeFile(join(clean.home, 'bad.json'), 'not json');
  const { json } = await cli(['replay', 'bad.json', '--json']);
  assert.deepEqual([json.code, json.message], ['recipe-unreadable', 'the recipe cannot be read: it is not JSON (line 1, column 2)']);
});

test('a very short time is told as it was given', async () => {
  const lift = world.registry.fault({ on: '/u-slow/1.0.0', hang: true });
  const answer = await world.judge('u-slow@1.0.0', { clean, args: ['--timeout', '0.05'] });
  lift();
  assert.deepEqual([answer.code, answer.message], ['timed-out', "it took longer than 0.05 s; the last step was: reading the registry's metadata"]);
  assert.deepEqual([answer.package.name, answer.package.version], ['u-slow', '1.0.0']);
});

// ── history and documents ──

test('a tag of an earlier version that nobody could look for is unknown', async () => {
  await world.release('u-moved', { json: { repository: 'github:kit/u-moved-away' } });
  const { spec } = await world.release('u-moved', { version: '1.1.0' });
  const answer = await world.judge(spec, { clean, args: ['--history', '3'] });
  assert.deepEqual(answer.history.map(({ tag, tagged, code }) => [tag, tagged, code]), [[null, null, 'repository-not-found']]);
  const { stdout } = await cli([spec, '--history']);
  assert.match(stdout, /0 had a tag \(of 1 it is not known\)/);
});

test('JUnit names the version that was checked', async () => {
  await world.release('u-junit');
  await cli(['u-junit@1', '--junit', 'j.xml']);
  assert.match(await readFile(join(clean.home, 'j.xml'), 'utf8'), /name="u-junit@1\.0\.0"/);
});

test('one mark for each exit code', async () => {
  const good = await world.release('u-mark');
  const bad = await world.release('u-mark-bad', { published: { 'index.js': 'other\n' } });
  const none = await world.release('u-mark-none', { json: { repository: null } });
  for (const [{ spec }, mark, code] of [[good, '✓', 0], [bad, '✗', 1], [none, '\\?', 2]]) {
    const ran = await run([spec], { env: { ...clean.env, LC_ALL: 'C.UTF-8' }, cwd: clean.home });
    assert.equal(ran.code, code);
    assert.match(ran.stdout, new RegExp(`^${mark} `));
  }
});

test('where no allowed strategy goes with a package nothing was decided', async () => {
  const { spec } = await world.release('u-strategy');
  const answer = await world.judge(spec, { clean, args: ['--strategy', 'bun', '--force'] });
  assert.deepEqual([answer.verdict, answer.ran.code], ['unsupported', 2]);
});

test('files of an earlier run are gone as soon as another one begins, however it ends', async () => {
  const at = await world.home();
  const { spec: good } = await world.release('u-earlier');
  const files = Object.fromEntries(['attest', 'sarif', 'junit', 'diffoscope-json'].map((option) => [option, join(at.home, `earlier-${option}`)]));
  const args = Object.entries(files).flatMap(([option, file]) => [`--${option}`, file]);
  const one = await run([good, ...args], at);
  assert.equal(one.code, 0, one.stderr);
  for (const file of Object.values(files)) assert.ok(existsSync(file), `the control: ${file} is written`);
  const lift = world.registry.fault({ on: '/x-hang/1.0.0', hang: true });
  const from = world.registry.requests.length;
  const ran = await run(['x-hang@1.0.0', ...args], {
    ...at,
    onStart: async (child) => {
      while (world.registry.requests.length === from && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
      child.kill('SIGKILL');
    },
  });
  lift();
  assert.equal(ran.signal, 'SIGKILL');
  assert.deepEqual(Object.values(files).filter((file) => existsSync(file)), []);
});

test('no message has the password of an address that was typed as the name of a file', async () => {
  const address = 'https://me:s3cret@host.invalid/x?token=s3cret';
  const words = [['survey', 'list', address], ['survey', address], ['--from', address], ['audit', address], ['replay', address], ['report', address], ['ms@2.1.3', '--recipe', address], ['--local', address], ['--verify-attestation', address], ['ms@2.1.3', '--trusted-root', address], ['ms@2.1.3', '--attest', 'a.json', '--attest-key', address], ['ms@2.1.3', '--sarif', address], ['ms@2.1.3', '--junit', address], ['ms@2.1.3', '--emit', address], ['ms@2.1.3', '--cache-file', address], ['inspect', address], ['stage', address], ['explain', address], ['cache', 'ls', '--cache-dir', address], ['ms@2.1.3', '--nonsense', address], ['ms@2.1.3', `--nonsense=${address}`]];
  const sarif = join(clean.home, 'password.sarif');
  for (const args of words) {
    const text = await run(args, { env: clean.env, cwd: clean.home });
    assert.doesNotMatch(text.stdout + text.stderr, /s3cret/, args.join(' '));
    if (args.includes('--cache-dir') || args.includes('--emit')) continue;
    const json = await run([...args, '--json', ...(args[0] === 'ms@2.1.3' && !args.includes('--sarif') ? ['--sarif', sarif] : [])], { env: clean.env, cwd: clean.home });
    assert.doesNotMatch(json.stdout + json.stderr, /s3cret/, args.join(' '));
    if (existsSync(sarif)) assert.doesNotMatch(await readFile(sarif, 'utf8'), /s3cret/, args.join(' '));
  }
});
