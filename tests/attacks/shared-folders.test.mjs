// Packages of one commit may share an installation; what one of them left is never taken for the work of another's build.

import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import { assertNotReproduced, attack, manifest, SEATS, setUp } from './kit.mjs';

setUp();

const PAYLOAD = 'payload that is in no commit\n';
const write = (folder, text) => `node -e "const fs=require('fs');fs.mkdirSync('${folder}',{recursive:true});fs.writeFileSync('${folder}/x.js',${JSON.stringify(text).replaceAll('"', "'")})"`;

/** Two packages of one commit; each is published with this in dist/x.js. */
async function siblings(world, id, { scripts, root = {}, published }) {
  const source = { 'package.json': manifest(`${id}-root`, '0.0.0', { private: true, workspaces: ['p/*'], ...root }) };
  const own = (one) => manifest(`${id}-${one}`, '1.0.0', { repository: { type: 'git', url: `https://github.com/kit/${id}.git`, directory: `p/${one}` }, scripts: scripts[one] ?? {}, files: ['dist'] });
  for (const one of ['a', 'b']) Object.assign(source, { [`p/${one}/package.json`]: own(one), [`p/${one}/README.md`]: `${one}\n` });
  await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: { ...source, '.gitignore': 'dist\n' } }], tags: { 'v1.0.0': 'c' } });
  const tarballs = {};
  for (const one of ['a', 'b']) {
    const files = { 'package.json': own(one), 'README.md': `${one}\n`, 'dist/x.js': published[one] };
    ({ tarball: tarballs[one] } = await world.registry.publish({ name: `${id}-${one}`, version: '1.0.0', files }));
  }
  return tarballs;
}

/** The second package, judged in the cache of the first one's run and in a new one: the same answer. */
async function afterTheFirst(judge, id, verdictOfTheFirst) {
  const first = await judge(`${id}-a@1.0.0`);
  assert.equal(first.verdict, verdictOfTheFirst, JSON.stringify({ code: first.code, findings: first.findings, log: first.attempts.at(-1)?.log?.slice(-800) }));
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
  // Run first by the first package, as its own build: what the second runs is another command in another folder.
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
