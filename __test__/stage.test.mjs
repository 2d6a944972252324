// `reproduce stage`: a version that is staged and not yet approved, on a registry that speaks the protocol of npm 11.15 and later. The package
// is staged, looked at and approved by the real npm.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from './kit/cli.mjs';
import { git } from './kit/history.mjs';
import { assertValid, manifest, openWorld } from './world.mjs';

const NPM = fileURLToPath(new URL('conformance/node_modules/npm-11/bin/npm-cli.js', import.meta.url));
const skip = existsSync(NPM) ? false : 'npm ci in __test__/conformance';
const TOKEN = 'the-publisher';

let world;
let clean;
let root;
before(async () => {
  world = await openWorld();
  clean = await world.home();
  root = await mkdtemp(join(tmpdir(), 'stage-'));
  const host = new URL(world.registry.url).host;
  await writeFile(join(clean.home, '.npmrc'), `//${host}/:_authToken=${TOKEN}\naudit=false\nupdate-notifier=false\n`);
  world.registry.stages.token = TOKEN;
});
after(async () => {
  await world.close();
  await rm(root, { recursive: true });
});

const npm = (args, cwd) => run([NPM, ...args], { command: [process.execPath], cwd, env: { ...clean.env, PATH: `${clean.env.PATH}:/usr/bin:/bin` } });
const stage = (args, more = {}) => run(['stage', ...args], { env: { ...clean.env, ...more }, cwd: clean.home });

/** Stages a package from a clone of its repository, as `change` leaves it; the stage's number. */
async function staged(name, change = () => {}) {
  const files = { 'package.json': manifest(name), 'index.js': 'x\n', 'README.md': '# x\n' };
  await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  const folder = join(root, name);
  await git(['clone', '-q', world.host.directory(`kit/${name}`), folder]);
  await change(folder);
  const ran = await npm(['stage', 'publish'], folder);
  assert.equal(ran.code, 0, ran.stderr);
  return [...world.registry.stages.all.values()].find((one) => one.packageName === name).id;
}

test('what can be rebuilt is named with the command that approves it, which does', { skip }, async () => {
  const id = await staged('s-good');
  for (const word of ['s-good', id]) {
    const ran = await stage([word]);
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    assert.match(ran.stdout, /^✓ identical {2}s-good@1\.0\.0\n/);
    assert.ok(ran.stdout.endsWith(`to approve it: npm stage approve ${id}\n`), ran.stdout);
  }
  const { json } = await stage(['s-good', '--json']);
  assertValid(json);
  assert.deepEqual([json.verdict, json.package.location], ['identical', `${world.registry.url}-/stage/${id}/tarball`]);
  // Nothing was approved by looking.
  assert.equal((await world.judge('s-good@1.0.0')).code, 'package-not-found');
  const approved = await npm(['stage', 'approve', id], root);
  assert.equal(approved.code, 0, approved.stderr);
  assert.equal((await world.judge('s-good@1.0.0')).verdict, 'identical');
});

test('what nobody can rebuild is named with the command that rejects it', { skip }, async () => {
  const id = await staged('s-bad', (folder) => writeFile(join(folder, 'index.js'), 'payload\n'));
  const ran = await stage(['s-bad']);
  assert.equal(ran.code, 1, ran.stdout + ran.stderr);
  assert.match(ran.stdout, /differs +index\.js/);
  assert.ok(ran.stdout.endsWith(`to reject it: npm stage reject ${id}\n`), ran.stdout);
});

test('a tarball that is not the one of the stage is judged for nobody', { skip }, async () => {
  const id = await staged('s-other');
  const own = world.registry.stages.all.get(id);
  const other = world.registry.stages.all.get(await staged('s-another'));
  for (const [what, lie] of [['hash', { tarball: other.tarball }], ['name', { tarball: other.tarball, shasum: other.shasum }]]) {
    world.registry.stages.all.set(id, { ...own, ...lie });
    const { code, json } = await stage([id, '--json']);
    assert.deepEqual([code, json.code], [2, 'stage-mismatch'], what);
  }
  world.registry.stages.all.set(id, own);
  assert.equal((await stage([id])).code, 0, 'the control: as it was staged');
});

test('without the publisher’s credentials, and where nothing is staged, that is said', { skip }, async () => {
  await staged('s-mine');
  const elsewhere = await world.home();
  const refused = await run(['stage', 's-mine', '--json'], { env: elsewhere.env, cwd: elsewhere.home });
  assert.deepEqual([refused.code, refused.json.code], [2, 'stage-not-allowed']);
  for (const word of ['s-none', '00000000-0000-4000-8000-000000000000']) {
    const none = await stage([word, '--json']);
    assert.deepEqual([none.code, none.json.code], [2, 'stage-not-found'], word);
  }
});
