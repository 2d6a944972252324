// The stable codes, as the sources give them; codes.d.ts is written from them.
//   node scripts/codes.mjs           writes codes.d.ts
//   node scripts/codes.mjs --check   fails where it is not as the sources are (a test runs it)

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path) => readFileSync(join(root, path), 'utf8').replaceAll('\r\n', '\n');

const CODE = '([a-z0-9]+(?:-[a-z0-9]+)*)';
const literals = (text) => [...text.matchAll(new RegExp(`"${CODE}"`, 'g'))].map(([, code]) => code);

/** The Rust sources of the root and of every crate, without files of tests, from the root. */
export function sourceFiles() {
  const folders = ['src', ...readdirSync(join(root, 'crates')).filter((name) => existsSync(join(root, 'crates', name, 'src'))).map((name) => `crates/${name}/src`)];
  const files = folders.flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((entry) => `${folder}/${entry.replaceAll('\\', '/')}`));
  return files.filter((path) => path.endsWith('.rs') && !/\/(tests|test_support)(\.rs$|\/)/.test(path)).sort();
}

/**
 * Rust sources without tests and comments, by path. rustfmt keeps them in the one shape that the
 * patterns below expect.
 */
export function rustSources() {
  const sources = new Map();
  for (const path of sourceFiles()) {
    sources.set(path, read(path).replace(/#\[cfg\(test\)\]\nmod \w+ \{[^]*$/, '').replace(/^\s*\/\/.*$/gm, ''));
  }
  return sources;
}

/**
 * `fn code(&self)` of the errors: literals and constants that a match arm gives, or the one literal
 * that is the whole body.
 */
function codesOfErrors(text) {
  const codes = [];
  for (const [, body] of text.matchAll(/fn code\(&self\) -> &'static str \{\n([^]*?)\n {4}\}/g)) {
    for (const [, given] of body.matchAll(/=>\s*(?:\{\s*)?(.+)/g)) {
      const constant = /^[A-Z][A-Z_]*\b/.exec(given)?.[0];
      const code = constant ? new RegExp(`const ${constant}: &str = "${CODE}"`).exec(text)?.[1] : new RegExp(`^"${CODE}"`).exec(given)?.[1];
      if (code) codes.push(code);
      else if (!/^((?:\w+::)*\w+\.code\(\)|match )/.test(given)) throw new Error(`a code that this script cannot read: ${given}`);
    }
    const only = new RegExp(`^\\s*"${CODE}"$`).exec(body)?.[1];
    if (only) codes.push(only);
  }
  return codes;
}

/** The first group of every match, or the codes in it. */
const each = (pattern) => (text) => [...text.matchAll(pattern)].flatMap(([, group]) => (group.includes('"') ? literals(group) : [group]));

/**
 * One pattern for each way in which the sources give a code. Each must find something, or it has
 * gone blind.
 */
export const PATTERNS = {
  'fn code(&self)': codesOfErrors,
  // Self::NotGzip => ("not-gzip", "…"): the rows of npm-tarball/src/oddity.rs.
  'oddity rows': each(new RegExp(`=> \\(\\s*"${CODE}",`, 'g')),
  'Finding::new("…"': each(new RegExp(`Finding::new\\(\\s*"${CODE}"`, 'g')),
  // What Draft::ended gets.
  'Ending::new(Verdict::…, "…"': each(new RegExp(`Ending::new\\(\\s*Verdict::\\w+,\\s*"${CODE}"`, 'g')),
  // ConfigFinding and Ending.
  'code: "…"': each(new RegExp(`\\bcode: "${CODE}"`, 'g')),
  // The closure of npmrc/src/lib.rs.
  'note("…"': each(new RegExp(`\\bnote\\(\\s*"${CODE}"`, 'g')),
  // crates/verdict.
  '(Verdict::…, Some("…"))': each(new RegExp(`Verdict::\\w+, Some\\("${CODE}"\\)`, 'g')),
  // A code that is chosen, as by judge/src/draft.rs, or taken where there is no other: all literals
  // up to the semicolon.
  'let code = …;': each(/let code = ([^;]*"[^;]*);/g),
  // recipe/build/failure.rs.
  'Some("…") of a build': (text) => (text.includes('impl Course') ? each(new RegExp(`Some\\("${CODE}"\\)`, 'g'))(text) : []),
  // What a build noticed: Run::notes and Run::warnings.
  'notes.push(("…"': each(new RegExp(`(?:notes|warnings)\\.push\\(\\(\\s*"${CODE}"`, 'g')),
  'code.or(Some("…"': each(new RegExp(`code\\.or\\(Some\\("${CODE}"`, 'g')),
  // What is only ever printed.
  'error[…]': each(new RegExp(`error\\[${CODE}\\]`, 'g')),
};

/** Codes that JavaScript gives: `code: '…'` and `error.code = '…'`. */
const IN_JAVASCRIPT = [new RegExp(`\\bcode: '${CODE}'`, 'g'), new RegExp(`\\.code = '${CODE}'`, 'g'), new RegExp(`error\\[${CODE}\\]`, 'g')];

/** Every code, with the file that gives it. */
export function codesOfSources(rust = rustSources()) {
  const found = new Map();
  for (const [path, text] of rust) {
    for (const code of Object.values(PATTERNS).flatMap((find) => find(text))) found.set(code, path);
  }
  for (const path of ['api.cjs', 'native.cjs', 'bin.cjs']) {
    const text = read(path);
    for (const code of IN_JAVASCRIPT.flatMap((pattern) => each(pattern)(text))) found.set(code, path);
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const codes = [...codesOfSources().keys()].sort();
  const made = `// Written by scripts/codes.mjs from the sources.\n\n/** Every stable code: why something was not reproduced, was noticed, or failed. docs/codes.md says what each means. */\nexport type Code =\n${codes.map((code) => `  | '${code}'`).join('\n')};\n`;
  const file = join(root, 'codes.d.ts');
  if (!process.argv.includes('--check')) writeFileSync(file, made);
  else if (!existsSync(file) || read('codes.d.ts') !== made) {
    console.error('codes.d.ts is not as the sources are: run node scripts/codes.mjs');
    process.exitCode = 1;
  }
}
