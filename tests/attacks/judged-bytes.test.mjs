// What is judged is no ingredient of its own build, whatever name, version, address or packing it
// comes under.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { assertNotReproduced, attack, findingOf, manifest, SEATS, setUp } from './kit.mjs';

setUp();

const PAYLOAD = "console.log('payload that is in no commit')\n";

/** A script that takes dist/a.js from a package that npm can fetch. */
const steal = (what, file) =>
  `node -e "require('child_process').execSync('npm pack ${what} && tar xzf ${file}');require('fs').mkdirSync('dist',{recursive:true});require('fs').copyFileSync('package/dist/a.js','dist/a.js')"`;

/**
 * A package whose build takes its files from `what`; published as 1.0.0, whatever package.json
 * says.
 */
async function release(world, name, what, file, { inside = name, version = '1.0.0', dist = PAYLOAD, json = {} } = {}) {
  const own = manifest(inside, version, { repository: `github:kit/${name}`, scripts: { build: steal(what, file) }, files: ['dist', 'index.js'], ...json });
  const source = { 'package.json': own, 'index.js': 'honest\n', '.gitignore': 'dist\n' };
  await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } });
  return world.registry.publish({ name, version: '1.0.0', files: { 'package.json': own, 'index.js': 'honest\n', 'dist/a.js': dist } });
}

attack(
  'the same bytes under another name are not served',
  async ({ world, id, judge }) => {
    const copied = await release(world, id, `${id}-copy@1.0.0`, `${id}-copy-1.0.0.tgz`);
    await world.registry.publish({ name: `${id}-copy`, version: '1.0.0', tarball: copied.tarball, manifest: { repository: `github:kit/${id}` } });
    assertNotReproduced(await judge(`${id}@1.0.0`));
  },
  { seats: SEATS },
);

attack('the same files in another packing are not served', async ({ world, id, judge }) => {
  const copied = await release(world, id, `${id}-copy@1.0.0`, `${id}-copy-1.0.0.tgz`);
  const tarball = gzipSync(gunzipSync(copied.tarball), { level: 1 });
  assert.notDeepEqual(tarball, copied.tarball);
  await world.registry.publish({ name: `${id}-copy`, version: '1.0.0', tarball, manifest: { repository: `github:kit/${id}` } });
  const answer = await judge(`${id}@1.0.0`);
  assertNotReproduced(answer);
  findingOf(answer, 'judged-bytes-withheld');
});

attack('judged by address, with a version that npm cleans', async ({ world, id, judge }) => {
  const { url } = await release(world, id, `${id}@1.0.0`, `${id}-1.0.0.tgz`, { version: 'v1.0.0' });
  assertNotReproduced(await judge(url));
});

attack('judged by address, with another name inside', async ({ world, id, judge }) => {
  const { url } = await release(world, id, `${id}@1.0.0`, `${id}-1.0.0.tgz`, { inside: `${id}-other` });
  assertNotReproduced(await judge(url));
});

attack('judged as a file', async ({ world, id, judge, home }) => {
  const { tarball } = await release(world, id, `${id}@1.0.0`, `${id}-1.0.0.tgz`, { version: 'v1.0.0' });
  const clean = await home();
  const file = join(clean.home, 'x.tgz');
  writeFileSync(file, tarball);
  assertNotReproduced(await judge(file, { clean }));
});

attack('as a dependency under another name', async ({ world, id, judge }) => {
  const json = { devDependencies: { [`${id}-copy`]: '1.0.0' } };
  const copied = await release(world, id, `${id}-copy@1.0.0`, `${id}-copy-1.0.0.tgz`, { json });
  await world.registry.publish({ name: `${id}-copy`, version: '1.0.0', tarball: copied.tarball, manifest: { repository: `github:kit/${id}` } });
  assertNotReproduced(await judge(`${id}@1.0.0`));
});

attack('an honest build that takes a file of another package is identical, and lists it', async ({ world, id, judge }) => {
  await world.registry.publish({ files: { 'package.json': manifest(`${id}-dep`, '1.0.0'), 'dist/a.js': 'built\n' } });
  await release(world, id, `${id}-dep@1.0.0`, `${id}-dep-1.0.0.tgz`, { dist: 'built\n' });
  const answer = await judge(`${id}@1.0.0`);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  const { resolved } = answer.attempts.find(({ verdict }) => verdict === 'identical');
  assert.ok(resolved.some((line) => line.startsWith(`${id}-dep@1.0.0 `)), JSON.stringify(resolved));
  assert.match(findingOf(answer, 'file-from-dependency').message, new RegExp(`dist/a\\.js \\(${id}-dep@1\\.0\\.0\\)`));
});

attack('the judged files and one more are served, and told', async ({ world, id, judge }) => {
  await release(world, id, `${id}-more@1.0.0`, `${id}-more-1.0.0.tgz`);
  await world.registry.publish({ files: { 'package.json': manifest(`${id}-more`, '1.0.0'), 'index.js': 'honest\n', 'dist/a.js': PAYLOAD, 'more.js': 'more\n' } });
  const answer = await judge(`${id}@1.0.0`);
  assert.match(findingOf(answer, 'file-from-dependency').message, /dist\/a\.js/);
});

/** A header of tar as any client writes it. */
function header(path, size, type) {
  const block = Buffer.alloc(512);
  block.write(path);
  for (const [at, text] of [[100, '0000644\0'], [108, '0000000\0'], [116, '0000000\0'], [136, '00000000000\0'], [148, '        '], [156, type], [257, 'ustar\u000000']]) block.write(text, at);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  const sum = block.reduce((all, byte) => all + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** An archive whose files all have this type. */
function packed(files, type) {
  const entries = Object.entries(files).flatMap(([path, text]) => [header(`package/${path}`, text.length, type), Buffer.from(text.padEnd(Math.ceil(text.length / 512) * 512, '\0'))]);
  return Buffer.concat([...entries, Buffer.alloc(1024)]);
}

const ODD = {
  'as contiguous files, which installers unpack': (files) => packed(files, '7'),
  'behind a block that is no header, which installers pass over': (files) => Buffer.concat([Buffer.alloc(512, 'A'), packed(files, '0')]),
};
for (const [title, make] of Object.entries(ODD)) {
  attack(`a copy ${title}, is not served`, async ({ world, id, judge }) => {
    const build = `node -e "const fs=require('fs');fs.mkdirSync('dist',{recursive:true});fs.copyFileSync('node_modules/${id}-dep/dist/a.js','dist/a.js')"`;
    const own = manifest(id, '1.0.0', { scripts: { build }, files: ['dist', 'index.js'], devDependencies: { [`${id}-dep`]: '1.0.0' } });
    await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: { 'package.json': own, 'index.js': 'honest\n', '.gitignore': 'dist\n' } }], tags: { 'v1.0.0': 'c' } });
    const files = { 'package.json': own, 'index.js': 'honest\n', 'dist/a.js': PAYLOAD };
    await world.registry.publish({ files });
    await world.registry.publish({ name: `${id}-dep`, version: '1.0.0', tarball: gzipSync(make(files)), manifest: {} });
    const answer = await judge(`${id}@1.0.0`);
    assertNotReproduced(answer);
    findingOf(answer, 'judged-bytes-withheld');
  });
}

for (const [title, time] of [['before', '2020-01-01T00:00:00.000Z'], ['after', '2027-01-01T00:00:00.000Z']]) {
  attack(`an earlier version in the judged one’s place is an ingredient that is listed, published ${title} it`, async ({ world, id, judge }) => {
    const payload = 'payload that is in no commit\n';
    const own = (version) => manifest(id, version, { scripts: { preinstall: 'node pre.js', build: 'node build.js' }, files: ['dist'] });
    const pre = `const http=require('http'),fs=require('fs'),b=process.env.npm_config_registry;
const get=(p)=>new Promise((ok)=>http.get(b+p,(s)=>{const c=[];s.on('data',(x)=>c.push(x));s.on('end',()=>ok([s.statusCode,Buffer.concat(c)]))}));
(async()=>{await get('${id}');const [s,t]=await get('${id}/-/${id}-1.1.0.tgz');if(s!==200)process.exit(1);
fs.mkdirSync('dist',{recursive:true});const m=/START([^]*?)END/.exec(require('zlib').gunzipSync(t).toString('latin1'));
fs.writeFileSync('dist/x.js',[...m[1]].reverse().join(''))})()`;
    const files = { 'package.json': own('1.1.0'), 'pre.js': pre, 'build.js': '', '.gitignore': 'dist\n' };
    const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files }], tags: { 'v1.1.0': 'c' } });
    const text = `START${[...payload].reverse().join('')}END`;
    await world.registry.publish({ files: { 'package.json': manifest(id, '1.0.9'), 'data.txt': text }, time });
    await world.registry.publish({ files: { 'package.json': own('1.1.0'), 'dist/x.js': payload }, gitHead: c, time: '2021-01-01T00:00:00.000Z' });
    const answer = await judge(`${id}@1.1.0`);
    const { resolved } = answer.attempts.at(-1);
    const isListed = resolved?.some((line) => line.startsWith(`${id}@1.0.9 sha512-`)) && /1\.0\.9/.test(findingOf(answer, 'built-from-itself').message);
    if (title === 'before') assert.equal(answer.verdict, 'identical', JSON.stringify(answer.findings));
    assert.ok(isListed || !answer.reproduced, JSON.stringify({ resolved, findings: answer.findings }));
  });
}
