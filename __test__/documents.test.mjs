// The documents hold what they say: links and anchors lead somewhere, every example runs, generated
// pages are as their sources.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import yaml from 'js-yaml';
import { sourceFiles } from '../scripts/codes.mjs';
import { PLATFORMS } from '../scripts/platforms.mjs';
import { cleanEnv, run } from './kit/cli.mjs';
import { git } from './kit/history.mjs';
import { bareBin, publishRelease } from './kit/release.mjs';
import { manifest, openWorld } from './world.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const own = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
const pages = new Map();
let world;
let clean;
let shim;
let checkout;
/** The program as npm installs it. */
let installed;
before(async () => {
  const docs = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
  for (const path of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', ...docs]) {
    pages.set(path, (await readFile(join(root, path), 'utf8')).replaceAll('\r\n', '\n'));
  }
  // The packages of the examples, made up: what is shown is that the commands run, not what real
  // packages are.
  world = await openWorld();
  for (const [name, version] of [['semver', '7.7.4'], ['ms', '2.1.3'], ['netmask', '2.0.2'], ['iconv-lite', '0.7.2']]) await world.release(name, { version });
  await world.host.add('kit/example', { commits: [{ label: 'c', files: { 'package.json': manifest('example'), 'index.js': 'x\n' } }] });
  shim = await mkdtemp(join(tmpdir(), 'examples-'));
  checkout = join(shim, 'checkout');
  await git(['clone', '-q', world.host.directory('kit/example'), checkout]);
  const bin = join(shim, 'bin');
  await mkdir(bin);
  clean = await cleanEnv({ registry: world.registry, gitconfig: world.host, extra: { PATH: `${bin}:/usr/bin:/bin`, npm_config_fetch_retries: '0' } });
  installed = await install(join(shim, 'installed'));
  const program = `exec "${process.execPath}" "${join(installed, 'bin.cjs')}" "$@"`;
  const scripts = { reproduce: program, npx: `[ "$1" = '${own.name}' ] || exit 127\nshift\n${program}`, man: 'exec cat' };
  for (const [name, text] of Object.entries(scripts)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(bin, name), 0o755);
  }
  await symlink(process.execPath, join(bin, 'node'));
  // What the examples take for granted: a clone of a package's source, a pair of keys, a list of
  // packages, and a lockfile.
  await git(['clone', '-q', world.host.directory('kit/semver'), join(clean.home, 'clone')]);
  await git(['tag', 'v1', 'v7.7.4'], { cwd: join(clean.home, 'clone') });
  const keys = generateKeyPairSync('ed25519', { privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  await writeFile(join(clean.home, 'key.pem'), keys.privateKey);
  await writeFile(join(clean.home, 'key.pub.pem'), keys.publicKey);
  await writeFile(join(clean.home, 'packages.txt'), 'semver@7.7.4 # why it is here\nms@2.1.3\n');
  const locked = { 'node_modules/semver': { version: '7.7.4' }, 'node_modules/ms': { version: '2.1.3' } };
  await writeFile(join(clean.home, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages: locked }));
  for (const folder of ['.local/share/bash-completion/completions', '.config/fish/completions']) await mkdir(join(clean.home, folder), { recursive: true });
});
after(async () => {
  await world.close();
  await clean.remove();
  await rm(shim, { recursive: true });
});

/**
 * Publishes this program to the registry on loopback and installs it from there, with Node alone;
 * its folder.
 */
async function install(folder) {
  const bare = await bareBin();
  const npmrc = join(shim, 'npmrc');
  await writeFile(npmrc, `//${new URL(world.registry.url).host}/:_authToken=anything\naudit=false\nfund=false\nupdate-notifier=false\n`);
  const npm = async (args, { cwd, env = {} }) => {
    const ran = await run(args, { command: [join(bare, 'node'), await realpath(join(bare, 'npm'))], cwd, env: { ...clean.env, PATH: bare, npm_config_userconfig: npmrc, ...env } });
    assert.equal(ran.code, 0, ran.stderr);
    return ran;
  };
  const { main } = await publishRelease({ npm }, bare, { others: true });
  await mkdir(folder);
  await npm(['install', '--prefix', folder, main.name], { cwd: folder });
  await rm(bare, { recursive: true });
  return join(folder, 'node_modules', main.name);
}

/** Fenced blocks of a language with the page that they are on. */
function blocks(language) {
  const found = [];
  for (const [path, text] of pages) {
    for (const [, indent, body] of text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([^]*?)\\n *\`\`\`$`, 'gm'))) found.push({ path, body: body.replaceAll(new RegExp(`^${indent}`, 'gm'), '') });
  }
  assert.notEqual(found.length, 0, `no example in ${language}`);
  return found;
}

/** The anchors of a page: its headings as GitHub names them. */
function anchors(text) {
  const headings = text.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm);
  return new Set([...headings].map(([, heading]) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')));
}

test('every relative link leads to a file, and every anchor to a heading', async () => {
  const dead = [];
  let seen = 0;
  for (const [path, text] of pages) {
    const prose = text.replaceAll(/^```[^]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '');
    for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      // A program that has a repository names it in README, which npm shows too.
      const [file, anchor] = target.replace(/^https:\/\/\S+\/(?:blob|raw)\/HEAD\//, '').split('#');
      if (/^[a-z][a-z+.-]*:/i.test(file)) continue;
      const to = file === '' ? path : relative(root, join(root, dirname(path), decodeURIComponent(file)));
      seen += 1;
      if (!existsSync(join(root, to))) dead.push(`${path}: ${target}`);
      else if (anchor !== undefined && !anchors(pages.get(to) ?? '').has(anchor)) dead.push(`${path}: ${target} has no such heading`);
    }
  }
  assert.deepEqual(dead, []);
  assert.ok(seen > 20, `${seen} links`);
});

test('docs/README.md lists every page of docs/', () => {
  const listed = new Set([...pages.get('docs/README.md').matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => `docs/${target}`));
  assert.deepEqual([...pages.keys()].filter((path) => path.startsWith('docs/') && path !== 'docs/README.md' && !listed.has(path)), []);
});

test('every command of the examples runs', async () => {
  const wrong = [];
  let ran = 0;
  for (const { path, body } of blocks('sh')) {
    for (const line of body.split('\n')) {
      const command = line.replace(/\s+#.*$/, '');
      // What is about this checkout is what CI does anyway.
      if (!/^(npx|reproduce) /.test(command)) {
        if (!/^(npm (install|test|run [a-z:]+)|node (scripts|bench|bin\.cjs)|git |openssl |#|$)/.test(command)) wrong.push(`${path}: what is ${command}?`);
        continue;
      }
      const { code, stdout, stderr } = await run(['-euc', command.replace('"${fpath[1]}/_reproduce"', '_reproduce')], { command: ['/bin/sh'], env: clean.env, cwd: command.includes('--local') ? checkout : clean.home });
      ran += 1;
      if (code !== 0) wrong.push(`${path}: ${command} ended with ${code}\n${stdout}${stderr}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(ran > 10, `${ran} commands`);
});

test('what the shown sessions type are commands that exist, and their flags do', async () => {
  const help = (await run(['--help'], { env: clean.env })).stdout;
  for (const { path, body } of blocks('console')) {
    for (const [, words] of body.matchAll(/^\$ reproduce (.*)$/gm)) {
      for (const flag of words.match(/--[a-z-]+/g) ?? []) assert.ok(help.includes(flag), `${path}: ${flag}`);
    }
  }
});

test('every JavaScript example runs', async () => {
  const folder = join(shim, 'js');
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  await mkdir(dirname(join(folder, 'node_modules', own.name)), { recursive: true });
  await symlink(installed, join(folder, 'node_modules', own.name), 'dir');
  for (const [at, { path, body }] of blocks('js').entries()) {
    await writeFile(join(folder, `${at}.mjs`), body);
    const { code, stdout, stderr } = await run([`${at}.mjs`], { command: [process.execPath], env: clean.env, cwd: folder });
    assert.equal(code, 0, `${path}: ${stderr}`);
    assert.match(stdout, /^identical [0-9a-f]{40}$/m, path);
  }
});

test('package.json examples are JSON, and YAML examples use inputs that the action has', async () => {
  for (const { path, body } of blocks('json')) assert.doesNotThrow(() => JSON.parse(body), path);
  const { inputs } = await action();
  let used = 0;
  for (const { path, body } of blocks('yaml')) {
    for (const job of Object.values(yaml.load(body).jobs)) {
      for (const step of job.steps.filter(({ with: given }) => given?.local !== undefined || given?.package !== undefined)) {
        for (const input of Object.keys(step.with)) assert.ok(input in inputs, `${path}: ${input}`);
        used += 1;
      }
    }
  }
  assert.notEqual(used, 0);
});

test('every variable of the program is in docs/configuration.md', async () => {
  const names = new Set();
  for (const path of sourceFiles()) {
    for (const [, name] of (await readFile(join(root, path), 'utf8')).matchAll(/"(REPRODUCE_[A-Z_]+)"/g)) names.add(name);
  }
  assert.ok(names.size > 2);
  assert.deepEqual([...names].filter((name) => !pages.get('docs/configuration.md').includes(`\`${name}\``)), []);
});

test('every strategy is in docs/recipes.md', async () => {
  const schema = JSON.parse(await readFile(join(root, 'schema/result.schema.json'), 'utf8'));
  const missing = schema.$defs.strategy.enum.filter((name) => !pages.get('docs/recipes.md').includes(`| \`${name}\` |`));
  assert.deepEqual(missing, []);
});

test('the architecture page is as the sources are', async () => {
  const ran = await run(['scripts/architecture.mjs', '--check'], { command: [process.execPath], env: clean.env, cwd: root });
  assert.deepEqual([ran.code, ran.stderr], [0, '']);
});

test('the page of remedies is as the planner is', async () => {
  const ran = await run(['scripts/remedies.mjs', '--check'], { command: [process.execPath], env: clean.env, cwd: root });
  assert.deepEqual([ran.code, ran.stderr], [0, '']);
});

test('the manual page is the one that the program prints', async () => {
  const ran = await run(['completions', 'man'], { env: clean.env });
  assert.equal(ran.stdout, await readFile(join(root, 'docs/reproduce.1'), 'utf8'), 'run: node bin.cjs completions man > docs/reproduce.1');
});

test('completions know every flag and command', async () => {
  const help = (await run(['--help'], { env: clean.env })).stdout;
  const flags = [...help.matchAll(/^ +(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag);
  for (const shell of ['bash', 'zsh', 'fish', 'powershell', 'elvish']) {
    const { code, stdout } = await run(['completions', shell], { env: clean.env });
    assert.equal(code, 0);
    const missing = [...flags, 'cache', 'inspect', 'replay', 'explain', 'help', 'completions'].filter((word) => !stdout.includes(shell === 'fish' ? word.replace('--', '-l ') : word));
    assert.deepEqual(missing, [], shell);
  }
  const refused = await run(['completions', 'csh'], { env: clean.env });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /bash/);
});

// ── the action and the workflows ──

/** Every `run:` of a document, however its text is written. */
function commandsOf(value) {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === 'run' && typeof inner === 'string' ? [inner] : commandsOf(inner)));
}

test('a text of an event in a command is seen on one line and in a block', () => {
  const of = (text) => commandsOf(yaml.load(`jobs:\n  a:\n    steps:\n      - run: ${text}`));
  assert.deepEqual([of('echo ${{ x }}'), of('|\n          echo a\n          echo ${{ x }}\n')], [['echo ${{ x }}'], ['echo a\necho ${{ x }}\n']]);
});
const workflows = async () => {
  const names = await readdir(join(root, '.github/workflows'));
  return Promise.all(names.map(async (name) => [name, yaml.load(await readFile(join(root, '.github/workflows', name), 'utf8'))]));
};
const action = async () => yaml.load(await readFile(join(root, 'action.yml'), 'utf8'));

test('workflows and the action are YAML, and the scripts that they run are there', async () => {
  const files = ['action.yml', 'docs/ci/gitlab-ci.yml', '.github/dependabot.yml', ...(await workflows()).map(([name]) => `.github/workflows/${name}`)];
  const missing = [];
  for (const path of files) {
    const text = await readFile(join(root, path), 'utf8');
    const document = yaml.load(text);
    assert.equal(typeof document, 'object', path);
    for (const [script] of text.matchAll(/\b(?:scripts|__test__|action)\/[\w.-]+\.mjs\b/g)) if (!existsSync(join(root, script))) missing.push(`${path}: ${script}`);
    // Text of an event in a command would be the event's author's command.
    for (const command of commandsOf(document)) assert.ok(!command.includes('${{'), `${path}: ${command}`);
  }
  assert.deepEqual(missing, []);
});

test('text of an event is in no command', async () => {
  const steps = [...(await workflows()).flatMap(([, { jobs }]) => Object.values(jobs)), (await action()).runs].flatMap(({ steps: all }) => all ?? []);
  const commands = steps.filter(({ run: command }) => command !== undefined);
  assert.ok(commands.length > 20);
  assert.deepEqual(commands.filter(({ run: command }) => command.includes('${{')), []);
});

test('every job has a time limit and its own rights, and every action is named by commit and keeps no credentials', async () => {
  const wrong = [];
  for (const [name, { permissions, jobs }] of await workflows()) {
    if (Object.keys(permissions ?? { all: 'write' }).length > 0) wrong.push(`${name}: rights for all jobs`);
    for (const [id, job] of Object.entries(jobs)) {
      const at = `${name}: ${id}`;
      if (!job.permissions) wrong.push(`${at}: no permissions`);
      if (!job.uses && !(job['timeout-minutes'] <= 120)) wrong.push(`${at}: no time limit`);
      for (const { uses, with: given } of job.steps ?? []) {
        if (uses && !/^[\w-]+(\/[\w-]+)+@[0-9a-f]{40}$/.test(uses)) wrong.push(`${at}: ${uses}`);
        if (uses?.startsWith('actions/checkout@') && given?.['persist-credentials'] !== false) wrong.push(`${at}: keeps the checkout's token`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test('the release stores no token, is reviewed, and publishes what was packed, tested and built twice', async () => {
  const text = await readFile(join(root, '.github/workflows/release.yml'), 'utf8');
  assert.doesNotMatch(text, /secrets\.|NODE_AUTH_TOKEN|NPM_TOKEN/);
  const { jobs } = yaml.load(text);
  assert.equal(jobs.publish.environment, 'npm');
  assert.deepEqual([...jobs.publish.needs].sort(), ['ci', 'pack', 'rebuild', 'try', 'try-musl']);
  assert.deepEqual(jobs.publish.steps.map(({ run: command }) => command).filter(Boolean), ['node scripts/publish.mjs packages --provenance']);
  const withIdentity = Object.entries(jobs).filter(([, { permissions }]) => permissions['id-token'] || Object.values(permissions).includes('write'));
  assert.deepEqual(withIdentity.map(([id]) => id).sort(), ['notes', 'pack', 'publish']);
  const linux = (job) => job.strategy.matrix.include.map(({ target }) => target).filter((target) => target.includes('linux')).sort();
  assert.deepEqual(linux(jobs.rebuild), linux(jobs.build));
});

test('every image is named by digest', async () => {
  for (const { platform, os, image } of PLATFORMS) {
    if (os === 'linux') assert.match(image, /^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/, platform);
    else assert.equal(image, undefined, platform);
  }
});

test('the release builds every platform', async () => {
  const release = yaml.load(await readFile(join(root, '.github/workflows/release.yml'), 'utf8'));
  const { napi } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  assert.deepEqual(release.jobs.build.strategy.matrix.include.map(({ target }) => target).sort(), [...napi.targets].sort());
});

/** Runs what the action runs, with its inputs. */
async function act(inputs, { cwd = clean.home, folder = root } = {}) {
  const out = join(shim, 'output');
  const summary = join(shim, 'summary');
  for (const file of [out, summary]) await writeFile(file, '');
  const env = { ...clean.env, RUNNER_TEMP: shim, GITHUB_ACTIONS: 'true', GITHUB_OUTPUT: out, GITHUB_STEP_SUMMARY: summary, ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name}`, value])) };
  const ran = await run([join(folder, 'action/run.mjs')], { command: [process.execPath], env, cwd });
  const outputs = Object.fromEntries((await readFile(out, 'utf8')).split('\n').filter(Boolean).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  return { ...ran, outputs, summary: await readFile(summary, 'utf8') };
}

test('the action asks for a package where the workflow says, and not where the checkout does', async () => {
  const folder = join(shim, 'pull-request');
  await mkdir(folder);
  await writeFile(join(folder, '.npmrc'), 'registry=http://127.0.0.1:1/\nfetch-retries=0\n');
  const env = Object.fromEntries(Object.entries(clean.env).filter(([name]) => name.toLowerCase() === 'npm_config_registry'));
  const userconfig = join(shim, 'user.npmrc');
  await writeFile(userconfig, `registry=${world.registry.url}\n`);
  const whole = { ...clean.env };
  for (const name of Object.keys(env)) delete clean.env[name];
  clean.env.npm_config_userconfig = userconfig;
  try {
    const ran = await act({ PACKAGE: 'ms@2.1.3', JUNIT: 'junit.xml' }, { cwd: folder });
    assert.deepEqual([ran.code, ran.outputs.verdict], [0, 'identical'], ran.stdout + ran.stderr);
    assert.match(await readFile(join(folder, 'junit.xml'), 'utf8'), /<testsuite/, 'files are the workflow\'s, from its folder');
    const obeying = await run(['ms@2.1.3', '--json'], { env: clean.env, cwd: folder });
    assert.notEqual(obeying.code, 0, 'the control: the program by itself follows the folder, as npm does');
  } finally {
    for (const name of Object.keys(clean.env)) delete clean.env[name];
    Object.assign(clean.env, whole);
  }
});

test('the action gives verdicts, fails as it is told, and writes a summary', async () => {
  await world.release('d-tampered', { published: { 'index.js': 'evil\n' } });
  const junit = join(shim, 'junit.xml');
  const both = await act({ PACKAGE: 'ms@2.1.3 d-tampered@1.0.0', JUNIT: junit });
  assert.deepEqual([both.code, both.outputs.verdict, both.outputs['exit-code']], [1, 'identical differs', '1'], both.stderr);
  assert.match(both.summary, /^\| ms&#64;2\.1\.3 \| ✅ identical \|/m);
  assert.equal(both.summary.match(/^### /gm).length, 1, 'one table');
  assert.match(both.stdout, /^::error title=d-tampered@1\.0\.0 \[content-differs\]::/m);
  assert.equal((await readFile(both.outputs.json, 'utf8')).trim().split('\n').length, 2);
  const report = await readFile(junit, 'utf8');
  assert.match(report, /<testsuites tests="2" failures="1" errors="0"/);
  assert.match(report, /<testcase classname="reproduce" name="d-tampered@1\.0\.0" time="[\d.]+">\n {6}<failure type="content-differs" message="differs">/);
  const passing = await act({ PACKAGE: 'd-tampered@1.0.0', FAIL_ON: 'none' });
  assert.equal(passing.code, 0);
  assert.doesNotMatch(passing.stdout + passing.stderr, /^::error/m, 'nothing red in a step that passes');
  assert.match(passing.stdout, /^::warning title=d-tampered@1\.0\.0 \[content-differs\]::/m);
  const undecided = await act({ PACKAGE: 'd-nowhere@1.0.0', FAIL_ON: 'differs' });
  assert.deepEqual([undecided.code, undecided.outputs.verdict], [2, 'error']);
  assert.equal((await act({ PACKAGE: 'd-nowhere@1.0.0' })).code, 2);
});

test('the action fails for a name that is misspelt, whatever fail-on says, and its summary has a row for it', async () => {
  for (const failOn of ['any', 'differs', 'none']) {
    const ran = await act({ PACKAGE: 'd-nowhere ms@2.1.3', FAIL_ON: failOn });
    assert.deepEqual([ran.code, ran.outputs.verdict], [2, 'error identical'], failOn);
    assert.match(ran.stdout, /^::error title=d-nowhere \[package-not-found\]::/m);
    assert.match(ran.summary, /^\| d-nowhere \| ❔ error \(package-not-found\) \|/m);
  }
  assert.equal((await act({ PACKAGE: 'ms@2.1.3', FAIL_ON: 'none' })).code, 0, 'the control');
});

test('the action names the files of a folder’s problems, errors first, and no warning is an error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'd-local-'));
  await cp(checkout, folder, { recursive: true });
  const declared = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...declared, types: 'gone.d.ts' }));
  await writeFile(join(folder, 'loose-a.js'), '');
  await writeFile(join(folder, 'loose%b.js'), '');
  const ran = await act({ LOCAL: '.' }, { cwd: folder });
  assert.equal(ran.code, 1, ran.stderr);
  const annotations = ran.stdout.split('\n').filter((line) => /^::(error|warning) /.test(line));
  const of = (code) => annotations.find((line) => line.includes(`[${code}]`));
  assert.match(of('local-not-committed'), /^::error [^:]*::.*: loose%25b\.js, loose-a\.js$/);
  assert.match(of('local-entry-missing'), /^::warning [^:]*::.*gone\.d\.ts/);
  assert.equal(annotations.findLastIndex((line) => line.startsWith('::error')) < annotations.indexOf(of('local-entry-missing')), true);
  assert.match(ran.stdout, /^local-not-committed: [^\n]*\n {2}loose%b\.js\n {2}loose-a\.js$/m);
  assert.match(ran.summary, /\| not-reproducible \| local-[a-z-]+ \|/);
  await rm(folder, { recursive: true });
});

test('the action waits for a version that the registry does not show yet, if it is told to', async () => {
  const without = await act({ PACKAGE: 'd-late@1.0.0', WAIT: 'false' });
  assert.deepEqual([without.code, without.outputs.verdict], [2, 'error']);
  const inTime = await act({ PACKAGE: 'd-late@1.0.0', WAIT: '1s' });
  assert.deepEqual([inTime.code, inTime.outputs.verdict], [2, 'error'], 'no longer than it is told to');
  const from = world.registry.requests.length;
  const waiting = act({ PACKAGE: 'd-late@1.0.0', WAIT: 'true' });
  while (!world.registry.requests.slice(from).some(({ path, status }) => path === '/d-late' && status === 404)) await new Promise((resolve) => setTimeout(resolve, 20));
  await world.release('d-late');
  const ran = await waiting;
  assert.deepEqual([ran.code, ran.outputs.verdict], [0, 'identical'], ran.stderr);
  // What it did meanwhile is in the log, and not among the results.
  assert.match(ran.stderr, /^d-late@1\.0\.0: waiting for the registry to show it \(/m);
  assert.equal((await readFile(ran.outputs.json, 'utf8')).trim().split('\n').length, 1);
  const odd = await act({ PACKAGE: 'd-late@1.0.0', WAIT: 'soon' });
  assert.deepEqual([odd.code, odd.outputs['exit-code']], [2, '2']);
  assert.match(odd.stdout, /^::error title=reproduce \[usage\]::/m);
});

test('the action checks a folder before it is published', async () => {
  const good = await act({ LOCAL: '.' }, { cwd: checkout });
  assert.deepEqual([good.code, good.outputs.verdict], [0, 'reproducible'], good.stderr);
  assert.match(good.summary, /^### reproduce\n\n[^]*\| reproducible \|/);
  const junit = join(shim, 'local.xml');
  assert.equal((await act({ LOCAL: '.', JUNIT: junit }, { cwd: checkout })).code, 0);
  assert.match(await readFile(junit, 'utf8'), /<testsuites tests="1" failures="0" errors="0"/);
});

test('the action refuses inputs that do not go together, and writes nothing that was asked for', async () => {
  const file = join(shim, 'never');
  const cases = [['LOCAL', 'WAIT', 'true'], ['LOCAL', 'ATTEST', file], ['LOCAL', 'PACKAGE', 'ms@2.1.3'], ['AUDIT', 'WAIT', '5m'], ['AUDIT', 'JUNIT', file], ['AUDIT', 'ATTEST', file], ['AUDIT', 'LOCAL', '.'], ['AUDIT', 'PACKAGE', 'ms@2.1.3']];
  for (const [way, input, value] of cases) {
    const ran = await act({ [way]: '.', [input]: value }, { cwd: checkout });
    assert.deepEqual([ran.code, ran.outputs['exit-code'], ran.outputs.verdict], [2, '2', ''], `${way} with ${input}`);
    const [, message] = /^::error title=reproduce::(.*)$/m.exec(ran.stdout);
    assert.ok(message.includes(`\`${way.toLowerCase()}\``) && (input === 'PACKAGE' ? message.includes('packages') : /`(wait|attest|junit)`|`audit` is/.test(message)), message);
  }
  assert.ok(!existsSync(file));
});

test('the action says what was wrong with what it was asked', async () => {
  const accept = await act({ PACKAGE: 'ms@2.1.3', ACCEPT: 'foo' });
  assert.deepEqual([accept.code, accept.outputs['exit-code']], [2, '2']);
  assert.match(accept.stdout, /^::error title=reproduce \[usage\]::invalid value 'foo' for '--accept <level>'$/m);
  const folder = await act({ LOCAL: '/nonexistent' });
  assert.equal(folder.code, 2);
  assert.match(folder.stdout, /^folder-unreadable: the folder \/nonexistent cannot be read/m);
});

test('the action fails where a package has no answer, whatever fail-on says', async () => {
  const ref = join(shim, 'broken');
  await mkdir(join(ref, 'action'), { recursive: true });
  for (const file of ['native.cjs', 'action/run.mjs']) await copyFile(join(root, file), join(ref, file));
  const { target } = createRequire(import.meta.url)('../native.cjs');
  await writeFile(join(ref, `reproduce.${target()}.node`), '');
  // In the place of the program: it prints and ends as it is told.
  await writeFile(join(ref, 'bin.cjs'), "process.stdout.write(process.env.INPUT_PRINTED, () => (/^SIG/.test(process.env.INPUT_ENDS) ? process.kill(process.pid, process.env.INPUT_ENDS) : process.exit(Number(process.env.INPUT_ENDS))));\n");
  const result = (spec, verdict = 'identical') => `${JSON.stringify({ spec, verdict })}\n`;
  const step = (failOn, ends, printed) => act({ PACKAGE: 'one@1.0.0 two@1.0.0', FAIL_ON: failOn, ENDS: ends, PRINTED: printed }, { folder: ref });
  const both = result('one@1.0.0') + result('two@1.0.0');
  for (const failOn of ['any', 'differs', 'none']) {
    for (const [ends, printed, says] of [
      ['SIGABRT', result('one@1.0.0'), /ended by SIGABRT: 1 of 2 packages have an answer, and there is none for two@1\.0\.0$/m],
      ['SIGSEGV', '', /ended by SIGSEGV: 0 of 2 packages have an answer, and there is none for one@1\.0\.0 two@1\.0\.0$/m],
      ['SIGKILL', `${result('one@1.0.0')}{"spec":"two@1`, /ended by SIGKILL: 1 of 2/],
      ['SIGABRT', both, /ended by SIGABRT, which is none of its exit codes$/m],
      ['0', result('one@1.0.0'), /ended with 0: 1 of 2/],
      ['2', `${JSON.stringify({ spec: '', verdict: 'error', code: 'usage', message: 'no' })}\n`, /ended with 2: 0 of 2/],
      ['134', both, /ended with 134, which is none of its exit codes$/m],
      ['0', `${both}no JSON\n`, /something else than JSON$/m],
    ]) {
      const ran = await step(failOn, ends, printed);
      assert.equal(ran.code, 2, `${failOn} ${ends} ${printed}`);
      assert.match(ran.stdout.split('\n').find((line) => line.startsWith('::error')) ?? '', says);
      assert.match(ran.stderr, says);
      assert.deepEqual([ran.outputs['exit-code'], ran.outputs.verdict.split(' ').length], ['2', 2]);
      const kept = (await readFile(ran.outputs.json, 'utf8')).split('\n').filter(Boolean);
      for (const line of kept) JSON.parse(line);
    }
    const whole = await step(failOn, '0', both);
    assert.deepEqual([whole.code, whole.outputs.verdict], [0, 'identical identical'], 'the control: every package has an answer');
    const differs = await step(failOn, '1', result('one@1.0.0') + result('two@1.0.0', 'differs'));
    assert.equal(differs.code, failOn === 'none' ? 0 : 1, 'the control: what differs fails as it is told');
  }
});

test('the action of a ref that is no release runs nothing under its name', async () => {
  const ref = join(shim, 'ref');
  await mkdir(join(ref, 'action'), { recursive: true });
  for (const file of ['native.cjs', 'action/run.mjs']) await copyFile(join(root, file), join(ref, file));
  await writeFile(join(ref, 'package.json'), JSON.stringify({ name: 'reproduce', version: '0.1.0', private: true }));
  const ran = await act({ PACKAGE: 'ms@2.1.3' }, { folder: ref });
  assert.deepEqual([ran.code, ran.outputs.verdict, ran.outputs['exit-code']], [2, '', '2']);
  assert.match(ran.stderr, /no release/);
});

test('the action takes no option for a package', async () => {
  const ran = await act({ PACKAGE: '--registry=http://x/ ms' });
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /no package/);
});

test('the picture in README is what the program prints', async () => {
  const ran = await run(['scripts/pictures.mjs', '--check'], { command: [process.execPath], env: { ...clean.env, PATH: process.env.PATH }, cwd: root });
  assert.deepEqual([ran.code, ran.stderr], [0, '']);
});
