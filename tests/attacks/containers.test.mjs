// The program in a container with the engine's own settings, and no option of its own: root and any
// other user get the same answer, from the strongest tier there is, and what a build could do to
// the container is held as it is elsewhere.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mkdtemp, chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containers, noContainers } from '../../__test__/kit/container.mjs';
import { assertConsistent, openWorld } from '../../__test__/world.mjs';
import { installedForAll } from './kit.mjs';

const skip = noContainers() ?? false;
const ROOT = 0;
const ORDINARY = 1000;
/** Of no file: not in /etc/passwd, and without a home. */
const ARBITRARY = 123456;

let world;
let shared;
let program;
let engine;
let spec;

before(async () => {
  if (skip) return;
  world = await openWorld({ builds: true });
  program = await installedForAll();
  shared = await mkdtemp(join(tmpdir(), 'kit-shared-'));
  await chmod(shared, 0o755);
  await copyFile(world.host.gitconfig, join(shared, 'gitconfig'));
  engine = await containers({ program });
  const built = "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','built')";
  const own = { scripts: { build: `node -e "${built}"` }, files: ['dist', 'index.js'] };
  ({ spec } = await world.release('contained', { json: own, published: { 'dist/a.js': 'built' } }));
});
after(async () => {
  if (skip) return;
  // What a user of a container made is nobody's here who runs tests as an ordinary user.
  await engine.about(shared, 'rm -rf /given/mine-*');
  await engine.remove();
  for (const folder of [shared, program]) await rm(folder, { recursive: true });
  await world.close();
});

const ENV = () => ({ npm_config_registry: world.registry.url, npm_config_fetch_retries: '0', GIT_CONFIG_GLOBAL: '/opt/shared/gitconfig', GIT_CONFIG_NOSYSTEM: '1' });

/** The answer of the program in a container. */
async function judge(what, { args = [], env, mounts = [], shell = 'exec "$@"', ...options } = {}) {
  const command = ['sh', '-c', shell, 'sh', 'node', '/opt/reproduce/bin.cjs', what, '--json', ...args];
  const ran = await engine.inside(command, { env: { ...ENV(), ...env }, mounts: [`${shared}:/opt/shared:ro`, ...mounts], ...options });
  assert.ok(ran.json && !Array.isArray(ran.json), `no JSON object: exit ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
  assertConsistent(ran.json);
  return ran.json;
}

const told = (answer) => `${answer.verdict} ${answer.code} ${answer.message}: ${JSON.stringify(answer.findings)} ${answer.attempts?.at(-1)?.log ?? ''}`;

const READ_ONLY = ['--read-only'];
const NOEXEC = ['--tmpfs', '/tmp:rw,noexec,mode=1777'];
/** What is special, and who runs it. */
const CASES = [
  ['', {}, [ROOT, ORDINARY, ARBITRARY]],
  ['with a read-only root', { options: READ_ONLY }, [ROOT, ORDINARY, ARBITRARY]],
  ['where nothing runs in /tmp', { options: NOEXEC }, [ROOT, ARBITRARY]],
  ['with a mask that closes all', { shell: 'umask 077; exec "$@"' }, [ROOT]],
  ['of Podman itself', { like: 'podman' }, [ROOT, ORDINARY, ARBITRARY]],
];

for (const [what, options, users] of CASES) {
  for (const user of users) {
    test(`a container ${what}: user ${user} reproduces a package that builds`, { skip }, async () => {
      const answer = await judge(spec, { ...options, user });
      assert.equal(answer.verdict, 'identical', told(answer));
      assert.equal(answer.sandbox, 'landlock', told(answer));
    });
  }
}

test('where no program may run anywhere that can be written, that is said, and no build is called failed', { skip }, async () => {
  const options = ['--read-only', '--read-only-tmpfs=false', ...NOEXEC];
  for (const user of [ROOT, ARBITRARY]) {
    const answer = await judge(spec, { user, options });
    assert.deepEqual([answer.verdict, answer.code], ['unsupported', 'sandbox-no-place'], told(answer));
    assert.match(answer.hints.join('\n'), /--tmpfs \/tmp:exec/);
  }
});

test('root without the capabilities to become another user has no sandbox, and is told why', { skip }, async () => {
  const answer = await judge(spec, { user: ROOT, options: ['--cap-drop', 'ALL'] });
  assert.deepEqual([answer.verdict, answer.code], ['unsupported', 'sandbox-unavailable'], told(answer));
});

/**
 * A program of the package's that goes for what a container has, and prints what came of each
 * attempt.
 */
const RAID = `const fs = require('fs');
const net = require('net');
const tell = (what, how) => console.log('raid: ' + what + ': ' + how);
const attempt = (what, raid) => { try { raid(); tell(what, 'done'); } catch (error) { tell(what, error.code); } };
const { RAID_HOME: home, RAID_PORT: port } = JSON.parse(fs.readFileSync('raid.json', 'utf8'));
attempt('read the home', () => fs.readFileSync(home + '/secret'));
attempt('write into the home', () => fs.writeFileSync(home + '/raided', ''));
attempt('list the cache', () => fs.readdirSync(home + '/.cache/reproduce'));
attempt('write the results', () => fs.writeFileSync(home + '/.cache/reproduce/results.json', '{}'));
attempt('write beside the build', () => fs.writeFileSync('/var/tmp/raided', ''));
attempt('reach the first process', () => process.kill(1, 0));
const ground = /^.*\\/reproduce-builds-[^/]+/.exec(process.cwd());
tell('ground', ground ? (fs.statSync(ground[0]).mode & 0o777).toString(8) : 'cache');
fs.mkdirSync('dist', { recursive: true });
fs.writeFileSync('dist/a.js', 'built');
const socket = net.connect(port, '127.0.0.1');
const over = (how) => { tell('reach another address', how); tell('user', process.getuid()); process.exit(0); };
socket.on('connect', () => over('done'));
socket.on('error', (error) => over(error.code));
`;
const ATTEMPTS = ['read the home', 'write into the home', 'list the cache', 'write the results', 'write beside the build', 'reach the first process', 'reach another address'];

for (const user of [ROOT, ORDINARY]) {
  test(`a build in a container of user ${user} gets at nothing of it, and without a sandbox it does`, { skip }, async () => {
    let reached = 0;
    const listener = createServer((socket) => {
      reached += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const home = user === ROOT ? '/root' : '/home/user';
    const raid = JSON.stringify({ RAID_HOME: home, RAID_PORT: listener.address().port });
    const json = { scripts: { build: 'node raid.cjs' }, files: ['dist', 'index.js'] };
    const unpublished = { 'raid.cjs': null, 'raid.json': null };
    const raided = await world.release(`raided-${user}`, { json, files: { 'raid.cjs': RAID, 'raid.json': raid }, published: { ...unpublished, 'dist/a.js': 'built' } });
    try {
      for (const isolation of ['auto', 'none']) {
        const mine = await mkdtemp(join(shared, 'mine-'));
        const [own, places] = [join(mine, 'home'), join(mine, 'places')];
        await mkdir(own, { mode: 0o700 });
        await mkdir(places);
        await chmod(places, 0o1777);
        await writeFile(join(own, 'secret'), 'secret', { mode: 0o600 });
        await engine.about(own, `chown -R ${user}:${user} /given`);
        const earlier = reached;
        const mounts = [`${own}:${home}`, `${places}:/var/tmp`];
        const answer = await judge(raided.spec, { user, mounts, env: { HOME: home }, args: ['--isolation', isolation] });
        assert.equal(answer.verdict, 'identical', told(answer));
        const log = answer.attempts.map((one) => one.log ?? '').join('\n');
        const outcome = Object.fromEntries([...log.matchAll(/^raid: (?<what>[^:]+): (?<how>\w+)$/gm)].map(({ groups }) => [groups.what, groups.how]));
        const done = ATTEMPTS.filter((what) => outcome[what] === 'done');
        const left = (await engine.about(mine, 'ls -d /given/home/raided /given/places/* 2>/dev/null || true')).trim();
        if (isolation === 'none') {
          assert.deepEqual(done, ATTEMPTS, `the control does not do what is to be held: ${log}`);
          assert.deepEqual([outcome.user, reached > earlier, left], [String(user), true, '/given/home/raided\n/given/places/raided']);
          continue;
        }
        assert.equal(Object.keys(outcome).length, ATTEMPTS.length + 2, `not every attempt was made: ${log}`);
        assert.deepEqual([done, left, reached - earlier], [[], '', 0], log);
        assert.notEqual(outcome.user, String(ROOT));
        // Root's is another folder, and no other user of the machine may enter it.
        assert.equal(outcome.ground, user === ROOT ? '710' : 'cache');
        assert.match(await engine.about(own, 'cat /given/.cache/reproduce/results.json'), /raided-/);
      }
    } finally {
      listener.close();
    }
  });
}
