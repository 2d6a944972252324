// Writes THIRD_PARTY_NOTICES: the licences of all crates that are linked into the binaries, from
// the crates themselves, and of the libraries in the report's page, as its script begins with them.
//   node scripts/notices.mjs           writes
//   node scripts/notices.mjs --check   fails where it is another
// A test holds without cargo-about that no crate is missing (__test__/release.test.mjs).

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cratesOf } from './architecture.mjs';
import { crate } from './tools.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const file = join(root, 'THIRD_PARTY_NOTICES');

// Then nothing more is asked of the network: the texts are those in the crates.
const fetched = spawnSync('cargo', ['fetch', '--locked'], { cwd: root, stdio: 'inherit' });
if (fetched.error || fetched.status !== 0) throw new Error(`cargo fetch: ${fetched.error?.message ?? `ended with ${fetched.status}`}`);
const ran = spawnSync(crate('cargo-about'), ['generate', '--workspace', '--frozen', '--fail', 'scripts/notices.hbs'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
if (ran.error || ran.status !== 0) throw new Error(`cargo-about: ${ran.error?.message ?? ran.stderr}`);
// Ours are no third party's, and what only the fuzzers need is in no binary. A licence that only
// they have goes with them.
const ours = new Set([...cratesOf(root).values()].map((one) => one.package));
const tree = ['tree', '--locked', '--offline', '--edges', 'normal,build', '--target', 'all', '--prefix', 'none', '--package', 'reproduce', '--package', 'reproduce-sandbox'];
const listed = spawnSync('cargo', tree, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
if (listed.error || listed.status !== 0) throw new Error(`cargo tree: ${listed.error?.message ?? listed.stderr}`);
const linked = new Set(listed.stdout.split('\n').map((line) => line.split(' ')[0]));
const sections = ran.stdout.split(/^(?==+$)/m).map((section) => section.replaceAll(/^ {2}(\S+) \d\S*\n/gm, (line, name) => (ours.has(name) || !linked.has(name) ? '' : line)));
const kept = sections.filter((section, at) => at === 0 || /^ {2}\S+ \d\S*$/m.test(section.split(/^-+$/m)[0])).join('');
// Crates have their texts with other line endings, with blanks at the ends of lines, and with empty
// lines around.
const crates = `${kept.replaceAll('\r\n', '\n').replaceAll(/[ \t]+$/gm, '').replaceAll(/\n{3,}/g, '\n\n').trimEnd()}\n`;
const script = readFileSync(join(root, 'crates/page/assets/page.js'), 'utf8');
const libraries = script.slice(script.indexOf('/*\n') + 3, script.indexOf('*/'));
const text = `${crates}\n${'='.repeat(80)}\nThe libraries in the script of a report's page, each with its licence\n${'-'.repeat(80)}\n\n${libraries.replaceAll(/[ \t]+$/gm, '').trimEnd()}\n`;
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('THIRD_PARTY_NOTICES is not what Cargo.lock gives: run node scripts/notices.mjs');
  process.exit(1);
}
