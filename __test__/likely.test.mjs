// What is likely behind a package that did not come out, and that every surface says it.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from './kit/cli.mjs';
import { manifest, openWorld } from './world.mjs';

let world;
let clean;
before(async () => {
  world = await openWorld({ builds: true });
  clean = await world.home();
});
after(() => world.close());

const write = (path, text) => `require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('${path}','${text}');`;
const BUILD = `node -e "${['a', 'b', 'c'].map((name) => write(`dist/${name}.js`, `${name}(1)`)).join('')}"`;
const DIST = { 'dist/a.js': 'a(1)', 'dist/b.js': 'b(1)', 'dist/c.js': 'c(1)' };
const judge = (spec) => world.judge(spec, { clean, args: ['--force'] });

/** A package that is built, published with `published` on top of what its build makes. */
async function built(name, published, json = {}) {
  const files = { files: ['dist', 'index.js', 'setup.js'], scripts: { build: BUILD }, ...json };
  const { spec } = await world.release(name, { json: files, files: { '.gitignore': 'dist\n' }, published: { '.gitignore': null, ...DIST, ...published } });
  return spec;
}

test('a worm in a package that reproduces is unexplained code', async () => {
  const worm = { scripts: { build: BUILD, preinstall: 'node setup.js' }, files: ['dist', 'index.js', 'setup.js'] };
  for (const [name, published, reason] of [
    ['l-file', { 'dist/a.js': 'a(1);steal()' }, /^dist\/a\.js: other code$/],
    ['l-added', { 'dist/d.js': 'steal()' }, /^dist\/d\.js: not built$/],
    ['l-worm', { 'setup.js': 'steal()', 'package.json': manifest('l-worm', '1.0.0', worm) }, /^package\.json: scripts\.preinstall$/m],
    ['l-source', { 'index.js': "module.exports = 'l-source';steal()\n" }, /^index\.js: other code$/],
  ]) {
    const answer = await judge(await built(name, published));
    assert.deepEqual([answer.verdict, answer.likely.cause], ['differs', 'unexplained-code'], name);
    assert.match(answer.likely.reasons.join('\n'), reason, name);
  }
});

test('another build, another commit and another machine are told apart', async () => {
  const other = await judge(await built('l-build', { 'dist/a.js': 'a(2)', 'dist/b.js': 'b(2)', 'dist/c.js': 'c(2)' }));
  assert.equal(other.likely.cause, 'build-not-matched');
  const failed = await judge(await built('l-failed', {}, { scripts: { build: 'exit 1' } }));
  assert.deepEqual([failed.verdict, failed.likely.cause], ['build-failed', 'build-not-matched']);
  const machine = await judge(await built('l-machine', { 'README.md': '# a\r\n', '.DS_Store': 'x' }));
  assert.deepEqual([machine.verdict, machine.likely.cause], ['differs', 'source-not-there'], 'a README that was never committed');
  const stray = await judge(await built('l-stray', { '.DS_Store': 'x' }));
  assert.deepEqual([stray.verdict, stray.likely.cause], ['differs', 'publisher-machine']);
});

test('metadata that asks for more than the files is nothing that the files explain', async () => {
  const { spec, name, version } = await world.release('l-metadata');
  world.registry.packuments.get(name).versions[version].dependencies = { evil: '1' };
  const answer = await judge(spec);
  assert.deepEqual([answer.code, answer.likely], ['manifest-mismatch', { cause: 'unexplained-code', reasons: ['in no file: manifest-mismatch'] }]);
});

test('what is reproduced or was never compared has none', async () => {
  const same = await judge(await built('l-same', {}));
  assert.deepEqual([same.verdict, same.likely], ['identical', null]);
  const { spec } = await world.release('l-gone', { json: { repository: 'github:kit/nowhere-at-all' } });
  const gone = await judge(spec);
  assert.deepEqual([gone.verdict, gone.likely], ['no-source', null]);
});

test('the report, SARIF and the summary of a job say it', async () => {
  const spec = await built('l-shown', { 'dist/a.js': 'a(1);steal()' });
  const [sarif, summary] = ['l.sarif', 'summary.md'].map((file) => join(clean.home, file));
  await writeFile(summary, '');
  const env = { ...clean.env, GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary };
  const ran = await run([spec, '--sarif', sarif], { env, cwd: clean.home });
  assert.match(ran.stdout, /^ {2}why {8}1 file: 1 other code; likely unexplained code$/m);
  assert.match(JSON.parse(await readFile(sarif, 'utf8')).runs[0].results[0].message.text, /; likely unexplained code/);
  assert.match(await readFile(summary, 'utf8'), /- likely unexplained code&#58;|- likely unexplained code: dist\/a\.js/);
});
