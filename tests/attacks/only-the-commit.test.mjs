// A build sees the objects of its own commit: not those of pull requests, of other branches, or of
// what was judged before.

import assert from 'node:assert/strict';
import { assertNotReproduced, attack, findingOf, manifest, SEATS, setUp } from './kit.mjs';

setUp();

const PAYLOAD = "console.log('payload that the commit does not have');\n";

/** A script that looks for the payload among all objects that git knows, and packs it. */
const SEARCH = `
const { execFileSync } = require('child_process');
const fs = require('fs');
const git = (...words) => execFileSync('git', words, { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
let text = 'nothing';
try {
  for (const line of git('cat-file', '--batch-all-objects', '--batch-check').split('\\n')) {
    const [id, kind] = line.split(' ');
    if (!id) continue;
    const found = git('cat-file', kind, id).split('\\n\\n').slice(1).join('\\n\\n');
    if (found.startsWith('console')) text = found;
    const blob = kind === 'blob' ? git('cat-file', 'blob', id) : '';
    if (blob.startsWith('console')) text = blob;
  }
} catch {}
fs.mkdirSync('dist', { recursive: true });
fs.writeFileSync('dist/a.js', text);
`;

const source = (id, version = '1.0.0', script = SEARCH) => ({
  'package.json': manifest(id, version, { scripts: { build: 'node build.js' }, files: ['dist', 'index.js'] }),
  'build.js': script,
  'index.js': `honest ${version}\n`,
  '.gitignore': 'dist\n',
});
const published = (files, dist) => ({ 'package.json': files['package.json'], 'index.js': files['index.js'], 'dist/a.js': dist });

attack(
  'a pull request that gitHead names is no part of the commit',
  async ({ world, id, judge }) => {
    const files = source(id);
    const commits = [{ label: 'good', files }, { label: 'fork', parents: [], clear: true, files: { x: 'x\n' }, message: PAYLOAD }];
    const ids = await world.host.add(`kit/${id}`, { commits, branches: { main: 'good' }, tags: { 'v1.0.0': 'good' }, refs: { 'refs/pull/1/head': 'fork' } });
    await world.registry.publish({ files: published(files, PAYLOAD), gitHead: ids.fork });
    assertNotReproduced(await judge(`${id}@1.0.0`));
  },
  { seats: SEATS },
);

attack('what was judged before brings nothing along', async ({ world, id, judge }) => {
  const [first, second] = [{ ...source(id, '1.0.0'), 'payload.txt': PAYLOAD }, source(id, '2.0.0')];
  const commits = [{ label: 'a', files: first }, { label: 'b', files: second, clear: true }];
  const ids = await world.host.add(`kit/${id}`, { commits, tags: { 'v1.0.0': 'a', 'v2.0.0': 'b' } });
  await world.registry.publish({ files: { ...published(first, 'x'), 'payload.txt': PAYLOAD }, gitHead: ids.a });
  await world.registry.publish({ files: published(second, PAYLOAD), gitHead: ids.b });
  const { clean } = await judge(`${id}@1.0.0`);
  assertNotReproduced(await judge(`${id}@2.0.0`, { clean }));
});

attack('a file of another branch that gitHead names is no part of the commit', async ({ world, id, judge }) => {
  const files = source(id);
  const commits = [{ label: 'good', files }, { label: 'other', clear: true, files: { 'package.json': manifest(id, '9.9.9'), 'payload.txt': PAYLOAD } }];
  const ids = await world.host.add(`kit/${id}`, { commits, branches: { main: 'good', other: 'other' }, tags: { 'v1.0.0': 'good' } });
  await world.registry.publish({ files: published(files, PAYLOAD), gitHead: ids.other });
  assertNotReproduced(await judge(`${id}@1.0.0`));
});

attack(
  'an honest build that asks git is identical, whoever runs it',
  async ({ world, id, judge }) => {
    const script = `
const { execFileSync } = require('child_process');
const fs = require('fs');
const git = (...words) => execFileSync('git', words).toString().trim();
const said = [git('rev-parse', 'HEAD'), git('describe', '--tags', '--exact-match'), git('log', '-1', '--format=%ct'), git('cat-file', '-p', 'HEAD:index.js')];
fs.mkdirSync('dist', { recursive: true });
fs.writeFileSync('dist/a.js', JSON.stringify(said));
`;
    const files = source(id, '1.0.0', script);
    const ids = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files, date: '2024-05-01T10:00:00Z' }], tags: { 'v1.0.0': 'c' } });
    const { execFileSync } = await import('node:child_process');
    const time = execFileSync('git', ['-C', world.host.directory(`kit/${id}`), 'log', '-1', '--format=%ct', ids.c]).toString().trim();
    await world.registry.publish({ files: published(files, JSON.stringify([ids.c, 'v1.0.0', time, 'honest 1.0.0'])), gitHead: ids.c });
    const answer = await judge(`${id}@1.0.0`);
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  },
  { seats: SEATS },
);

for (const ref of ['refs/stash', 'refs/notes/commits', 'refs/pull/1/head', 'refs/original/refs/heads/main', 'refs/replace/0000']) {
  attack(`of a local repository ${ref} does not count`, async ({ world, id, judge, home }) => {
    const { execFileSync } = await import('node:child_process');
    const honest = { 'package.json': manifest(id, '0.9.0'), 'index.js': 'old\n' };
    const payload = { 'package.json': manifest(id, '1.0.0'), 'index.js': PAYLOAD };
    const commits = [{ label: 'old', files: honest }, { label: 'new', files: payload }];
    const ids = await world.host.add(`kit/${id}`, { commits, branches: { main: 'old' }, refs: { 'refs/elsewhere': 'new' } });
    const clean = await home();
    const local = `${clean.home}/local`;
    execFileSync('git', ['clone', '--quiet', '--bare', world.host.directory(`kit/${id}`), local]);
    const fetched = ref === 'refs/replace/0000' ? `refs/replace/${ids.old}` : ref;
    execFileSync('git', ['-C', local, 'fetch', '--quiet', 'origin', `refs/elsewhere:${fetched}`]);
    await world.registry.publish({ files: payload, gitHead: ids.new });
    const answer = await judge(`${id}@1.0.0`, { clean, args: ['--source', local] });
    assertNotReproduced(answer);
    // The same with a branch there: it is the user's word then.
    execFileSync('git', ['-C', local, 'update-ref', 'refs/heads/mine', ids.new]);
    assert.equal((await judge(`${id}@1.0.0`, { clean, args: ['--source', local] })).verdict, 'identical');
  });
}

const FORK = 'fork\n';

/**
 * A repository with `vendor` at a commit of a fork, which no branch and no tag of its repository
 * leads to, as hosts serve those of pull requests. `build`: published is what a build copied.
 */
async function withFork(world, id, { build, inner = 'vendor', address = `https://github.com/kit/${id}-vendor.git`, at = 'fork' } = {}) {
  const own = (letter) => {
    const directory = letter && `p/${letter}`;
    const copy = `node -e "const fs=require('fs');fs.mkdirSync('dist',{recursive:true});fs.copyFileSync('${letter ? '../../' : ''}vendor/v.js','dist/a.js')"`;
    const more = build ? { scripts: { build: copy }, files: ['dist', 'index.js'] } : {};
    return manifest(letter ? `${id}-${letter}` : id, '1.0.0', { repository: { type: 'git', url: `git+https://github.com/kit/${id}.git`, directory }, ...more });
  };
  const commits = [{ label: 'good', files: { 'v.js': 'good\n' } }, { label: 'fork', parents: ['good'], files: { 'v.js': FORK } }, { label: 'last', parents: ['good'], files: { 'v.js': 'last\n' } }];
  const vendor = await world.host.add(`kit/${id}-vendor`, { commits, branches: { main: 'last' }, refs: { 'refs/pull/1/head': 'fork' } });
  const gitmodules = `[submodule "${inner}"]\n\tpath = ${inner}\n\turl = ${address}\n`;
  const letters = build === 'two' ? ['a', 'b'] : [''];
  const files = {
    ...(build === 'two' ? { 'package.json': manifest(`${id}-root`, '0.0.0', { private: true, workspaces: ['p/*'] }) } : {}),
    ...Object.fromEntries(letters.flatMap((letter) => {
      const folder = letter && `p/${letter}/`;
      return [[`${folder}package.json`, own(letter)], [`${folder}index.js`, `x${letter}\n`]];
    })),
    '.gitignore': 'dist\n',
    '.gitmodules': gitmodules,
    [inner]: { submodule: vendor[at] },
  };
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  const text = { fork: FORK, good: 'good\n', last: 'last\n' }[at];
  for (const letter of letters) {
    const rest = build ? { 'dist/a.js': text } : { '.gitmodules': gitmodules, 'vendor/v.js': text };
    await world.registry.publish({ files: { 'package.json': own(letter), 'index.js': `x${letter}\n`, ...rest }, gitHead: c });
  }
  return { ids: vendor, repository: `https://github.com/kit/${id}-vendor` };
}

/** Fails unless the answer says that the submodule is of nobody's. */
function assertTold(answer, { ids }) {
  const finding = findingOf(answer, 'submodule-unreached');
  assert.equal(finding.severity, 'warning');
  assert.match(finding.message, new RegExp(`the submodule vendor is at ${ids.fork}`));
}

for (const build of [undefined, 'one', 'two']) {
  const how = { undefined: 'that is packed', one: 'that a build copies', two: 'that the builds of two packages copy' }[build];
  attack(`a submodule at a commit of a fork ${how} is told, in a replay too, and nothing is stated of it`, async ({ world, id, judge, cli }) => {
    const { writeFileSync, existsSync } = await import('node:fs');
    const fork = await withFork(world, id, { build });
    let clean;
    for (const name of build === 'two' ? [`${id}-a`, `${id}-b`] : [id]) {
      const answer = await judge(`${name}@1.0.0`, { clean });
      clean = answer.clean;
      assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts, null, 1));
      assertTold(answer, fork);
      const listed = [{ path: 'vendor', repository: fork.repository, commit: fork.ids.fork }];
      const decided = answer.attempts.find(({ recipe }) => recipe.tarball);
      assert.deepEqual(decided.submodules.map((one) => ({ ...one, repository: one.repository.replace(/\.git$/, '') })), listed);
      writeFileSync(`${clean.home}/result.json`, answer.ran.stdout);
      const replayed = await cli(['replay', 'result.json', '--json'], { clean });
      assert.equal(replayed.json.outcome, 'same-bytes', replayed.stdout + replayed.stderr);
      assertTold(replayed.json, fork);
      assert.deepEqual(replayed.json.submodules, decided.submodules);
      const attested = await cli([`${name}@1.0.0`, '--json', '--attest', 's.json'], { clean });
      assert.equal(attested.code, 2, attested.stdout + attested.stderr);
      assert.ok(!existsSync(`${clean.home}/s.json`), 'a statement was written');
    }
  });
}

for (const at of ['good', 'last']) {
  attack(`a submodule at a commit that its branch leads to is not warned of, and stated: ${at}`, async ({ world, id, judge, cli }) => {
    const { readFileSync } = await import('node:fs');
    const { ids } = await withFork(world, id, { at });
    const answer = await judge(`${id}@1.0.0`);
    assert.equal(answer.verdict, 'identical');
    assert.deepEqual(answer.findings.map(({ code }) => code), []);
    const attested = await cli([`${id}@1.0.0`, '--json', '--attest', 's.json'], { clean: answer.clean });
    assert.equal(attested.code, 0, attested.stdout + attested.stderr);
    assert.match(readFileSync(`${answer.clean.home}/s.json`, 'utf8'), new RegExp(`"gitCommit":"${ids[at]}"`));
  });
}

attack('a submodule at a commit of a fork is told where the source is a local clone', async ({ world, id, judge }) => {
  const { execFileSync } = await import('node:child_process');
  const fork = await withFork(world, id);
  const clean = await judge(`${id}@1.0.0`).then((answer) => answer.clean);
  const local = `${clean.home}/local`;
  execFileSync('git', ['clone', '--quiet', '--bare', world.host.directory(`kit/${id}`), local]);
  // A clone on this machine leads no submodule to a private host; the user does.
  clean.env.REPRODUCE_ALLOW_HOSTS = new URL(world.host.url).host;
  const answer = await judge(`${id}@1.0.0`, { clean, args: ['--source', local] });
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts, null, 1));
  assertTold(answer, fork);
});

attack('a submodule of a submodule brings nothing along', async ({ world, id, judge }) => {
  const inner = await world.host.add(`kit/${id}-inner`, { commits: [{ label: 'i', files: { 'i.js': 'inner\n' } }] });
  const within = `[submodule "inner"]\n\tpath = inner\n\turl = https://github.com/kit/${id}-inner.git\n`;
  const outer = await world.host.add(`kit/${id}-outer`, { commits: [{ label: 'o', files: { '.gitmodules': within, 'o.js': 'o\n', inner: { submodule: inner.i } } }] });
  const gitmodules = `[submodule "vendor"]\n\tpath = vendor\n\turl = https://github.com/kit/${id}-outer.git\n`;
  const own = { 'package.json': manifest(id, '1.0.0'), 'index.js': 'x\n', '.gitmodules': gitmodules };
  await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: { ...own, vendor: { submodule: outer.o } } }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { ...own, 'vendor/.gitmodules': within, 'vendor/o.js': 'o\n', 'vendor/inner/i.js': 'inner\n' } });
  const answer = await judge(`${id}@1.0.0`);
  assertNotReproduced(answer);
  assert.match(findingOf(answer, 'source-incomplete').message, /vendor\/inner/);
});
