// Whoever publishes may own the repositories that the package depends on. What is judged does not
// come in by them, and what does is told.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { assertNotReproduced, attack, findingOf, manifest, SEATS, setUp } from './kit.mjs';

setUp({ githost: { hosts: ['github.com', 'git.example.org'] } });

const PAYLOAD = "console.log('payload that is in no commit')\n";
const COPY = "node -e \"const fs=require('fs');fs.mkdirSync('dist',{recursive:true});fs.copyFileSync('node_modules/r-dep/dist/a.js','dist/a.js')\"";

/**
 * A package whose build copies dist/a.js from its git dependency `wanted`; `more` is in its
 * repository's history.
 */
async function release(world, id, wanted, { build = COPY, dist = PAYLOAD, history } = {}) {
  const own = manifest(id, '1.0.0', { repository: `github:kit/${id}`, scripts: { build }, files: ['dist', 'index.js'], devDependencies: { 'r-dep': wanted } });
  const source = { 'package.json': own, 'index.js': 'honest\n', '.gitignore': 'dist\nnode_modules\n' };
  await world.host.add(`kit/${id}`, history?.(source) ?? { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } });
  return world.registry.publish({ name: id, version: '1.0.0', files: { 'package.json': own, 'index.js': 'honest\n', 'dist/a.js': dist } });
}

const dep = (more = {}) => ({ 'package.json': manifest('r-dep', '1.0.0', { repository: null }), ...more });

attack(
  'a repository with the published files is not served',
  async ({ world, id, judge }) => {
    const { tarball, files } = await release(world, id, `github:kit/${id}-dep`);
    assert.ok(tarball);
    await world.host.add(`kit/${id}-dep`, {
      commits: [{ label: 'c', files: files ?? { 'package.json': manifest(id, '1.0.0', { repository: `github:kit/${id}`, scripts: { build: COPY }, files: ['dist', 'index.js'], devDependencies: { 'r-dep': `github:kit/${id}-dep` } }), 'index.js': 'honest\n', 'dist/a.js': PAYLOAD } }],
    });
    const answer = await judge(`${id}@1.0.0`);
    assertNotReproduced(answer);
    findingOf(answer, 'judged-bytes-withheld');
  },
  { seats: SEATS },
);

attack('a published file that comes out of a repository is told', async ({ world, id, judge }) => {
  const ids = await world.host.add(`kit/${id}-dep`, { commits: [{ label: 'c', files: dep({ 'dist/a.js': PAYLOAD }) }] });
  await release(world, id, `github:kit/${id}-dep#${ids.c}`);
  const answer = await judge(`${id}@1.0.0`);
  assert.match(findingOf(answer, 'file-from-dependency').message, new RegExp(`dist/a\\.js \\(r-dep@git\\+https://github\\.com/kit/${id}-dep#${ids.c}\\)`));
  assert.ok(answer.attempts.some(({ resolved }) => resolved?.some((line) => line.startsWith(`r-dep@git+https://github.com/kit/${id}-dep#${ids.c} `))));
});

attack('the judged repository as its own dependency is told, under whatever name', async ({ world, id, judge }) => {
  await release(world, id, `git+https://github.com/KIT/${id}.git#built`, {
    dist: 'other\n',
    history: (source) => ({
      commits: [{ label: 'b', files: dep({ 'dist/a.js': 'other\n' }) }, { label: 'c', parents: [], clear: true, files: source }],
      branches: { main: 'c', built: 'b' }, tags: { 'v1.0.0': 'c' },
    }),
  });
  const answer = await judge(`${id}@1.0.0`);
  assert.equal(findingOf(answer, 'built-from-itself').severity, 'warning');
  findingOf(answer, 'file-from-dependency');
});

attack('a dependency that is called otherwise and has the judged name inside is told', async ({ world, id, judge }) => {
  await world.host.add(`kit/${id}-dep`, { commits: [{ label: 'c', files: { 'package.json': manifest(id, '0.9.0', { repository: null }), 'dist/a.js': 'other\n' } }] });
  await release(world, id, `github:kit/${id}-dep`, { dist: 'other\n' });
  const answer = await judge(`${id}@1.0.0`);
  assert.match(findingOf(answer, 'built-from-itself').message, new RegExp(`r-dep@git\\+https://github\\.com/kit/${id}-dep#`));
});

attack('a commit that no branch leads to is told', async ({ world, id, judge }) => {
  const ids = await world.host.add(`kit/${id}-dep`, {
    commits: [{ label: 'c', files: dep({ 'dist/a.js': 'other\n' }) }, { label: 'fork', files: { 'dist/a.js': PAYLOAD } }],
    branches: { main: 'c' }, refs: { 'refs/pull/1/head': 'fork' },
  });
  await release(world, id, `github:kit/${id}-dep#${ids.fork}`);
  const finding = findingOf(await judge(`${id}@1.0.0`), 'git-dependency-off-branch');
  assert.equal(finding.severity, 'warning');
  assert.match(finding.message, new RegExp(ids.fork));
});

attack('a branch that is moved later changes no build', async ({ world, id, judge }) => {
  const ids = await world.host.add(`kit/${id}-dep`, {
    commits: [{ label: 'c', files: dep({ 'dist/a.js': 'other\n' }) }, { label: 'moved', date: '2100-01-01T00:00:00Z', files: { 'dist/a.js': PAYLOAD } }],
  });
  await release(world, id, `github:kit/${id}-dep#main`);
  const answer = await judge(`${id}@1.0.0`);
  assertNotReproduced(answer);
  assert.ok(answer.attempts.every(({ resolved }) => !resolved?.some((line) => line.includes(ids.moved))));
  assert.match(findingOf(answer, 'git-dependency-chosen').message, new RegExp(ids.c));
});

attack('a repository on this machine or in a private network is not asked', async ({ world, id, judge }) => {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await release(world, id, `git+http://127.0.0.1:${server.address().port}/x.git#main`);
    const answer = await judge(`${id}@1.0.0`);
    assertNotReproduced(answer);
    assert.deepEqual(asked, []);
    findingOf(answer, 'git-dependency-lost');
  } finally {
    server.close();
  }
});

attack('a build can ask for no repository that nothing has named', async ({ world, id, judge }) => {
  const ids = await world.host.add(`kit/${id}-dep`, { commits: [{ label: 'c', files: dep({ 'dist/a.js': PAYLOAD }) }] });
  const guess = `node -e "const r=process.env.npm_config_registry;Promise.all(['-/git/00/r-dep.tgz','-/git/${ids.c}/r-dep.tgz','-/git/kit/${id}-dep.tgz'].map(p=>fetch(r+p).then(a=>a.status))).then(all=>{require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js',all.join())})"`;
  await release(world, id, `github:kit/${id}-gone`, { build: guess, dist: '404,404,404' });
  const answer = await judge(`${id}@1.0.0`);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
});

attack('what a submodule of a repository leads to does not come in without a name', async ({ world, id, judge }) => {
  const { p } = await world.host.add(`kit/${id}-other`, {
    commits: [{ label: 'a', files: { x: '1' } }, { label: 'p', files: { 'a.js': PAYLOAD } }],
    branches: { main: 'a' }, refs: { 'refs/pull/1/head': 'p' },
  });
  const modules = `[submodule "dist"]\n\tpath = dist\n\turl = https://github.com/kit/${id}-other\n`;
  const { c } = await world.host.add(`git.example.org/kit/${id}-dep`, { commits: [{ label: 'c', files: dep({ '.gitmodules': modules, dist: { submodule: p } }) }] });
  await release(world, id, `git+https://git.example.org/kit/${id}-dep.git#${c}`);
  const answer = await judge(`${id}@1.0.0`);
  assertNotReproduced(answer);
  assert.match(findingOf(answer, 'git-dependency-lost').message, /submodules/);
});
