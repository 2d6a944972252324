// The name and the address of this program are set in one place. It is named twice here, published
// to a registry on loopback and installed; then nothing of the first name is in any file or output,
// and nothing of a name that belongs to another tool.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanEnv, filesBelow, run } from './kit/cli.mjs';
import { startGitHost } from './kit/githost.mjs';
import { git } from './kit/history.mjs';
import { bareBin, publishRelease } from './kit/release.mjs';
import { startVerdaccio } from './kit/verdaccio.mjs';
import { manifest } from './world.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const FIRST = { name: '@first-owner/first-name', repository: 'https://git.first.example/first-owner/first-place' };
const SECOND = { name: '@kit/second', repository: 'https://git.second.example/kit/second' };

/**
 * What names this program's package or address by its first name, and what names the tool that has
 * the plain one.
 */
const STALE = [
  /first-(?:owner|name|place)|first\.example/,
  /\bnpx (?:--yes )?reproduce\b/,
  /\bnpm (?:install|i|view|exec)[^\n]* reproduce(?:@|\s|$)/m,
  /npmjs\.com\/package\/reproduce\b/,
  /(?:from |require\(|import\()['"]reproduce['"/]/,
  /^ {2}"name": "reproduce"/m,
  /[^/\w.-]reproduce-(?:linux|darwin|win32)-/,
];
const stale = (text) => STALE.map((pattern) => pattern.exec(text)?.[0]).filter(Boolean);

let verdaccio;
let host;
let bin;
let work;
let clean;
let folder;
let packed;
before(async () => {
  [verdaccio, host, bin] = await Promise.all([startVerdaccio(), startGitHost(), bareBin()]);
  work = await mkdtemp(join(tmpdir(), 'name-'));
  packed = await publishRelease(verdaccio, bin, { names: [FIRST, SECOND] });
  await host.add('kit/n-judged', { commits: [{ label: 'c', files: { 'package.json': manifest('n-judged'), 'index.js': 'x\n' } }], tags: { 'v1.0.0': 'c' } });
  await git(['clone', '-q', host.directory('kit/n-judged'), join(work, 'judged')]);
  await writeFile(join(work, 'judged/index.js'), 'y\n');
  await verdaccio.publish(join(work, 'judged'));
  clean = await cleanEnv({ registry: verdaccio, gitconfig: host, extra: { PATH: bin, npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false' } });
  folder = join(work, 'installed');
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{"private":true}\n');
  const ran = await run(['install', SECOND.name], { command: [join(bin, 'node'), join(bin, 'npm')], env: clean.env, cwd: folder, timeout: 120_000 });
  assert.equal(ran.code, 0, ran.stderr);
});
after(async () => {
  await Promise.all([verdaccio.close(), host.close(), clean.remove()]);
  await Promise.all([work, bin].map((one) => rm(one, { recursive: true })));
});

const program = (args, options = {}) => run(args, { command: [join(bin, 'node'), join(folder, 'node_modules', SECOND.name, 'bin.cjs')], env: clean.env, cwd: folder, ...options });

test('it is published under its second name', () => {
  assert.equal(packed.main.name, SECOND.name);
  assert.ok(packed.platform.name.startsWith(`${SECOND.name}-`));
});

test('no file of the packages has the first name, or speaks for another tool', async () => {
  const found = [];
  let seen = 0;
  for (const file of await filesBelow(join(folder, 'node_modules/@kit'))) {
    for (const words of stale(await readFile(file, 'latin1'))) found.push(`${file.slice(folder.length)}: ${words}`);
    seen += 1;
  }
  assert.deepEqual(found, []);
  assert.ok(seen > 20, `${seen} files`);
});

/**
 * Where the other tool is meant: what says that it is another one, what measures against it, and
 * what looks for it.
 */
const MEANT = ['README.md', 'crates/rebuild/src/build_run/own.rs', 'scripts/named.mjs', 'bench/existing.mjs', '__test__/name.test.mjs'];

test('no file of the repository runs the tool that has the plain name, or speaks for it', async () => {
  const { stdout } = await run(['ls-files'], { command: ['git'], cwd: root });
  const files = stdout.split('\n').filter((path) => /\.(?:m?js|cjs|d\.c?ts|md|ya?ml|json|rs|1|sh)$|^\.ci\//.test(path) && !MEANT.includes(path));
  assert.ok(files.length > 300, `${files.length} files`);
  const OTHER = STALE.slice(1, 4);
  const found = [];
  for (const path of files) {
    const text = await readFile(join(root, path), 'utf8');
    for (const pattern of OTHER) if (pattern.test(text)) found.push(`${path}: ${pattern.exec(text)[0]}`);
  }
  assert.deepEqual(found, []);
});

test('README says how to run it, and its links are addresses', async () => {
  const readme = await readFile(join(folder, 'node_modules', SECOND.name, 'README.md'), 'utf8');
  assert.match(readme.slice(0, 600), /npx @kit\/second iconv-lite@0\.7\.2/);
  const links = [...readme.matchAll(/\]\(((?!#)[^)]+)\)/g)].map(([, target]) => target);
  assert.ok(links.length > 8);
  assert.deepEqual(links.filter((target) => !target.startsWith(`${SECOND.repository}/blob/HEAD/`) && !target.startsWith(`${SECOND.repository}/raw/HEAD/`)), []);
});

test('no output has the first name, and every address in one is below the repository', async () => {
  const keys = generateKeyPairSync('ed25519', { privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  await writeFile(join(work, 'key.pem'), keys.privateKey);
  const files = Object.fromEntries(['attest', 'sarif', 'junit', 'diffoscope-json'].map((option) => [option, join(work, option)]));
  const documents = Object.entries(files).flatMap(([option, file]) => [`--${option}`, file]);
  const runs = [
    ['--help'], ['help'], ['help', 'topics'], ['help', 'platforms'], ['explain', 'source-private'], ['inspect', '--help'], ['completions', 'bash'], ['completions', 'man'], ['no-such-package'], ['--no-such-option'],
    ['n-judged@1.0.0', '--verbose', '--no-cache', '--annotate', 'always', ...documents], ['n-judged@1.0.0', '--json'], ['inspect', 'n-judged', '--json'],
  ];
  const outputs = [];
  for (const args of runs) {
    const { stdout, stderr } = await program(args);
    outputs.push([args.join(' '), stdout + stderr]);
  }
  for (const [option, file] of Object.entries(files)) outputs.push([option, await readFile(file, 'utf8')]);
  assert.deepEqual(outputs.filter(([, text]) => text.length < 20).map(([name]) => name), []);
  assert.deepEqual(outputs.flatMap(([name, text]) => [...stale(text), .../reproduce\.invalid/.exec(text) ?? []].map((words) => `${name}: ${words}`)), []);
  const text = Object.fromEntries(outputs);
  const { predicate } = JSON.parse(text.attest);
  const details = predicate[`${SECOND.repository}/rebuild/v1`];
  assert.deepEqual(
    [predicate.verifier.id, predicate.policy.uri, details.buildDefinition.buildType, details.runDetails.builder.id],
    [SECOND.repository, `${SECOND.repository}#same-content`, `${SECOND.repository}/recipe/v1`, SECOND.repository],
  );
  const { driver } = JSON.parse(text.sarif).runs[0].tool;
  assert.equal(driver.informationUri, SECOND.repository);
  assert.ok(driver.rules.length > 0 && driver.rules.every(({ helpUri }) => helpUri.startsWith(`${SECOND.repository}/`)));
  const schema = JSON.parse(await readFile(join(folder, 'node_modules', SECOND.name, 'schema/result.schema.json'), 'utf8'));
  assert.ok(schema.$id.startsWith(`${SECOND.repository}/`));
});

test('what is looked for is seen where it is', () => {
  const samples = ['npm:@first-owner/x', 'npx reproduce x', 'npm view reproduce', 'https://www.npmjs.com/package/reproduce', "from 'reproduce'", '{\n  "name": "reproduce"', '`reproduce-linux-x64-gnu`'];
  assert.deepEqual(samples.filter((text) => stale(text).length === 0), []);
  assert.deepEqual(['npx @kit/second', 'reproduce semver', '@kit/second-linux-x64-gnu', 'target/reproduce'].filter((text) => stale(text).length > 0), []);
});
