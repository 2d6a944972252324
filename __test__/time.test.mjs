// Time is never a verdict: what a limit cut short is undecided, is not stored, and says what was
// not tried.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from './kit/cli.mjs';
import { cacheOf, manifest, openWorld } from './world.mjs';

let world;
let clean;
before(async () => {
  world = await openWorld({ builds: true });
  // One cache for all: Node is unpacked once, by a run that has the time for it.
  clean = await world.home();
  const { spec } = await built('t-first', { build: write });
  assert.equal((await world.judge(spec, { clean })).verdict, 'identical');
});
after(() => world.close());

const write = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','built')"`;
/** A step that never ends by itself. */
const ENDLESS = 'node -e "setInterval(() => {}, 1000)"';
/** Enough to find the commit, and for nothing that never ends. */
const SHORT = ['--timeout', '30'];

/** A package whose dist/a.js is made by a script. */
function built(name, scripts, json = {}, more = {}) {
  return world.release(name, {
    json: { scripts, files: ['dist', 'index.js'], ...json },
    files: { '.gitignore': 'dist\nnode_modules\n' },
    published: { '.gitignore': null, 'dist/a.js': 'built' },
    ...more,
  });
}

function assertCut(answer) {
  assert.deepEqual([answer.verdict, answer.code, answer.reproduced, answer.ran.code], ['unsupported', 'timed-out', false, 2]);
  const finding = answer.findings.find(({ code }) => code === 'timed-out');
  assert.match(finding.message, /Node [\d.]+.* was (stopped|not begun)/);
  assert.ok(answer.hints.some((hint) => hint.includes('--timeout 600')), `no number to try: ${answer.hints}`);
}

test('a build that the time stopped is undecided, and no later run is told so from the cache', async () => {
  const { spec } = await built('t-stopped', { build: 't-tool' }, { devDependencies: { 't-tool': '^1.0.0' } });
  await world.registry.publish({ files: { 'package.json': manifest('t-tool', '1.0.0', { bin: 'cli.js' }), 'cli.js': `#!/usr/bin/env node\nrequire('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js','built')\n` } });
  const lift = world.registry.fault({ on: '/t-tool', hang: true });
  const cut = await world.judge(spec, { clean, args: SHORT });
  lift();
  assertCut(cut);
  const attempt = cut.attempts.find(({ recipe }) => recipe.build);
  assert.deepEqual([attempt.verdict, attempt.code], ['unsupported', 'timed-out']);
  assert.deepEqual(attempt.steps.find(({ name }) => name === 'npm install').exit, null, 'the step that was stopped');
  assert.equal((await world.judge(spec, { clean })).verdict, 'identical', 'a run with the time for it');
});

test('all of the time is for the build, and what it was not enough for is not stated', async () => {
  const { spec } = await built('t-whole', { build: ENDLESS });
  const ran = await run([spec, '--json', '--attest', 'cut.json', ...SHORT], { env: clean.env, cwd: clean.home });
  assertCut({ ...ran.json, ran });
  assert.ok(ran.json.attempts.some(({ steps }) => steps.some(({ name, exit, ms }) => name === 'build' && exit === null && ms > 0)));
  assert.ok(ran.json.timings.total >= 29_000, `stopped after ${ran.json.timings.total} ms`);
  assert.match(ran.stderr, /attest-undecided/);
  await assert.rejects(readFile(join(clean.home, 'cut.json')));
});

test('a time too short for any build decides nothing', async () => {
  const { spec } = await built('t-none', { build: ENDLESS });
  const answer = await world.judge(spec, { clean, args: ['--timeout', '2'] });
  // A machine that does not come to the comparison in time has no result at all.
  assert.deepEqual([answer.code, answer.ran.code], ['timed-out', 2]);
  assert.notEqual(answer.verdict, 'differs');
});

test('what needs no build is judged whatever the time', async () => {
  const { spec } = await world.release('t-plain');
  assert.equal((await world.judge(spec, { clean, args: SHORT })).verdict, 'identical');
});

test('where nothing could make a file that differs, a short time is no excuse', async () => {
  const { spec } = await world.release('t-tampered', { published: { 'index.js': 'other' } });
  const answer = await world.judge(spec, { clean, args: SHORT });
  assert.deepEqual([answer.verdict, answer.code, answer.ran.code], ['differs', 'content-differs', 1]);
});

test('a replay that the time stopped makes no tarball', async () => {
  const { spec } = await built('t-replay', { build: write });
  const result = await world.judge(spec, { clean });
  const { recipe } = result.attempts.find(({ verdict }) => verdict === 'identical');
  recipe.build.steps.push({ name: 'sleep', directory: '', command: ['node', '-e', 'setInterval(() => {}, 1000)'] });
  const file = join(clean.home, 'recipe.json');
  await writeFile(file, JSON.stringify(recipe));
  const ran = await run(['replay', file, '--json', ...SHORT], { env: clean.env, cwd: clean.home });
  assert.deepEqual([ran.json.verdict, ran.json.code, ran.code], ['error', 'timed-out', 2]);
});

test('a build that wants more than it may have is undecided, and not stored', async () => {
  const { spec } = await built('t-flood', { build: `node -e "setInterval(() => process.stdout.write('x'.repeat(1e6)), 1)"` });
  const answer = await world.judge(spec, { clean });
  assert.deepEqual([answer.verdict, answer.code, answer.ran.code], ['unsupported', 'build-over-limit', 2]);
  assert.ok(answer.findings.some(({ code, message }) => code === 'build-over-limit' && message.includes('was stopped')));
  assert.ok(!(await readFile(join(cacheOf(clean), 'results.json'), 'utf8')).includes('t-flood'), 'stored');
});

test('what the metadata asks for is no build\'s to take back: a limit does not make it undecided', async () => {
  const build = `node -e "setInterval(() => process.stdout.write('x'.repeat(1e6)), 1)"`;
  const { spec } = await built('t-flood-lie', { build }, {}, { publication: { manifest: { dependencies: { evil: '1' } } } });
  const answer = await world.judge(spec, { clean });
  assert.deepEqual([answer.verdict, answer.code, answer.ran.code], ['differs', 'manifest-mismatch', 1]);
  assert.ok(answer.findings.some(({ code, severity }) => code === 'build-over-limit' && severity === 'info'));
});
