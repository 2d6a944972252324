// A result says whose word it rests on: a recipe's, an old version's under a new number, an earlier
// version's of the package itself, a package's that came after the publication, another version's
// in the place of the one that a lockfile names.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertNotReproduced, attack, findingOf, manifest, SEATS, setUp } from './kit.mjs';

setUp();

const PAYLOAD = "console.log('payload')\n";
const BUILD = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','honest')"`;
const STEPS = {
  'a shell command': ['sh', '-c', `mkdir -p dist; echo "console.log('payload')" > dist/a.js`],
  'base64': ['node', '-e', `require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js',Buffer.from('${Buffer.from(PAYLOAD).toString('base64')}','base64'))`],
};

for (const [title, command] of Object.entries(STEPS)) {
  attack(
    `a recipe that writes the payload by ${title} is the user's word, and nothing is stated of it`,
    async ({ world, id, judge, cli }) => {
      const json = { scripts: { build: BUILD }, files: ['dist', 'index.js'] };
      const { spec } = await world.release(id, { json, published: { 'dist/a.js': PAYLOAD } });
      const honest = await judge(spec);
      assert.equal(honest.reproduced, false);
      assert.equal(honest.options.recipe, null);
      const { recipe } = honest.attempts.find((one) => one.recipe.build);
      recipe.build.steps = [{ name: 'npm install', directory: '', command: ['npm', 'install'] }, { name: 'build', directory: '', command }];
      const { clean } = honest;
      writeFileSync(join(clean.home, 'r.json'), JSON.stringify(recipe));
      const answer = await judge(spec, { clean, args: ['--recipe', 'r.json'] });
      assert.equal(findingOf(answer, 'recipe-by-user').severity, 'warning');
      assert.match(answer.options.recipe, /^[0-9a-f]{64}$/);
      const attested = await cli([spec, '--json', '--recipe', 'r.json', '--attest', 's.json'], { clean });
      assert.equal(attested.code, 2, attested.stdout + attested.stderr);
      assert.ok(!existsSync(join(clean.home, 's.json')), 'a statement was written');
      // Nothing of it is believed afterwards.
      assert.equal((await judge(spec, { clean })).reproduced, false);
    },
    { seats: title === 'base64' ? undefined : SEATS },
  );
}

const version = (id, number, text) => ({ 'package.json': manifest(id, number), 'index.js': text });

for (const [title, args] of [['as it is', []], ['under --accept identical', ['--accept', 'identical']]]) {
  attack(`an old version under a new number is told, ${title}`, async ({ world, id, judge }) => {
    const commits = [{ label: 'old', files: version(id, '1.0.0', 'vulnerable\n') }, { label: 'fix', files: version(id, '1.0.1', 'fixed\n') }];
    const ids = await world.host.add(`kit/${id}`, { commits, tags: { 'v1.0.0': 'old', 'v1.0.1': 'fix' } });
    await world.registry.publish({ files: version(id, '1.0.0', 'vulnerable\n'), gitHead: ids.old });
    await world.registry.publish({ files: version(id, '1.0.1', 'fixed\n'), gitHead: ids.fix });
    await world.registry.publish({ files: version(id, '1.0.2', 'vulnerable\n'), gitHead: ids.old });
    const accept = args.at(1);
    const answer = await judge(`${id}@1.0.2`, accept ? { accept } : {});
    const finding = findingOf(answer, 'version-not-in-source');
    assert.equal(finding.severity, 'warning');
    assert.match(finding.message, /1\.0\.0/);
    const honest = await judge(`${id}@1.0.1`);
    assert.equal(honest.verdict, 'identical');
    assert.ok(honest.findings.every(({ code }) => code !== 'version-not-in-source'));
  });
}

const AROUND = {
  'with a tag of a worse name for the judged version beside it': { 'tmp-v1.0.0': 'c' },
  'with a folder\'s tag for the judged version beside it': { 'foo/1.0.0': 'c' },
  'behind a thousand others': Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`a-${at.toString(36).replace(/\d/g, (digit) => 'qwertyuiop'[digit])}`, 'c'])),
};
for (const [title, tags] of Object.entries(AROUND)) {
  attack(`a commit that is tagged as another version is told, ${title}`, async ({ world, id, judge }) => {
    const ids = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: version(id, '1.0.0', 'reviewed\n') }], tags: { ...tags, 'v0.9.0': 'c' } });
    await world.registry.publish({ files: version(id, '1.0.0', 'reviewed\n'), gitHead: ids.c });
    const answer = await judge(`${id}@1.0.0`);
    assert.equal(answer.verdict, 'identical');
    assert.match(findingOf(answer, 'version-not-in-source').message, /v0\.9\.0/);
  });
}

for (const [title, directory, beside] of [
  ['a tag of a worse name beside it', '', { 'tmp-v1.0.0': 'evil' }],
  ['the same number without its letter beside it', '', { '1.0.0': 'evil' }],
  ['the package in a folder', 'p', {}],
]) {
  attack(`the judged version's tag on another commit is told, ${title}`, async ({ world, id, judge }) => {
    const at = (path) => (directory ? `${directory}/${path}` : path);
    const own = manifest(id, '1.0.0', { repository: { type: 'git', url: `https://github.com/kit/${id}.git`, directory } });
    const files = (text) => ({ [at('package.json')]: own, [at('index.js')]: text });
    const commits = [{ label: 'good', files: files('reviewed\n') }, { label: 'evil', parents: ['good'], files: files('not reviewed\n') }];
    const ids = await world.host.add(`kit/${id}`, { commits, branches: { main: 'good', tmp: 'evil' }, tags: { 'v1.0.0': 'good', ...beside } });
    await world.registry.publish({ files: { 'package.json': own, 'index.js': 'not reviewed\n' }, gitHead: ids.evil });
    const answer = await judge(`${id}@1.0.0`);
    assert.equal(answer.verdict, 'identical');
    assert.match(findingOf(answer, 'tag-elsewhere').message, new RegExp(ids.good.slice(0, 12)));
  });
}

attack('a release whose package.json has another version and whose tag is its own is not warned of', async ({ world, id, judge }) => {
  const ids = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: version(id, '1.0.0', 'x\n') }], tags: { 'v2.3.4': 'c' } });
  await world.registry.publish({ files: version(id, '2.3.4', 'x\n'), gitHead: ids.c });
  const answer = await judge(`${id}@2.3.4`);
  assert.ok(answer.findings.every(({ code }) => code !== 'version-not-in-source'), JSON.stringify(answer.findings));
});

attack('a package that is made of its own earlier version says so', async ({ world, id, judge }) => {
  const steal = `node -e "require('child_process').execSync('npm pack ${id}@0.9.0 && tar xzf ${id}-0.9.0.tgz');require('fs').mkdirSync('dist',{recursive:true});require('fs').copyFileSync('package/dist/a.js','dist/a.js')"`;
  const own = (number) => manifest(id, number, { scripts: { build: steal }, files: ['dist', 'index.js'] });
  await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: { 'package.json': own('1.0.0'), 'index.js': 'honest\n', '.gitignore': 'dist\n' } }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { 'package.json': own('0.9.0'), 'dist/a.js': PAYLOAD }, time: '2020-01-01T00:00:00.000Z' });
  await world.registry.publish({ files: { 'package.json': own('1.0.0'), 'index.js': 'honest\n', 'dist/a.js': PAYLOAD } });
  const answer = await judge(`${id}@1.0.0`);
  assert.match(findingOf(answer, 'built-from-itself').message, /0\.9\.0/);
});

for (const when of ['older than the branch', 'newer than the branch']) {
  attack(`a tag on a commit that no branch leads to is told, ${when}`, async ({ world, id, judge }) => {
    const [side, main] = when.startsWith('older') ? ['2021-01-01', '2023-01-01'] : ['2023-01-01', '2021-01-01'];
    const commits = [
      { label: 'base', files: version(id, '1.0.0', 'one\n'), date: '2019-01-01' },
      { label: 'side', parents: ['base'], files: version(id, '1.0.1', 'aside\n'), date: side },
      { label: 'main', parents: ['base'], files: version(id, '1.1.0', 'two\n'), date: main },
    ];
    const refs = { branches: { main: 'main' }, tags: { 'v1.0.0': 'base', 'v1.0.1': 'side', 'v1.1.0': 'main' } };
    const ids = await world.host.add(`kit/${id}`, { commits, ...refs });
    for (const [number, text, at] of [['1.0.0', 'one\n', 'base'], ['1.0.1', 'aside\n', 'side'], ['1.1.0', 'two\n', 'main']]) {
      await world.registry.publish({ files: version(id, number, text), gitHead: ids[at] });
    }
    const aside = await judge(`${id}@1.0.1`);
    assert.equal(aside.verdict, 'identical');
    assert.equal(findingOf(aside, 'tag-beside-branches').severity, 'info');
    for (const number of ['1.0.0', '1.1.0']) {
      const honest = await judge(`${id}@${number}`);
      assert.equal(honest.verdict, 'identical');
      assert.deepEqual(honest.findings.map(({ code }) => code), [], number);
    }
  });
}

attack('a commit of a branch that is published under the number of another, tagged one is told', async ({ world, id, judge }) => {
  const commits = [
    { label: 'good', files: version(id, '1.0.0', 'reviewed\n') },
    { label: 'evil', parents: ['good'], files: { 'index.js': 'not reviewed\n' } },
  ];
  const ids = await world.host.add(`kit/${id}`, { commits, branches: { main: 'good', tmp: 'evil' }, tags: { 'v1.0.0': 'good' } });
  await world.registry.publish({ files: version(id, '1.0.0', 'not reviewed\n'), gitHead: ids.evil });
  const answer = await judge(`${id}@1.0.0`);
  assert.equal(answer.verdict, 'identical');
  assert.match(findingOf(answer, 'tag-elsewhere').message, new RegExp(ids.good.slice(0, 12)));
});

for (const [title, repository, folders] of [
  ['another folder is declared', (id) => ({ type: 'git', url: `https://github.com/kit/${id}`, directory: 'packages/a' }), ['packages/a', 'test/fixtures/a']],
  ['the root is the package', (id) => `github:kit/${id}`, ['', 'examples/copy']],
  ['none is declared and it is one of tests', (id) => `github:kit/${id}`, ['packages/a', 'test/fixtures/a']],
  ['none is declared and another one has the name', (id) => `github:kit/${id}`, ['packages/a', 'benchmarks/a']],
  ['none is declared and it is one of settings', (id) => `github:kit/${id}`, ['packages/a', '.github/a']],
]) {
  attack(`files of a copy in another folder are told where ${title}`, async ({ world, id, judge }) => {
    const own = manifest(id, '1.0.0', { repository: repository(id) });
    const at = (folder, text) => Object.fromEntries(Object.entries({ 'package.json': own, 'index.js': text }).map(([path, content]) => [folder ? `${folder}/${path}` : path, content]));
    const [honest, copy] = folders;
    const root = honest ? { 'package.json': '{"private":true}\n' } : {};
    const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: { ...root, ...at(honest, 'honest\n'), ...at(copy, 'evil\n') } }], tags: { 'v1.0.0': 'c' } });
    await world.registry.publish({ files: { 'package.json': own, 'index.js': 'evil\n' }, gitHead: c });
    const answer = await judge(`${id}@1.0.0`);
    assert.deepEqual([answer.verdict, answer.origin.directory], ['identical', copy]);
    assert.match(findingOf(answer, 'other-folder').message, new RegExp(`are from ${copy}`));
    assert.equal(findingOf(answer, 'other-folder').severity, 'warning');
    // The control: what is where it is looked for says nothing.
    const other = manifest(`${id}-2`, '1.0.0', { repository: repository(`${id}-2`) });
    const inside = Object.fromEntries(Object.entries({ 'package.json': other, 'index.js': 'honest\n' }).map(([path, content]) => [honest ? `${honest}/${path}` : path, content]));
    const { d } = await world.host.add(`kit/${id}-2`, { commits: [{ label: 'd', files: { ...root, ...inside } }], tags: { 'v1.0.0': 'd' } });
    await world.registry.publish({ files: { 'package.json': other, 'index.js': 'honest\n' }, gitHead: d });
    const control = await judge(`${id}-2@1.0.0`);
    assert.equal(control.verdict, 'identical');
    assert.ok(!control.findings.some(({ code }) => code === 'other-folder'), JSON.stringify(control.findings));
  });
}

for (const [title, copy, others, message] of [
  ['whose package.json is too large to read', 'packages/x', (own) => ({ 'package.json': own({ pad: 'x'.repeat(1 << 20) }), 'index.js': 'honest\n' }), /the root of the repository cannot be read/],
  ['whose package.json is none', 'packages/x', () => ({ 'package.json': 'name: broken\n', 'index.js': 'honest\n' }), /the root of the repository cannot be read/],
  ['behind 2,000 others', 'packages/x', (own) => ({ 'package.json': '{}\n', ...Object.fromEntries(Array.from({ length: 2000 }, (_, nth) => [`m/${nth}/package.json`, '{}\n'])), 'packages/further/z/package.json': own() }), /more than 2000 folders/],
  ['behind 2,000 of tests', 'packages/x', (own) => ({ 'package.json': '{}\n', ...Object.fromEntries(Array.from({ length: 2000 }, (_, nth) => [`test/${nth}/package.json`, '{}\n'])), 'packages/further/z/package.json': own() }), /packages\/further\/z is a package of this name/],
  ['while the package itself declares the fixture', 'test/fixtures/x', (own) => ({ 'package.json': own(), 'index.js': 'honest\n' }), /the root of the repository is a package of this name/],
  ['in e2e', 'e2e/x', () => ({ 'package.json': '{}\n' }), /tests, examples or settings/],
  ['in __testfixtures__', 'src/__testfixtures__/x', () => ({ 'package.json': '{}\n' }), /tests, examples or settings/],
]) {
  attack(`files of a copy beside a package ${title} are told`, async ({ world, id, judge }) => {
    const declared = copy.startsWith('test/') ? { repository: { type: 'git', url: `https://github.com/kit/${id}`, directory: copy } } : {};
    const published = manifest(id, '1.0.0', declared);
    const files = { ...others((more) => manifest(id, '1.0.0', more)), [`${copy}/package.json`]: published, [`${copy}/index.js`]: 'evil\n' };
    const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
    await world.registry.publish({ files: { 'package.json': published, 'index.js': 'evil\n' }, gitHead: c });
    const answer = await judge(`${id}@1.0.0`);
    assert.deepEqual([answer.verdict, answer.origin.directory], ['identical', copy]);
    assert.match(findingOf(answer, 'other-folder').message, message);
  });
}

attack('a fixture that is declared, and is the only package of its name, is not told', async ({ world, id, judge }) => {
  const published = manifest(id, '1.0.0', { repository: { type: 'git', url: `https://github.com/kit/${id}`, directory: 'examples/x' } });
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: { 'package.json': '{}\n', 'examples/x/package.json': published, 'examples/x/index.js': 'x\n' } }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { 'package.json': published, 'index.js': 'x\n' }, gitHead: c });
  const answer = await judge(`${id}@1.0.0`);
  assert.equal(answer.verdict, 'identical');
  assert.ok(!answer.findings.some(({ code }) => code === 'other-folder'), JSON.stringify(answer.findings));
});

attack('that the host does not give other folders\' package.json is told, and not taken for there being none', async ({ world, id, judge }) => {
  const { execFileSync } = await import('node:child_process');
  const own = (number) => manifest(id, number, { repository: `github:kit/${id}` });
  const files = {
    'package.json': '{"private":true}\n',
    'packages/a/package.json': own('1.0.0'), 'packages/a/index.js': 'x\n',
    'benchmarks/a/package.json': own('0.0.0'), 'benchmarks/a/index.js': 'y\n',
  };
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { 'package.json': own('1.0.0'), 'index.js': 'x\n' }, gitHead: c });
  const blob = execFileSync('git', ['-C', world.host.directory(`kit/${id}`), 'rev-parse', `${c}:benchmarks/a/package.json`]).toString().trim();
  const fault = { on: (request) => request.body.includes(`want ${blob}`), status: 500 };
  world.host.faults.push(fault);
  try {
    const answer = await judge(`${id}@1.0.0`);
    assert.deepEqual([answer.verdict, answer.origin.directory], ['identical', 'packages/a']);
    assert.ok(fault.seen > 0, 'the file was never asked for');
    const finding = findingOf(answer, 'other-folder');
    assert.equal(finding.severity, 'warning');
    assert.match(finding.message, /cannot be read/);
  } finally {
    world.host.faults.splice(world.host.faults.indexOf(fault), 1);
  }
});

for (const [title, copy, told] of [
  ['that the commit has files in', 'lib/a', true],
  ['that nothing but the build made', 'out/a', false],
]) {
  attack(`a build that leaves the package in a folder ${title} is ${told ? '' : 'not '}told`, async ({ world, id, judge }) => {
    const own = (number) => manifest(id, number, { repository: `github:kit/${id}`, scripts: { build: 'node build.js' }, files: ['index.js', 'README.md'] });
    const build = `const f=require('fs');f.mkdirSync('${copy}',{recursive:true});for(const p of ['package.json','README.md'])f.copyFileSync(p,'${copy}/'+p);f.writeFileSync('${copy}/index.js','other\\n')\n`;
    const there = told ? { [`${copy}/package.json`]: own('0.0.0'), [`${copy}/index.js`]: 'other\n' } : {};
    const files = { 'package.json': own('1.0.0'), 'README.md': '# a\n', 'index.js': 'honest\n', 'build.js': build, ...there };
    const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
    await world.registry.publish({ files: { 'package.json': own('1.0.0'), 'README.md': '# a\n', 'index.js': 'other\n' }, gitHead: c });
    const answer = await judge(`${id}@1.0.0`);
    assert.deepEqual([answer.verdict, answer.findings.some(({ code }) => code === 'other-folder')], ['identical', told], JSON.stringify(answer.findings));
  });
}

/**
 * Publishes a package whose dist/a.js is the text of its dependency, and tags a commit of that
 * date.
 */
async function releaseOfDependency({ world, id }, { range = '^1.0.0', date = '2024-02-01T00:00:00Z', files = {} }) {
  const build = `node -e "const m=require('${id}-dep');require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js',m)"`;
  const own = manifest(id, '1.0.0', { scripts: { build }, files: ['dist', 'index.js'], devDependencies: { [`${id}-dep`]: range } });
  await world.registry.publish({ files: { 'package.json': own, 'index.js': 'honest\n', 'dist/a.js': PAYLOAD }, time: '2024-03-01T00:00:00.000Z' });
  const source = { 'package.json': own, 'index.js': 'honest\n', '.gitignore': 'dist\nnode_modules\n', ...files };
  await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: source, date }], tags: { 'v1.0.0': 'c' } });
}

const publishDependency = ({ world, id }, number, text, time, tag) =>
  world.registry.publish({ files: { 'package.json': manifest(`${id}-dep`, number), 'index.js': `module.exports=${JSON.stringify(text)}` }, time, ...(tag ? { tag } : {}) });

/** A lockfile that names the version of a dependency. */
const lockOf = (id, { url, integrity }, number) => ({
  'package-lock.json': JSON.stringify({
    name: id,
    version: '1.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: id, version: '1.0.0', devDependencies: { [`${id}-dep`]: '^1.0.0' } },
      [`node_modules/${id}-dep`]: { version: number, resolved: url, integrity, dev: true },
    },
  }),
});

const AFTERWARDS = '2025-06-01T00:00:00.000Z';
const LATER = {
  'all of whose versions came after it': async (at) => {
    await publishDependency(at, '1.0.0', PAYLOAD, AFTERWARDS);
    await releaseOfDependency(at, {});
  },
  'that came between it and a commit of later': async (at) => {
    await publishDependency(at, '1.0.0', PAYLOAD, AFTERWARDS);
    await releaseOfDependency(at, { date: '2025-07-01T00:00:00Z' });
  },
  'that came between it and a commit of later, whose lockfile names it': async (at) => {
    await publishDependency(at, '1.0.0', '', '2023-01-01T00:00:00.000Z');
    const pinned = await publishDependency(at, '1.0.1', PAYLOAD, AFTERWARDS);
    await releaseOfDependency(at, { date: '2025-07-01T00:00:00Z', files: lockOf(at.id, pinned, '1.0.1') });
  },
};
for (const [title, release] of Object.entries(LATER)) {
  attack(`a package that came after the publication is warned of: a dependency ${title}`, async (at) => {
    await release(at);
    const answer = await at.judge(`${at.id}@1.0.0`, { args: ['--timeout', '200'] });
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
    const { severity, message } = findingOf(answer, 'made-of-later-packages');
    assert.equal(severity, 'warning');
    assert.match(message, new RegExp(`2024-03-01T00:00:00.000Z.*: ${at.id}-dep@1\\.0\\.[01] \\(2025-06-01T00:00:00Z\\)$`));
  });
}

attack('a lower version of later is not there for a higher one that was, where the times are the registry\'s own', async (at) => {
  await publishDependency(at, '1.0.5', '', '2023-01-01T00:00:00.000Z');
  await publishDependency(at, '1.0.4', PAYLOAD, AFTERWARDS, 'x');
  await releaseOfDependency(at, { range: '1.0.4' });
  assertNotReproduced(await at.judge(`${at.id}@1.0.0`, { args: ['--timeout', '200'] }));
});

attack('control: a dependency of before is not warned of, and on a mirror one of later is not', async (at) => {
  const told = (answer) => {
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
    return answer.findings.filter(({ code }) => code === 'made-of-later-packages');
  };
  await publishDependency(at, '1.0.0', PAYLOAD, '2024-01-01T00:00:00.000Z');
  await publishDependency(at, '1.0.1', '', AFTERWARDS);
  await releaseOfDependency(at, {});
  assert.deepEqual(told(await at.judge(`${at.id}@1.0.0`)), []);
  const mirror = { ...at, id: `${at.id}-m` };
  await publishDependency(mirror, '1.0.0', PAYLOAD, AFTERWARDS);
  await releaseOfDependency(mirror, {});
  for (const name of [mirror.id, `${mirror.id}-dep`]) delete at.world.registry.packuments.get(name).time.created;
  assert.deepEqual(told(await at.judge(`${mirror.id}@1.0.0`)), []);
});

/**
 * A package whose lockfile names a version that is gone; another one, of that time, has the
 * payload.
 */
async function releaseOfStandIn(at, time) {
  const pinned = await publishDependency(at, '1.0.0', '', '2023-01-01T00:00:00.000Z');
  await releaseOfDependency(at, { files: lockOf(at.id, pinned, '1.0.0') });
  await publishDependency(at, '1.0.1', PAYLOAD, time);
  at.world.registry.unpublish(`${at.id}-dep`, '1.0.0');
  return at.judge(`${at.id}@1.0.0`, { args: ['--timeout', '200'] });
}

attack('another version in the place of one that a lockfile names is warned of', async (at) => {
  const answer = await releaseOfStandIn(at, '2023-06-01T00:00:00.000Z');
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  const { severity, message } = findingOf(answer, 'dependency-stood-in');
  assert.deepEqual([severity, message], ['warning', `replaced unavailable dependencies: ${at.id}-dep@1.0.0 by 1.0.1`]);
});

attack('a version that came after the publication stands in for none', async (at) => {
  const answer = await releaseOfStandIn(at, AFTERWARDS);
  assertNotReproduced(answer);
  assert.ok(answer.attempts.every(({ resolved = [] }) => !resolved.some((line) => line.startsWith(`${at.id}-dep@1.0.1 `))), JSON.stringify(answer.attempts));
});

for (const [title, elsewhere] of [['the published files in a folder', false], ['another repository with the published files', true]]) {
  attack(`nothing is stated of a source that only a user names: ${title}`, async ({ world, id, cli, home }) => {
    const clean = await home();
    const own = manifest(id);
    const files = { 'package.json': own, 'index.js': 'evil\n' };
    const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: { ...files, 'index.js': 'honest\n' } }], tags: { 'v1.0.0': 'c' } });
    await world.registry.publish({ files, gitHead: c });
    let source = './unpacked';
    if (elsewhere) {
      await world.host.add(`fork/${id}`, { commits: [{ label: 'f', files }], tags: { 'v1.0.0': 'f' } });
      source = `https://github.com/fork/${id}#v1.0.0`;
    } else {
      mkdirSync(join(clean.home, 'unpacked'));
      for (const [name, text] of Object.entries(files)) writeFileSync(join(clean.home, 'unpacked', name), text);
    }
    const ran = await cli([`${id}@1.0.0`, '--source', source, '--json', '--attest', 'a.json', '--attest-svr', 'svr.json'], { clean });
    assert.equal(ran.json?.verdict, 'identical', 'control: that source has the files');
    assert.equal(findingOf(ran.json, 'source-by-user').severity, 'info');
    assert.equal(ran.code, 2, ran.stderr);
    assert.ok(!existsSync(join(clean.home, 'a.json')) && !existsSync(join(clean.home, 'svr.json')), 'a statement was written');
  });
}

attack('a source that the package declares as well is stated, with whose word it is', async ({ world, id, cli, home }) => {
  const clean = await home();
  await world.release(id);
  for (const [args, word] of [[[], /found by the verifier/], [['--source', `https://github.com/kit/${id}#v1.0.0`], /the verifier's choice/]]) {
    const ran = await cli([`${id}@1.0.0`, ...args, '--json', '--attest', 'a.json', '--attest-svr', 'svr.json'], { clean });
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    for (const file of ['a.json', 'svr.json']) {
      const checked = await cli(['--verify-attestation', file, '--allow-unsigned'], { clean });
      assert.equal(checked.code, 0, checked.stderr);
      assert.match(checked.stdout, new RegExp(`source +git\\+https://github.com/kit/${id}`));
      assert.match(checked.stdout, word);
    }
  }
});
