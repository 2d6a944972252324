// What the program says of itself on the user's disk: codes, pages, commands; and to a Node that is
// too old for it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { codesOfSources } from '../scripts/codes.mjs';
import { cleanEnv, CLI, run } from './kit/cli.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const COMMANDS = ['inspect', 'replay', 'audit', 'survey', 'report', 'stage', 'explain', 'cache', 'completions', 'help'];

let clean;
before(async () => {
  clean = await cleanEnv();
});
after(() => clean.remove());

const cli = (...args) => run(args, { env: clean.env, cwd: clean.home });

test('explain says what a code means and what to do', async () => {
  const ran = await cli('explain', 'commit-not-found');
  assert.deepEqual([ran.code, ran.stderr], [0, '']);
  assert.match(ran.stdout, /^commit-not-found\n\n\S[^\n]+\n\nhint: \S[^\n]+\n$/);
  const { json } = await cli('explain', 'commit-not-found', '--json');
  assert.deepEqual(Object.keys(json), ['code', 'means', 'todo']);
});

test('every code of the sources can be explained, without links that lead nowhere', async () => {
  const codes = [...codesOfSources().keys()];
  assert.ok(codes.length > 300);
  // One in thirty by the program; that all are on the page is a test of the documents.
  for (const code of codes.filter((_, at) => at % 30 === 0)) {
    const ran = await cli('explain', code);
    assert.equal(ran.code, 0, `${code}: ${ran.stderr}`);
    assert.doesNotMatch(ran.stdout, /\]\(/, code);
  }
});

test('a verdict is explained as one', async () => {
  for (const verdict of ['identical', 'same-content', 'differs', 'build-failed', 'no-source', 'unsupported', 'error']) {
    const ran = await cli('explain', verdict);
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, new RegExp(`^${verdict}\n\na verdict: \\S[^\n]+\n\nhint: \\S[^\n]+\n$`));
  }
});

test('a code that is not there is led to the nearest', async () => {
  const ran = await cli('explain', 'comit-not-found');
  assert.deepEqual([ran.code, ran.stdout], [2, '']);
  assert.match(ran.stderr, /^error\[usage\]: there is no code comit-not-found\n\nhint: did you mean [^\n]*commit-not-found/);
  const { json } = await cli('explain', 'comit-not-found', '--json');
  assert.deepEqual([json.verdict, json.code], ['error', 'usage']);
});

test('help prints the pages of docs/, and no other file', async () => {
  const pages = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md') && name !== 'README.md').map((name) => name.slice(0, -3)).sort();
  assert.equal((await cli('help', 'topics')).stdout, `${pages.join('\n')}\n`);
  assert.ok(pages.length > 5);
  for (const page of pages) assert.equal((await cli('help', page)).stdout, await readFile(join(root, `docs/${page}.md`), 'utf8'), page);
  for (const other of ['../README', 'README', 'nothing', '/etc/passwd']) {
    const ran = await cli('help', other);
    assert.deepEqual([ran.code, ran.stdout], [2, ''], other);
    assert.match(ran.stderr, /the pages are architecture, codes, /);
  }
});

test('every command is in --help, in the manual, and has a help of its own', async () => {
  const help = (await cli('--help')).stdout;
  const manual = (await cli('completions', 'man')).stdout;
  for (const command of COMMANDS) {
    assert.ok(help.includes(`reproduce ${command} `), command);
    assert.ok(manual.includes(`.SH "REPRODUCE ${command.toUpperCase()}"`), command);
    const own = await cli('help', command);
    assert.deepEqual([own.code, own.stderr], [0, ''], command);
    assert.match(own.stdout, new RegExp(`Usage: reproduce ${command} `), command);
  }
  assert.doesNotMatch(manual, /reproduce\\-\w+\(1\)/, 'a page that is not there');
});

test('a package without its documents says so', async () => {
  const script = `const { load } = require(${JSON.stringify(join(root, 'native.cjs'))}); load(); const { Run } = require(${JSON.stringify(join(root, `reproduce.${(await import('../native.cjs')).default.target()}.node`))}); new Run(null, ${JSON.stringify(clean.home)}).cli(['explain', 'usage']).then((code) => { process.exitCode = code; });`;
  const ran = await run(['-e', script], { command: [process.execPath], env: clean.env });
  assert.deepEqual([ran.code, ran.stdout], [2, '']);
  assert.match(ran.stderr, /^error\[documents-missing\]/);
});

test('documents name the versions of Node that package.json asks for', () => {
  const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
  const [, line, ofLine, later] = /^\^((\d+)\.\d+)\.0 \|\| >=(\d+\.\d+)\.0$/.exec(JSON.parse(read('package.json')).engines.node);
  const wanted = `Node ${line} or later of line ${ofLine} or Node ${later} or later`;
  for (const path of ['README.md', 'docs/platforms.md', 'scripts/named.mjs']) {
    const text = read(path).replaceAll(', or ', ' or ');
    assert.ok(text.includes(wanted), path);
    assert.doesNotMatch(text, new RegExp(`Node ${line.replace('.', '\\.')} or later(?! of line)`), path);
  }
});

for (const [version, runs] of [['12.22.12', false], ['18.20.8', false], ['20.18.3', false], ['20.19.0', true], ['21.7.3', false], ['22.11.0', false], ['22.12.0', true], ['25.0.0', true]]) {
  test(`Node ${version} ${runs ? 'runs the program' : 'is told in one line that it is too old'}`, async () => {
    const file = join(clean.home, 'as.cjs');
    await writeFile(file, `Object.defineProperty(process.versions, 'node', { value: '${version}' });\n`);
    const ran = await run(['--require', file, CLI, '--version'], { command: [process.execPath], env: clean.env });
    const told = `error: reproduce needs Node 20.19 or later (22.12 or later of the later lines), and this is ${version}\n`;
    assert.deepEqual([ran.code, ran.stderr], runs ? [0, ''] : [2, told]);
    // What is required or imported in place of run: its first line says the same.
    for (const load of [`require(${JSON.stringify(join(root, 'index.cjs'))})`, `await import(${JSON.stringify(pathToFileURL(join(root, 'index.js')).href)})`]) {
      const script = `(async () => { try { ${load}; console.log('loaded'); } catch (error) { console.log('error: ' + error.message); } })()`;
      const loaded = await run(['--require', file, '-e', script], { command: [process.execPath], env: clean.env });
      assert.equal(loaded.stdout, runs ? 'loaded\n' : told, load);
    }
  });
}
