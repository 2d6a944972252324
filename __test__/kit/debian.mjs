// Real upstream source: the .orig.tar of Debian's source packages is a project's tree as it was at a release.
// apt checks it against the signed index of the archive. Nothing of the machine's apt is touched.

import { execFile } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { filesBelow } from './cli.mjs';

const run = promisify(execFile);
const SOURCES = '/etc/apt/sources.list.d/debian.sources';

/** npm packages of which every published file is in Debian's copy of their source. */
export const REAL_PACKAGES = ['abbrev', 'balanced-match', 'escape-string-regexp', 'ini', 'ms', 'wrappy', 'yallist'];

/**
 * Downloads the upstream source of npm packages that Debian has as node-<name>.
 * @param {string[]} names
 * @returns {Promise<Record<string, { version: string, files: import('./tarball.mjs').Files }>>} `version` is upstream's, as its
 *   package.json says: it moves with the suite
 */
export async function upstreamSources(names) {
  const root = await mkdtemp(join(tmpdir(), 'kit-debian-'));
  try {
    const apt = await privateApt(root);
    await apt(['update']);
    const downloads = join(root, 'downloads');
    await mkdir(downloads);
    const complaint = await apt(
      ['source', '--download-only', '--tar-only', ...names.map((name) => `node-${name}`)],
      downloads,
    ).then(() => '', (error) => error.stderr);
    const found = {};
    const files = await readdir(downloads);
    for (const name of names) {
      // Only upstream's own tree counts: a mirror may lack what Debian adds to it, and that fails the command.
      const orig = files.find((file) => file.startsWith(`node-${name}_`) && /\.orig\.tar\.(?:gz|xz|bz2)$/.test(file));
      if (!orig) throw new Error(`no upstream source of node-${name} from Debian: ${complaint}`);
      found[name] = await unpacked(join(downloads, orig), join(root, name));
    }
    return found;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Runs apt-get with folders and sources of its own: works for any user and leaves the machine's lists alone. */
async function privateApt(root) {
  for (const folder of ['state/lists/partial', 'cache/archives/partial']) await mkdir(join(root, folder), { recursive: true });
  const sources = join(root, 'source.sources');
  await writeFile(sources, sourceEntries(await readFile(SOURCES, 'utf8')));
  const options = {
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State': join(root, 'state'),
    'Dir::State::Lists': join(root, 'state/lists'),
    'Dir::Cache': join(root, 'cache'),
    'APT::Sandbox::User': '',
  };
  const flags = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  return (args, cwd = root) => run('apt-get', ['-q', ...flags, ...args], { cwd, env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 1 << 26 });
}

/** The machine's sources, asked for source packages instead of binary ones. */
function sourceEntries(text) {
  return text.replace(/^Types:.*$/gm, 'Types: deb-src');
}

async function unpacked(archive, directory) {
  await mkdir(directory);
  // The system's tar also knows xz and bzip2.
  await run('tar', ['-xf', archive, '-C', directory, '--strip-components=1', '--no-same-owner']);
  const files = await readTree(directory);
  const { version } = JSON.parse(files['package.json'].data.toString());
  return { version, files };
}

/**
 * The files of a folder, in the form of this kit.
 * @returns {Promise<import('./tarball.mjs').Files>}
 */
export async function readTree(directory) {
  const files = {};
  for (const path of await filesBelow(directory)) {
    const name = relative(directory, path).split(sep).join('/');
    const stat = await lstat(path);
    files[name] = stat.isSymbolicLink()
      ? { link: await readlink(path) }
      : { data: await readFile(path), mode: stat.mode & 0o111 ? 0o755 : 0o644 };
  }
  return files;
}

/** An upstream tree as a repository of one commit, with the release's tag. */
export function releaseHistory({ version, files }) {
  return { commits: [{ label: 'release', files }], tags: { [`v${version}`]: 'release' } };
}
