// Whoever publishes may own the repositories that the package depends on. What is judged does not
// come in by them, and what does is told.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startGitHost } from '../../__test__/kit/githost.mjs';
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

/** The judged repository's own commit with what the build wants, on a branch that is no ancestor. */
const built = (source) => ({
  commits: [{ label: 'b', files: dep({ 'dist/a.js': 'other\n' }) }, { label: 'c', parents: [], clear: true, files: source }],
  branches: { main: 'c', built: 'b' }, tags: { 'v1.0.0': 'c' },
});

attack('the judged repository as its own dependency is told, whatever address leads there', async ({ world, id, judge }) => {
  // An old name, which the host leads to the new one for ever.
  await release(world, `${id}-a`, `github:kit/${id}-old#built`, { dist: 'other\n', history: built });
  await world.host.add(`kit/${id}-old`, world.host.directory(`kit/${id}-a`));
  world.host.rename(`kit/${id}-old`, `kit/${id}-a`);
  findingOf(await judge(`${id}-a@1.0.0`), 'built-from-itself');
  // Another host, which leads there or has a copy.
  await release(world, `${id}-b`, `git+https://git.example.org/any/${id}.git#built`, { dist: 'other\n', history: built });
  await world.host.add(`git.example.org/any/${id}`, world.host.directory(`kit/${id}-b`));
  findingOf(await judge(`${id}-b@1.0.0`), 'built-from-itself');
  // The declared repository, while the user names a clone of it.
  await release(world, `${id}-c`, `github:kit/${id}-c#built`, { dist: 'other\n', history: built });
  findingOf(await judge(`${id}-c@1.0.0`, { args: ['--source', world.host.directory(`kit/${id}-c`)] }), 'built-from-itself');
});

attack('a copy of a tree of the judged repository is told, and any other repository is not', async ({ world, id, judge }) => {
  // The copy has another commit, and a package of another name: only the tree is the same.
  const files = dep({ 'dist/a.js': 'other\n' });
  await world.host.add(`kit/${id}-copy`, { commits: [{ label: 'x', files, message: 'a copy' }] });
  await release(world, id, `github:kit/${id}-copy`, { dist: 'other\n', history: built });
  findingOf(await judge(`${id}@1.0.0`), 'built-from-itself');
  // The control: the same dependency, of a repository that has not this tree.
  await release(world, `${id}-2`, `github:kit/${id}-copy`, { dist: 'other\n' });
  const control = await judge(`${id}-2@1.0.0`);
  assert.equal(control.verdict, 'identical', JSON.stringify(control.attempts));
  assert.ok(!control.findings.some(({ code }) => code === 'built-from-itself'), JSON.stringify(control.findings));
});

/** A home whose git configuration leads to a host of the user's own network. */
async function led(home, inner, more) {
  const clean = await home(more);
  await appendFile(clean.env.GIT_CONFIG_GLOBAL, await readFile(inner.gitconfig, 'utf8'));
  return clean;
}

attack("a dependency is led by the user's own configuration to no private host", async ({ world, id, judge, home }) => {
  const inner = await startGitHost({ hosts: ['git.corp.internal', 'moved.example.org'] });
  const asked = () => inner.requests.length;
  try {
    await inner.add('kit/secret', { commits: [{ label: 'c', files: dep({ 'dist/a.js': 'TOPSECRET\n' }) }] });
    await inner.add('moved.example.org/kit/secret', inner.directory('kit/secret'));
    const clean = await led(home, inner);
    for (const [nth, wanted] of ['git+https://git.corp.internal/kit/secret.git', 'git+ssh://git@git.corp.internal/kit/secret.git', 'git+https://moved.example.org/kit/secret.git', `git+http://127.0.0.1:${new URL(inner.url).port}/kit/secret.git`].entries()) {
      await release(world, `${id}-${nth}`, wanted, { dist: 'TOPSECRET\n' });
      const answer = await judge(`${id}-${nth}@1.0.0`, { clean });
      assertNotReproduced(answer);
      assert.equal(asked(), 0, wanted);
      findingOf(answer, 'git-dependency-lost');
      assert.ok(!JSON.stringify(answer.attempts).includes('TOPSECRET\\n'));
    }
    // The control: the user allowed the host by name, for whoever names it.
    const allowing = await led(home, inner, { extra: { REPRODUCE_ALLOW_HOSTS: new URL(inner.url).host } });
    assert.equal((await judge(`${id}-0@1.0.0`, { clean: allowing })).verdict, 'identical');
    assert.ok(asked() > 0);
  } finally {
    await inner.close();
  }
});

attack("a submodule is led by the user's own configuration to no private host", async ({ world, id, judge, cli, home }) => {
  const inner = await startGitHost({ hosts: ['git.corp.internal', 'moved.example.org'] });
  try {
    const { s } = await inner.add('kit/secret', { commits: [{ label: 's', files: { 'v.js': 'TOPSECRET\n' } }] });
    await inner.add('moved.example.org/kit/secret', inner.directory('kit/secret'));
    const clean = await led(home, inner);
    const copy = "node -e \"const fs=require('fs');fs.mkdirSync('dist',{recursive:true});fs.copyFileSync('vendor/v.js','dist/a.js')\"";
    for (const [nth, [address, build]] of [['https://git.corp.internal/kit/secret.git', false], ['https://git.corp.internal/kit/secret.git', true], ['https://moved.example.org/kit/secret.git', false], [`http://127.0.0.1:${new URL(inner.url).port}/kit/secret.git`, false]].entries()) {
      const name = `${id}-${nth}`;
      const gitmodules = `[submodule "vendor"]\n\tpath = vendor\n\turl = ${address}\n`;
      const own = manifest(name, '1.0.0', { repository: `github:kit/${name}`, ...(build && { scripts: { build: copy }, files: ['dist', 'index.js'] }) });
      const files = { 'package.json': own, 'index.js': 'x\n', '.gitmodules': gitmodules, '.gitignore': 'dist\n' };
      const { c } = await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files: { ...files, vendor: { submodule: s } } }], tags: { 'v1.0.0': 'c' } });
      const published = build ? { 'dist/a.js': 'TOPSECRET\n' } : { '.gitmodules': gitmodules, 'vendor/v.js': 'TOPSECRET\n' };
      await world.registry.publish({ files: { 'package.json': own, 'index.js': 'x\n', ...published }, gitHead: c });
      const answer = await judge(`${name}@1.0.0`, { clean });
      assertNotReproduced(answer);
      assert.equal(inner.requests.length, 0, address);
      findingOf(answer, 'source-incomplete');
    }
    // The control: the user allowed the host by name, for whoever names it.
    const allowing = await led(home, inner, { extra: { REPRODUCE_ALLOW_HOSTS: new URL(inner.url).host } });
    const answer = await judge(`${id}-0@1.0.0`, { clean: allowing });
    assert.equal(answer.verdict, 'identical', answer.code);
    const asked = inner.requests.length;
    assert.ok(asked > 0);
    // A replay of that elsewhere asks nobody either.
    const file = join(clean.home, 'result.json');
    await writeFile(file, answer.ran.stdout);
    await cli(['replay', file, '--json', '--timeout', '60'], { clean });
    assert.equal(inner.requests.length, asked);
  } finally {
    await inner.close();
  }
});

attack('a host that leads a dependency on into a private network is not followed', async ({ world, id, judge, home }) => {
  const inner = await startGitHost({ hosts: ['git.corp.internal'] });
  try {
    await inner.add('kit/secret', { commits: [{ label: 'c', files: dep({ 'dist/a.js': 'TOPSECRET\n' }) }] });
    const clean = await home();
    await appendFile(clean.env.GIT_CONFIG_GLOBAL, await readFile(inner.gitconfig, 'utf8'));
    await release(world, id, `github:kit/${id}-dep`, { dist: 'TOPSECRET\n' });
    const lead = { on: (request) => request.path.startsWith(`/kit/${id}-dep`), redirect: `${inner.url}kit/secret.git/info/refs?service=git-upload-pack` };
    world.host.faults.push(lead);
    try {
      const answer = await judge(`${id}@1.0.0`, { clean });
      assertNotReproduced(answer);
      assert.ok(lead.seen > 0, 'the dependency was never asked for');
      assert.equal(inner.requests.length, 0);
      findingOf(answer, 'git-dependency-lost');
    } finally {
      world.host.faults.splice(world.host.faults.indexOf(lead), 1);
    }
  } finally {
    await inner.close();
  }
});

attack('what .gitattributes makes of a dependency is told', async ({ world, id, judge }) => {
  // Two bytes of each character that a reader sees are two letters of the checkout.
  const shown = Buffer.from("console.log(1)\n\n", 'latin1').swap16().toString('utf16le');
  const ids = await world.host.add(`kit/${id}-dep`, { commits: [{ label: 'c', files: dep({ 'dist/a.js': shown, '.gitattributes': 'dist/a.js working-tree-encoding=UTF-16BE\n' }) }] });
  await release(world, id, `github:kit/${id}-dep#${ids.c}`, { dist: "console.log(1)\n\n" });
  const finding = findingOf(await judge(`${id}@1.0.0`), 'altered-by-attributes');
  assert.equal(finding.severity, 'warning');
  assert.match(finding.message, new RegExp(`${ids.c} \\(dist/a\\.js\\)`));
});

attack('nothing is attested of a package with a dependency at a commit that no branch leads to', async ({ world, id, judge, cli }) => {
  const ids = await world.host.add(`kit/${id}-dep`, {
    commits: [{ label: 'c', files: dep({ 'dist/a.js': 'other\n' }) }, { label: 'fork', files: { 'dist/a.js': 'fork\n' } }],
    branches: { main: 'c' }, refs: { 'refs/pull/1/head': 'fork' },
  });
  for (const [name, commit, code] of [[`${id}-fork`, ids.fork, 2], [`${id}-own`, ids.c, 0]]) {
    await release(world, name, `github:kit/${id}-dep#${commit}`, { dist: code ? 'fork\n' : 'other\n' });
    const answer = await judge(`${name}@1.0.0`);
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
    const attested = await cli([`${name}@1.0.0`, '--json', '--attest', 's.json'], { clean: answer.clean });
    assert.equal(attested.code, code, attested.stdout + attested.stderr);
  }
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
