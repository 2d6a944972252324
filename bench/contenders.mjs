// What is measured: a name, and a command for each run with folders that no run has used before.

import { existsSync } from 'node:fs';
import { cp, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { CLI } from '../__test__/kit/cli.mjs';
import { git, gitEnv } from '../__test__/kit/history.mjs';
import { wallTime } from './measure.mjs';

/** The least that a tool fetches which compares by git's ids: no file's content. */
const FLOOR = 'set -e; curl -sSf -o packument "$1"; curl -sSf -o tarball "$2"; git --git-dir repository fetch -q --depth 1 --filter=blob:none origin "$3"';
/** Everything by hand in one shell, without leave to go on after a failure. */
const BY_HAND = 'set -e; git clone -q "$1" checkout; cd checkout; git checkout -q "$2"; npm pack --silent';
const BY_HAND_BUILT = 'set -e; git clone -q "$1" checkout; cd checkout; git checkout -q "$2"; npm install --silent --no-audit --no-fund; npm pack --silent';

/**
 * @typedef {object} Contender @property {string} key @property {string} label @property {boolean}
 * [answers] it prints JSON with `reproduced` @property {boolean} [warm] its first run fills what
 * the others read @property {(nth: number) => Promise<import('./measure.mjs').Command>} prepare a
 * fresh command; not measured
 */

/**
 * The contenders of each scene, in the order in which they are printed. @param
 * {Awaited<ReturnType<import('./scene.mjs').openScene>>} scene @param {{ env: Record<string,
 * string> }} clean environment without git and npm, for the program itself @param {{ work: string,
 * existing: string }} options `work`: an empty folder @returns {{ packed: Contender[], built:
 * Contender[] }}
 */
export function contenders(scene, clean, { work, existing }) {
  const { 'bench-known': known, 'bench-tagged': tagged, 'bench-built': built, 'bench-before': before } = scene.subjects;
  const fresh = async (key, nth) => {
    const folder = join(work, `${key}-${nth}`);
    await mkdir(folder, { recursive: true });
    return folder;
  };
  // Each run has a home of its own: what npm and the existing tool keep there would make the next
  // one faster.
  const tools = (home) => gitEnv({
    HOME: home,
    XDG_CACHE_HOME: join(home, 'cache'),
    GIT_CONFIG_GLOBAL: scene.githost.gitconfig,
    BENCH_REGISTRY: scene.registry.url,
    npm_config_registry: scene.registry.url,
    npm_config_update_notifier: 'false',
  });
  const ours = ({ name, version }, cache) => ({ argv: [process.execPath, CLI, `${name}@${version}`, '--json', '--cache-dir', cache], env: clean.env });
  const cold = (subject) => async (nth) => ours(subject, await fresh(`cold-${subject.name}`, nth));
  const remote = ({ repository }) => `${scene.githost.url}${repository}.git`;
  const byHand = (script, subject) => async (nth) => {
    const cwd = await fresh(`by-hand-${subject.name}`, nth);
    return { argv: ['sh', '-c', script, 'sh', remote(subject), subject.commit], env: tools(cwd), cwd };
  };
  const theirs = ({ name, version }) => async (nth) => {
    const cwd = await fresh(`existing-${name}`, nth);
    return { argv: [process.execPath, existing, `${name}@${version}`, '--json'], env: tools(cwd), cwd };
  };

  const packed = [
    {
      key: 'floor', label: '(a) floor: curl, curl, git fetch without blobs',
      async prepare(nth) {
        const cwd = await fresh('floor', nth);
        const repository = join(cwd, 'repository');
        await git(['init', '-q', '--bare', repository]);
        await git(['--git-dir', repository, 'remote', 'add', 'origin', remote(known)]);
        const tarball = `${scene.registry.url}${known.name}/-/${known.name}-${known.version}.tgz`;
        return { argv: ['sh', '-c', FLOOR, 'sh', scene.registry.url + known.name, tarball, known.commit], env: tools(cwd), cwd };
      },
    },
    { key: 'known', label: 'reproduce, cold, commit known', answers: true, prepare: cold(known) },
    { key: 'tagged', label: 'reproduce, cold, found by tag', answers: true, prepare: cold(tagged) },
    { key: 'cached', label: 'reproduce, cached', answers: true, warm: true, prepare: async () => ours(known, await fresh('cached', 0)) },
    { key: 'node', label: '(d) node -e 0', prepare: async () => ({ argv: [process.execPath, '-e', '0'], env: clean.env }) },
    { key: 'byHand', label: '(c) git clone + npm pack', prepare: byHand(BY_HAND, known) },
    { key: 'existing', label: '(b) reproduce@1.2.0', answers: true, prepare: theirs(known) },
  ];

  /**
   * A cache in which another package was judged: Node and npm are there, and nothing of the package
   * that is measured.
   */
  const equipped = async (nth) => {
    const filled = join(work, 'equipped');
    if (!existsSync(filled)) await wallTime(ours(before, await fresh('equipped', 'new'))).then(() => rename(join(work, 'equipped-new'), filled));
    const cache = await fresh('built-equipped', nth);
    await cp(filled, cache, { recursive: true, verbatimSymlinks: true });
    return ours(built, cache);
  };
  return {
    packed,
    built: [
      { key: 'built', label: 'reproduce, cold, with Node and npm', answers: true, prepare: cold(built) },
      { key: 'equipped', label: 'reproduce, Node and npm are there', answers: true, prepare: equipped },
      { key: 'byHandBuilt', label: '(c) git clone + npm install + npm pack', prepare: byHand(BY_HAND_BUILT, built) },
      { key: 'existingBuilt', label: '(b) reproduce@1.2.0', answers: true, prepare: theirs(built) },
    ],
  };
}
