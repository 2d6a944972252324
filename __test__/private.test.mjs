// Private git hosts: who the user is is told to the host that asks, and to nobody else.

import assert from 'node:assert/strict';
import { chmod, chown, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { filesBelow } from './kit/cli.mjs';
import { carrying } from './kit/registry-auth.mjs';
import { listen } from './kit/server.mjs';
import { bare, manifest, openWorld } from './world.mjs';

const SECRET = 'a-secret-that-nobody-else-may-have';
/**
 * Users as the hosts' own documents name them; the last is one of .netrc's, of git's configuration
 * and of a helper's.
 */
const USERS = ['x-access-token', 'oauth2', 'gitlab-ci-token', 'me'];
const needed = (path) => path.includes('/private-');

let world;
before(async () => {
  world = await openWorld({ builds: true, githost: { auth: { basic: USERS.map((user) => `${user}:${SECRET}`), needed } } });
});
after(() => world.close());

const secret = (user) => Buffer.from(`${user}:${SECRET}`).toString('base64');
/** Every form in which it could be written down. */
const FORMS = [SECRET, Buffer.from(SECRET).toString('base64').replace(/=+$/, ''), ...USERS.map(secret)];
const hostOf = () => new URL(world.host.url);

/** What each way of saying who one is adds to a home. */
const WAYS = {
  GITHUB_TOKEN: (clean) => Object.assign(clean.env, { GITHUB_TOKEN: SECRET, GITHUB_SERVER_URL: hostOf().origin }),
  GITLAB_TOKEN: (clean) => Object.assign(clean.env, { GITLAB_TOKEN: SECRET, CI_SERVER_URL: hostOf().origin }),
  CI_JOB_TOKEN: (clean) => Object.assign(clean.env, { CI_JOB_TOKEN: SECRET, CI_SERVER_URL: hostOf().origin }),
  '.netrc': (clean) => writeFile(join(clean.home, '.netrc'), `machine ${hostOf().hostname}\n  login me\n  password ${SECRET}\n`),
  'url.<base>.insteadOf': (clean) => tokenInBase(clean),
  'http.<url>.extraHeader': (clean) => configured(clean, `[http "${hostOf().origin}/"]\n\textraHeader = AUTHORIZATION: basic ${secret('me')}\n`),
};

/** Git's configuration of the world, and more. */
async function configured(clean, more) {
  const file = join(clean.home, 'gitconfig');
  const own = clean.env.GIT_CONFIG_GLOBAL === file ? await readFile(file, 'utf8') : `[include]\n\tpath = ${world.host.gitconfig}\n`;
  await writeFile(file, `${own}${more}`);
  clean.env.GIT_CONFIG_GLOBAL = file;
}

/** The world's own rules with a token in their base, as CI systems write it. */
async function tokenInBase(clean) {
  const file = join(clean.home, 'gitconfig');
  const base = new URL(world.host.url);
  Object.assign(base, { username: 'me', password: SECRET });
  const rules = (await readFile(world.host.gitconfig, 'utf8')).replaceAll(world.host.url, base.href);
  assert.ok(rules.includes(`//me:${SECRET}@`), rules);
  await writeFile(file, rules);
  clean.env.GIT_CONFIG_GLOBAL = file;
}

/** Fails if the secret is in what was printed, or in a file that the run left. */
async function assertNowhere(answer, clean) {
  const kept = await Promise.all((await filesBelow(clean.cacheDir)).map(async (file) => [file, await readFile(file, 'latin1')]));
  assert.ok(kept.length > 0);
  const texts = [['stdout', answer.ran.stdout], ['stderr', answer.ran.stderr], ...kept];
  assert.deepEqual(texts.filter(([, text]) => FORMS.some((form) => text.includes(form))).map(([name]) => name), []);
  assert.deepEqual(carrying(SECRET, world.registry), []);
}

for (const [way, identify] of Object.entries(WAYS)) {
  test(`a private repository is judged by ${way}, and what it takes is written nowhere`, async () => {
    const name = `private-${way.toLowerCase().replaceAll(/\W+/g, '-')}`;
    const { spec } = await world.release(name);
    const nobody = await world.judge(spec);
    assert.deepEqual([nobody.verdict, nobody.code], ['no-source', 'repository-not-found']);
    const clean = await world.home();
    await identify(clean);
    const from = world.host.requests.length;
    const answer = await world.judge(spec, { clean, args: ['--verbose'] });
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.hints));
    assert.ok(answer.findings.some(({ code }) => code === 'source-private'));
    const asked = world.host.requests.slice(from);
    assert.equal(asked[0].headers.authorization, undefined, 'nobody asked yet');
    assert.ok(asked.some(({ headers }) => headers.authorization));
    await assertNowhere(answer, clean);
  });
}

test('a public repository is asked without a token', async () => {
  const { spec } = await world.release('p-open');
  const clean = await world.home();
  WAYS.GITHUB_TOKEN(clean);
  await WAYS['.netrc'](clean);
  const from = world.host.requests.length;
  const answer = await world.judge(spec, { clean });
  assert.equal(answer.verdict, 'identical');
  assert.deepEqual(answer.findings.filter(({ code }) => code === 'source-private'), []);
  assert.deepEqual(world.host.requests.slice(from).filter(({ headers }) => headers.authorization), []);
});

test('a token for another host, or another port of it, is not sent', async () => {
  const { spec } = await world.release('private-other');
  const elsewhere = `http://127.0.0.1:${Number(hostOf().port) === 1 ? 2 : 1}`;
  const clean = await world.home({ extra: { GITHUB_TOKEN: SECRET, GITLAB_TOKEN: SECRET, CI_JOB_TOKEN: SECRET, CI_SERVER_URL: elsewhere } });
  await configured(clean, `[http]\n\textraHeader = AUTHORIZATION: basic ${secret('me')}\n[http "${elsewhere}/"]\n\textraHeader = AUTHORIZATION: basic ${secret('me')}\n`);
  const from = world.host.requests.length;
  const answer = await world.judge(spec, { clean });
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'repository-not-found']);
  assert.match(answer.hints.join(), /help configuration/);
  assert.deepEqual(world.host.requests.slice(from).filter(({ headers }) => headers.authorization), []);
});

test('a host that leads to another one keeps the token to itself', async () => {
  const { spec } = await world.release('private-led');
  // In the place of the real one: it lets the user in, and leads on.
  const led = await listen((request) => {
    if (!request.headers.authorization) return { status: 401, body: '' };
    return { status: 302, headers: { location: `${world.host.url}${request.url.slice(1)}` }, body: '' };
  });
  try {
    const clean = await world.home({ extra: { GITHUB_TOKEN: SECRET, GITHUB_SERVER_URL: new URL(led.url).origin } });
    const file = join(clean.home, 'gitconfig');
    await writeFile(file, (await readFile(world.host.gitconfig, 'utf8')).replaceAll(world.host.url, led.url));
    clean.env.GIT_CONFIG_GLOBAL = file;
    clean.env.REPRODUCE_ALLOW_HOSTS = hostOf().host;
    const from = world.host.requests.length;
    const answer = await world.judge(spec, { clean });
    assert.equal(answer.verdict, 'no-source');
    const there = world.host.requests.slice(from);
    assert.ok(carrying(SECRET, { requests: led.requests.map((one) => ({ ...one, headers: { decoded: Buffer.from((one.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString() } })) }).length > 0, 'it was sent to its own host');
    assert.ok(there.length > 0, 'it was led on');
    assert.deepEqual(there.filter(({ headers }) => headers.authorization), []);
  } finally {
    await led.close();
  }
});

test('helpers of git are asked with --git-credentials alone', async () => {
  const { spec } = await world.release('private-helped');
  const clean = await world.home();
  const marker = join(clean.home, 'asked');
  const helper = join(clean.home, 'helper');
  await writeFile(helper, `#!/bin/sh\ncat >> '${marker}'\n[ "$1" = get ] && printf 'username=me\\npassword=${SECRET}\\n'\nexit 0\n`);
  await chmod(helper, 0o755);
  await configured(clean, `[credential]\n\thelper = ${helper}\n`);
  for (const program of ['git', 'sh', 'cat', 'true']) await symlink(`/usr/bin/${program}`, join(clean.home, 'bin', program));
  const without = await world.judge(spec, { clean });
  assert.deepEqual([without.verdict, without.code], ['no-source', 'repository-not-found']);
  await assert.rejects(readFile(marker), { code: 'ENOENT' });
  const answer = await world.judge(spec, { clean, args: ['--git-credentials', '--force'] });
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.hints));
  const asked = await readFile(marker, 'utf8');
  assert.match(asked, new RegExp(`^protocol=http\nhost=${hostOf().host}\n`));
  await assertNowhere(answer, clean);
});

test('a build has no token, and no file that has one', async () => {
  const name = 'private-built';
  const look = "const fs = require('fs'); const all = [JSON.stringify(process.env)]; for (const file of ['.netrc', '.gitconfig', '.git/config']) for (const at of [process.env.HOME, '.']) { try { all.push(fs.readFileSync(at + '/' + file, 'utf8')); } catch {} } console.log('saw', Buffer.from(all.join()).toString('hex')); fs.mkdirSync('dist'); fs.writeFileSync('dist/a.js', 'built');\n";
  const source = { 'package.json': manifest(name, '1.0.0', { files: ['dist'], scripts: { prepack: 'node look.js' } }), 'look.js': look, '.gitignore': 'dist\n' };
  const ids = await world.host.add(`kit/${bare(name)}`, { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } });
  const { 'package.json': own } = source;
  await world.registry.publish({ files: { 'package.json': own, 'dist/a.js': 'built' }, gitHead: ids.c });
  const clean = await world.home();
  for (const identify of Object.values(WAYS)) await identify(clean);
  clean.env.PATH = `${clean.env.PATH}:/usr/bin:/bin`;
  const answer = await world.judge(`${name}@1.0.0`, { clean, args: ['--log'] });
  const log = answer.attempts.map((attempt) => attempt.log ?? '').join('\n');
  const [, saw] = /saw ([0-9a-f]+)/.exec(log) ?? assert.fail(`nothing was built: ${answer.verdict} ${answer.code} ${JSON.stringify(answer.hints)}`);
  const seen = Buffer.from(saw, 'hex').toString();
  assert.match(seen, /"PATH"/, 'it looked');
  assert.deepEqual(FORMS.filter((form) => seen.includes(form)), []);
  await assertNowhere(answer, clean);
});

for (const [way, identify] of Object.entries(WAYS)) {
  test(`a submodule that a package names is not read as the user, nor a recipe of somebody else's: ${way}`, async () => {
    const word = way.toLowerCase().replaceAll(/\W+/g, '-');
    const inner = await world.host.add(`kit/private-inner-${word}`, { commits: [{ label: 'v', files: { 'lib.js': 'theirs\n' } }] });
    const name = `s-outer-${word}`;
    const source = { 'package.json': manifest(name), 'index.js': 'x\n', '.gitmodules': `[submodule "vendor"]\n\tpath = vendor\n\turl = https://github.com/kit/private-inner-${word}.git\n` };
    await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files: { ...source, vendor: { submodule: inner.v } } }], tags: { 'v1.0.0': 'c' } });
    await world.registry.publish({ files: { ...source, 'vendor/lib.js': 'theirs\n' } });
    const clean = await world.home();
    await identify(clean);
    const from = world.host.requests.length;
    const answer = await world.judge(`${name}@1.0.0`, { clean });
    assert.equal(answer.reproduced, false);
    const asked = world.host.requests.slice(from).filter(({ path }) => path.includes('private-inner'));
    assert.ok(asked.length > 0, 'it was looked for');
    assert.deepEqual(asked.filter(({ headers }) => headers.authorization), []);
    const { spec } = await world.release(`private-recipe-${word}`);
    const own = await world.judge(spec, { clean });
    assert.equal(own.verdict, 'identical', 'the control: what is judged is read as the user');
    const recipe = join(clean.home, 'recipe.json');
    await writeFile(recipe, JSON.stringify(own.attempts.at(-1).recipe));
    const start = world.host.requests.length;
    const other = await world.judge(spec, { clean, args: ['--recipe', recipe, '--force'] });
    assert.equal(other.reproduced, false);
    const again = world.host.requests.slice(start);
    assert.ok(again.length > 0, 'it was looked for');
    assert.deepEqual(again.filter(({ headers }) => headers.authorization), []);
  });
}

test('a result has no hash of a password that stands in a rule', async () => {
  const { spec } = await world.release('p-hashed');
  const [clean, without] = [await world.home(), await world.home()];
  await tokenInBase(clean);
  const [answer, control] = [await world.judge(spec, { clean }), await world.judge(spec, { clean: without })];
  assert.match(control.options.rewrites, /^[0-9a-f]{16}$/);
  assert.equal(answer.options.rewrites, control.options.rewrites, 'the rules are the same but for who the user is');
});

for (const [what, safe, owner] of [
  ['another user’s', true, 12345],
  ['this user’s own', false, undefined],
]) {
  test(`a .git in the temporary folder names no helper: ${what}`, { skip: owner && process.getuid() !== 0 ? 'needs root' : false }, async () => {
    const { spec } = await world.release(`private-planted-${safe}`);
    const clean = await world.home();
    const [shared, marker, asked] = ['shared', 'planted-asked', 'asked'].map((file) => join(clean.home, file));
    clean.env.TMPDIR = shared;
    const planted = join(shared, '.git');
    const paths = ['', 'objects', 'refs', 'HEAD', 'config'].map((path) => join(planted, path));
    for (const path of paths.slice(0, 3)) await mkdir(path, { recursive: true });
    await writeFile(paths[3], 'ref: refs/heads/main\n');
    await writeFile(paths[4], `[core]\n\trepositoryformatversion = 0\n[credential]\n\thelper = "!f() { cat > ${marker}; }; f"\n`);
    if (owner) for (const path of paths) await chown(path, owner, owner);
    await configured(clean, `${safe ? '[safe]\n\tdirectory = *\n' : ''}[credential]\n\thelper = "!f() { cat > ${asked}; }; f"\n`);
    for (const program of ['git', 'sh', 'cat', 'true']) await symlink(`/usr/bin/${program}`, join(clean.home, 'bin', program));
    // Named as the repository, it has no say either.
    for (const env of [{}, { GIT_DIR: planted }]) {
      Object.assign(clean.env, env);
      await rm(asked, { force: true });
      const answer = await world.judge(spec, { clean, args: ['--git-credentials', '--force'] });
      assert.equal(answer.code, 'repository-not-found');
      await assert.rejects(readFile(marker), { code: 'ENOENT' });
      assert.match(await readFile(asked, 'utf8'), /^protocol=http\n/, 'the control: the user’s own helper was asked');
    }
    assert.deepEqual(await readdir(shared), ['.git'], 'nothing is left');
  });
}

test('a .netrc that cannot be read is a warning', async () => {
  const { spec } = await world.release('p-netrc');
  const clean = await world.home();
  clean.env.NETRC = clean.home;
  const answer = await world.judge(spec, { clean });
  assert.equal(answer.verdict, 'identical');
  assert.equal(answer.findings.find(({ code }) => code === 'netrc-unreadable')?.severity, 'warning');
});

test('a host that wants fewer requests says until when', async () => {
  const { spec } = await world.release('p-limited');
  const limited = await listen(() => ({ status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '4102444800' }, body: 'slow down' }));
  try {
    const clean = await world.home();
    const file = join(clean.home, 'gitconfig');
    await writeFile(file, (await readFile(world.host.gitconfig, 'utf8')).replaceAll(world.host.url, limited.url));
    clean.env.GIT_CONFIG_GLOBAL = file;
    const answer = await world.judge(spec, { clean });
    assert.deepEqual([answer.verdict, answer.code], ['no-source', 'repository-unreachable']);
    assert.match(JSON.stringify(answer.findings), /asks for fewer requests, until 2100-01-01 00:00:00 UTC/);
    assert.match(answer.hints.join(), /wait until then/);
  } finally {
    await limited.close();
  }
});
