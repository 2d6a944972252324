// Tags that a build's dependencies ask for: where each stood when the package was published, and
// what a tag leads to that the registry does not have.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { manifest, openWorld } from './world.mjs';

let world;
let clean;
before(async () => {
  world = await openWorld({ builds: true });
  clean = await world.home();
  for (const version of ['1.0.0', '2.0.0-dev.1', '2.0.0-dev.2', '2.0.0-rc.1']) {
    const files = { 'package.json': manifest('t-maker', version, { repository: null }), 'index.js': `module.exports = 'by ${version}';\n` };
    await world.registry.publish({ files });
  }
});
after(() => world.close());

/** A package that a build makes with t-maker as `range` asks for it. */
async function madeWith(name, range, made) {
  const build = "node -e \"require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js',require('t-maker'))\"";
  const json = { scripts: { build }, devDependencies: { 't-maker': range } };
  const { spec } = await world.release(name, { json, published: { 'dist/a.js': made } });
  return world.judge(spec, { clean, args: ['--force'] });
}

test('a tag that the registry does not have leads to the version that its name speaks for', async () => {
  for (const [range, version] of [['next', '2.0.0-rc.1'], ['dev', '2.0.0-dev.2'], ['stable', '1.0.0']]) {
    const answer = await madeWith(`t-${range}`, range, `by ${version}`);
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
    const { resolved } = answer.attempts.find(({ verdict }) => verdict === 'identical');
    assert.deepEqual(resolved.map((line) => line.split(' ')[0]), [`t-maker@${version}`], 'and the result lists it');
  }
});

test('a range that no version meets is no tag', async () => {
  const answer = await madeWith('t-range', '^9.0.0', 'by 1.0.0');
  assert.deepEqual([answer.verdict, answer.code], ['build-failed', 'install-failed'], JSON.stringify(answer.attempts));
});
