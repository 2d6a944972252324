// This program from its packages, on a machine with Node alone: what `npm pack` makes, published to
// a registry on loopback, installed into an empty folder, and run against a package whose source is
// on loopback too. The addon is the one that the tests have built; scripts/install-matrix.mjs does
// the same for other package managers, versions of Node, and musl.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanEnv, run } from './kit/cli.mjs';
import { startGitHost } from './kit/githost.mjs';
import { git } from './kit/history.mjs';
import { bareBin, publishRelease } from './kit/release.mjs';
import { startVerdaccio } from './kit/verdaccio.mjs';
import { manifest } from './world.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const own = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

let verdaccio;
let host;
let bin;
let work;
let clean;
let packed;
let program;
before(async () => {
  [verdaccio, host, bin] = await Promise.all([startVerdaccio(), startGitHost(), bareBin()]);
  work = await mkdtemp(join(tmpdir(), 'install-'));
  packed = await publishRelease(verdaccio, bin);
  program = packed.main.name;
  await host.add('kit/i-judged', { commits: [{ label: 'c', files: { 'package.json': manifest('i-judged'), 'index.js': 'x\n' } }], tags: { 'v1.0.0': 'c' } });
  await git(['clone', '-q', host.directory('kit/i-judged'), join(work, 'judged')]);
  await verdaccio.publish(join(work, 'judged'));
  clean = await cleanEnv({ registry: verdaccio, gitconfig: host, extra: { PATH: bin, npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false' } });
});
after(async () => {
  await Promise.all([verdaccio.close(), host.close(), clean.remove()]);
  await Promise.all([work, bin].map((folder) => rm(folder, { recursive: true })));
});

const command = (name) => ({ command: [join(bin, 'node'), join(bin, name)], timeout: 120_000 });

/** An empty folder with the program installed in it. */
async function installed(name, ...args) {
  const folder = join(work, name);
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{"private":true}\n');
  const ran = await run(['install', program, ...args], { ...command('npm'), env: clean.env, cwd: folder });
  assert.equal(ran.code, 0, ran.stderr);
  return folder;
}

const platform = () => packed.platform.name;

test('the main package is small, has no install script and needs nothing at run time', () => {
  assert.ok(packed.main.unpackedSize < 400_000, `${packed.main.unpackedSize} bytes`);
  assert.deepEqual(Object.keys(own.dependencies ?? {}), []);
  for (const script of ['preinstall', 'install', 'postinstall']) assert.equal(own.scripts[script], undefined, script);
  const odd = packed.main.files.map(({ path }) => path).filter((path) => !/^(README\.md|LICENSE|CHANGELOG\.md|package\.json|bin\.cjs|api\.cjs|native\.cjs|index\.(js|cjs|d\.ts|d\.cts)|codes\.d\.ts|schema\/[a-z]+\.schema\.json|docs\/([a-z]+\.md|README\.md|report\.svg|reproduce\.1|ci\/gitlab-ci\.yml))$/.test(path));
  assert.deepEqual(odd, []);
});

test("the platform's package has the addon, the program that builds run under, executable, the notices, and no more", () => {
  const modes = Object.fromEntries(packed.platform.files.map(({ path, mode }) => [path, mode & 0o111]));
  const name = platform().slice(program.length + 1);
  const binaries = { [`reproduce.${name}.node`]: 0, ...(process.platform === 'linux' && { [`reproduce-sandbox.${name}`]: 0o111 }) };
  // A release has the SBOM of each binary too; a build of the tests has none.
  const described = Object.keys(modes).filter((path) => path.endsWith('.cdx.json'));
  if (described.length > 0 || process.env.REPRODUCE_TEST_TARBALLS) {
    assert.deepEqual(described.sort(), Object.keys(binaries).map((path) => `${path.replace(/\.node$/, '')}.cdx.json`).sort());
  }
  assert.deepEqual(modes, { LICENSE: 0, THIRD_PARTY_NOTICES: 0, 'README.md': 0, 'package.json': 0, ...binaries, ...Object.fromEntries(described.map((path) => [path, 0])) });
});

test('npx in an empty folder judges a package, with nothing but Node on PATH', async () => {
  const folder = join(work, 'npx');
  await mkdir(folder);
  const ran = await run(['--yes', program, 'i-judged@1.0.0', '--json'], { ...command('npx'), env: clean.env, cwd: folder });
  assert.equal(ran.json?.verdict, 'identical', `${ran.stdout}\n${ran.stderr}`);
  assert.equal(ran.code, 0);
});

test('installed with --ignore-scripts it works from an ESM and from a CJS script', async () => {
  const folder = await installed('scripts', '--ignore-scripts');
  const scripts = {
    'use.mjs': `import reproduce, { reproduce as named } from '${program}';\nif (reproduce !== named) throw new Error('two functions');\nconsole.log((await reproduce('i-judged@1.0.0')).verdict);\n`,
    'use.cjs': `const reproduce = require('${program}');\nreproduce('i-judged@1.0.0').then((result) => console.log(result.verdict));\n`,
  };
  for (const [name, text] of Object.entries(scripts)) {
    await writeFile(join(folder, name), text);
    const ran = await run([name], { command: [join(bin, 'node')], env: clean.env, cwd: folder });
    assert.deepEqual([ran.stdout, ran.stderr], ['identical\n', ''], name);
  }
});

test("the action runs the program of its own ref, whatever the project's configuration says, and an install that fails decides nothing", async () => {
  const project = join(work, 'project');
  await mkdir(project);
  await writeFile(join(project, '.npmrc'), 'registry=http://127.0.0.1:1/\n');
  const ref = join(work, 'ref');
  await mkdir(join(ref, 'action'), { recursive: true });
  for (const file of ['native.cjs', 'action/run.mjs']) await copyFile(join(root, file), join(ref, file));
  const act = async (version, more = {}) => {
    await writeFile(join(ref, 'package.json'), JSON.stringify({ name: program, version }));
    const env = { ...clean.env, RUNNER_TEMP: work, GITHUB_OUTPUT: join(work, 'output'), INPUT_PACKAGE: 'i-judged@1.0.0', INPUT_REGISTRY: verdaccio.url, ...more };
    await writeFile(env.GITHUB_OUTPUT, '');
    const ran = await run([join(ref, 'action/run.mjs')], { command: [join(bin, 'node')], env, cwd: project, timeout: 120_000 });
    return { ...ran, outputs: await readFile(env.GITHUB_OUTPUT, 'utf8') };
  };
  const good = await act(own.version);
  assert.deepEqual([good.code, good.outputs.split('\n').slice(0, 2)], [0, ['verdict=identical', 'exit-code=0']], good.stderr);
  const unsigned = await act(own.version, { INPUT_ATTEST: 'statement.json' });
  assert.deepEqual([unsigned.code, existsSync(join(project, 'statement.json'))], [2, false]);
  assert.match(`${unsigned.stdout}${unsigned.stderr}${await readFile(join(work, 'output'), 'utf8')}`, /verdict=error\nexit-code=2/);
  const bad = await act('9.9.9');
  assert.deepEqual([bad.code, bad.outputs.split('\n').slice(0, 2)], [2, ['verdict=', 'exit-code=2']]);
  assert.match(bad.stdout, /^::error title=reproduce::\S+@9\.9\.9 cannot be installed$/m);
});

test('without the optional dependency one message says what is missing and what to do', async () => {
  const folder = await installed('omitted', '--omit=optional');
  const ran = await run([program, '--help'], { ...command('npx'), env: clean.env, cwd: folder });
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /^error\[binary-missing\]: there is no reproduce binary for \S+\n\nhint: \S+ is an optional dependency and is not installed: install without --omit=optional/);
  assert.equal(ran.stdout, '');
});

test('on a platform that has no binary the message says which ones do', async () => {
  const folder = await installed('strange');
  const script = "Object.defineProperty(process, 'arch', { value: 'riscv64' }); require(process.argv[1])";
  const ran = await run(['-e', script, join(folder, 'node_modules', program, 'bin.cjs')], { command: [join(bin, 'node')], env: clean.env });
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /binary for \S+-riscv64[^\n]*\n\nhint: binaries are published for linux-x64-gnu, linux-arm64-gnu, .*win32-x64-msvc; elsewhere build it/);
});

test('a binary that does not load says why', async () => {
  const folder = await installed('damaged');
  const inside = join(folder, 'node_modules', platform());
  const addon = join(inside, packed.platform.files.find(({ path }) => path.endsWith('.node')).path);
  await rename(addon, `${addon}.old`);
  await writeFile(addon, 'no library');
  await chmod(addon, 0o644);
  const ran = await run([join(folder, 'node_modules', program, 'bin.cjs'), '--help'], { command: [join(bin, 'node')], env: clean.env });
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /^error\[binary-missing\]: the reproduce binary for \S+ does not load: .+\n\nhint: .*install again/);
});

test('npm/, optionalDependencies and the lockfile are in step with package.json', async () => {
  const ran = await run(['scripts/packages.mjs', '--check'], { command: [process.execPath], cwd: root, env: clean.env });
  assert.deepEqual([ran.code, ran.stderr], [0, '']);
});
