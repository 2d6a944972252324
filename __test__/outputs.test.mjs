// Files that a command line names: what is written is never what is read, nor written twice, and
// nothing is waited for without an end.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { CLI, run } from './kit/cli.mjs';
import { openWorld } from './world.mjs';

const skip = process.platform === 'win32' ? 'the pipes are of POSIX' : false;

let world;
let clean;
let release;
before(async () => {
  world = await openWorld();
  clean = await world.home();
  release = await world.release('o-one');
});
after(() => world.close());

const cli = (args, more = {}) => run(args, { env: clean.env, cwd: clean.home, timeout: 60_000, ...more });
const at = (name) => join(clean.home, name);

/** Fails unless the run was a usage error that names the file's fate, and asked nobody. */
async function refuses(args, pattern) {
  const from = world.registry.requests.length;
  const ran = await cli(args);
  assert.equal(ran.code, 2, `${args}: ${ran.stdout}${ran.stderr}`);
  assert.match(ran.stdout + ran.stderr, pattern, `${args}`);
  assert.equal(world.registry.requests.length, from, `${args}: a registry was asked`);
}

test('an output that cannot be written is told before anything is asked', async () => {
  await writeFile(at('a-file'), '');
  await mkdir(at('a-folder'));
  for (const option of ['--junit', '--sarif', '--diffoscope-json', '--attest', '--emit']) {
    await refuses([release.spec, option, 'no/such/x'], new RegExp(`${option} no/such/x cannot be written: its folder is not there`));
    await refuses([release.spec, option, 'a-folder'], /cannot be written: it is a folder/);
    await refuses([release.spec, option, 'a-file/x'], /cannot be written: /);
  }
  await refuses(['replay', 'a-file', '--emit', 'no/such/x'], /its folder is not there/);
  await refuses(['survey', 'a-file', '--ndjson', 'no/such/x'], /its folder is not there/);
  await refuses(['report', 'a-file', '--html', 'no/such/x'], /its folder is not there/);
  await refuses(['--local', '--junit', 'no/such/x'], /its folder is not there/);
  assert.equal((await cli([release.spec, '--junit', 'a-folder/x', '--sarif', './y'])).code, 0, 'the control');
  assert.ok(existsSync(at('a-folder/x')) && existsSync(at('y')));
});

test('an output that is an input is a usage error, and the input stays', { skip }, async () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await writeFile(at('key.pem'), key);
  await writeFile(at('in.tgz'), release.tarball);
  await writeFile(at('list'), `${release.spec}\n`);
  await mkdir(at('sub'));
  await symlink('../key.pem', at('sub/link'));
  await link(at('key.pem'), at('hard'));
  for (const name of ['key.pem', './key.pem', 'sub/../key.pem', 'sub/link', 'hard', at('key.pem')]) {
    await refuses([release.spec, '--attest', name, '--attest-key', 'key.pem'], /--attest .* would write over --attest-key, which is read/);
  }
  for (const option of ['--junit', '--sarif', '--emit', '--diffoscope-json', '--attest']) {
    await refuses(['./in.tgz', option, 'in.tgz'], /would write over .*in\.tgz/);
    await refuses([`file:${at('in.tgz')}`, option, './in.tgz'], /would write over .*in\.tgz/);
  }
  await refuses(['--from', 'list', '--junit', 'list'], /--junit list would write over --from/);
  await refuses([release.spec, '--recipe', 'list', '--sarif', 'list'], /would write over --recipe/);
  await refuses(['replay', 'list', '--emit', './list'], /would write over list \(the recipe\)/);
  await refuses(['survey', 'list', '--ndjson', 'list'], /would write over list \(the list\)/);
  await refuses(['survey', 'list', '--db', 'list'], /would write over list \(the list\)/);
  await refuses(['report', 'list', '--html', 'list'], /would write over list \(the results\)/);
  const shell = await run(['-c', '"$@" - --junit list < list', 'sh', process.execPath, CLI], { env: { ...clean.env, PATH: process.env.PATH }, command: ['sh'], cwd: clean.home });
  assert.equal(shell.code, 2);
  assert.match(shell.stderr, /--junit list would write over -, which is read/);
  assert.equal(await readFile(at('key.pem'), 'utf8'), key);
  assert.deepEqual(await readFile(at('in.tgz')), release.tarball);
  assert.equal(await readFile(at('list'), 'utf8'), `${release.spec}\n`);
});

test('no output writes over npm’s settings, a file of git’s own or the key of the cache', { skip }, async () => {
  const npmrc = 'fund=false\n';
  await writeFile(at('.npmrc'), npmrc);
  await mkdir(at('repository/.git'), { recursive: true });
  await writeFile(at('repository/.git/config'), '[core]\n');
  const key = join(clean.cacheDir, 'reproduce/seal.key');
  assert.equal((await cli([release.spec])).code, 0);
  const sealed = await readFile(key);
  for (const option of ['--junit', '--sarif', '--attest', '--emit']) {
    await refuses([release.spec, option, '.npmrc'], /would write over .*\.npmrc \(npm's settings\)/);
    await refuses([release.spec, option, 'repository/.git/config'], /is in the folder of git's own files/);
    await refuses([release.spec, option, 'repository/.git/new'], /is in the folder of git's own files/);
    await refuses([release.spec, option, key], /would write over .*seal\.key/);
  }
  assert.deepEqual([await readFile(at('.npmrc'), 'utf8'), await readFile(at('repository/.git/config'), 'utf8'), existsSync(at('repository/.git/new'))], [npmrc, '[core]\n', false]);
  assert.deepEqual(await readFile(key), sealed);
  await rm(at('.npmrc'));
});

test('no earlier statement stays behind a link', { skip }, async () => {
  await symlink('real.json', at('stated.json'));
  assert.equal((await cli([release.spec, '--attest', 'stated.json'])).code, 0);
  assert.match(await readFile(at('real.json'), 'utf8'), /PASSED/);
  const undecided = await cli(['no-such-package@1.0.0', '--attest', 'stated.json']);
  assert.deepEqual([undecided.code, existsSync(at('stated.json')), existsSync(at('real.json'))], [2, false, false]);
  assert.equal((await cli([release.spec, '--attest', 'stated.json'])).code, 0);
  assert.match(await readFile(at('real.json'), 'utf8'), /PASSED/, 'it is written where the link leads');
  // What a shell has opened stays open, and is no earlier document.
  const shell = await run(['-c', '"$@" --quiet --junit /dev/stdout > shell.xml', 'sh', process.execPath, CLI, release.spec], { env: { ...clean.env, PATH: process.env.PATH }, command: ['sh'], cwd: clean.home });
  assert.equal(shell.code, 0, shell.stderr);
  assert.match(await readFile(at('shell.xml'), 'utf8'), /<testsuite/);
});

test('no output goes through a link of a checkout, of the working folder or of what is checked', { skip }, async () => {
  const outside = at('outside');
  await mkdir(outside);
  await writeFile(join(outside, 'mine'), 'mine\n');
  const links = { file: join(outside, 'mine'), dangling: join(outside, 'new'), folder: outside, beside: 'real', stdout: '/dev/stdout' };
  for (const [name, isCheckout] of [['linked', true], ['unpacked', false]]) {
    await mkdir(at(join(name, isCheckout ? '.git' : 'sub')), { recursive: true });
    for (const [own, to] of Object.entries(links)) await symlink(to, at(join(name, own)));
    for (const option of ['--junit', '--sarif', '--attest', '--diffoscope-json', '--emit']) {
      for (const path of ['file', 'dangling', 'folder/new', 'folder/mine', 'beside', 'stdout', 'folder/../outside/mine']) {
        const place = isCheckout ? `${name}/${path}` : path;
        const from = world.registry.requests.length;
        const ran = await cli([release.spec, option, place], { cwd: isCheckout ? clean.home : at(name) });
        assert.deepEqual([ran.code, world.registry.requests.length], [2, from], `${option} ${place}: ${ran.stdout}${ran.stderr}`);
        assert.match(ran.stderr, /cannot be written: it leads through the link .*, which may have come with a checkout\n\nhint: .*name the file that the link leads to/, `${option} ${place}`);
      }
    }
    for (const args of [['survey', 'list', '--ndjson'], ['survey', 'list', '--db'], ['report', 'list', '--html'], ['replay', 'list', '--emit']]) {
      const ran = await cli([...args, at(join(name, 'file'))], { cwd: at(name) });
      assert.equal(ran.code, 2, `${args}`);
      assert.match(ran.stderr, /leads through the link/, `${args}`);
    }
    await refuses(['--local', name, '--junit', join(name, 'file')], /leads through the link/);
  }
  assert.deepEqual([await readFile(join(outside, 'mine'), 'utf8'), existsSync(join(outside, 'new'))], ['mine\n', false]);
  // The control: a link of the user's own is followed, in whatever folder the program runs.
  await symlink(join(outside, 'new'), at('own'));
  assert.equal((await cli([release.spec, '--junit', at('own')], { cwd: at('linked') })).code, 0);
  assert.match(await readFile(join(outside, 'new'), 'utf8'), /<testsuite/);
});

test('no output writes over what git tracks or over a folder that is checked, but over an earlier document', { skip }, async () => {
  const folder = await checkout('tracked');
  const git = (...args) => execFileSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b.example', ...args]);
  await writeFile(join(folder, 'index.js'), 'x\n');
  await writeFile(join(folder, 'a.tgz'), release.tarball);
  assert.equal((await cli([release.spec, '--junit', 'tracked/r.xml', '--sarif', 'tracked/r.sarif', '--attest', 'tracked/r.json'])).code, 0);
  const others = { 'app.db': 'SQLite format 3\0x', 'events.jsonl': '{"type":"package","mine":1}\n', 'statement.json': '{"_type":"https://in-toto.io/Statement/v1","subject":[]}' };
  for (const [name, text] of Object.entries(others)) await writeFile(join(folder, name), text);
  git('add', '.');
  git('commit', '-qm', 'y');
  for (const [name, text] of Object.entries(others)) {
    await refuses([release.spec, '--emit', `tracked/${name}`], /would write over a file that git tracks/);
    await refuses([release.spec, '--attest', `tracked/${name}`], /would write over a file that git tracks/);
    assert.equal(await readFile(join(folder, name), 'utf8'), text);
  }
  for (const option of ['--junit', '--sarif', '--attest', '--diffoscope-json', '--emit']) {
    await refuses([release.spec, option, 'tracked/index.js'], /would write over a file that git tracks/);
  }
  await refuses([release.spec, '--emit', 'tracked/a.tgz'], /would write over a file that git tracks/);
  await refuses([release.spec, '--cache-file', join(folder, 'index.js')], /would write over a file that git tracks/);
  await refuses(['--local', 'tracked', '--junit', 'tracked/index.js'], /would write over a file that git tracks/);
  assert.deepEqual([await readFile(join(folder, 'index.js'), 'utf8'), await readFile(join(folder, 'a.tgz'))], ['x\n', release.tarball]);
  for (let again = 0; again < 2; again++) {
    const ran = await cli([release.spec, '--junit', 'tracked/r.xml', '--sarif', 'tracked/r.sarif', '--attest', 'tracked/r.json', '--emit', 'tracked/new.tgz']);
    assert.equal(ran.code, 0, ran.stderr);
  }
  await mkdir(at('source'));
  await writeFile(at('source/index.js'), 'x\n');
  await refuses([release.spec, '--source', './source', '--junit', 'source/index.js'], /would write over a file of --source, which is read/);
  await writeFile(join(folder, 'built.js'), 'x\n');
  await refuses(['--local', 'tracked', '--junit', 'tracked/built.js'], /would write over a file of .*tracked \(the folder\), which is read/);
  for (let again = 0; again < 2; again++) {
    const ran = await cli([release.spec, '--source', './source', '--junit', 'source/r.xml', '--emit', 'source/r.tgz']);
    assert.doesNotMatch(ran.stderr, /would write over/);
    assert.ok(existsSync(at('source/r.xml')), ran.stderr);
  }
});

test('no output writes over the settings of git, npm and the clients, wherever they lie', async () => {
  await mkdir(at('else'));
  for (const name of ['gitconfig', 'netrc', 'npmrc', 'ca.pem', 'included']) await writeFile(at(`else/${name}`), '');
  await writeFile(at('else/gitconfig'), `[include]\n path = ${at('else/included')}\n`);
  await writeFile(at('else/included'), '[core]\n');
  await writeFile(at('else/npmrc'), `cafile=${at('else/ca.pem')}\n`);
  const env = { ...clean.env, GIT_CONFIG_GLOBAL: at('else/gitconfig'), NETRC: at('else/netrc'), npm_config_userconfig: at('else/npmrc') };
  const texts = new Map(await Promise.all(['gitconfig', 'netrc', 'npmrc', 'ca.pem', 'included'].map(async (name) => [name, await readFile(at(`else/${name}`), 'utf8')])));
  const places = [...texts.keys()].map((name) => at(`else/${name}`)).concat(['.gitconfig', '.netrc', '.yarnrc', '.yarnrc.yml', '.config/git/config', 'bunfig.toml'].map((name) => at(name)));
  await mkdir(at('.config/git'), { recursive: true });
  for (const place of places) {
    for (const option of ['--junit', '--emit']) {
      const ran = await cli([release.spec, option, place], { env });
      assert.equal(ran.code, 2, `${option} ${place}: ${ran.stdout}${ran.stderr}`);
      assert.match(ran.stderr, /would write over .* \((?:npm's settings|git's settings|a package manager's settings|logins)\), which is read/, `${option} ${place}`);
    }
  }
  for (const [name, text] of texts) assert.equal(await readFile(at(`else/${name}`), 'utf8'), text, name);
});

test('an audit writes over no file of its project, and --local over no package.json', async () => {
  await mkdir(at('p'));
  const lock = JSON.stringify({ name: 'p', version: '1.0.0', lockfileVersion: 3, packages: { '': { name: 'p', version: '1.0.0' } } });
  await writeFile(at('p/package.json'), '{"name":"p","version":"1.0.0"}');
  await writeFile(at('p/package-lock.json'), lock);
  await refuses(['audit', 'p', '--summary', 'p/package-lock.json'], /would write over .*package-lock\.json \(the lockfile\)/);
  await refuses(['audit', 'p', '--ndjson', 'p/package.json'], /would write over .*package\.json/);
  await refuses(['--local', 'p', '--junit', 'p/package.json'], /would write over .*package\.json/);
  assert.equal(await readFile(at('p/package-lock.json'), 'utf8'), lock);
  assert.equal(await readFile(at('p/package.json'), 'utf8'), '{"name":"p","version":"1.0.0"}');
});

test('two outputs to one file are a usage error, also through a link', { skip }, async () => {
  await symlink('fresh', at('to-fresh'));
  for (const [one, other] of [['--junit', '--sarif'], ['--emit', '--junit'], ['--attest', '--emit'], ['--sarif', '--diffoscope-json']]) {
    await refuses([release.spec, one, 'fresh', other, './fresh'], /are written to one file/);
    await refuses([release.spec, one, 'fresh', other, 'to-fresh'], /are written to one file/);
  }
  await refuses([release.spec, '--attest', 'fresh', '--attest-svr', 'fresh'], /--attest and --attest-svr are written to one file/);
  await refuses([release.spec, '--cache-file', at('fresh'), '--junit', 'fresh'], /are written to one file/);
  await refuses(['survey', 'list', '--db', 'fresh', '--ndjson', 'fresh'], /are written to one file/);
  assert.equal(existsSync(at('fresh')), false);
  assert.equal((await cli([release.spec, '--junit', '/dev/null', '--sarif', '/dev/null'])).code, 0, 'what is thrown away may be both');
  assert.equal((await cli([release.spec, '--junit', 'x.xml', '--sarif', 'x.sarif'])).code, 0);
});

test('an output to a pipe without a reader is refused at once', { skip }, async () => {
  execFileSync('mkfifo', [at('pipe')]);
  for (const option of ['--junit', '--sarif', '--emit', '--attest', '--diffoscope-json']) {
    await refuses([release.spec, option, 'pipe'], /cannot be written: it is a pipe/);
  }
  await refuses(['survey', 'list', '--ndjson', 'pipe'], /cannot be written: it is a pipe/);
  const open = await run(['-c', '"$@" --junit >(cat >&2)', 'bash', process.execPath, CLI, release.spec], { env: { ...clean.env, PATH: process.env.PATH }, command: ['bash'], cwd: clean.home });
  assert.equal(open.code, 0, open.stderr);
});

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) {
  test(`${signal} ends at once what waits for a list, a recipe or a key`, { skip }, async () => {
    const pipe = at(`wait-${code}`);
    execFileSync('mkfifo', [pipe]);
    const commands = [['-'], ['--from', pipe], ['survey', '-', '--db', 'w.db'], ['survey', pipe, '--db', 'w.db'], ['replay', '-'], ['replay', pipe], ['report', '-'], [release.spec, '--recipe', '-'], [release.spec, '--attest', 'w', '--attest-key', pipe], [release.spec, '--trusted-root', pipe]];
    for (const args of commands) {
      // A shell holds the other end of standard input open: it is what sleep would print to.
      const env = { ...clean.env, PATH: process.env.PATH };
      const program = ['-c', 'exec "$@" < <(exec sleep 45 2>/dev/null)', 'bash', process.execPath, CLI, ...args];
      let sent;
      const ran = await run(program, { env, command: ['bash'], cwd: clean.home, timeout: 30_000, onStart: (child) => void begun(child).then(() => ((sent = performance.now()), child.kill(signal))) });
      assert.deepEqual([ran.code, ran.signal, ran.timedOut], [code, null, false], `${args}: ${ran.stdout}${ran.stderr}`);
      assert.ok(performance.now() - sent < 20_000, `${args}`);
    }
  });
}

/**
 * Comes back when the addon is loaded and a moment has passed: from then on a signal is the
 * program's own to answer.
 */
async function begun(child) {
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  if (process.platform !== 'linux') return wait(3000);
  while (child.exitCode === null && !(await readFile(`/proc/${child.pid}/maps`, 'utf8').catch(() => '')).includes('reproduce.linux')) await wait(20);
  await wait(1500);
}

// ── --local ──

/** A checkout with one commit. */
async function checkout(name) {
  const folder = at(name);
  await mkdir(folder);
  const git = (...args) => execFileSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b.example', ...args]);
  git('init', '-q');
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, version: '1.0.0', repository: `github:kit/${name}` }));
  git('add', '.');
  git('commit', '-qm', 'x');
  return folder;
}

test('--local opens no pipe of the git folder, nor one that its configuration names', { skip }, async () => {
  for (const name of ['HEAD', 'index', 'packed-refs', 'config', 'info/exclude', 'objects/info/alternates', 'core.excludesFile']) {
    const folder = await checkout(`o-pipe-${name.replaceAll('/', '-').toLowerCase()}`);
    const file = name.startsWith('core.') ? join(folder, 'pipe') : join(folder, '.git', name);
    await rm(file, { force: true });
    await mkdir(dirname(file), { recursive: true });
    execFileSync('mkfifo', [file]);
    if (name.startsWith('core.')) execFileSync('git', ['-C', folder, 'config', name, file]);
    const ran = await cli(['--local', '--json'], { cwd: folder });
    assert.deepEqual([ran.code, ran.timedOut, ran.json?.code], [2, false, 'folder-repository-unreadable'], `${name}: ${ran.stdout}${ran.stderr}`);
    assert.match(ran.json.message, /it is a device or a pipe and no file/, name);
  }
});

test('--local refuses what it does not follow, and so does --verify-attestation', async () => {
  const refusing = { '--local': [['--history'], ['--source', 'x'], ['--wait'], ['--emit', 'x'], ['--offline'], ['--force'], ['--max-age', '1d'], ['--from', 'x']], '--verify-attestation': [['--junit', 'x'], ['--sarif', 'x'], ['--emit', 'x'], ['--diffoscope-json', 'x'], ['--history'], ['--source', 'x'], ['--wait'], ['--local']] };
  for (const [command, all] of Object.entries(refusing)) {
    for (const args of all) {
      const ran = await cli([command, ...(command === '--local' ? [] : ['s.json']), ...args]);
      assert.equal(ran.code, 2, `${command} ${args}`);
      assert.match(ran.stderr, /cannot be used with/, `${command} ${args}`);
    }
  }
});

// ── statements ──

test('a statement about a tarball at hand says whose hash it is, and what the registry serves', async () => {
  const { spec, tarball, files } = await world.release('o-stated');
  await writeFile(at('stated.tgz'), tarball);
  assert.equal((await cli([spec, '--attest', 'stated.json'])).code, 0);
  const verify = async (...args) => cli(['--verify-attestation', 'stated.json', '--allow-unsigned', ...args]);
  assert.match((await verify()).stdout, /sha512 \S+ is what the registry serves\n$/);
  assert.match((await verify('./stated.tgz')).stdout, /is the hash of \S*stated\.tgz, and what the registry serves\n$/);
  const from = world.registry.requests.length;
  const offline = await verify('./stated.tgz', '--offline');
  assert.deepEqual([offline.code, world.registry.requests.length], [0, from]);
  assert.match(offline.stdout, /is the hash of \S*stated\.tgz; what the registry serves is not known: it was not asked/);
  const asking = await verify('--offline');
  assert.deepEqual([asking.code, world.registry.requests.length], [2, from]);
  assert.match(asking.stderr, /--offline, and the statement is compared with what the registry serves/);
  await world.registry.publish({ files: { ...files, 'index.js': 'evil\n' } });
  const other = await verify('./stated.tgz');
  assert.equal(other.code, 0);
  assert.match(other.stdout, /is the hash of \S*stated\.tgz; the registry serves another tarball \(sha512-/);
  assert.equal((await verify('./stated.tgz', '--json')).json.registry.isSame, false);
  assert.equal((await verify()).code, 1);
});

test('a home folder that is not there is not made', { skip }, async () => {
  const { XDG_CACHE_HOME: own, ...env } = clean.env;
  assert.ok(own);
  const answer = (await cli([release.spec, '--json'], { env: { ...env, HOME: at('nobody') } })).json;
  assert.equal(answer.verdict, 'identical');
  assert.match(answer.findings.find(({ code }) => code === 'cache-temporary').message, /nobody: this home folder is not there/);
  assert.equal(existsSync(at('nobody')), false);
});
