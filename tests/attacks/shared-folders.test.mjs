// Packages of one commit may share an installation; what one of them left is never taken for the
// work of another's build.

import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import { assertNotReproduced, attack, manifest, SEATS, setUp } from './kit.mjs';

setUp();

const PAYLOAD = 'payload that is in no commit\n';
const write = (folder, text) => `node -e "const fs=require('fs');fs.mkdirSync('${folder}',{recursive:true});fs.writeFileSync('${folder}/x.js',${JSON.stringify(text).replaceAll('"', "'")})"`;

/**
 * Packages of one commit, two unless `published` has more; each is published with what `published`
 * has for it in dist/x.js.
 */
async function siblings(world, id, { scripts = {}, root = {}, files = {}, tags = { 'v1.0.0': 'c' }, times = {}, published }) {
  const names = Object.keys(published);
  const source = { 'package.json': manifest(`${id}-root`, '0.0.0', { private: true, workspaces: ['p/*'], ...root }), ...files };
  const own = (one) => manifest(`${id}-${one}`, '1.0.0', { repository: { type: 'git', url: `https://github.com/kit/${id}.git`, directory: `p/${one}` }, scripts: scripts[one] ?? {}, files: ['dist'] });
  for (const one of names) Object.assign(source, { [`p/${one}/package.json`]: own(one), [`p/${one}/README.md`]: `${one}\n` });
  await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: { ...source, '.gitignore': 'dist\n' } }], tags });
  const tarballs = {};
  for (const one of names) {
    const inside = { 'package.json': own(one), 'README.md': `${one}\n`, 'dist/x.js': published[one] };
    ({ tarball: tarballs[one] } = await world.registry.publish({ name: `${id}-${one}`, version: '1.0.0', time: times[one], files: inside }));
  }
  return tarballs;
}

/**
 * The second package, judged in the cache of the first one's run and in a new one: the same answer.
 * `between` is done after the first.
 */
async function afterTheFirst(judge, id, verdictOfTheFirst, between = async () => {}) {
  const first = await judge(`${id}-a@1.0.0`);
  assert.equal(first.verdict, verdictOfTheFirst, JSON.stringify({ code: first.code, findings: first.findings, log: first.attempts.at(-1)?.log?.slice(-800) }));
  await between();
  const second = await judge(`${id}-b@1.0.0`, { clean: first.clean });
  const alone = await judge(`${id}-b@1.0.0`);
  assert.deepEqual([second.verdict, second.code], [alone.verdict, alone.code], 'the answer depends on what was judged before');
  return second;
}

attack(
  'a build that lays its sibling’s published files down does not make them for it',
  async ({ world, id, judge }) => {
    const scripts = { a: { build: `${write('dist', 'a\n')} && ${write('../b/dist', PAYLOAD)}` }, b: { build: write('dist', 'honest\n') } };
    await siblings(world, id, { scripts, published: { a: 'a\n', b: PAYLOAD } });
    assertNotReproduced(await afterTheFirst(judge, id, 'identical'));
  },
  { seats: SEATS },
);

attack('a build that writes them with a script of the sibling’s name', async ({ world, id, judge }) => {
  // Run first by the first package, as its own build: what the second runs is another command in
  // another folder.
  const scripts = { a: { build: write('dist', 'a\n'), prepack: write('../b/dist', PAYLOAD) }, b: { prepack: 'true' } };
  await siblings(world, id, { scripts, published: { a: 'a\n', b: PAYLOAD } });
  assertNotReproduced(await afterTheFirst(judge, id, 'identical'));
});

attack('a build of the root that has the sibling’s files from another packing of its tarball', async ({ world, id, judge }) => {
  const fetch = `npm pack ${id}-copy@1.0.0 && tar xzf ${id}-copy-1.0.0.tgz && mkdir -p p/b/dist && cp package/dist/x.js p/b/dist/x.js && ${write('p/a/dist', 'a\n')}`;
  const tarballs = await siblings(world, id, { scripts: {}, root: { scripts: { build: fetch } }, published: { a: 'a\n', b: PAYLOAD } });
  const tarball = gzipSync(gunzipSync(tarballs.b), { level: 1 });
  assert.notDeepEqual(tarball, tarballs.b);
  await world.registry.publish({ name: `${id}-copy`, version: '1.0.0', tarball, manifest: { repository: `github:kit/${id}` } });
  assertNotReproduced(await afterTheFirst(judge, id, 'identical'));
});

attack('scripts that the first build writes into package.json are not those of the second', async ({ world, id, judge }) => {
  const added = `node -e "const fs=require('fs');const m=JSON.parse(fs.readFileSync('../b/package.json'));m.scripts.prepublish='mkdir -p dist && echo payload > dist/x.js';fs.writeFileSync('../b/package.json',JSON.stringify(m))"`;
  const scripts = { a: { build: `${write('dist', 'a\n')} && ${added}` }, b: {} };
  await siblings(world, id, { scripts, published: { a: 'a\n', b: 'payload\n' } });
  assertNotReproduced(await afterTheFirst(judge, id, 'identical'));
});

attack('a build of the root makes both, and is run once', async ({ world, id, judge }) => {
  const build = `${write('p/a/dist', 'a\n')} && ${write('p/b/dist', 'b\n')} && echo the root was built`;
  await siblings(world, id, { scripts: {}, root: { scripts: { build } }, published: { a: 'a\n', b: 'b\n' } });
  const second = await afterTheFirst(judge, id, 'identical');
  assert.equal(second.verdict, 'identical');
  const { recipe, log } = second.attempts.find((one) => one.verdict === 'identical');
  assert.deepEqual(recipe.build.steps.map(({ name }) => name), ['npm install', 'build']);
  assert.equal(log.split('\nthe root was built').length - 1, 1);
});

/**
 * Writes dist/x.js of both packages: the payload for the second where `of`, a program's text, is
 * true of what a build sees.
 */
const SEEN = (of) => `
const fs = require('fs');
const run = (command) => { try { return require('child_process').execSync(command, { stdio: ['ignore', 'pipe', 'ignore'] }).toString(); } catch { return ''; } };
const get = (path) => run('node -e "require(\\'http\\').get(process.env.npm_config_registry+process.argv[1],(r)=>r.pipe(process.stdout))" ' + path);
const put = (one, text) => { fs.mkdirSync('p/' + one + '/dist', { recursive: true }); fs.writeFileSync('p/' + one + '/dist/x.js', text); };
put('a', 'a\\n');
put('b', ${of} ? ${JSON.stringify(PAYLOAD)} : 'honest\\n');
console.log('the root was built');
`;
const BUILDS = (of) => ({ root: { scripts: { build: 'node build.js' } }, files: { 'build.js': SEEN(of) }, published: { a: 'a\n', b: PAYLOAD } });

/**
 * The second package alone does not see what the first one's build saw, and what that made is not
 * its own build's work.
 */
async function seenByTheFirst(world, judge, id, { of, files = {}, between, ...more }) {
  const build = BUILDS(of);
  await siblings(world, id, { ...build, ...more, files: { ...build.files, ...files } });
  assertNotReproduced(await afterTheFirst(judge, id, 'identical', between));
}

const OWN_TAGS = (id) => ({ [`${id}-a@1.0.0`]: 'c', [`${id}-b@1.0.0`]: 'c' });
for (const [how, of] of Object.entries({ 'git tag': '/-a@/.test(run("git tag"))', 'git describe': '/-a@/.test(run("git describe --tags --all"))', 'the files in .git': '/-a@/.test(fs.readdirSync(".git/refs/tags").join())' })) {
  attack(`the tag of the first package is not what the second one sees: ${how}`, async ({ world, id, judge }) => {
    await seenByTheFirst(world, judge, id, { of, tags: OWN_TAGS(id) });
  });
}

for (const [name, text, of] of [
  ['.npmrc', '//x.example/:_authToken=${ONLY_A}\n', '"ONLY_A" in process.env'],
  ['.yarnrc.yml', 'npmAuthToken: ${ONLY_A}\n', '"ONLY_A" in process.env'],
  ['.yarnrc', 'registry "${ONLY_A}"\n', '"ONLY_A" in process.env'],
]) {
  attack(`what the first package’s ${name} has the environment say is not the second one’s`, async ({ world, id, judge }) => {
    await seenByTheFirst(world, judge, id, { of, files: { [`p/a/${name}`]: text } });
  });
}

const LOCK = (id, names = ['a', 'b']) => {
  const links = names.flatMap((one) => [[`node_modules/${id}-${one}`, { resolved: `p/${one}`, link: true }], [`p/${one}`, { name: `${id}-${one}`, version: '1.0.0' }]]);
  const packages = { '': { name: `${id}-root`, version: '0.0.0', workspaces: ['p/*'] }, ...Object.fromEntries(links) };
  return JSON.stringify({ name: `${id}-root`, version: '0.0.0', lockfileVersion: 3, requires: true, packages });
};
const AT = { a: '2027-01-01T00:00:00.000Z', b: '2029-01-01T00:00:00.000Z' };
/** A package of two versions, of which the second came between the two packages. */
async function dependency(world, id) {
  for (const [version, time] of [['1.0.0', '2021-01-01T00:00:00.000Z'], ['2.0.0', '2028-01-01T00:00:00.000Z']]) {
    await world.registry.publish({ name: `${id}-dep`, version, time, files: { 'package.json': manifest(`${id}-dep`, version) } });
  }
}
for (const [how, of] of [
  ['by npm', (id) => `run("npm view ${id}-dep version").trim() === "1.0.0"`],
  ['by its metadata', (id) => `!/2\\.0\\.0/.test(get("${id}-dep"))`],
  ['by a tarball', (id) => `!run("npm pack ${id}-dep@2.0.0")`],
]) {
  for (const locked of [true, false]) {
    attack(`the registry of the first package’s moment is not the second one’s: ${how}, ${locked ? 'with' : 'without'} a lockfile`, async ({ world, id, judge }) => {
      await dependency(world, id);
      await seenByTheFirst(world, judge, id, { of: of(id), times: AT, files: locked ? { 'package-lock.json': LOCK(id) } : {} });
    });
  }
}

for (const [how, of] of [
  ['its tarball', (id) => `!run("npm pack ${id}-a@1.0.0")`],
  ['its metadata', (id) => `!/1\\.0\\.0/.test(get("${id}-a"))`],
  ['its manifest', (id) => `!/1\\.0\\.0/.test(get("${id}-a/1.0.0"))`],
  ['the second one’s metadata', (id) => `/1\\.0\\.0/.test(get("${id}-b"))`],
]) {
  attack(
    `that the first package was refused what is judged is nothing that the second one’s build may go by: ${how}`,
    async ({ world, id, judge }) => seenByTheFirst(world, judge, id, { of: of(id) }),
    { seats: how === 'its tarball' ? SEATS : undefined },
  );
}

attack('metadata of a copy of the second package, which the first one’s build could read', async ({ world, id, judge }) => {
  const build = BUILDS(`/1\\.0\\.0/.test(get("${id}-copy"))`);
  const { b: tarball } = await siblings(world, id, build);
  await world.registry.publish({ name: `${id}-copy`, version: '0.9.0', files: { 'package.json': manifest(`${id}-copy`, '0.9.0') } });
  await world.registry.publish({ name: `${id}-copy`, version: '1.0.0', tarball, manifest: { repository: `github:kit/${id}` } });
  assertNotReproduced(await afterTheFirst(judge, id, 'identical'));
});

for (const [how, change] of [
  ['withdrew a version', (registry, name) => registry.unpublish(name, '1.0.0')],
  ['withdrew the package', (registry, name) => registry.unpublish(name)],
]) {
  attack(`what the registry said to the first package counts no more where it ${how} since`, async ({ world, id, judge }) => {
    for (const version of ['0.9.0', '1.0.0']) await world.registry.publish({ name: `${id}-dep`, version, files: { 'package.json': manifest(`${id}-dep`, version) } });
    await seenByTheFirst(world, judge, id, { of: `/1\\.0\\.0/.test(get("${id}-dep"))`, between: async () => change(world.registry, `${id}-dep`) });
  });
}

attack('scripts that the first installation takes away are the second one’s still, and the other way round', async ({ world, id, judge }) => {
  const post = `require('fs').rmSync('.github', { recursive: true }); require('fs').writeFileSync('Makefile', 'dist:\\n\\tmkdir -p p/b/dist\\n\\tprintf made > p/b/dist/x.js\\n');`;
  const make = `const fs = require('fs'); for (const one of ['a', 'b']) { fs.mkdirSync('p/' + one + '/dist', { recursive: true }); fs.writeFileSync('p/' + one + '/dist/x.js', one); }`;
  const files = { 'post.js': post, 'make.js': make, '.github/workflows/publish.yml': 'jobs:\n  a:\n    steps:\n      - run: |\n          node make.js\n          npm publish\n' };
  await siblings(world, id, { root: { scripts: { postinstall: 'node post.js' } }, files, published: { a: 'a', b: 'b' } });
  assert.equal((await afterTheFirst(judge, id, 'identical')).verdict, 'identical');
});

for (const locked of [true, false]) {
  attack(`ten packages of one release share one build, ${locked ? 'with' : 'without'} a lockfile, though they were published some seconds apart`, async ({ world, id, cli, home, seat }) => {
    const names = [...'abcdefghij'];
    await world.registry.publish({ name: `${id}-dep`, version: '1.0.0', time: '2021-01-01T00:00:00.000Z', files: { 'package.json': manifest(`${id}-dep`, '1.0.0') } });
    const build = `const fs = require('fs'); require('child_process').execSync('npm view ${id}-dep'); for (const one of '${names.join('')}') { fs.mkdirSync('p/' + one + '/dist', { recursive: true }); fs.writeFileSync('p/' + one + '/dist/x.js', one + '\\n'); } console.log('built as ' + Math.random());`;
    const files = { 'build.js': build, ...(locked && { 'package-lock.json': LOCK(id, names) }) };
    const times = Object.fromEntries(names.map((one, at) => [one, `2027-01-01T0${Math.floor(at / 5)}:${at < 5 ? '59' : '00'}:5${at % 5}.000Z`]));
    await siblings(world, id, { root: { scripts: { build: 'node build.js' } }, files, times, published: Object.fromEntries(names.map((one) => [one, `${one}\n`])) });
    const ran = await cli([...names.map((one) => `${id}-${one}@1.0.0`), '--json', '--isolation', seat.tier], { clean: await home() });
    const answers = ran.stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(answers.map(({ verdict }) => verdict), names.map(() => 'identical'), ran.stderr);
    const builds = answers.map(({ attempts }) => attempts.at(-1).log.match(/built as [\d.]+/g));
    assert.deepEqual(builds, names.map(() => builds[0]), 'one build, and it is in each result');
    assert.equal(builds[0].length, 1);
  });
}

attack('an earlier version would have stood in for the second package, had its own installation failed first', async ({ world, id, judge }) => {
  const own = (one, version) =>
    manifest(`${id}-${one}`, version, { repository: { type: 'git', url: `https://github.com/kit/${id}.git`, directory: `p/${one}` }, files: ['dist'] });
  const root = { private: true, workspaces: ['p/*'], scripts: { preinstall: 'node pre.js', build: 'node build.js' } };
  const pre = `require('http').get(process.env.npm_config_registry+'${id}-b',(s)=>{let t='';s.on('data',(x)=>t+=x);s.on('end',()=>{
if(!/1\\.1\\.0/.test(t))process.exit(1);require('fs').writeFileSync('mark','1')})})`;
  const build = `const fs=require('fs');for(const one of ['a','b']){fs.mkdirSync('p/'+one+'/dist',{recursive:true});
fs.writeFileSync('p/'+one+'/dist/x.js',one==='a'?'a\\n':fs.existsSync('mark')?'honest\\n':${JSON.stringify(PAYLOAD)})}`;
  const members = { 'p/a/package.json': own('a', '1.0.0'), 'p/b/package.json': own('b', '1.1.0'), 'p/a/README.md': 'a\n', 'p/b/README.md': 'b\n' };
  const files = { 'package.json': manifest(`${id}-root`, '0.0.0', root), 'pre.js': pre, 'build.js': build, '.gitignore': 'dist\n', ...members };
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { 'package.json': own('b', '1.0.0') }, time: '2020-01-01T00:00:00.000Z' });
  for (const [one, version, text, time] of [['a', '1.0.0', 'a\n', '2027-01-01T00:00:00.000Z'], ['b', '1.1.0', PAYLOAD, '2027-06-01T00:00:00.000Z']]) {
    await world.registry.publish({ files: { 'package.json': own(one, version), 'README.md': `${one}\n`, 'dist/x.js': text }, gitHead: c, time });
  }
  const first = await judge(`${id}-a@1.0.0`);
  assert.equal(first.verdict, 'identical');
  assertNotReproduced(await judge(`${id}-b@1.1.0`, { clean: first.clean }));
  assertNotReproduced(await judge(`${id}-b@1.1.0`));
});
