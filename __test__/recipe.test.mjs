// --recipe: a recipe of the user's, in place of the search for one.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { manifest, openWorld } from './world.mjs';

let world;
let clean;
before(async () => {
  world = await openWorld({ builds: true });
  clean = await world.home();
});
after(() => world.close());

const judge = (spec, args = []) => world.judge(spec, { clean, args: ['--force', ...args] });
const decided = (answer) => answer.attempts.find(({ recipe }) => recipe.tarball)?.recipe;
const write = (path, text) => `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('${path}','${text}')"`;

/** Judges by a recipe, or by a whole result. */
async function by(spec, document) {
  await writeFile(join(clean.home, 'recipe.json'), JSON.stringify(document));
  return judge(spec, ['--recipe', 'recipe.json']);
}

test('a recipe names the source, where the package does not, and says so', async () => {
  const { spec, ids } = await world.release('w-source');
  const recipe = decided(await judge(spec));
  const files = { 'package.json': manifest('w-lost', '1.0.0', { repository: null }), 'index.js': 'x\n' };
  const { c } = await world.host.add('kit/w-lost', { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files });
  assert.equal((await judge('w-lost@1.0.0')).verdict, 'no-source');
  const answer = await by('w-lost@1.0.0', { ...recipe, name: 'w-lost', repository: 'https://github.com/kit/w-lost', commit: c });
  assert.deepEqual([answer.verdict, answer.origin.commit], ['identical', c]);
  assert.ok(answer.findings.some(({ code }) => code === 'source-by-user'));
  assert.ok(ids.c);
});

test('the steps of a recipe are run, and no others; what it makes is no stored result', async () => {
  const { spec } = await world.release('w-built', {
    json: { scripts: { build: write('dist/a.js', 'other'), special: write('dist/a.js', 'built') }, files: ['dist', 'index.js'] },
    files: { '.gitignore': 'dist\nnode_modules\n' },
    published: { '.gitignore': null, 'dist/a.js': 'built' },
  });
  const without = await judge(spec);
  assert.deepEqual([without.verdict, without.code], ['differs', 'content-differs']);
  const recipe = decided(without);
  const special = { name: 'special', directory: '', command: ['npm', 'run', 'special'] };
  const steps = [recipe.build.steps[0], special];
  const answer = await by(spec, { ...recipe, build: { ...recipe.build, steps } });
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  const { recipe: used, steps: done } = answer.attempts.find(({ verdict }) => verdict === 'identical');
  assert.deepEqual(used.build.steps, steps);
  assert.deepEqual(done.map(({ name }) => name), ['npm install', 'special', 'pack', 'compare']);
  assert.equal((await world.judge(spec, { clean })).verdict, 'differs');
});

test('a recipe of another package, and one that cannot be followed, are the user\'s errors', async () => {
  const [first, second] = [await world.release('w-first'), await world.release('w-second')];
  const recipe = decided(await judge(first.spec));
  const other = await by(second.spec, recipe);
  assert.deepEqual([other.verdict, other.code], ['error', 'recipe-of-another']);
  const odd = await by(first.spec, { ...recipe, directory: '../..' });
  assert.deepEqual([odd.verdict, odd.code], ['error', 'recipe-invalid']);
  const none = await judge(first.spec, ['--recipe', 'not-there.json']);
  assert.deepEqual([none.verdict, none.code], ['error', 'recipe-unreadable']);
});
