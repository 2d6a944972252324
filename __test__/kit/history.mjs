// Git histories described as data, written as a bare repository by one `git fast-import`. The same
// description gives the same commit ids on every machine: people, times and modes are all part of
// it.

import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { dataOf, linkOf } from './tarball.mjs';

const run = promisify(execFile);

/** Only ever used while importing; deleted at its end. */
const BUILD_REF = 'refs/kit/build';
const NULL_ID = '0'.repeat(40);
const FIRST_TIME = Date.parse('2020-01-01T00:00:00Z') / 1000;
const PERSON = 'Kit <kit@example.test>';

/**
 * A path's new state: text or bytes (mode 644), `{ data, mode: 0o755 }`, `{ link: target }`, `{
 * submodule: commit id }`, or null where it is taken away. @typedef {string | Buffer | { data?:
 * string | Buffer, mode?: number, link?: string, submodule?: string } | null} Change
 */

/**
 * @typedef {object} Commit
 * @property {string} label a name of your choice for this commit
 * @property {string[]} [parents] labels; default the commit before it in the list, `[]` for a root
 * @property {Record<string, Change>} [files] changes against the first parent
 * @property {boolean} [clear] start from an empty tree
 * @property {string} [date] ISO; default one minute after the commit before it
 * @property {string} [author] `Name <address>`
 * @property {string} [message] default the label
 */

/**
 * @typedef {object} History @property {Commit[]} commits @property {Record<string, string>}
 * [branches] name to label; default `{ main: the last commit }` @property {Record<string, string |
 * { commit: string, annotated?: boolean, message?: string, date?: string }>} [tags] @property
 * {Record<string, string>} [refs] whole names to labels, as refs/pull/1/head @property {string}
 * [head] the branch that HEAD names; default the first of `branches`
 */

/** Git's environment: nothing of the user's. */
export function gitEnv(more = {}) {
  return { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C', ...more };
}

/** Runs git and returns its output without the last newline. */
export async function git(args, { cwd, env } = {}) {
  const { stdout } = await run('git', args, { cwd, env: gitEnv(env), maxBuffer: 1 << 28 });
  return stdout.replace(/\n$/, '');
}

/**
 * Creates a bare repository. @param {string} directory new @param {History} history @returns
 * {Promise<Record<string, string>>} label to commit id; annotated tags are under `tag:<name>`
 */
export async function createRepository(directory, history) {
  const branches = history.branches ?? { main: history.commits.at(-1).label };
  await mkdir(join(directory, 'objects'), { recursive: true });
  await mkdir(join(directory, 'refs'), { recursive: true });
  await writeFile(join(directory, 'HEAD'), `ref: refs/heads/${history.head ?? Object.keys(branches)[0]}\n`);
  await writeFile(join(directory, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
  const marks = join(directory, 'kit-marks');
  const { stream, labels } = fastImport({ ...history, branches });
  await feed(directory, marks, stream);
  const byMark = new Map((await readFile(marks, 'utf8')).trim().split('\n').map((line) => line.slice(1).split(' ')));
  await rm(marks);
  return Object.fromEntries([...labels].map(([label, mark]) => [label, byMark.get(String(mark))]));
}

async function feed(directory, marks, stream) {
  const args = ['-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet', '--done', '--force', `--export-marks=${marks}`];
  const child = spawn('git', args, { cwd: directory, env: gitEnv({ GIT_DIR: directory }), stdio: ['pipe', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (part) => (complaint += part));
  // What git says is the explanation; a pipe that it closed early is not.
  child.stdin.on('error', () => {});
  child.stdin.end(stream);
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`git fast-import ended with ${code}: ${complaint}`);
}

function fastImport({ commits, branches, tags = {}, refs = {} }) {
  const parts = [];
  const labels = new Map();
  const put = (...more) => parts.push(...more.map((part) => Buffer.from(part)));
  const mark = (label) => {
    if (labels.has(label)) throw new Error(`two commits have the label ${label}`);
    labels.set(label, labels.size + 1);
    return labels.size;
  };
  const known = (label) => {
    if (!labels.has(label)) throw new Error(`no commit before this has the label ${label}`);
    return `:${labels.get(label)}`;
  };
  let time = FIRST_TIME;
  let before = null;
  for (const commit of commits) {
    time = commit.date ? Date.parse(commit.date) / 1000 : time + 60;
    const person = `${commit.author ?? PERSON} ${time} +0000`;
    const [first, ...merged] = (commit.parents ?? (before ? [before] : [])).map(known);
    put(first ? '' : `reset ${BUILD_REF}\n\n`);
    put(`commit ${BUILD_REF}\nmark :${mark(commit.label)}\nauthor ${person}\ncommitter ${person}\n`);
    put(...text(commit.message ?? commit.label));
    if (first) put(`from ${first}\n`);
    for (const parent of merged) put(`merge ${parent}\n`);
    if (commit.clear) put('deleteall\n');
    for (const [path, change] of Object.entries(commit.files ?? {})) put(...changed(path, change));
    put('\n');
    before = commit.label;
  }
  for (const [name, tag] of Object.entries(tags)) {
    const { commit, annotated = false, message = name, date } = typeof tag === 'string' ? { commit: tag } : tag;
    if (annotated) {
      const at = date ? Date.parse(date) / 1000 : time;
      put(`tag ${name}\nmark :${mark(`tag:${name}`)}\nfrom ${known(commit)}\ntagger ${PERSON} ${at} +0000\n`, ...text(message));
    } else put(`reset refs/tags/${name}\nfrom ${known(commit)}\n\n`);
  }
  for (const [name, label] of Object.entries(branches)) put(`reset refs/heads/${name}\nfrom ${known(label)}\n\n`);
  for (const [name, label] of Object.entries(refs)) put(`reset ${name}\nfrom ${known(label)}\n\n`);
  put(`reset ${BUILD_REF}\nfrom ${NULL_ID}\n\ndone\n`);
  return { stream: Buffer.concat(parts), labels };
}

function changed(path, change) {
  const name = quoted(path);
  if (change === null) return [`D ${name}\n`];
  if (change.submodule !== undefined) return [`M 160000 ${change.submodule} ${name}\n`];
  if (linkOf(change) !== undefined) return [`M 120000 inline ${name}\n`, ...text(change.link)];
  return [`M ${(change.mode ?? 0o644) & 0o111 ? '100755' : '100644'} inline ${name}\n`, ...text(dataOf(change))];
}

function text(data) {
  const bytes = Buffer.from(data);
  return [`data ${bytes.length}\n`, bytes, '\n'];
}

/** A path in the quoting of git, byte by byte, so that no name can end a line. */
function quoted(path) {
  const escaped = [...Buffer.from(path)].map((byte) =>
    byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte),
  );
  return `"${escaped.join('')}"`;
}
