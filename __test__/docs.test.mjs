// The documents against the sources: every code and every option.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { codesOfSources, PATTERNS, rustSources } from '../scripts/codes.mjs';
import { cleanEnv, run } from './kit/cli.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path) => readFile(join(root, path), 'utf8');

let rust;
let inSources;
let listed;
before(async () => {
  rust = rustSources();
  inSources = codesOfSources(rust);
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

test('the type of codes is as the sources are', async () => {
  const ran = await run(['scripts/codes.mjs', '--check'], { command: [process.execPath], cwd: root });
  assert.deepEqual([ran.code, ran.stderr], [0, '']);
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
