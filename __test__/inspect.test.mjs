// `reproduce inspect`: one tarball taken apart, and nothing else read.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';
import { run } from './kit/cli.mjs';
import { gzip, integrityOf, npmTarball, rawTar } from './kit/tarball.mjs';
import { assertConsistent, manifest, openWorld } from './world.mjs';

const validate = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(new URL('../schema/inspect.schema.json', import.meta.url), 'utf8')),
);

let world;
let clean;
before(async () => {
  world = await openWorld();
  clean = await world.home();
});
after(() => world.close());

const cli = (...args) => run(['inspect', ...args], { env: clean.env, cwd: clean.home });

async function inspected(...args) {
  const ran = await cli(...args, '--json');
  assert.equal(ran.code, 0, ran.stderr);
  assert.ok(validate(ran.json), JSON.stringify(validate.errors));
  return ran.json;
}

async function onDisk(name, bytes) {
  await writeFile(join(clean.home, name), bytes);
  return `./${name}`;
}

const FILES = { 'package.json': manifest('i-npm', '1.2.3', { bin: 'cli.js' }), 'cli.js': 'a\n', 'lib/index.js': 'b\n' };

test('a package of npm: entries in the order of the archive, client, compression and digest', async () => {
  const { spec } = await world.release('i-npm', { version: '1.2.3', files: FILES });

  const found = await inspected(spec);
  assert.deepEqual([found.package.name, found.package.version, found.root, found.gzip.level], ['i-npm', '1.2.3', 'package', 9]);
  assert.equal(found.clients[0].packer, 'npm-7-20');
  assert.deepEqual(found.entries.map(({ path, mode }) => `${mode} ${path}`), ['755 cli.js', '644 index.js', '644 lib/index.js', '644 package.json']);
  assert.equal(found.entries.every(({ uid, mtime, sha256 }) => uid === null && mtime === 499162500 && sha256 !== null), true);
  assert.deepEqual([found.oddities, found.packageJson], [[], { indent: { spaces: 2 }, finalNewline: true, crlf: false, byteOrderMark: false, stringified: true }]);
  assert.equal((await world.judge(spec)).contentDigest, found.contentDigest);
});

test('no source is asked for', async () => {
  const { spec } = await world.release('i-alone');
  const before_ = world.host.requests.length;
  await inspected(spec);
  assert.equal(world.host.requests.length, before_);
});

test('a file on disk is inspected by its own package.json', async () => {
  const bytes = await npmTarball(FILES);
  const found = await inspected(await onDisk('x.tgz', bytes));
  assert.deepEqual([found.package.name, found.package.integrity, found.package.size], ['i-npm', integrityOf(bytes), bytes.length]);
});

test('a malformed archive is inspected, with what is odd', async () => {
  const entries = [{ path: 'package/package.json', data: manifest('i-odd') }, { path: 'package/../up.js', data: 'x\n' }];
  const found = await inspected(await onDisk('odd.tgz', gzip(rawTar(entries, { trailing: Buffer.from('trailing'.padEnd(512)) }))));
  assert.ok(found.oddities.some(({ code, path }) => code === 'parent-segment' && path.includes('up.js')), JSON.stringify(found.oddities));
});

test('what is no archive is a failure, as are packages that are not there', async () => {
  for (const [spec, code] of [[await onDisk('no.tgz', 'no archive'), 'archive-unrecognised'], ['i-nobody@1.0.0', 'package-not-found'], ['./missing.tgz', 'file-unreadable']]) {
    const ran = await cli(spec, '--json');
    assert.deepEqual([ran.code, ran.json.code], [2, code]);
    assertConsistent(ran.json);
    const text = await cli(spec);
    assert.deepEqual([text.code, text.stdout], [2, '']);
    assert.match(text.stderr, new RegExp(`^error\\[${code}\\]`));
  }
});

test('several tarballs: one line of JSON each, and the failure of one is told at the end', async () => {
  const { spec } = await world.release('i-several');
  const ran = await cli(spec, 'i-nobody@1.0.0', spec, '--json');
  const lines = ran.stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual([ran.code, lines.map(({ verdict, package: { name } }) => verdict ?? name)], [2, ['i-several', 'error', 'i-several']]);
});

test('flags may stand before the word; no spec is a usage error; help is printed', async () => {
  const { spec } = await world.release('i-flags');
  assert.ok(validate((await run(['--json', 'inspect', spec], { env: clean.env })).json));
  assert.equal((await cli()).code, 2);
  assert.match((await cli('--help')).stdout, /Usage: reproduce inspect/);
});

test('names of strangers do not reach the terminal as they are', async () => {
  const evil = 'package/\u001b[31mred.js';
  const spec = await onDisk('red.tgz', gzip(rawTar([{ path: 'package/package.json', data: manifest('i-red') }, { path: evil, data: 'x\n' }])));
  const ran = await cli(spec);
  assert.equal(ran.code, 0, ran.stderr);
  assert.ok(!ran.stdout.includes('\u001b') && ran.stdout.includes('\\u{1b}[31mred.js'), ran.stdout);
  assert.ok(!(await cli(spec, '--json')).stdout.includes('\u001b'));
});

/** What differs from Node to Node, whose zlib makes the tarball. */
const stable = (text) => text.replaceAll(/\d+ bytes, sha512-[\w+/=]+/g, 'SIZE bytes, sha512-DIGEST').replaceAll(/deflate class \w+ \([^)]+\)/g, 'deflate class CLASS');

test('the text is as committed in snapshots/', async () => {
  const { stdout, code } = await cli(await onDisk('snapshot.tgz', await npmTarball(FILES)));
  const text = `$ reproduce inspect ./snapshot.tgz\n${stable(stdout)}[exit ${code}]\n`;
  const file = new URL('snapshots/inspect.txt', import.meta.url);
  if (process.env.UPDATE_SNAPSHOTS) await writeFile(file, text);
  assert.ok(existsSync(file), 'no snapshot: make it with UPDATE_SNAPSHOTS=1 and read it');
  assert.equal(text, await readFile(file, 'utf8'));
});
