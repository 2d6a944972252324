// Rules of the house that no compiler holds.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cratesOf, linked, upward } from '../scripts/architecture.mjs';
import { sourceFiles } from '../scripts/codes.mjs';

const BUILDS = new URL('../crates/rebuild/src/build_run/', import.meta.url);

/**
 * Files that touch the disk by paths, and why they may: none of these paths was a stranger's to
 * change.
 */
const BY_PATH = {
  'checkout.rs': 'fills a new folder, before the first command',
  'kept.rs': 'the folder that holds a build, and its note: no build can write there',
  'sweeper.rs': 'the same',
  'workshop.rs': 'the programs of a build, and what lies around its checkout',
};

/** What reaches the disk by a path. */
const REACHES = /\bfs::\w|\bFile::(open|create)\b|\.(exists|canonicalize|read_dir|read_link|symlink_metadata)\(\)/;

/** The lines of a source that are no tests and no comments. */
function code(text) {
  return text.split(/^#\[cfg\((?:all\()?test/m)[0].split('\n').filter((line) => !line.trim().startsWith('//'));
}

const byPath = (text) => code(text).some((line) => REACHES.test(line) && !/rustix::fs|cap_std::fs/.test(line));

test('what a build leaves is reached by handles alone', () => {
  const found = readdirSync(BUILDS).filter((name) => name.endsWith('.rs') && byPath(readFileSync(new URL(name, BUILDS), 'utf8')));
  assert.deepEqual(found.sort(), Object.keys(BY_PATH).sort(), 'use npm_pack::disk_tree::DirTree');
});

const ROOT = new URL('../', import.meta.url);

/** Files that remove folders in another way than `store::remove_tree`, and why they may. */
const BY_RECURSION = {
  'src/local/packed.rs': "the user's own scripts",
  'crates/rebuild/src/build_run/kept.rs': 'it keeps the folder, to be removed by the sweeper',
  'crates/store/src/removal.rs': 'where no build runs',
  'crates/store/src/temporary.rs': 'it keeps the folder, and removes it by store::remove_tree',
  'crates/npm-toolchain/src/shelf.rs': 'no build can write there',
};

test('what a build may have filled is removed in one way', () => {
  const found = sourceFiles().filter((name) => code(readFileSync(new URL(name, ROOT), 'utf8')).some((line) => /remove_dir_all|\bTempDir\b|\btempdir(_in)?\(/.test(line)));
  assert.deepEqual(found.sort(), Object.keys(BY_RECURSION).sort(), 'use store::remove_tree');
});

test('the first rule sees what it is to see', () => {
  for (const line of ['fs::write(&file, bytes)?;', 'std::fs::read(path)', 'File::open(&path)', 'if path.exists() {']) assert.ok(byPath(line), line);
  for (const line of ['tree.read(&path)', '// fs::write', '#[cfg(test)]\nfs::write(a, b)']) assert.ok(!byPath(line), line);
});

test('no crate depends on one of its own layer or above it', () => {
  assert.deepEqual(upward(cratesOf(fileURLToPath(ROOT))), []);
});

test('every way to write a dependency is read', () => {
  const manifest = '[dependencies]\na = { workspace = true, features = ["x"] }\nb.workspace = true\n\n[target.\'cfg(unix)\'.dependencies]\nc = { path = "../c" }\n\n[build-dependencies]\nd = "1"\n\n[dev-dependencies]\ne.workspace = true\n\n[lints]\nworkspace = true\n';
  assert.deepEqual(linked(manifest), ['a', 'b', 'c', 'd']);
});

test('a dependency that runs up or to the side is seen', () => {
  const layers = [['low', 'beside'], ['high']];
  const crates = (low) => new Map([['low', { uses: low }], ['beside', { uses: [] }], ['high', { uses: ['low'] }]]);
  assert.deepEqual(upward(crates([]), layers), []);
  assert.match(upward(crates(['high']), layers).join(), /low .* depends on high/);
  assert.match(upward(crates(['beside']), layers).join(), /low .* depends on beside/);
  assert.match(upward(new Map([...crates([]), ['new', { uses: [] }]]), layers).join(), /new has no layer/);
});

test('no zlib of the system decides about bytes: the one that is built from source is linked in', { skip: process.platform !== 'linux' && 'names of libraries are those of Linux' }, () => {
  const addons = readdirSync(ROOT).filter((name) => name.endsWith('.node'));
  assert.ok(addons.length > 0, 'node scripts/build.mjs');
  for (const name of addons) assert.equal(readFileSync(new URL(name, ROOT)).includes('libz.so'), false, name);
});

/** Columns of a comment in Rust: what is longer is no table, no diagram and no code. */
const COLUMNS = 100;

/** The lines of comments that are too long. */
function tooLong(text) {
  let isCode = false;
  return text.split('\n').filter((line) => {
    const [, words] = /^\s*\/\/[/!]? ?(.*)$/.exec(line) ?? [];
    if (words === undefined) isCode = false;
    else if (words.trimStart().startsWith('```')) isCode = !isCode;
    else return !isCode && line.length > COLUMNS && !/^\||\S {2,}\S|^ {2,}/.test(words);
    return false;
  });
}

test('comments are at most 100 columns wide', () => {
  const long = sourceFiles().filter((name) => name.endsWith('.rs')).flatMap((name) => tooLong(readFileSync(new URL(name, ROOT), 'utf8')).map((line) => `${name}: ${line.trim()}`));
  assert.deepEqual(long, []);
  const words = 'word '.repeat(30);
  for (const line of [`// ${words}`, `    /// ${words}`, `//! ${words}`]) assert.equal(tooLong(line).length, 1, line);
  for (const line of [`let a = "${words}";`, `/// | ${words} |`, `//! a ──▶  b ${words}`, `/// \`\`\`\n/// ${words}\n/// \`\`\``]) assert.equal(tooLong(line).length, 0, line);
});
