// What is measured: a name, how often, and a command for each run with folders that no run has used before.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CLI } from '../__test__/kit/cli.mjs';
import { git, gitEnv } from '../__test__/kit/history.mjs';

/** Everything by hand in one shell, without leave to go on after a failure. */
const FLOOR = 'set -e; curl -sSf -o packument "$1"; curl -sSf -o tarball "$2"; git --git-dir repository fetch -q --depth 1 "$3" "$4"';
const BY_HAND = 'set -e; git clone -q "$1" checkout; cd checkout; git checkout -q "$2"; npm pack --silent';

/**
 * @typedef {object} Contender
 * @property {string} key
 * @property {string} label
 * @property {number} rounds
 * @property {(nth: number) => Promise<import('./measure.mjs').Command>} prepare a fresh command; not measured
 */

/**
 * @param {Awaited<ReturnType<import('./scene.mjs').openScene>>} scene
 * @param {{ env: Record<string, string> }} clean environment without git and npm, for the program itself
 * @param {{ work: string, existing: string, rounds: number, slowRounds: number }} options `work`: an empty folder
 * @returns {Contender[]}
 */
export function contenders(scene, clean, { work, existing, rounds, slowRounds }) {
  const { 'bench-known': known, 'bench-tagged': tagged } = scene.subjects;
  const tools = gitEnv({
    HOME: join(work, 'home'),
    GIT_CONFIG_GLOBAL: scene.githost.gitconfig,
    BENCH_REGISTRY: scene.registry.url,
    npm_config_registry: scene.registry.url,
    npm_config_update_notifier: 'false',
  });
  const fresh = async (key, nth) => {
    const folder = join(work, `${key}-${nth}`);
    await mkdir(folder, { recursive: true });
    return folder;
  };
  const ours = (spec, cache) => ({ argv: [process.execPath, CLI, spec, '--json', '--cache-dir', cache], env: clean.env });
  const cold = ({ name, version }) => async (nth) => ours(`${name}@${version}`, await fresh(`cold-${name}`, nth));
  const remote = `${scene.githost.url}${known.repository}.git`;

  return [
    {
      key: 'floor', label: '(a) floor: curl, curl, git fetch --depth 1', rounds,
      async prepare(nth) {
        const cwd = await fresh('floor', nth);
        await git(['init', '-q', '--bare', join(cwd, 'repository')]);
        const tarball = `${scene.registry.url}${known.name}/-/${known.name}-${known.version}.tgz`;
        return { argv: ['sh', '-c', FLOOR, 'sh', scene.registry.url + known.name, tarball, remote, known.commit], env: tools, cwd };
      },
    },
    { key: 'known', label: 'reproduce, cold, commit known', rounds, prepare: cold(known) },
    { key: 'tagged', label: 'reproduce, cold, found by tag', rounds, prepare: cold(tagged) },
    {
      key: 'cached', label: 'reproduce, cached', rounds,
      prepare: async () => ours(`${known.name}@${known.version}`, await fresh('cached', 0)),
    },
    { key: 'node', label: '(d) node -e 0', rounds, prepare: async () => ({ argv: [process.execPath, '-e', '0'], env: clean.env }) },
    {
      key: 'byHand', label: '(c) git clone + npm pack', rounds: slowRounds,
      prepare: async (nth) => ({ argv: ['sh', '-c', BY_HAND, 'sh', remote, known.commit], env: tools, cwd: await fresh('by-hand', nth) }),
    },
    {
      key: 'existing', label: '(b) reproduce@1.2.0', rounds: slowRounds,
      async prepare(nth) {
        const env = { ...tools, XDG_CACHE_HOME: await fresh('existing', nth) };
        return { argv: [process.execPath, existing, `${known.name}@${known.version}`, '--json'], env, cwd: env.XDG_CACHE_HOME };
      },
    },
  ];
}
