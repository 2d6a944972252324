// A payload in what the registry says of packages: no tarball brings it, so no list of what was
// installed has it.

import assert from 'node:assert/strict';
import { assertNotReproduced, attack, findingOf, manifest, SEATS, setUp } from './kit.mjs';

setUp();

const PAYLOAD = "console.log('payload that is in no commit and in no dependency')\n";
const DATA = Buffer.from(PAYLOAD).toString('base64');
const decoded = (text) => `require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js',Buffer.from(${text},'base64'))`;
const view = (what) => `node -e "const o=require('child_process').execSync('npm view ${what} --json').toString();${decoded('JSON.parse(o)')}"`;
/**
 * A request past every client; `take` finds the payload in the document `d`, or in the headers `h`.
 */
const direct = (path, take, accept = '*/*') =>
  `node -e "const u=new URL(process.env.npm_config_registry);require('http').get({host:u.hostname,port:u.port,path:'${path}',headers:{accept:'${accept}','user-agent':'npm/10.0.0'}},r=>{let t='';r.on('data',c=>t+=c);r.on('end',()=>{const h=r.headers;let d={};try{d=JSON.parse(t)}catch{};${decoded(`(${take})`)}})})"`;

/**
 * A package whose build runs `build`, and which was published with the payload as dist/a.js;
 * `other` is published before it.
 */
async function thief({ world, id, judge }, build, { other, scripts = {}, ...json } = {}) {
  const own = { files: ['dist', 'index.js'], scripts: { build, ...scripts }, ...json };
  for (const publication of [other].flat().filter(Boolean)) await world.registry.publish(publication);
  // Later than what it asks for.
  await new Promise((done) => setTimeout(done, 30));
  const { spec } = await world.release(id, { json: own, files: { '.gitignore': 'dist\n' }, published: { 'dist/a.js': PAYLOAD, '.gitignore': null } });
  return judge(spec);
}

const asked = (answer) => answer.attempts.flatMap((attempt) => attempt.asked ?? []);

attack(
  'a free field of an earlier version is not served',
  async (at) => {
    const other = { files: { 'package.json': manifest(at.id, '0.9.0', { payload: DATA }) } };
    const answer = await thief(at, view(`${at.id}@0.9.0 payload`), { other });
    assertNotReproduced(answer);
    assert.equal(findingOf(answer, 'metadata-read').severity, 'warning');
    assert.ok(asked(answer).some(({ during, what, name }) => during === 'script' && what === 'metadata' && name === at.id));
  },
  { seats: SEATS },
);

const FIELDS = {
  description: { json: { description: DATA } },
  keywords: { json: { keywords: [DATA] }, take: 'd.versions[Object.keys(d.versions)[0]].keywords[0]' },
  deprecated: { publication: { deprecated: DATA } },
  'another engine': { json: { engines: { payload: DATA } }, take: 'd.versions[Object.keys(d.versions)[0]].engines.payload' },
  'a value of engines': { json: { engines: { node: DATA } }, take: 'd.versions[Object.keys(d.versions)[0]].engines.node' },
  'a range': { json: { dependencies: { a: `1.0.0 ${DATA}` } }, take: "d.versions[Object.keys(d.versions)[0]].dependencies.a.split(' ')[1]" },
  signatures: { publication: { dist: { signatures: [{ keyid: 'x', sig: DATA }] } }, take: 'd.versions[Object.keys(d.versions)[0]].dist.signatures[0].sig' },
  'a field of dist': { publication: { dist: { foo: DATA } }, take: 'd.versions[Object.keys(d.versions)[0]].dist.foo' },
  'a script': { json: { scripts: { install: DATA } }, take: 'd.versions[Object.keys(d.versions)[0]].scripts.install' },
  funding: { json: { funding: DATA }, take: 'd.versions[Object.keys(d.versions)[0]].funding' },
};
for (const [title, { json = {}, publication = {}, take }] of Object.entries(FIELDS)) {
  attack(`${title} of another package says nothing`, async (at) => {
    const name = `${at.id}-else`;
    const other = { files: { 'package.json': manifest(name, '1.0.0', json), 'index.js': '' }, ...publication };
    for (const accept of take ? ['*/*', 'application/vnd.npm.install-v1+json'] : ['*/*']) {
      const build = direct(`/${name}`, take ?? `d.versions['1.0.0'].${title}`, accept);
      const answer = await thief({ ...at, id: `${at.id}${accept.length}` }, build, { other });
      assertNotReproduced(answer);
      assert.ok(asked(answer).some((one) => one.name === name));
    }
  });
}

attack('the top of a packument, tags, times and headers say nothing', async (at) => {
  const name = `${at.id}-top`;
  const { registry } = at.world;
  await registry.publish({ files: { 'package.json': manifest(name), 'index.js': '' } });
  const packument = registry.packuments.get(name);
  Object.assign(packument, { payload: DATA, readme: DATA, maintainers: [{ name: DATA }] });
  packument['dist-tags'][DATA] = '1.0.0';
  packument['dist-tags'].word = DATA;
  packument.time[DATA] = '2020-01-01T00:00:00.000Z';
  packument.time.modified = DATA;
  packument.versions[DATA] = packument.versions['1.0.0'];
  for (const [n, take] of Object.entries([
    'd.payload',
    'd.readme',
    "Object.keys(d['dist-tags']).pop()",
    "d['dist-tags'].word",
    'Object.keys(d.time).pop()',
    'd.time.modified',
    'Object.keys(d.versions).pop()',
    'h.etag',
  ])) {
    assertNotReproduced(await thief({ ...at, id: `${at.id}-${n}` }, direct(`/${name}`, take)));
  }
});

attack('the body of a registry that refuses says nothing', async (at) => {
  const name = `${at.id}-none`;
  const answer = await thief(at, direct(`/${name}/${DATA.slice(0, 40)}`, 'd.payload||d.error'));
  assertNotReproduced(answer);
  assert.ok(asked(answer).some((one) => one.name.startsWith(name)));
});

attack('what cannot be closed is told: versions, names of dependencies and tags', async (at) => {
  const name = `${at.id}-version`;
  const version = `0.0.0-${Buffer.from(PAYLOAD).toString('hex')}`;
  const other = [{ files: { 'package.json': manifest(name, version), 'index.js': '' } }];
  const take = "Buffer.from(Object.keys(d.versions)[0].slice(6),'hex').toString('base64')";
  const answer = await thief(at, direct(`/${name}`, take), { other });
  const finding = findingOf(answer, 'metadata-read');
  assert.equal(finding.severity, 'warning');
  assert.match(finding.message, new RegExp(name));
  assert.ok(asked(answer).some((one) => one.name === name && one.during === 'script'));
});

attack('a lifecycle script within an installation is told by what was not installed', async (at) => {
  const name = `${at.id}-life`;
  const version = `0.0.0-${Buffer.from(PAYLOAD).toString('hex')}`;
  const other = { files: { 'package.json': manifest(name, version), 'index.js': '' } };
  const take = "Buffer.from(Object.keys(d.versions)[0].slice(6),'hex').toString('base64')";
  const answer = await thief(at, 'node -e 0', { other, scripts: { postinstall: direct(`/${name}`, take) } });
  assert.match(findingOf(answer, 'metadata-read').message, new RegExp(name));
  assert.deepEqual(asked(answer).filter((one) => one.name === name), [{ during: 'install', what: 'metadata', name }]);
});

attack('tags, search and audits of a script are in the list', async (at) => {
  const build = ['/-/package/x/dist-tags', '/-/v1/search?text=x', '/-/npm/v1/security/advisories/bulk', '/-/all']
    .map((path) => direct(path, '1'))
    .join(' && ');
  const answer = await thief(at, build);
  assertNotReproduced(answer);
  const others = asked(answer).filter(({ what }) => what === 'other');
  assert.deepEqual(others.map(({ name }) => name).sort(), ['/-/all', '/-/npm/v1/security/advisories/bulk', '/-/package/x/dist-tags', '/-/v1/search']);
});

/**
 * A build that takes dist/a.js from marked parts in whatever an installation left: caches,
 * lockfiles, logs.
 */
const COLLECT = `const fs=require('fs'),p=require('path'),z=require('zlib');const all=[];
const walk=(d)=>{let es=[];try{es=fs.readdirSync(d,{withFileTypes:true})}catch{}
for(const e of es){const f=p.join(d,e.name);if(e.isDirectory())walk(f);else if(e.isFile())all.push(f)}};
walk(process.env.HOME);walk(p.resolve('..'));const parts={};
for(const f of all){let b;try{b=fs.readFileSync(f)}catch{continue}let s=b.toString('latin1');try{s+=z.gunzipSync(b).toString('latin1')}catch{}
for(const m of s.matchAll(/x(\\d\\d)[-.]([0-9a-f]+)x/g))parts[m[1]]=m[2];}
const hex=Object.keys(parts).sort().map(k=>parts[k]).join('');
fs.mkdirSync('dist',{recursive:true});fs.writeFileSync('dist/a.js',Buffer.from(hex,'hex')+'');`;
const CHUNKS = Buffer.from(PAYLOAD)
  .toString('hex')
  .match(/.{1,40}/g)
  .map((part, nth) => `x${String(nth).padStart(2, '0')}-${part}x`);

/**
 * Judges a package whose build collects what its installation left; `plant` changes what the
 * registry says of its dependency.
 */
async function collected({ world, id, judge }, plant, { payload = PAYLOAD, files = {} } = {}) {
  const dep = `${id}-dep`;
  await world.registry.publish({ files: { 'package.json': manifest(dep), 'index.js': 'innocent\n', ...files } });
  plant(world.registry.packuments.get(dep));
  const own = manifest(id, '1.0.0', { scripts: { build: 'node build.js' }, files: ['dist', 'index.js'], devDependencies: { [dep]: '1.0.0' } });
  const source = { 'package.json': own, 'index.js': 'honest\n', 'build.js': COLLECT, '.gitignore': 'dist\nnode_modules\n' };
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { 'package.json': own, 'index.js': 'honest\n', 'dist/a.js': payload }, gitHead: c });
  return judge(`${id}@1.0.0`, { args: ['--timeout', '200'] });
}

const PLANTED = {
  'tags of a dependency': (packument) => {
    for (const chunk of CHUNKS) packument['dist-tags'][chunk] = '1.0.0';
  },
  'engines of a dependency': ({ versions }) => {
    versions['1.0.0'].engines = { node: ['>=1', ...CHUNKS.map((chunk) => `1.0.0-${chunk}`)].join(' || ') };
  },
  'systems of a dependency': ({ versions }) => {
    versions['1.0.0'].os = ['linux', 'darwin', ...CHUNKS.map((chunk) => `!${chunk.replace('-', '.')}`)];
  },
  'numbers of versions of a dependency that are not installed': ({ versions, time }) => {
    for (const chunk of CHUNKS) {
      versions[`0.0.1-${chunk}`] = { ...versions['1.0.0'], version: `0.0.1-${chunk}` };
      time[`0.0.1-${chunk}`] = time['1.0.0'];
    }
  },
  'ranges of a version of a dependency that is not installed': ({ versions, time }) => {
    versions['0.0.1'] = { ...versions['1.0.0'], version: '0.0.1', dependencies: Object.fromEntries(CHUNKS.map((chunk) => [chunk.slice(0, 3), `1.0.0-${chunk}`])) };
    time['0.0.1'] = time['1.0.0'];
  },
};
for (const [title, plant] of Object.entries(PLANTED)) {
  attack(`what an installation keeps says nothing to a script of the commit: ${title}`, async (at) => assertNotReproduced(await collected(at, plant)), {
    seats: title.startsWith('numbers') ? SEATS : undefined,
  });
}

attack('control: what an installed package has in its tarball is found, and the package is in the list', async (at) => {
  const answer = await collected(at, () => {}, { files: { 'index.js': CHUNKS.join('\n') } });
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  assert.ok(answer.attempts.at(-1).resolved.some((line) => line.startsWith(`${at.id}-dep@1.0.0 `)));
});

attack('tags that the project asks for, and dependencies of it, are served', async ({ world, id, judge }) => {
  const dep = (name, dependencies = {}) => ({
    files: { 'package.json': manifest(`${id}-${name}`, '2.0.0-a.1', { dependencies }), 'index.js': `module.exports = '${name}'\n` },
    tag: 'canary',
  });
  await world.registry.publish(dep('inner'));
  await world.registry.publish(dep('outer', { [`${id}-inner`]: 'canary' }));
  for (const name of ['inner', 'outer']) {
    await world.registry.publish({ files: { 'package.json': manifest(`${id}-${name}`, '1.0.0'), 'index.js': "module.exports = 'plain'\n" } });
    world.registry.packuments.get(`${id}-${name}`)['dist-tags'].canary = '2.0.0-a.1';
  }
  const build = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js',require('${id}-outer')+require('${id}-inner'))"`;
  const json = { scripts: { build }, files: ['dist', 'index.js'], devDependencies: { [`${id}-outer`]: 'canary' } };
  await new Promise((done) => setTimeout(done, 30));
  const { spec } = await world.release(id, { json, published: { 'dist/a.js': 'outerinner' } });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts, null, 1));
});

attack('an honest package with a dependency is identical, and nothing is told', async ({ world, id, judge }) => {
  await world.registry.publish({ files: { 'package.json': manifest(`${id}-dep`, '1.0.0', { bin: { dep: 'index.js' } }), 'index.js': "module.exports = 'built'\n" } });
  const build = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js',require('${id}-dep'))"`;
  const json = { scripts: { build }, files: ['dist', 'index.js'], devDependencies: { [`${id}-dep`]: '^1.0.0' } };
  await new Promise((done) => setTimeout(done, 30));
  const { spec } = await world.release(id, { json, published: { 'dist/a.js': 'built' } });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts, null, 1));
  assert.deepEqual(answer.findings, []);
  assert.deepEqual(asked(answer), []);
});
