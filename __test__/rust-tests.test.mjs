// The runner of the Rust tests: a program that failed, or that ran no test, fails the step.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ALONE, countOf, FIRST, groupsOf, programsOf, runOne, SAME_FILES } from '../scripts/rust-tests.mjs';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const OK = 'test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n';

const artifact = (path, more = {}) => ({
  reason: 'compiler-artifact', executable: `/target/${path}`, manifest_path: join(ROOT, path.split('/src/')[0].split('/tests/')[0], 'Cargo.toml'),
  profile: { test: true }, target: { src_path: join(ROOT, path) }, ...more,
});

test('every test program that cargo built is run once, in the folder of its package, the longest first', () => {
  const messages = [
    artifact('crates/a/src/lib.rs'), artifact('crates/b/tests/it/main.rs'),
    artifact('crates/a/examples/e.rs', { profile: { test: false } }), artifact('crates/c/src/lib.rs', { executable: null }),
    { reason: 'build-script-executed' }, { reason: 'build-finished', success: true },
  ];
  const programs = programsOf(messages, { first: ['crates/b/tests/it/main.rs'] });
  assert.deepEqual(programs.map(({ source, folder }) => [source, folder]), [
    ['crates/b/tests/it/main.rs', join(ROOT, 'crates/b')],
    ['crates/a/src/lib.rs', join(ROOT, 'crates/a')],
  ]);
});

test('each program is in one group: those with the same files one after the other, one alone when nothing else runs', () => {
  const programs = ['a', 'b', 'c', 'd', 'e'].map((source) => ({ source }));
  const { beside, alone } = groupsOf(programs, { sameFiles: ['d', 'b'], alone: ['c'] });
  assert.deepEqual(beside.map((list) => list.map(({ source }) => source)), [['a'], ['b', 'd'], ['e']]);
  assert.deepEqual(alone.map(({ source }) => source), ['c']);
  assert.deepEqual(groupsOf(programs, { sameFiles: [], alone: [] }), { beside: programs.map((one) => [one]), alone: [] });
});

test('what is run in another way than the rest is there', () => {
  // A file that was moved would be run beside those that it disturbs.
  for (const source of [...ALONE, ...SAME_FILES, ...FIRST]) assert.ok(existsSync(join(ROOT, source)), source);
});

test('results are added up', () => {
  const failed = 'test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s\n';
  assert.deepEqual(countOf(`${OK}x\n${failed}`), { passed: 4, failed: 2, ignored: 1 });
  assert.deepEqual(countOf('nothing'), { passed: 0, failed: 0, ignored: 0 });
});

for (const [title, script, isGood] of [
  ['with a good result is good', `printf '${OK.trim()}\\n'`, true],
  ['with a good result and a bad end fails', `printf '${OK.trim()}\\n'; exit 101`, false],
  ['that says nothing fails', 'exit 0', false],
  ['that was killed fails', `printf '${OK.trim()}\\n'; kill -9 $$`, false],
]) {
  test(`a program ${title}`, { skip: process.platform === 'win32' && 'a script is its stand-in' }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rust-tests-'));
    try {
      const program = join(folder, 'program');
      await writeFile(program, `#!/bin/sh\n${script}\n`);
      await chmod(program, 0o755);
      assert.equal((await runOne({ source: 'a.rs', program, folder })).isGood, isGood);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
