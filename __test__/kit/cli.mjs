// Runs the command line program, or any other, in an environment made from nothing.

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The program under test. */
export const CLI = fileURLToPath(new URL('../../bin.cjs', import.meta.url));

/**
 * A home of its own and an environment with nothing of the user's. PATH has `node` alone: whoever
 * starts git or npm fails. @param {object} [options] @param {string | { url: string }}
 * [options.registry] also as an object of the kit @param {string | { gitconfig: string }}
 * [options.gitconfig] file that leads github.com to the kit's host, or that host @param {string}
 * [options.home] default a new folder; `remove` takes it away @param {string} [options.cacheDir]
 * default inside the home @param {string[]} [options.inherit] variables taken over where they are
 * set, as NO_COLOR @param {Record<string, string>} [options.extra]
 */
export async function cleanEnv({ registry, gitconfig, home, cacheDir, inherit = [], extra = {} } = {}) {
  const own = home ?? (await mkdtemp(join(tmpdir(), 'kit-home-')));
  const bin = join(own, 'bin');
  const tmp = join(own, 'tmp');
  const cache = cacheDir ?? join(own, 'cache');
  for (const directory of [bin, tmp, cache]) await mkdir(directory, { recursive: true });
  if (!existsSync(join(bin, 'node'))) await symlink(process.execPath, join(bin, 'node'));
  const registryUrl = registry?.url ?? registry;
  const gitconfigPath = gitconfig?.gitconfig ?? gitconfig;
  const env = {
    HOME: own,
    USERPROFILE: own,
    PATH: bin,
    TMPDIR: tmp,
    XDG_CACHE_HOME: cache,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    GIT_CONFIG_NOSYSTEM: '1',
    ...(registryUrl && { npm_config_registry: registryUrl }),
    ...(gitconfigPath && { GIT_CONFIG_GLOBAL: gitconfigPath }),
    ...Object.fromEntries(inherit.filter((name) => name in process.env).map((name) => [name, process.env[name]])),
    ...extra,
  };
  return {
    env,
    home: own,
    tmp,
    cacheDir: cache,
    /** Files that a run left where temporary files go, relative to it. */
    leftovers: async () => (await filesBelow(tmp)).map((file) => relative(tmp, file)),
    remove: () => rm(own, { recursive: true, force: true }),
  };
}

/**
 * @typedef {object} Ran @property {number | null} code null if a signal ended it @property
 * {string | null} signal @property {string} stdout @property {string} stderr @property {any} json
 * stdout as JSON: a value, or a list where each line is one; undefined if it is neither @property
 * {number} ms wall time @property {boolean} timedOut
 */

/**
 * Runs `node bin.cjs <args>`, or another command, and waits for it. @param {string[]} args @param
 * {{ env: Record<string, string>, command?: string[], cwd?: string, input?: string, timeout?:
 * number, uid?: number,
 *   onStart?: (child: import('node:child_process').ChildProcess) => void }} options
 *   `timeout` in ms, default ten minutes: it ends a run that hangs, and no test measures by it. `uid`: the user and group to run as (root only).
 *   `onStart` may send signals.
 * @returns {Promise<Ran>}
 */
export async function run(args, { env, command = [process.execPath, CLI], cwd, input = '', timeout = 600_000, uid, onStart }) {
  const [program, ...first] = command;
  const started = performance.now();
  const child = spawn(program, [...first, ...args], { env, cwd, stdio: ['pipe', 'pipe', 'pipe'], ...(uid !== undefined && { uid, gid: uid }) });
  onStart?.(child);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, timeout);
  const out = [];
  const err = [];
  child.stdout.on('data', (chunk) => out.push(chunk));
  child.stderr.on('data', (chunk) => err.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  try {
    const [code, signal] = await new Promise((resolve, reject) =>
      child.once('error', reject).once('close', (...ended) => resolve(ended)),
    );
    const ms = performance.now() - started;
    const stdout = Buffer.concat(out).toString();
    return { code, signal, stdout, stderr: Buffer.concat(err).toString(), json: jsonIn(stdout), ms, timedOut };
  } finally {
    clearTimeout(timer);
  }
}

function jsonIn(text) {
  try {
    return JSON.parse(text);
  } catch {
    // Several specs: one object per line.
  }
  try {
    return text.trim().split('\n').map((line) => JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** All files below a folder. */
export async function filesBelow(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}
