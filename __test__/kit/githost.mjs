// A git host on loopback: bare repositories behind `git http-backend`, in the place of github.com
// and others. A gitconfig with url.<base>.insteadOf leads every client that reads it here.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createRepository, gitEnv } from './history.mjs';
import { authorized } from './registry-auth.mjs';
import { listen } from './server.mjs';

const MAX_CGI_HEADER = 1 << 16;

/**
 * @typedef {object} GitHostOptions @property {Record<string, import('./history.mjs').History |
 * string>} [repositories] `owner/name` (of the first of `hosts`), or
 *   `host/path` for another, to a history or the path of a bare repository
 * @property {string[]} [hosts] the hosts in whose place it stands; default github.com @property
 * {boolean} [allowAnySHA1InWant] serve any object by id, as the big hosts do; default true.
 * Protocol 2 does so in any case @property {string[]} [hideRefs] refs that are not advertised, as
 * refs/pull; default none: github.com lists all of them @property {0 | 1 | 2} [protocol] the newest
 * protocol version it speaks; default 2 @property {boolean} [filter] partial clones; default true
 * @property {import('./registry-auth.mjs').Auth} [auth] who may read; everybody by default
 * @property {Record<string, string>} [renamed] old name to new name: answered with a 301
 */

/**
 * Starts a git host.
 * @param {GitHostOptions & Parameters<typeof listen>[1]} [options]
 */
export async function startGitHost({
  repositories = {},
  hosts = ['github.com'],
  allowAnySHA1InWant = true,
  hideRefs = [],
  protocol = 2,
  filter = true,
  renamed = {},
  auth,
  ...options
} = {}) {
  const root = await mkdtemp(join(tmpdir(), 'kit-githost-'));
  const found = new Map();
  const settings = [
    ['core.bare', 'true'],
    ['safe.directory', '*'],
    ['uploadpack.allowAnySHA1InWant', String(allowAnySHA1InWant)],
    ['uploadpack.allowFilter', String(filter)],
    ...hideRefs.map((ref) => ['uploadpack.hideRefs', ref]),
  ];
  const moves = new Map(Object.entries(renamed).map(([from, to]) => [keyOf(from), to]));

  const server = await listen(async (request) => {
    const refused = authorized(auth, request);
    if (refused) return refused;
    const target = split(request.path);
    if (!target) return { status: 404, body: 'Not Found\n' };
    const to = moves.get(target.key);
    if (to !== undefined) {
      const query = request.query && `?${request.query}`;
      return { status: 301, headers: { location: `${request.base}${to}.git${target.rest}${query}` } };
    }
    const directory = found.get(target.key);
    if (!directory) return { status: 404, body: 'Repository not found.\n' };
    return backend(directory, target.rest, request, settings, protocol);
  }, options);

  /** Names match as the big hosts match them: without regard to case, with or without `.git`. */
  function keyOf(name) {
    return name.toLowerCase().replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  }

  function split(path) {
    const [, name, rest] = /^\/(.+?)(\/(?:info\/refs|git-upload-pack|HEAD|objects\/.*))?$/s.exec(path) ?? [];
    return name === undefined || name.split('/').includes('..') ? null : { key: keyOf(name), rest: rest ?? '/' };
  }

  const gitconfig = join(root, 'gitconfig');
  await writeFile(gitconfig, hosts.map((host, nth) => insteadOf(nth === 0 ? server.url : `${server.url}${host}/`, host)).join(''));

  let count = 0;
  const host = Object.assign(server, {
    /** Path of the configuration file that leads clients here. */
    gitconfig,
    /**
     * Creates and serves a repository; returns its labels and ids (none for the path of one that is
     * there).
     */
    async add(name, history) {
      if (typeof history === 'string') {
        found.set(keyOf(name), history);
        return {};
      }
      const directory = join(root, `${++count}.git`);
      const ids = await createRepository(directory, history);
      found.set(keyOf(name), directory);
      return ids;
    },
    remove: (name) => found.delete(keyOf(name)),
    /** The bare repository behind a name. */
    directory: (name) => found.get(keyOf(name)),
    rename(from, to) {
      const directory = found.get(keyOf(from));
      found.delete(keyOf(from));
      found.set(keyOf(to), directory);
      moves.set(keyOf(from), to);
    },
    /** Labels to ids, by repository, of what `repositories` described. */
    ids: {},
    stop: server.close,
  });
  host.close = async () => {
    await host.stop();
    await rm(root, { recursive: true, force: true });
  };
  try {
    for (const [name, history] of Object.entries(repositories)) host.ids[name] = await host.add(name, history);
  } catch (error) {
    await host.close();
    throw error;
  }
  return host;
}

/**
 * A git configuration section that puts `base` in the place of a host, in every form in which
 * addresses of it are written.
 */
function insteadOf(base, host) {
  const forms = [
    `https://${host}/`, `http://${host}/`, `git://${host}/`, `ssh://git@${host}/`, `git@${host}:`,
    `https://www.${host}/`, `git+https://${host}/`, `git+ssh://git@${host}/`,
  ];
  return `[url "${base}"]\n${forms.map((form) => `\tinsteadOf = ${form}\n`).join('')}`;
}

async function backend(directory, pathInfo, request, settings, protocol) {
  const { headers, body } = request;
  const spoken = headers['git-protocol'];
  const child = spawn('git', ['http-backend'], {
    env: gitEnv({
      GIT_PROJECT_ROOT: directory,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: pathInfo,
      QUERY_STRING: request.query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: headers['content-type'] ?? '',
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      REMOTE_ADDR: '127.0.0.1',
      GIT_PROTOCOL: spoken ? limited(spoken, protocol) : '',
      GIT_CONFIG_COUNT: String(settings.length),
      ...Object.fromEntries(settings.flatMap(([key, value], nth) => [[`GIT_CONFIG_KEY_${nth}`, key], [`GIT_CONFIG_VALUE_${nth}`, value]])),
    }),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => {});
  child.stdin.end(body);
  child.stdout.on('close', () => child.kill());
  return cgi(child);
}

/**
 * The protocol versions that are left of what a client offers when the server knows nothing newer.
 */
function limited(offered, newest) {
  return offered.split(':').filter((part) => !part.startsWith('version=') || Number(part.slice('version='.length)) <= newest).join(':');
}

/** Reads the header of a CGI answer; what follows is the body. */
async function cgi(child) {
  const chunks = child.stdout[Symbol.asyncIterator]();
  const failed = new Promise((_, reject) => child.once('error', reject));
  failed.catch(() => {});
  let head = Buffer.alloc(0);
  let end = -1;
  while (end < 0) {
    const { value, done } = await Promise.race([chunks.next(), failed]);
    if (done || head.length > MAX_CGI_HEADER) throw new Error('git http-backend gave no answer');
    head = Buffer.concat([head, value]);
    end = head.indexOf('\r\n\r\n');
  }
  const headers = {};
  let status = 200;
  for (const line of head.subarray(0, end).toString().split('\r\n')) {
    const [, name, value] = /^([^:]+):\s*(.*)$/.exec(line);
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
    else headers[name.toLowerCase()] = value;
  }
  return { status, headers, body: Readable.from(remaining(head.subarray(end + 4), chunks)) };
}

async function* remaining(first, chunks) {
  if (first.length) yield first;
  yield* { [Symbol.asyncIterator]: () => chunks };
}
