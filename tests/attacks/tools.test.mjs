// What the homes of attacks have from the start: tools that the program believes, so that none is
// fetched, and that it fetches again where one is not what was unpacked.

import assert from 'node:assert/strict';
import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { attack, setUp } from './kit.mjs';

setUp();

const BUILD = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','built')"`;

attack('a home has the tools of a build, and one that was changed there is fetched', async ({ world, id, home, judge }) => {
  const { spec } = await world.release(id, { json: { scripts: { build: BUILD }, files: ['dist', 'index.js'] }, published: { 'dist/a.js': 'built' } });
  const clean = await home();
  const fetched = async (...args) => {
    const from = world.registry.requests.length;
    assert.equal((await judge(spec, { clean, args })).verdict, 'identical');
    const paths = world.registry.requests.slice(from).map(({ path }) => path);
    assert.ok(paths.length > 0, 'nothing was asked');
    return paths.filter((path) => /^\/(?:node-[^/]+|npm)\/-\//.test(path)).length;
  };
  assert.equal(await fetched(), 0);
  const shelf = join(clean.cacheDir, 'reproduce/toolchains');
  const node = readdirSync(shelf).find((name) => name.startsWith('node-'));
  appendFileSync(join(shelf, node, 'package/bin/node'), '\0');
  assert.equal(await fetched('--force'), 1);
});
