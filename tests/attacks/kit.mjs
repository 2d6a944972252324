// The frame of an attack: one body, run against the program as root and as an ordinary user, in
// each sandbox tier.
//
// An attack plays a publisher who controls the repository, the tarball, the metadata, the
// dependencies and what a build leaves. It passes when the program gives the true answer and
// nothing outside of the sandbox has changed.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chmod, chown, copyFile, cp, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnv, run } from '../../__test__/kit/cli.mjs';
import { shared } from '../../__test__/kit/shared.mjs';
import { assertConsistent, openWorld } from '../../__test__/world.mjs';

export { manifest } from '../../__test__/world.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const IS_ROOT = process.getuid?.() === 0;
/** The ordinary user: nobody. */
const NOBODY = 65534;
/** The tiers that hold on Linux, the strongest first. */
export const TIERS = ['namespaces', 'bwrap', 'landlock'];

/** What this machine must not lack, by the names of `scripts/test.mjs`. */
const REQUIRED = (process.env.REPRODUCE_TEST_REQUIRE ?? '').split(',');

/** A tier that this machine has not: its attack is skipped, and counted. */
class NoTier extends Error {}

/** Fails if the tier of a seat is required, and otherwise ends the attack. */
function assertTier({ tier, uid }, { code, hints = [], findings = [] }) {
  const lacked = [...findings, { code, message: hints.join(' ') }].find((one) => one.code === 'sandbox-unavailable');
  if (!lacked) return;
  const name = `tier:${tier}:${IS_ROOT && uid === undefined ? 'root' : 'other'}`;
  assert.ok(![name, 'all'].some((one) => REQUIRED.includes(one)), `${name} is required (REPRODUCE_TEST_REQUIRE) and not here: ${lacked.message}`);
  throw new NoTier(`${name}: ${lacked.message}`);
}

/** Whom a run is made as, and in which tier. */
export const seat = (tier, uid) => ({ tier, uid, name: `${tier}, ${uid === undefined ? (IS_ROOT ? 'root' : 'this user') : 'an ordinary user'}` });
/** The default: who runs the tests, in the strongest tier. */
const FIRST = seat('namespaces');
/** Every tier as each user. As another user than root there is only that one to try. */
export const SEATS = TIERS.flatMap((tier) => [seat(tier), ...(IS_ROOT ? [seat(tier, NOBODY)] : [])]);

let world;
let installed;
/** The tools that a home has from the start. */
let tools;

/**
 * Opens what the attacks of a file share; call it once, at the top.
 * @param {Parameters<typeof openWorld>[0] & { cold?: boolean }} [options] `cold`: each home gets
 * its tools from the registry, as in a first run
 */
export function setUp({ builds = true, cold = false, ...options } = {}) {
  before(async () => {
    world = await openWorld({ builds, ...options });
    installed = await installedForAll();
    tools = builds && !cold ? await unpackedTools() : undefined;
  });
  after(async () => {
    await world?.close();
    if (installed) await rm(installed, { recursive: true, force: true });
  });
}

/**
 * Registers an attack as a test, once for each seat. @param {string} title what must hold @param
 * {(at: Attack) => Promise<void>} body @param {{ seats?: typeof SEATS, timeout?: number }}
 * [options] `seats`: SEATS for all; default the strongest tier alone
 *
 * @typedef {object} Attack @property {Awaited<ReturnType<typeof openWorld>>} world @property
 * {string} id a name for packages that no other run uses @property {{ tier: string, uid?: number,
 * name: string }} seat @property {() => Promise<Awaited<ReturnType<typeof cleanEnv>>>} home a home
 * of the seat's user, taken away in the end @property {(spec: string, options?: object) =>
 * Promise<any>} judge the JSON answer, with `ran` and `clean` beside it @property {(args: string[],
 * options: object) => ReturnType<typeof run>} cli any other command of the program
 */
export function attack(title, body, { seats = [FIRST], timeout = 900_000 } = {}) {
  for (const one of seats) {
    test(seats.length > 1 ? `${title} (${one.name})` : title, { timeout }, async (t) => {
      const homes = [];
      const home = async (options = {}) => {
        const clean = await homeOf(one, options);
        homes.push(clean);
        return clean;
      };
      const cli = (args, { clean, ...more }) =>
        run(args, { env: clean.env, cwd: clean.home, command: [process.execPath, join(installed, 'bin.cjs')], uid: one.uid, ...more });
      const judge = async (spec, { args = [], clean, accept, ...more } = {}) => {
        const at = clean ?? (await home());
        const all = [spec, '--json', '--isolation', one.tier, ...(accept ? ['--accept', accept] : []), ...args];
        const ran = await cli(all, { clean: at, ...more });
        assert.ok(ran.json && !Array.isArray(ran.json), `no JSON object: exit ${ran.code} ${ran.signal ?? ''}\n${ran.stdout}\n${ran.stderr}`);
        assertConsistent(ran.json, { accept });
        assertTier(one, ran.json);
        return { ...ran.json, ran, clean: at };
      };
      try {
        await body({ world, id: nextId(), seat: one, home, judge, cli });
      } catch (error) {
        if (!(error instanceof NoTier)) throw error;
        t.skip(error.message.split('\n')[0]);
      } finally {
        for (const clean of homes) await removeAll(clean.home);
      }
    });
  }
}

/**
 * Fails unless the package was not called reproduced. The message has what is needed to see why.
 */
export function assertNotReproduced(answer) {
  assert.equal(answer.reproduced, false, `a false ${answer.verdict}: ${JSON.stringify({ findings: answer.findings, attempts: answer.attempts }, null, 1)}`);
}

/** Fails unless a finding of this code is in the answer; returns it. */
export function findingOf(answer, code) {
  const finding = answer.findings.find((one) => one.code === code);
  assert.ok(finding, `no finding ${code}: ${JSON.stringify(answer.findings, null, 1)}`);
  return finding;
}

let count = 0;
function nextId() {
  return `k${process.pid}-${++count}`;
}

/**
 * A home that belongs to the seat's user, with the git host's configuration in it: another user
 * cannot read the host's own.
 */
async function homeOf(one, { extra = {}, ...options }) {
  const clean = await cleanEnv({ registry: world.registry, ...options, extra: { npm_config_fetch_retries: '0', ...extra } });
  const gitconfig = join(clean.home, 'gitconfig');
  await copyFile(world.host.gitconfig, gitconfig);
  clean.env.GIT_CONFIG_GLOBAL = gitconfig;
  if (tools) await copyTree(tools, join(clean.cacheDir, 'reproduce/toolchains'));
  if (one.uid !== undefined) {
    const all = await readdir(clean.home, { recursive: true });
    for (const path of [clean.home, ...all.map((name) => join(clean.home, name))]) {
      if (!path.endsWith('/bin/node')) await chown(path, one.uid, one.uid);
    }
  }
  return clean;
}

/**
 * The tools of a build as a run leaves them in its cache: Node has 100 MB, and to fetch and unpack
 * it takes longer than most attacks. A home gets a copy of its own, which the program hashes before
 * it runs any of it.
 */
function unpackedTools() {
  return shared('unpacked-tools', async (folder) => {
    const build = `node -e "require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js','x')"`;
    const { spec } = await world.release('kit-tools', { json: { scripts: { build }, files: ['dist', 'index.js'] }, published: { 'dist/a.js': 'x' } });
    const clean = await cleanEnv({ registry: world.registry, gitconfig: world.host });
    try {
      const ran = await run([spec, '--json', '--isolation', 'none'], { env: clean.env, cwd: clean.home });
      assert.equal(ran.json?.verdict, 'identical', `${ran.stdout}\n${ran.stderr}`);
      await copyTree(join(clean.cacheDir, 'reproduce/toolchains'), folder);
    } finally {
      await clean.remove();
    }
  });
}

/** Copies a folder with its modes, by the system's own program. */
async function copyTree(from, to) {
  await mkdir(to, { recursive: true, mode: 0o700 });
  const copied = await run(['-a', `${from}/.`, to], { command: ['/bin/cp'], env: { PATH: '/usr/bin:/bin' } });
  assert.equal(copied.code, 0, copied.stderr);
}

/** The program in a folder that every user can read: a checkout may be in a home that is closed. */
export async function installedForAll() {
  const folder = await mkdtemp(join(tmpdir(), 'kit-installed-'));
  await chmod(folder, 0o755);
  const names = (await readdir(ROOT)).filter((name) => /^(bin\.cjs|index\.js|native\.cjs|package\.json|reproduce.*\.node|reproduce-sandbox\..*)$/.test(name));
  for (const name of names) await copyFile(join(ROOT, name), join(folder, name));
  await mkdir(join(folder, 'schema'));
  await cp(join(ROOT, 'schema'), join(folder, 'schema'), { recursive: true });
  assert.ok(names.some((name) => name.endsWith('.node')), 'the addon is not built: npm run build');
  return folder;
}

/**
 * Removes what an attack left, however deep: the system's own program does not recurse on a stack.
 */
async function removeAll(folder) {
  await stat(folder);
  const env = { PATH: '/usr/bin:/bin' };
  // What is closed is closed to an ordinary user's own `rm` too. What could not be opened, that one
  // says.
  await run(['-R', 'u+rwx', folder], { command: ['/bin/chmod'], env });
  const removed = await run([folder], { command: ['/bin/rm', '-rf'], env });
  assert.equal(removed.code, 0, removed.stderr);
}
