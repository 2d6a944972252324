// The world of the demo: a registry and a git host on loopback, filled from packages/*.json.

import { readFile } from 'node:fs/promises';
import { startGitHost } from '../__test__/kit/githost.mjs';
import { startRegistry } from '../__test__/kit/registry.mjs';

/** In the order in which they are shown. */
const STORIES = ['identical', 'tampered', 'no-source', 'late-tag'];

/**
 * One file of packages/. @typedef {object} Story @property {string} shows one line for the reader
 * @property {{ verdict: string, exit: number, commit?: string }} expected `commit`: the label of
 * the one to be found @property {{ name: string, version: string }} package @property {string}
 * [repository] owner/name @property {import('../__test__/kit/history.mjs').History} [history]
 * @property {{ from?: string, files?: string[], changed?: Record<string, string>, gitHead?: string
 * }} published the files of
 *   the tarball: those named in `files` as they stood at the commit `from`, then what was changed
 */

/** Starts both servers. `ids` of a story are its commits by label. */
export async function openScene() {
  const registry = await startRegistry();
  const githost = await startGitHost();
  const close = async () => {
    await registry.close();
    await githost.close();
  };
  try {
    const stories = [];
    for (const name of STORIES) stories.push(await tell(name, registry, githost));
    return { stories, registry, githost, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function tell(name, registry, githost) {
  const story = JSON.parse(await readFile(new URL(`packages/${name}.json`, import.meta.url), 'utf8'));
  const ids = story.history ? await githost.add(story.repository, story.history) : {};
  const { from, files = [], changed, gitHead } = story.published;
  const tree = from ? treeAt(story.history, from) : {};
  const kept = Object.fromEntries(files.map((path) => [path, tree[path]]));
  await registry.publish({ ...story.package, files: { ...kept, ...changed }, gitHead: ids[gitHead] });
  return { ...story, ids };
}

/** The files at a commit of a history without branches. */
function treeAt({ commits }, label) {
  const upTo = commits.findIndex((commit) => commit.label === label);
  return Object.assign({}, ...commits.slice(0, upTo + 1).map((commit) => commit.files));
}
