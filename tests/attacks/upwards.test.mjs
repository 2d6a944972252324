// From what a build leaves, no way up leads into what this program keeps beside it: results, their
// key, tarballs, git objects, other builds.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { attack, manifest, SEATS, setUp } from './kit.mjs';

setUp();

/** What lies in the cache folder, with something to be found in each. */
const KEPT = ['results.json', 'seal.key', '.results.json.lock', 'git', 'tarballs', 'packuments', 'builds'];
const DEEPEST = 9;

/**
 * Goes up from wherever a build may be, by `..`, through a link of its own and by the full path,
 * and tells what it could do there.
 */
const SPY = (cache) => `
const fs = require('fs'), path = require('path');
const done = [];
const attempt = (what, act) => { try { act(); done.push(what); } catch {} };
const starts = ['.', process.env.HOME, process.env.TMPDIR, path.dirname(process.execPath), path.dirname(process.argv[1])];
const ups = starts.flatMap((start) => Array.from({ length: ${DEEPEST} }, (_, n) => start + '/..'.repeat(n)));
const places = [...ups, ${JSON.stringify(cache)}, '/proc/1/root' + ${JSON.stringify(cache)}, '/proc/1/cwd/cache/reproduce'];
for (const place of places) {
  for (const name of ${JSON.stringify(KEPT)}) {
    const direct = place + '/' + name;
    fs.rmSync('through', { force: true });
    fs.symlinkSync(direct, 'through');
    for (const target of [direct, 'through']) {
      attempt('read ' + target + ' ' + name, () => fs.readFileSync(target));
      attempt('list ' + target + ' ' + name, () => fs.readdirSync(target));
      // What is not there would be made in a folder of the build's own.
      if (fs.existsSync(target)) attempt('append ' + target + ' ' + name, () => fs.appendFileSync(target, 'x'));
      attempt('make ' + target + ' ' + name, () => fs.writeFileSync(target + '/planted', 'x'));
    }
    attempt('link ' + direct + ' ' + name, () => fs.linkSync(direct, 'linked' + done.length));
  }
}
fs.rmSync('through', { force: true });
console.log('SPY ' + JSON.stringify(done));
fs.mkdirSync('dist', { recursive: true });
fs.writeFileSync('dist/x.js', 'x\\n');
`;

const spied = (answer) => JSON.parse(/^SPY (\[.*\])$/m.exec(answer.attempts.at(-1).log)[1]);

async function spying(world, id, cache) {
  const files = { 'build.js': SPY(cache), '.gitignore': 'dist\n' };
  const published = { 'dist/x.js': 'x\n', 'build.js': null, '.gitignore': null };
  return (await world.release(id, { json: { scripts: { build: 'node build.js' }, files: ['dist'] }, files, published: { ...published, 'index.js': null } })).spec;
}

attack(
  'a build that goes up from its folders meets nothing that is kept',
  async ({ world, id, judge, home }) => {
    const clean = await home();
    const cache = join(clean.cacheDir, 'reproduce');
    // Something of every kind is there before.
    await world.registry.publish({ files: { 'package.json': manifest(`${id}-dep`) } });
    const json = { scripts: { build: 'mkdir -p dist && echo x > dist/x.js' }, files: ['dist'], dependencies: { [`${id}-dep`]: '1.0.0' } };
    const other = await world.release(`${id}-other`, { json, files: { '.gitignore': 'dist\n' }, published: { 'dist/x.js': 'x\n', 'index.js': null, '.gitignore': null } });
    assert.equal((await judge(other.spec, { clean })).verdict, 'identical');
    for (const name of KEPT.filter((one) => !one.startsWith('.'))) assert.ok(existsSync(join(cache, name)), name);
    const before = readFileSync(join(cache, 'seal.key'));
    const answer = await judge(await spying(world, id, cache), { clean });
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
    assert.deepEqual(spied(answer), []);
    assert.deepEqual(readFileSync(join(cache, 'seal.key')), before);
    for (const folder of KEPT.filter((one) => !one.includes('.'))) assert.ok(!readdirSync(join(cache, folder)).includes('planted'), folder);
  },
  { seats: SEATS },
);

attack('control: without a sandbox the same build meets all of it', async ({ world, id, judge, cli, home }) => {
  const clean = await home();
  const spec = await spying(world, id, join(clean.cacheDir, 'reproduce'));
  await judge(spec, { clean });
  const { json } = await cli([spec, '--json', '--force', '--isolation', 'none'], { clean });
  const met = spied(json);
  for (const name of ['results.json', 'seal.key', 'git', 'builds']) assert.ok(met.some((one) => one.startsWith('read') || one.startsWith('list') ? one.endsWith(` ${name}`) : false), name);
});

/**
 * Links in every place that is read or written after a build, by so many steps up or by the full
 * path.
 */
const LINKS = (to) => `
const fs = require('fs');
const link = (at) => { fs.rmSync(at, { recursive: true, force: true }); fs.symlinkSync(${JSON.stringify(to)}, at); };
fs.mkdirSync('dist', { recursive: true });
fs.writeFileSync('dist/x.js', 'x\\n');
for (const at of ['README.md', 'LICENSE', 'dist/y.js', 'dist/folder', '.npmignore', '.npmrc', 'node_modules', 'package-lock.json', '.git', process.env.HOME + '/.npm', process.env.TMPDIR]) { try { link(at); } catch {} }
`;
for (const [how, to] of [
  ['the results by `..`', () => '../../../../results.json'],
  ['their key by `..`', () => '../../../../seal.key'],
  ['the results by their path', (cache) => join(cache, 'results.json')],
  ['the git objects by `..`', () => '../../../../git'],
]) {
  attack(
    `a link that a build leaves to ${how} is followed by nobody`,
    async ({ world, id, judge, cli, home, seat }) => {
      const clean = await home();
      const cache = join(clean.cacheDir, 'reproduce');
      const other = await world.release(`${id}-other`, { json: { files: ['index.js'] } });
      await judge(other.spec, { clean });
      const secret = readFileSync(join(cache, 'results.json'), 'latin1');
      const key = readFileSync(join(cache, 'seal.key'));
      const own = { scripts: { build: 'node build.js' }, files: ['dist'] };
      const files = { 'build.js': LINKS(to(cache)), '.gitignore': 'dist\n', 'README.md': 'read me\n', LICENSE: 'licence\n' };
      const { spec } = await world.release(id, { json: own, files, published: { 'dist/x.js': 'x\n', 'dist/z.js': 'z\n', 'build.js': null, '.gitignore': null, 'index.js': null } });
      const ran = await cli([spec, '--json', '--isolation', seat.tier, '--emit', 'made.tgz'], { clean });
      assert.ok(['differs', 'build-failed'].includes(ran.json.verdict), ran.stdout);
      const made = existsSync(join(clean.home, 'made.tgz')) ? gunzipSync(readFileSync(join(clean.home, 'made.tgz'))).toString('latin1') : '';
      for (const text of [made, ran.stdout, ran.stderr]) {
        assert.ok(!text.includes(`${id}-other`) && !text.includes(key.toString('latin1')) && !text.includes(key.toString('base64')));
      }
      assert.deepEqual(readFileSync(join(cache, 'seal.key')), key);
      assert.ok(readFileSync(join(cache, 'results.json'), 'latin1').startsWith(secret.slice(0, 200)));
      assert.ok(existsSync(join(cache, 'git')));
    },
    { seats: how.includes('path') ? undefined : SEATS.filter(({ tier }) => tier !== 'bwrap') },
  );
}
