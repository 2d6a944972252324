// `reproduce cache ls` and `reproduce cache prune`, with a cache that a run has filled.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from './kit/cli.mjs';
import { cacheOf, openWorld } from './world.mjs';

let world;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

/** A home in which one package was judged. */
async function filled(name) {
  const clean = await world.home();
  const release = await world.release(name);
  await world.judge(release.spec, { clean });
  return { clean, cache: cacheOf(clean), cli: (args) => run(args, { env: clean.env }) };
}

/** Makes everything below a folder ten days older. */
async function age(folder) {
  const then = new Date(Date.now() - 10 * 24 * 3_600_000);
  for (const name of await readdir(folder, { recursive: true })) await utimes(join(folder, name), then, then);
  await utimes(folder, then, then);
}

const kinds = (entries) => entries.map(({ kind }) => kind);

test('cache ls lists what a run has left, with sizes', async () => {
  const { cache, cli } = await filled('cc-ls');
  const ran = await cli(['cache', 'ls', '--json']);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(ran.json.cacheDir, cache);
  assert.ok(kinds(ran.json.entries).includes('git') && kinds(ran.json.entries).includes('results'));
  assert.equal(ran.json.bytes, ran.json.entries.reduce((sum, { bytes }) => sum + bytes, 0));
  const shown = await cli(['cache', 'ls']);
  assert.match(shown.stdout, /\n {2}git +\d\S* \S+ {2}1 entry\n/);
  assert.doesNotMatch(shown.stdout, /ago/);
  assert.match((await cli(['cache', 'ls', '--verbose'])).stdout, /\ngit {2}\d[^]* ago /);
});

test('cache ls of no cache is empty', async () => {
  const clean = await world.home();
  const ran = await run(['--json', 'cache', 'ls'], { env: clean.env });
  assert.deepEqual([ran.code, ran.json.entries, ran.json.bytes], [0, [], 0]);
});

test('cache prune removes what is old, and no results', async () => {
  const { cache, cli } = await filled('cc-prune');
  await age(join(cache, 'git'));
  const ran = await cli(['cache', 'prune', '--older-than', '5d', '--json']);
  assert.deepEqual([ran.code, kinds(ran.json.removed), ran.json.inUse], [0, ['git'], []]);
  assert.deepEqual(await readdir(join(cache, 'git')), []);
  assert.ok(existsSync(join(cache, 'results.json')));
});

test('cache prune leaves what may be in use, and says so', async () => {
  const { cli } = await filled('cc-use');
  const ran = await cli(['cache', 'prune', '--max-size', '0B', '--json']);
  assert.deepEqual([ran.code, kinds(ran.json.removed), kinds(ran.json.inUse)], [0, [], ['git']]);
});

test('cache prune --all removes the results too; the next run judges again', async () => {
  const { clean, cache, cli } = await filled('cc-all');
  await age(join(cache, 'git'));
  const ran = await cli(['cache', 'prune', '--all', '--json']);
  assert.deepEqual(kinds(ran.json.removed).sort(), ['git', 'results']);
  assert.equal((await world.judge('cc-all@1.0.0', { clean })).verdict, 'identical');
});

test('cache prune in a folder of somebody else removes nothing', async () => {
  const clean = await world.home();
  const folder = join(clean.home, 'mine');
  for (const path of ['git/project', 'tarballs/old', 'toolchains/node-1']) {
    await mkdir(join(folder, path), { recursive: true });
    await writeFile(join(folder, path, 'file'), 'x');
  }
  await writeFile(join(folder, 'results.json'), '{"mine": true}');
  const ran = await run(['cache', 'prune', '--all', '--cache-dir', folder, '--json'], { env: clean.env });
  assert.deepEqual([ran.code, ran.json.removed], [0, []]);
  assert.ok(existsSync(join(folder, 'git/project/file')) && existsSync(join(folder, 'results.json')));
});

test('cache without an action, or prune without a limit, is a usage error', async () => {
  const clean = await world.home();
  for (const args of [['cache', '--json'], ['cache', 'prune', '--json'], ['cache', 'prune', '--older-than', 'soon', '--json']]) {
    const ran = await run(args, { env: clean.env });
    assert.deepEqual([ran.code, ran.json.code], [2, 'usage'], args.join(' '));
    assert.match(ran.json.hints.join(), /cache@latest/);
  }
});
