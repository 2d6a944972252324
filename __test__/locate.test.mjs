// Which commit and which folder a version came from: by claims where there are any, by content in
// any case.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startGitHost } from './kit/githost.mjs';
import { git } from './kit/history.mjs';
import { gzip, rawTar } from './kit/tarball.mjs';
import { manifest, openWorld } from './world.mjs';

let world;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

const SOURCE = (name, version = '1.0.0', more = {}) => ({ 'package.json': manifest(name, version), 'index.js': `${name} ${version}\n`, ...more });

/**
 * Puts up a repository and a package, judges it, and expects it to be reproduced from this commit
 * and folder.
 */
async function finds({ name, version = '1.0.0', repository = `kit/${name}`, history, files, publication = {}, commit, directory = '', ref, verdict = 'identical', options, evidence }) {
  const ids = history ? await world.host.add(repository, history) : {};
  const { gitHead, ...more } = publication;
  await world.registry.publish({ files, gitHead: gitHead && (ids[gitHead] ?? gitHead), ...more });
  const answer = await world.judge(`${name}@${version}`, options);
  const said = JSON.stringify({ code: answer.code, evidence: answer.evidence, comparison: answer.comparison, findings: answer.findings, message: answer.message }, null, 1);
  assert.equal(answer.verdict, verdict, said);
  if (commit) assert.equal(answer.origin.commit, ids[commit], `another commit than ${commit}: ${said}\n${JSON.stringify(ids)}`);
  assert.equal(answer.origin.directory, directory, said);
  if (ref !== undefined) assert.equal(answer.origin.ref, ref);
  if (evidence) assert.ok(answer.evidence.some(({ kind }) => kind === evidence), `no evidence of ${evidence}: ${said}`);
  return answer;
}

// ── one package ──

test('a version that no commit carries, without tag or gitHead, is no-source; the evidence names the commit with most of the files', async () => {
  const name = 'l-unnamed';
  const commits = [
    { label: 'early', files: { ...SOURCE(name, '0.9.0'), 'lib.js': 'one\n' } },
    { label: 'published', files: { 'index.js': 'two\n', 'lib.js': 'two\n' } },
    { label: 'late', files: { 'index.js': 'three\n', 'lib.js': 'three\n' } },
  ];
  const { published } = await world.host.add(`kit/${name}`, { commits });
  await world.registry.publish({ files: { 'package.json': manifest(name, '1.0.0'), 'index.js': 'two\n', 'lib.js': 'two\n' }, omit: ['gitHead'] });
  const answer = await world.judge(`${name}@1.0.0`);
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'commit-not-found']);
  const [found] = answer.evidence.filter(({ kind }) => kind === 'content');
  assert.deepEqual([found.commit, found.filesMatched, found.filesPublished], [published, 2, 3]);
});

test('gitHead of the registry names the commit, with one request for it', async () => {
  const name = 'l-githead';
  const history = { commits: [{ label: 'c', files: SOURCE(name) }, { label: 'd', files: { 'index.js': 'later\n' } }], branches: { main: 'd', release: 'c' } };
  const from = world.host.requests.length;
  await finds({ name, history, files: SOURCE(name), publication: { gitHead: 'c' }, commit: 'c', evidence: 'git-head' });
  // The handshake, the refs, the commit.
  assert.ok(world.host.requests.length - from <= 3, `${world.host.requests.length - from} requests`);
});

test('gitHead inside the tarball names the commit', async () => {
  const name = 'l-inner';
  const history = { commits: [{ label: 'c', files: SOURCE(name) }, { label: 'd', files: { 'index.js': 'later\n' } }] };
  const { c } = await world.host.add(`kit/${name}`, history);
  const files = { ...SOURCE(name), 'package.json': manifest(name, '1.0.0', { gitHead: c }) };
  await world.registry.publish({ files, omit: ['gitHead'] });
  const answer = await world.judge(`${name}@1.0.0`);
  // Old clients wrote it there; that is an edit of package.json, which is not in the source.
  assert.equal(answer.origin.commit, c);
  assert.ok(answer.evidence.some(({ kind }) => kind === 'tarball-git-head'));
});

for (const [tag, version] of [
  ['v1.0.0', '1.0.0'], ['1.0.0', '1.0.0'], ['l-tag@1.0.0', '1.0.0'], ['l-tag-v1.0.0', '1.0.0'], ['release/1.0.0', '1.0.0'],
  ['release-1.0.0', '1.0.0'], ['V1.0.0', '1.0.0'], ['v1.0', '1.0.0'], ['v2.0.0-beta.1', '2.0.0-beta.1'],
]) {
  test(`a tag ${tag} names the commit of ${version}`, async () => {
    const nth = Buffer.from(tag).toString('hex');
    const name = 'l-tag';
    const repository = `kit/l-tag-${nth}`;
    const files = { ...SOURCE(name, version), 'package.json': manifest(name, version, { repository: `github:${repository}` }) };
    const history = {
      commits: [
        { label: 'before', files: { ...files, 'package.json': manifest(name, '0.1.0') } },
        { label: 'c', files },
        { label: 'after', files: { 'index.js': 'later\n', 'package.json': manifest(name, '3.0.0') } },
      ],
      tags: { [tag]: 'c', 'v0.1.0': 'before', 'v3.0.0': 'after', 'v11.0.0': 'after', 'other@1.0.0': 'after' },
    };
    await finds({ name, version, repository, history, files, commit: 'c', ref: `refs/tags/${tag}`, evidence: 'tag' });
  });
}

test('an annotated tag leads to its commit', async () => {
  const name = 'l-annotated';
  const history = {
    commits: [{ label: 'c', files: SOURCE(name) }, { label: 'd', files: { 'index.js': 'later\n' } }],
    tags: { 'v1.0.0': { commit: 'c', annotated: true } },
  };
  await finds({ name, history, files: SOURCE(name), commit: 'c', ref: 'refs/tags/v1.0.0' });
});

test('a tag a commit late loses to the commit whose tree has the files', async () => {
  const name = 'l-late';
  const history = {
    commits: [{ label: 'c', files: SOURCE(name) }, { label: 'late', files: { 'index.js': 'one more change\n' } }, { label: 'end', files: { x: 'x\n' } }],
    tags: { 'v1.0.0': 'late' },
  };
  await finds({ name, history, files: SOURCE(name), commit: 'c' });
});

test('a tag a commit early loses to the commit whose tree has the files', async () => {
  const name = 'l-early';
  const history = {
    commits: [
      { label: 'early', files: { ...SOURCE(name), 'index.js': 'not yet\n' } },
      { label: 'c', files: { 'index.js': SOURCE(name)['index.js'] } },
      { label: 'end', files: { 'index.js': 'later\n' } },
    ],
    tags: { 'v1.0.0': 'early' },
  };
  await finds({ name, history, files: SOURCE(name), commit: 'c' });
});

test('a gitHead that is the parent of the version bump loses to the bump', async () => {
  const name = 'l-parent';
  const history = {
    commits: [
      { label: 'old', files: { ...SOURCE(name), 'package.json': manifest(name, '0.9.0') } },
      { label: 'c', files: { 'package.json': manifest(name) } },
      { label: 'next', files: { 'package.json': manifest(name, '1.1.0') } },
    ],
  };
  await finds({ name, history, files: SOURCE(name), publication: { gitHead: 'old' }, commit: 'c', evidence: 'version-bump' });
});

test('a gitHead of nowhere does no harm where a tag is right', async () => {
  const name = 'l-lost';
  const history = { commits: [{ label: 'c', files: SOURCE(name) }], tags: { 'v1.0.0': 'c' } };
  await finds({ name, history, files: SOURCE(name), publication: { gitHead: 'b'.repeat(40) }, commit: 'c' });
});

test('no tag and no gitHead: the commit that set the version', async () => {
  const name = 'l-bump';
  const commits = [];
  for (const version of ['0.9.0', '1.0.0', '1.0.1', '1.1.0']) {
    commits.push({ label: `work ${version}`, files: { 'index.js': `${name} ${version}\n` } }, { label: version, files: SOURCE(name, version) });
  }
  await finds({ name, history: { commits }, files: SOURCE(name), commit: '1.0.0', evidence: 'version-bump' });
});

test('no tag and no gitHead: of the commits with the version, the one whose tree has the files', async () => {
  const name = 'l-content';
  const history = {
    commits: [
      { label: 'set', files: { ...SOURCE(name), 'index.js': 'before\n' } },
      { label: 'c', files: { 'index.js': SOURCE(name)['index.js'] } },
      { label: 'after', files: { 'index.js': 'after\n' } },
      { label: 'next', files: SOURCE(name, '1.1.0') },
    ],
  };
  await finds({ name, history, files: SOURCE(name), commit: 'c' });
});

test('a version on a branch that is not the default one is found', async () => {
  const name = 'l-branch';
  const history = {
    commits: [
      { label: 'root', files: SOURCE(name, '0.5.0') },
      { label: 'main', files: SOURCE(name, '2.0.0') },
      { label: 'c', parents: ['root'], files: SOURCE(name) },
      { label: 'after', parents: ['c'], files: { 'index.js': 'x\n' } },
    ],
    branches: { main: 'main', '1.x': 'after' },
  };
  await finds({ name, history, files: SOURCE(name), commit: 'c' });
});

test('a version inside a merge is found', async () => {
  const name = 'l-merge';
  const history = {
    commits: [
      { label: 'root', files: SOURCE(name, '0.5.0') },
      { label: 'c', parents: ['root'], files: SOURCE(name) },
      { label: 'side', parents: ['root'], files: { other: 'x\n' } },
      { label: 'merge', parents: ['side', 'c'], files: SOURCE(name, '1.1.0') },
    ],
  };
  await finds({ name, history, files: SOURCE(name), commit: 'c' });
});

// ── commits that explain the files equally ──

test('of commits that explain the files equally, the one that has fewest others', async () => {
  const name = 'l-equal-fewest';
  const history = {
    commits: [
      { label: 'root', files: SOURCE(name, '0.5.0') },
      { label: 'feature', parents: ['root'], files: { ...SOURCE(name), 'unpublished.js': 'x\n' } },
      { label: 'c', parents: ['root'], files: SOURCE(name) },
    ],
    branches: { feature: 'feature', next: 'c', main: 'root' },
    head: 'main',
  };
  await finds({ name, history, files: SOURCE(name), commit: 'c', evidence: 'version-bump' });
});

/** What is published: one file, by `files`. */
const SMALL = (name) => ({ 'package.json': manifest(name, '1.0.0', { files: ['index.js'] }), 'index.js': `${name} 1.0.0\n` });
/**
 * Commits with these files that differ beside the package alone, on two branches, a day from one to
 * the next.
 */
const equals = (name) => ({
  commits: [
    { label: 'root', date: '2020-01-01T00:00:00Z', files: SOURCE(name, '0.5.0', { 'src/x.ts': '0\n' }) },
    { label: 'feature', parents: ['root'], date: '2020-01-02T00:00:00Z', files: { ...SMALL(name), 'src/x.ts': '1\n' } },
    { label: 'bump', parents: ['root'], date: '2020-01-03T00:00:00Z', files: { ...SMALL(name), 'src/x.ts': '2\n' } },
    { label: 'last', date: '2020-01-04T00:00:00Z', files: { 'src/x.ts': '3\n' } },
    { label: 'late', date: '2020-01-06T00:00:00Z', files: { 'src/x.ts': '4\n' } },
  ],
  branches: { feature: 'feature', main: 'late' },
  head: 'main',
});

test('of these, the first one of the default branch', async () => {
  const name = 'l-equal-branch';
  await finds({ name, history: equals(name), files: SMALL(name), commit: 'bump' });
});

test('of these, the last one before the times of the tarball’s files, where they are true', async () => {
  for (const [at, commit] of [['2020-01-05T00:00:00Z', 'last'], ['2020-01-03T12:00:00Z', 'bump'], ['1985-10-26T08:15:00Z', 'bump'], ['2020-01-02T12:00:00Z', 'bump']]) {
    const name = `l-equal-${at.slice(0, 13).toLowerCase()}`;
    const entries = Object.entries(SMALL(name)).map(([path, data]) => ({ path: `package/${path}`, data, mtime: Date.parse(at) / 1000 }));
    const ids = await world.host.add(`kit/${name}`, equals(name));
    await world.registry.publish({ files: SMALL(name), tarball: gzip(rawTar(entries)), omit: ['gitHead'] });
    const answer = await world.judge(`${name}@1.0.0`);
    assert.equal(answer.origin.commit, ids[commit], `${at}: ${JSON.stringify(answer.evidence)}`);
  }
});

// ── bots' branches ──

/** A release whose commit was not pushed, beside a branch that has its version and another file. */
const proposed = (name, branch) => ({
  commits: [
    { label: 'root', files: SOURCE(name, '0.5.0') },
    { label: 'proposal', parents: ['root'], files: { ...SOURCE(name), 'index.js': 'as it was proposed\n' } },
  ],
  branches: { main: 'root', [branch]: 'proposal' },
});

for (const branch of ['release-please--branches--main', 'changeset-release/main', 'renovate/x-1.x', 'dependabot/npm_and_yarn/x-1.0.0']) {
  test(`a version that only ${branch} carries, with other files, is no-source`, async () => {
    const name = `l-bot-${branch.split(/[-/]/)[0]}`;
    const ids = await world.host.add(`kit/${name}`, proposed(name, branch));
    await world.registry.publish({ files: SOURCE(name), omit: ['gitHead'] });
    const answer = await world.judge(`${name}@1.0.0`);
    assert.deepEqual([answer.verdict, answer.code], ['no-source', 'commit-not-found']);
    assert.match(answer.hints.join(), /^only a bot's branch has this version, with other files: /);
    const seen = answer.evidence.find(({ commit }) => commit === ids.proposal);
    assert.deepEqual([seen.kind, seen.note], ['version-bump', "only a bot's branch leads to it"]);
  });
}

test('the same on a branch of a person is the commit, and differs', async () => {
  const name = 'l-person';
  await finds({ name, history: proposed(name, 'next'), files: SOURCE(name), commit: 'proposal', verdict: 'differs' });
});

test('a bot’s branch counts where nothing else has the version and its files are those that were published, with a finding', async () => {
  const name = 'l-bot-right';
  const history = {
    commits: [{ label: 'root', files: SOURCE(name, '0.5.0') }, { label: 'c', parents: ['root'], files: SOURCE(name) }],
    branches: { main: 'root', 'changeset-release/main': 'c' },
  };
  const answer = await finds({ name, history, files: SOURCE(name), commit: 'c' });
  const finding = answer.findings.find(({ code }) => code === 'commit-of-bot');
  assert.equal(finding?.severity, 'warning');
  assert.match(finding.message, /^only the branch changeset-release\/main, which a bot made, leads to the commit/);
});

test('a merged proposal is the commit on the branch where it was merged, without a finding', async () => {
  const name = 'l-bot-merged';
  const history = {
    commits: [
      { label: 'root', files: SOURCE(name, '0.5.0') },
      { label: 'proposal', parents: ['root'], files: { ...SOURCE(name), 'index.js': 'as it was proposed\n' } },
      { label: 'c', parents: ['root'], files: SOURCE(name) },
      { label: 'after', parents: ['c'], files: { 'index.js': 'later\n' } },
    ],
    branches: { main: 'after', 'release-please--branches--main': 'proposal', 'renovate/later': 'after' },
  };
  const answer = await finds({ name, history, files: SOURCE(name), commit: 'c' });
  assert.equal(answer.findings.find(({ code }) => code === 'commit-of-bot'), undefined);
});

test('a repository that has bots’ branches alone is searched, with a finding', async () => {
  const name = 'l-bot-alone';
  const history = {
    commits: [{ label: 'c', files: { ...SOURCE(name), 'index.js': 'as it was proposed\n' } }, { label: 'd', files: SOURCE(name, '2.0.0') }],
    branches: { 'renovate/all': 'd' },
  };
  const answer = await finds({ name, history, files: SOURCE(name), commit: 'c', verdict: 'differs' });
  assert.ok(answer.findings.some(({ code }) => code === 'commit-of-bot'));
});

test('a commit that gitHead names counts whoever made its branch, with a finding', async () => {
  const name = 'l-bot-githead';
  const history = {
    commits: [{ label: 'root', files: SOURCE(name, '0.5.0') }, { label: 'c', parents: ['root'], files: SOURCE(name) }],
    branches: { main: 'root', 'renovate/x': 'c' },
  };
  const answer = await finds({ name, history, files: SOURCE(name), publication: { gitHead: 'c' }, commit: 'c' });
  assert.ok(answer.findings.some(({ code }) => code === 'commit-of-bot'));
});

test('a gitHead of long ago that a release tool committed does not hold the search', async () => {
  const name = 'l-stale';
  const text = (version, head) => manifest(name, version, head ? { gitHead: head } : {});
  const files = (at) => Object.fromEntries(['a.js', 'b.js'].map((file) => [file, `exports.n = ${at};\n`]));
  // A first run finds the id of the first commit, which the package.json of later ones names.
  const begin = [{ label: 'first', files: { 'package.json': text('4.2.0'), ...files(0) } }];
  const { first } = await world.host.add(`kit/${name}`, { commits: begin });
  const later = Array.from({ length: 230 }, (_, at) => ({ label: `c${at}`, files: { 'package.json': text('4.6.3', first), ...files(at + 1) } }));
  const history = { commits: [...begin, ...later] };
  const published = { 'package.json': text('4.6.4', first), ...files(230) };
  const answer = await finds({ name, version: '4.6.4', history, files: published, commit: 'c229' });
  // What is like it in part alone is no commit for it: the search says no more than before.
  await world.registry.publish({ files: { 'package.json': text('4.6.5', first), ...files(229), 'c.js': 'never committed\n' } });
  const other = await world.judge(`${name}@4.6.5`);
  assert.deepEqual([answer.reproduced, other.reproduced], [true, false]);
});

test('a package is found by the name that publishConfig gives it', async () => {
  const name = 'l-renamed';
  const here = manifest('l-renamed-here', '1.0.0', { repository: `github:kit/${name}`, publishConfig: { name } });
  const history = {
    commits: [{ label: 'c', files: { 'package.json': manifest('root', '0.0.0', { private: true }), 'packages/x/package.json': here, 'packages/x/index.js': 'x\n' } }],
    tags: { 'v1.0.0': 'c' },
  };
  // As pnpm 11.18 publishes it; another client keeps the name, and then it is another package.
  const json = manifest(name, '1.0.0', { repository: `github:kit/${name}` });
  const answer = await finds({ name, history, files: { 'package.json': json, 'index.js': 'x\n' }, directory: 'packages/x', verdict: 'differs' });
  assert.deepEqual(answer.comparison.changed.map(({ path }) => path), ['package.json']);
});

// ── many packages ──

/** Packages a, b, c in packages/, each release tagged as changesets do it. */
function monorepo(prefix, tags = (name, version) => `${name}@${version}`) {
  const repository = `kit/${prefix}`;
  const inside = (letter, version) => manifest(`${prefix}-${letter}`, version, { repository: { type: 'git', url: `git+https://github.com/${repository}.git`, directory: `packages/${letter}` } });
  const commits = [{ label: 'root', files: { 'package.json': manifest(prefix, '0.0.0', { private: true, workspaces: ['packages/*'] }), LICENSE: 'MIT\n' } }];
  const named = {};
  for (const version of ['1.0.0', '1.1.0', '2.0.0']) {
    for (const letter of 'abc') {
      const label = `${letter} ${version}`;
      commits.push({ label, files: { [`packages/${letter}/package.json`]: inside(letter, version), [`packages/${letter}/index.js`]: `${letter} ${version}\n`, [`packages/${letter}/LICENSE`]: 'MIT\n' } });
      named[tags(`${prefix}-${letter}`, version)] = label;
    }
  }
  const files = (letter, version) => ({ 'package.json': inside(letter, version), 'index.js': `${letter} ${version}\n`, LICENSE: 'MIT\n' });
  return { repository, history: { commits, tags: named }, files };
}

test('in a monorepo the tag of the package is taken, not that of its neighbour', async () => {
  const { repository, history, files } = monorepo('l-mono');
  await world.host.add(repository, history);
  for (const letter of 'abc') {
    await finds({ name: `l-mono-${letter}`, version: '1.1.0', files: files(letter, '1.1.0'), directory: `packages/${letter}`, ref: `refs/tags/l-mono-${letter}@1.1.0` });
  }
});

test('in a monorepo without a tag for the package its version bump is found', async () => {
  const { repository, history, files } = monorepo('l-untagged', (name, version) => `${name}-is-not-${version}0`);
  await finds({ name: 'l-untagged-b', version: '1.1.0', repository, history, files: files('b', '1.1.0'), commit: 'b 1.1.0', directory: 'packages/b' });
});

test('in a monorepo with one tag for all packages the tag is right for each', async () => {
  const prefix = 'l-lerna';
  const { repository, history, files } = monorepo(prefix);
  await world.host.add(repository, { ...history, tags: { 'v2.0.0': 'c 2.0.0' } });
  for (const letter of 'abc') {
    await finds({ name: `${prefix}-${letter}`, version: '2.0.0', files: files(letter, '2.0.0'), directory: `packages/${letter}`, ref: 'refs/tags/v2.0.0' });
  }
});

test('the folder is found where nothing says it, and where the declared one is wrong', async () => {
  for (const [nth, directory] of [undefined, 'packages/nowhere', 'packages/a'].entries()) {
    const name = `l-folder-${nth}`;
    const json = manifest(name, '1.0.0', { repository: { type: 'git', url: `https://github.com/kit/${name}`, directory } });
    const history = {
      commits: [{ label: 'c', files: {
        'package.json': manifest('root', '0.0.0', { private: true }),
        'packages/a/package.json': manifest('l-other'), 'packages/a/index.js': 'other\n',
        'packages/b/package.json': json, 'packages/b/index.js': 'b\n',
      } }],
      tags: { 'v1.0.0': 'c' },
    };
    await finds({ name, history, files: { 'package.json': json, 'index.js': 'b\n' }, directory: 'packages/b' });
  }
});

test('a package that moved between folders is found where it was then', async () => {
  const name = 'l-moved';
  const now = Object.fromEntries(Object.entries(SOURCE(name, '2.0.0')).map(([path, file]) => [`packages/${name}/${path}`, file]));
  const history = {
    commits: [
      { label: 'c', files: SOURCE(name) },
      { label: 'move', files: { 'package.json': manifest('root', '0.0.0', { private: true }), 'index.js': null, ...now } },
      { label: 'end', files: { [`packages/${name}/index.js`]: 'end\n' } },
    ],
  };
  await finds({ name, history, files: SOURCE(name), commit: 'c', directory: '' });
});

test('a package that moved from one folder to another is found where it was then', async () => {
  const name = 'l-moved2';
  const under = (folder, files) => Object.fromEntries(Object.entries(files).map(([path, file]) => [`${folder}/${path}`, file]));
  const history = {
    commits: [
      { label: 'c', files: under('modules/x', SOURCE(name)) },
      { label: 'next', files: under('modules/x', SOURCE(name, '1.1.0')) },
      { label: 'move', files: { 'modules/x/package.json': null, 'modules/x/index.js': null, ...under('packages/y', SOURCE(name, '2.0.0')) } },
    ],
  };
  await finds({ name, history, files: SOURCE(name), commit: 'c', directory: 'modules/x' });
});

test('of two folders that name the package, the one with its files is taken', async () => {
  const name = 'l-two';
  const history = {
    commits: [{ label: 'c', files: {
      'a/fixture/package.json': manifest(name), 'a/fixture/index.js': 'fixture\n',
      'pkg/package.json': manifest(name), 'pkg/index.js': 'real\n', 'pkg/lib.js': 'lib\n',
    } }],
    tags: { 'v1.0.0': 'c' },
  };
  await finds({ name, history, files: { 'package.json': manifest(name), 'index.js': 'real\n', 'lib.js': 'lib\n' }, directory: 'pkg' });
});

test('a repository address with /tree/<ref>/<dir> leads to the folder and the ref', async () => {
  const name = 'l-tree';
  const json = manifest(name, '1.0.0', { repository: `https://github.com/kit/${name}/tree/release/packages/x` });
  const history = {
    commits: [
      { label: 'c', files: { 'packages/x/package.json': json, 'packages/x/index.js': 'x\n', 'packages/y/package.json': json, 'packages/y/index.js': 'x\n' } },
      { label: 'd', files: { 'packages/x/index.js': 'later\n', 'packages/x/package.json': manifest(name, '2.0.0') } },
    ],
    branches: { main: 'd', release: 'c' },
  };
  await finds({ name, history, files: { 'package.json': json, 'index.js': 'x\n' }, commit: 'c', directory: 'packages/x', evidence: 'reference' });
});

test('a repository address with #ref leads to the ref', async () => {
  const name = 'l-hash';
  const json = manifest(name, '1.0.0', { repository: `git+https://github.com/kit/${name}.git#stable` });
  const history = {
    commits: [{ label: 'c', files: { 'package.json': json, 'index.js': 'x\n' } }, { label: 'd', files: { 'index.js': 'later\n' } }],
    branches: { main: 'd', stable: 'c' },
  };
  await finds({ name, history, files: { 'package.json': json, 'index.js': 'x\n' }, commit: 'c', evidence: 'reference' });
});

test('homepage and bugs name the repository where nothing else does, with a finding', async () => {
  for (const [nth, more] of [{ homepage: 'https://github.com/kit/l-home-0#readme' }, { bugs: { url: 'https://github.com/kit/l-home-1/issues' } }].entries()) {
    const name = `l-home-${nth}`;
    const files = { 'package.json': manifest(name, '1.0.0', { repository: null, ...more }), 'index.js': 'x\n' };
    const answer = await finds({ name, history: { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } }, files });
    assert.ok(answer.findings.some(({ code }) => code === 'repository-from-other-field'));
  }
});

// ── line endings, attributes, submodules ──

const crlf = (text) => text.replaceAll('\n', '\r\n');

test('CRLF in the published files and LF in git: a Windows publisher’s checkout', async () => {
  const name = 'l-windows';
  const source = SOURCE(name, '1.0.0', { 'lib/a.js': 'a\nb\n', 'README.md': '# x\n\ntext\n', 'binary.bin': Buffer.from([0, 10, 13, 10, 0]) });
  const files = Object.fromEntries(Object.entries(source).map(([path, file]) => [path, Buffer.isBuffer(file) ? file : crlf(file)]));
  const history = { commits: [{ label: 'c', files: source }, { label: 'd', files: SOURCE(name, '1.1.0') }], tags: { 'v1.0.0': 'c' } };
  const answer = await finds({ name, history, files, commit: 'c', verdict: 'identical' });
  assert.equal(answer.attempts.at(-1).recipe.checkout, 'windows');
});

test('CRLF in the published files and no tag: the version bump is found all the same', async () => {
  const name = 'l-windows2';
  const files = Object.fromEntries(Object.entries(SOURCE(name)).map(([path, file]) => [path, crlf(file)]));
  const history = { commits: [{ label: 'a', files: SOURCE(name, '0.9.0') }, { label: 'c', files: SOURCE(name) }, { label: 'd', files: SOURCE(name, '1.1.0') }] };
  await finds({ name, history, files, commit: 'c' });
});

test('CRLF in one file alone, against LF in git, differs', async () => {
  const name = 'l-crlfone';
  const source = SOURCE(name, '1.0.0', { 'lib/a.js': 'a\nb\n' });
  await finds({ name, history: { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } }, files: { ...source, 'lib/a.js': 'a\r\nb\r\n' }, verdict: 'differs' });
});

test('.gitattributes eol=crlf is followed on every system', async () => {
  const name = 'l-eol';
  const source = SOURCE(name, '1.0.0', { '.gitattributes': '*.bat text eol=crlf\nlib/*.txt eol=crlf\n*.dat -text\n', 'run.bat': 'a\nb\n', 'lib/x.txt': 'x\ny\n', 'z.dat': 'z\n' });
  const files = { ...source, 'run.bat': 'a\r\nb\r\n', 'lib/x.txt': 'x\r\ny\r\n' };
  await finds({ name, history: { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } }, files, commit: 'c' });
});

test('.gitattributes ident is expanded as in a checkout', async () => {
  const name = 'l-ident';
  const text = '// $Id$\nx\n';
  const id = createHash('sha1').update(`blob ${text.length}\0${text}`).digest('hex');
  const source = SOURCE(name, '1.0.0', { '.gitattributes': '*.js ident\n', 'x.js': text });
  await finds({ name, history: { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } }, files: { ...source, 'x.js': `// $Id: ${id} $\nx\n` } });
});

test('.gitattributes working-tree-encoding is followed as in a checkout', async () => {
  const name = 'l-encoding';
  const source = SOURCE(name, '1.0.0', { '.gitattributes': '*.txt working-tree-encoding=UTF-16LE\n', 'a.txt': 'grün\n' });
  await finds({ name, history: { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } }, files: { ...source, 'a.txt': Buffer.from('grün\n', 'utf16le') } });
});

test('.gitattributes filter=lfs: the pointer is not the file, and nothing is fetched for it', async () => {
  const name = 'l-lfs';
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 5\n`;
  const source = SOURCE(name, '1.0.0', { '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n', 'a.bin': pointer });
  await finds({ name, history: { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } }, files: { ...source, 'a.bin': 'large' }, verdict: 'differs' });
});

test('files with CRLF in git are published as they are', async () => {
  const name = 'l-rawcrlf';
  const source = SOURCE(name, '1.0.0', { 'a.txt': 'a\r\nb\r\n' });
  await finds({ name, history: { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } }, files: source });
});

test('what a submodule holds is part of the package', async () => {
  const name = 'l-submodule';
  const inside = { 'deep/vendor.js': 'vendor\n', 'README.md': '# vendor\n' };
  const { v } = await world.host.add('kit/l-vendor', { commits: [{ label: 'v', files: inside }, { label: 'w', files: { 'deep/vendor.js': 'w\n' } }] });
  const source = SOURCE(name, '1.0.0', { '.gitmodules': '[submodule "vendor"]\n\tpath = vendor\n\turl = https://github.com/kit/l-vendor.git\n' });
  const history = { commits: [{ label: 'c', files: { ...source, vendor: { submodule: v } } }], tags: { 'v1.0.0': 'c' } };
  const files = { ...source, 'vendor/deep/vendor.js': 'vendor\n', 'vendor/README.md': '# vendor\n' };
  await finds({ name, history, files, commit: 'c' });
});

test('a submodule with a relative address is found beside its repository', async () => {
  const name = 'l-relative';
  const { v } = await world.host.add('kit/l-sibling', { commits: [{ label: 'v', files: { 'v.js': 'v\n' } }] });
  const source = SOURCE(name, '1.0.0', { '.gitmodules': '[submodule "vendor"]\n\tpath = vendor\n\turl = ../l-sibling.git\n' });
  const history = { commits: [{ label: 'c', files: { ...source, vendor: { submodule: v } } }], tags: { 'v1.0.0': 'c' } };
  await finds({ name, history, files: { ...source, 'vendor/v.js': 'v\n' }, commit: 'c' });
});

test('an executable and a bin have the modes that npm gives them', async () => {
  const name = 'l-modes';
  const json = manifest(name, '1.0.0', { bin: { x: 'cli.js' } });
  const source = { 'package.json': json, 'cli.js': '#!/usr/bin/env node\n', 'run.sh': { data: '#!/bin/sh\n', mode: 0o755 } };
  await finds({ name, history: { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } }, files: source });
});

/** Files without some. */
function omit(files, ...paths) {
  return Object.fromEntries(Object.entries(files).filter(([path]) => !paths.includes(path)));
}

test('what npm’s rules leave out is left out, by the rules and not by the archive', async () => {
  const name = 'l-rules';
  const source = {
    'package.json': manifest(name, '1.0.0', { files: ['lib', '!lib/private'] }), 'lib/a.js': 'a\n', 'lib/private/b.js': 'b\n',
    'README.md': '# x\n', LICENSE: 'MIT\n', 'test/t.js': 't\n', '.gitignore': 'lib/gen\n', 'package-lock.json': '{}\n',
  };
  const files = omit(source, 'lib/private/b.js', 'test/t.js', '.gitignore', 'package-lock.json');
  await finds({ name, history: { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } }, files });
});

// ── other hosts ──

for (const [what, repository, path] of [
  ['a GitLab subgroup', 'https://gitlab.com/group/sub/deep/name', 'gitlab.com/group/sub/deep/name'],
  ['GitLab by shorthand', 'gitlab:group/name', 'gitlab.com/group/name'],
  ['a folder on GitLab', 'https://gitlab.com/group/name2/-/tree/main/', 'gitlab.com/group/name2'],
  ['Bitbucket', 'git@bitbucket.org:team/name.git', 'bitbucket.org/team/name'],
  ['Codeberg', { type: 'git', url: 'https://codeberg.org/me/name.git' }, 'codeberg.org/me/name'],
  ['SourceHut', 'https://git.sr.ht/~me/name', 'git.sr.ht/~me/name'],
  ['a gist', 'gist:0123456789abcdef0123', 'gist.github.com/0123456789abcdef0123'],
  ['any git host', 'https://git.example.org/some/where/name.git', 'git.example.org/some/where/name'],
  ['ssh on a known host', 'git+ssh://git@github.com/me/name.git', 'github.com/me/name'],
  ['the old git protocol', 'git://github.com/me/old.git', 'github.com/me/old'],
  ['trailing slashes', 'https://github.com/me/slashes///', 'github.com/me/slashes'],
]) {
  test(`a repository is found on ${what}`, async (t) => {
    const hosts = ['elsewhere.example', 'github.com', 'gist.github.com', 'gitlab.com', 'bitbucket.org', 'codeberg.org', 'git.sr.ht', 'git.example.org'];
    const host = await startGitHost({ hosts });
    t.after(() => host.close());
    const name = `l-host-${what.replace(/\W+/g, '-').toLowerCase()}`;
    const files = { 'package.json': manifest(name, '1.0.0', { repository }), 'index.js': 'x\n' };
    await host.add(path, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
    await world.registry.publish({ files });
    const answer = await world.judge(`${name}@1.0.0`, { gitconfig: host });
    assert.equal(answer.verdict, 'identical', JSON.stringify([answer.code, answer.findings]));
  });
}

// ── other servers ──

for (const [what, options] of [
  ['without filters', { filter: false }],
  ['with protocol 1 only', { protocol: 1 }],
  ['with protocol 0 only', { protocol: 0 }],
  ['with protocol 0, without filters and without commits by id', { protocol: 0, filter: false, allowAnySHA1InWant: false }],
]) {
  for (const [how, claims] of [['by gitHead', { gitHead: true }], ['by tag', { tag: true }], ['by version bump', {}]]) {
    test(`a server ${what} is read, ${how}`, async (t) => {
      const host = await startGitHost(options);
      t.after(() => host.close());
      const name = `l-server-${what.replace(/\W+/g, '-')}-${how.replace(/\W+/g, '-')}`;
      const ids = await host.add(`kit/${name}`, {
        commits: [{ label: 'a', files: SOURCE(name, '0.9.0') }, { label: 'c', files: SOURCE(name) }, { label: 'd', files: SOURCE(name, '1.1.0') }],
        tags: claims.tag ? { 'v1.0.0': 'c' } : {},
      });
      await world.registry.publish({ files: SOURCE(name), gitHead: claims.gitHead ? ids.c : undefined });
      const answer = await world.judge(`${name}@1.0.0`, { gitconfig: host });
      assert.deepEqual([answer.verdict, answer.origin?.commit], ['identical', ids.c], JSON.stringify([answer.code, answer.message, answer.findings]));
    });
  }
}

test('a renamed repository is found by its redirect', async () => {
  const name = 'l-renamed';
  await world.host.add('kit/l-renamed', { commits: [{ label: 'c', files: SOURCE(name) }], tags: { 'v1.0.0': 'c' } });
  world.host.rename('kit/l-renamed', 'kit/l-renamed-since');
  await finds({ name, files: SOURCE(name), ref: 'refs/tags/v1.0.0' });
  assert.ok(world.host.requests.some(({ status, url }) => status === 301 && url.includes('l-renamed')));
});

test('packument and tarball that name the old and the new name of a renamed repository agree', async () => {
  const name = 'l-renamed2';
  const files = { ...SOURCE(name), 'package.json': manifest(name, '1.0.0', { repository: 'github:kit/l-renamed2-since' }) };
  await world.host.add('kit/l-renamed2', { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  world.host.rename('kit/l-renamed2', 'kit/l-renamed2-since');
  await finds({ name, files, publication: { manifest: { repository: 'github:kit/l-renamed2' } } });
});

test('a scoped package is found by its tags', async () => {
  const name = '@l-scope/pkg';
  const source = { 'package.json': manifest(name, '1.0.0', { repository: 'github:kit/l-scoped' }), 'index.js': 'x\n' };
  for (const tag of ['@l-scope/pkg@1.0.0', 'pkg@1.0.0', 'pkg-v1.0.0']) {
    await finds({
      name, repository: 'kit/l-scoped', files: source, commit: 'c', ref: `refs/tags/${tag}`,
      history: { commits: [{ label: 'c', files: source }, { label: 'd', files: { 'index.js': 'y\n' } }], tags: { [tag]: 'c', 'other@1.0.0': 'd' } },
    });
  }
});

test('a tag that names a tree or a blob does no harm', async () => {
  const name = 'l-oddtags';
  await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files: SOURCE(name) }, { label: 'd', files: { 'index.js': 'y\n' } }] });
  const at = ['--git-dir', world.host.directory(`kit/${name}`)];
  await git([...at, 'update-ref', 'refs/tags/v1.0.0', await git([...at, 'rev-parse', 'main:index.js'])]);
  await git([...at, 'update-ref', 'refs/tags/1.0.0', await git([...at, 'rev-parse', 'main^{tree}'])]);
  await finds({ name, files: SOURCE(name) });
});
