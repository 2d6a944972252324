// What no build can make is said without one: files that editors and systems leave on a publisher's
// machine.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { manifest, openWorld } from './world.mjs';

let world;
let clean;
before(async () => {
  world = await openWorld({ builds: true });
  clean = await world.home();
});
after(() => world.close());

const judge = (spec) => world.judge(spec, { clean, args: ['--force'] });
const builds = (answer) => answer.attempts.filter((attempt) => attempt.strategy !== 'source');
const codes = (answer) => answer.findings.map(({ code }) => code);
const STRAYS = { 'npm-debug.log': 'x\n', '.DS_Store': 'x\n', '.idea/workspace.xml': '<x/>\n' };
/** A build that makes what it says in `dist/`. */
const json = (made = 'made') => ({ scripts: { build: `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','${made}')"` } });

test('where only files of the publisher’s machine are missing, nothing is built', async () => {
  const { spec } = await world.release('h-strays', { json: json(), published: STRAYS });
  const answer = await judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['differs', 'files-not-in-source']);
  assert.deepEqual(builds(answer), []);
  assert.equal(answer.findings.find(({ code }) => code === 'made-by-no-build')?.severity, 'info');
  assert.deepEqual(answer.comparison.onlyPublished.toSorted(), Object.keys(STRAYS).toSorted());
  assert.equal(answer.likely.cause, 'publisher-machine');
});

test('where a file is missing besides that a build makes, it is built, once', async () => {
  const name = 'h-strays-built';
  const { spec } = await world.release(name, { json: json(), published: { ...STRAYS, 'dist/a.js': 'made' } });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'differs');
  assert.deepEqual(answer.comparison.onlyPublished.toSorted(), Object.keys(STRAYS).toSorted());
  assert.equal(builds(answer).length, 1, JSON.stringify(answer.attempts.map(({ strategy, code }) => [strategy, code])));
  assert.ok(!codes(answer).includes('made-by-no-build'));
});

test('a build may copy such a file, where the source has one', async () => {
  const copy = { scripts: { build: "node -e \"require('fs').cpSync('template','.',{recursive:true})\"" } };
  const files = { 'template/.vscode/settings.json': '{}\n', '.npmignore': 'template\n' };
  const published = { '.vscode/settings.json': '{}\n', 'template/.vscode/settings.json': null, '.npmignore': null };
  const { spec } = await world.release('h-strays-copied', { json: copy, files, published });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.comparison));
  assert.equal(builds(answer).length, 1);
});

test('a file of that kind that is changed, not added, is built for', async () => {
  const files = { '.vscode/settings.json': '{}\n' };
  const { spec } = await world.release('h-strays-changed', { json: json(), files, published: { '.vscode/settings.json': '{"a":1}\n' } });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'differs');
  assert.equal(builds(answer).length, 1);
});

/** A package whose dist/a.js a step would make that fails. */
const failing = (name, script) => world.release(name, { json: { scripts: { build: script } }, published: { 'dist/a.js': 'made' } });

test('a program of the machine that a step wants and that is not there is named', async () => {
  const control = await judge((await failing('h-step', 'exit 2')).spec);
  assert.deepEqual([control.verdict, control.code, codes(control).includes('program-missing')], ['build-failed', 'build-script-failed', false]);
  const answer = await judge((await failing('h-program', 'tinygo build -o dist/a.wasm . || exit 2')).spec);
  assert.deepEqual([answer.verdict, answer.code], ['build-failed', 'build-script-failed']);
  assert.match(answer.findings.find(({ code }) => code === 'program-missing')?.message ?? '', /tinygo/);
});

test('a task that the file does not have is no step that failed', async () => {
  const gulp = "#!/usr/bin/env node\nconsole.log('Task never defined: default');process.exit(1);\n";
  await world.registry.publish({ files: { 'package.json': manifest('gulp', '4.0.0', { repository: null, bin: 'gulp.js' }), 'gulp.js': gulp } });
  const own = { scripts: { build: 'true' }, devDependencies: { gulp: '4.0.0' } };
  const { spec } = await world.release('h-no-task', { json: own, files: { 'gulpfile.js': '\n', '.npmignore': 'gulpfile.js\n' }, published: { 'gulpfile.js': null, '.npmignore': null, 'dist/a.js': 'made' } });
  const answer = await judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['differs', 'files-not-in-source'], JSON.stringify(answer.attempts));
  assert.equal(builds(answer)[0].steps.find(({ name }) => name === 'gulp')?.exit, 1, 'the step is shown as it ended');
});
