// What is judged is no ingredient of its own build, whatever name, version, address or packing it comes under.

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

/** A package whose build takes its files from `what`; published as 1.0.0, whatever package.json says. */
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
