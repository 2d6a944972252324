// The documents against the sources: every code and every option.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanEnv, run } from './kit/cli.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path) => readFile(join(root, path), 'utf8');

const CODE = '([a-z0-9]+(?:-[a-z0-9]+)*)';
const literals = (text) => [...text.matchAll(new RegExp(`"${CODE}"`, 'g'))].map(([, code]) => code);

/** Rust sources without tests and comments, by path. rustfmt keeps them in the one shape that the patterns below expect. */
async function rustSources() {
  const sources = new Map();
  for (const entry of await readdir(join(root, 'src'), { recursive: true })) {
    const path = `src/${entry.replaceAll('\\', '/')}`;
    if (!path.endsWith('.rs') || /\/tests(\.rs$|\/)/.test(path)) continue;
    const text = (await read(path)).replaceAll('\r\n', '\n');
    sources.set(path, text.replace(/#\[cfg\(test\)\]\nmod \w+ \{[^]*$/, '').replace(/^\s*\/\/.*$/gm, ''));
  }
  return sources;
}

/** `fn code(&self)` of the errors: literals and constants that a match arm gives, or the one literal that is the whole body. */
function codesOfErrors(text) {
  const codes = [];
  for (const [, body] of text.matchAll(/fn code\(&self\) -> &'static str \{\n([^]*?)\n {4}\}/g)) {
    for (const [, given] of body.matchAll(/=>\s*(?:\{\s*)?(.+)/g)) {
      const constant = /^[A-Z][A-Z_]*\b/.exec(given)?.[0];
      const code = constant ? new RegExp(`const ${constant}: &str = "${CODE}"`).exec(text)?.[1] : new RegExp(`^"${CODE}"`).exec(given)?.[1];
      if (code) codes.push(code);
      else assert.match(given, /^(\w+\.code\(\)|match )/, 'a code that this test cannot read');
    }
    const only = new RegExp(`^\\s*"${CODE}"$`).exec(body)?.[1];
    if (only) codes.push(only);
  }
  return codes;
}

/** The first group of every match, or the codes in it. */
const each = (pattern) => (text) => [...text.matchAll(pattern)].flatMap(([, group]) => (group.includes('"') ? literals(group) : [group]));

/** One pattern for each way in which the sources give a code. Each must find something, or it has gone blind. */
const PATTERNS = {
  'fn code(&self)': codesOfErrors,
  // Self::NotGzip => ("not-gzip", "…"): the rows of compare/oddity.rs.
  'oddity rows': each(new RegExp(`=> \\(\\s*"${CODE}",`, 'g')),
  'Finding::new("…"': each(new RegExp(`Finding::new\\(\\s*"${CODE}"`, 'g')),
  // What Draft::ended gets.
  'Ending::new(Verdict::…, "…"': each(new RegExp(`Ending::new\\(\\s*Verdict::\\w+,\\s*"${CODE}"`, 'g')),
  // ConfigFinding and Ending.
  'code: "…"': each(new RegExp(`\\bcode: "${CODE}"`, 'g')),
  // The closure of npmrc/mod.rs.
  'note("…"': each(new RegExp(`\\bnote\\(\\s*"${CODE}"`, 'g')),
  // verdict.rs.
  '(Verdict::…, Some("…"))': each(new RegExp(`Verdict::\\w+, Some\\("${CODE}"\\)`, 'g')),
  // A code that is chosen, as by report/draft.rs, or taken where there is no other: all literals up to the semicolon.
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

let rust;
let inSources;
let listed;
before(async () => {
  rust = await rustSources();
  inSources = new Map();
  for (const [path, text] of rust) {
    for (const code of Object.values(PATTERNS).flatMap((find) => find(text))) inSources.set(code, path);
  }
  for (const path of ['index.js', 'native.cjs', 'bin.cjs']) {
    const text = await read(path);
    for (const code of IN_JAVASCRIPT.flatMap((pattern) => each(pattern)(text))) inSources.set(code, path);
  }
  // A row of a table: | `code` | what it means | what to do |
  listed = [...(await read('docs/codes.md')).matchAll(/^\| `([^`]+)` \| (.*) \| (.*) \|$/gm)].map(([, code, means, todo]) => ({ code, means, todo }));
});

// ── codes ──

for (const [name, find] of Object.entries(PATTERNS)) {
  test(`the sources still have codes of the form ${name}`, () => {
    assert.notEqual([...rust.values()].flatMap(find).length, 0);
  });
}

test('a code that is handed on is a literal or another code, never a text that no pattern sees', () => {
  const handedOn = /^(?:code|(?:\w+\.)+code(?:\(\))?)$/;
  for (const [path, text] of rust) {
    const first = [...text.matchAll(/Finding::new\(\s*([^",\s]+),/g)].map(([, argument]) => argument);
    const second = [...text.matchAll(/Ending::new\(\s*[\w:.]+,\s*([^",\s]+),/g)].map(([, argument]) => argument);
    for (const argument of [...first, ...second]) assert.match(argument, handedOn, path);
  }
});

test('every code of the sources is in docs/codes.md', () => {
  const known = new Set(listed.map(({ code }) => code));
  const missing = [...inSources].filter(([code]) => !known.has(code)).map(([code, path]) => `${code} (${path})`);
  assert.deepEqual(missing, []);
});

test('docs/codes.md lists no code that no source has', () => {
  assert.deepEqual(listed.map(({ code }) => code).filter((code) => !inSources.has(code)), []);
});

test('docs/codes.md lists each code once, with what it means and what to do', () => {
  const codes = listed.map(({ code }) => code);
  assert.deepEqual(codes.filter((code, at) => codes.indexOf(code) !== at), []);
  assert.deepEqual(listed.filter(({ means, todo }) => means.trim() === '' || todo.trim() === ''), []);
});

// ── schemas ──

test('every schema is exported by the package and listed in docs/README.md', async () => {
  const schemas = (await readdir(join(root, 'schema'))).map((name) => `schema/${name}`);
  const { exports } = JSON.parse(await read('package.json'));
  const page = await read('docs/README.md');
  assert.ok(schemas.length > 0);
  assert.deepEqual(schemas.filter((path) => exports[`./${path}`] !== `./${path}` || !page.includes(`](../${path})`)), []);
});

// ── options ──

test('README names the options of reproduce() that index.d.ts declares', async () => {
  const [, list] = /`reproduce\(spec, \{([^}]*)\}\)`/.exec(await read('README.md')) ?? assert.fail('README has no `reproduce(spec, { … })`');
  const [, body] = /export interface ReproduceOptions \{\n([^]*?)\n\}/.exec((await read('index.d.ts')).replaceAll('\r\n', '\n'));
  const declared = [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name);
  assert.deepEqual(list.split(',').map((name) => name.trim()).sort(), declared.sort());
});

let clean;
before(async () => {
  clean = await cleanEnv();
});
after(() => clean.remove());

test('--help lists the flags of src/cli/arguments.rs', async () => {
  const ran = await run(['--help'], { env: clean.env });
  assert.equal(ran.code, 0, ran.stderr);
  // `  -j, --json`, `      --accept <level>` or `      --history[=<n>]`
  const shown = [...ran.stdout.matchAll(/^ +(?:-(\w), )?--([a-z-]+)(?: <[^>]+>|\[=<[^>]+>\])?$/gm)].map(([, short, long]) => (short ? `-${short} ` : '') + `--${long}`);
  // #[arg(short, long, value_name = "list")] before `pub(super) strategy:`; a field without `long` is no flag.
  const flags = ['-h --help', '-V --version'];
  for (const [, attribute, field] of rust.get('src/cli/arguments.rs').matchAll(/#\[arg\(([^\n]*)\)\]\s*pub\(super\) (\w+):/g)) {
    const long = /\blong\b(?: = "([^"]+)")?/.exec(attribute);
    if (!long) continue;
    const short = /\bshort\b(?: = '(\w)')?/.exec(attribute);
    flags.push((short ? `-${short[1] ?? field[0]} ` : '') + `--${long[1] ?? field.replaceAll('_', '-')}`);
  }
  assert.notEqual(flags.length, 2, 'src/cli/arguments.rs declares flags');
  assert.deepEqual(shown.sort(), flags.sort());
});
