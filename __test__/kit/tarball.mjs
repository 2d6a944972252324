// Package tarballs: as npm >= 7.20 writes them, and odd ones of which every byte is under control.

import { mkdtemp, mkdir, rm, symlink, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import * as tar from 'tar';

/** npm's fixed time for every entry: pacote's tar-create-options.js. */
const NPM_MTIME = new Date('1985-10-26T08:15:00.000Z');

/**
 * File contents by path: text or bytes; or `{ data, mode }`; or `{ link: target }`. @typedef
 * {Record<string, string | Buffer | { data?: string | Buffer, mode?: number, link?: string }>}
 * Files
 */

/** npm-packlist's order: extension, then basename, then the path, all as English words. */
export function npmOrder(paths) {
  const word = (a, b) => a.localeCompare(b, 'en');
  return [...paths].sort(
    (a, b) =>
      word(extname(a).toLowerCase(), extname(b).toLowerCase()) ||
      word(basename(a).toLowerCase(), basename(b).toLowerCase()) ||
      word(a, b),
  );
}

/** Writes files below a directory. */
export async function writeFiles(directory, files) {
  for (const [path, file] of Object.entries(files)) {
    const target = join(directory, path);
    await mkdir(dirname(target), { recursive: true });
    if (linkOf(file) !== undefined) {
      await symlink(file.link, target);
      continue;
    }
    await writeFile(target, dataOf(file));
    await chmod(target, file.mode ?? 0o644);
  }
}

/**
 * The tarball that `npm pack` of npm 7.20 and later makes of exactly these files.
 * @param {Files} files with a package.json; nothing is left out and nothing added
 * @returns {Promise<Buffer>}
 */
export async function npmTarball(files) {
  const bins = binsOf(files);
  const cwd = await mkdtemp(join(tmpdir(), 'kit-pack-'));
  try {
    await writeFiles(cwd, files);
    const options = {
      cwd,
      prefix: 'package/',
      portable: true,
      gzip: { level: 9 },
      mtime: NPM_MTIME,
      filter(path, stat) {
        if (bins.has(path.replace(/^\.\//, ''))) stat.mode |= 0o111;
        return true;
      },
    };
    return await tar.create(options, npmOrder(Object.keys(files)).map((path) => `./${path}`)).concat();
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

/**
 * Paths that `bin` names, of those that stand in the package's root: npm makes only these
 * executable.
 */
function binsOf(files) {
  if (files['package.json'] === undefined) return new Set();
  let { bin = {} } = parsed(dataOf(files['package.json']));
  if (typeof bin === 'string') bin = { only: bin };
  const paths = Object.values(bin).map((path) => String(path).replace(/^(\.\/)+/, ''));
  return new Set(paths.filter((path) => !path.includes('/')));
}

function parsed(bytes) {
  try {
    return JSON.parse(bytes.toString()) ?? {};
  } catch {
    return {};
  }
}

/**
 * The target of a link, else undefined. Text has a `link` of its own, a method from the nineties.
 */
export function linkOf(file) {
  return typeof file === 'string' ? undefined : file.link;
}

/** The bytes of one of `Files`. */
export function dataOf(file) {
  return Buffer.from(Buffer.isBuffer(file) || typeof file === 'string' ? file : (file.data ?? ''));
}

/** An integrity string as the registry writes it. */
export function integrityOf(bytes, algorithm = 'sha512') {
  return `${algorithm}-${createHash(algorithm).update(bytes).digest('base64')}`;
}

/**
 * One entry of an odd archive. Every header field has npm's value unless it is given. @typedef
 * {object} RawEntry @property {string | Buffer} [path] default package/index.js @property {string |
 * Buffer} [data] @property {string} [type] typeflag, default '0' @property {number} [mode]
 * @property {number} [mtime] seconds @property {number | string} [size] declared size; a string is
 * written as it is @property {string} [link] @property {string} [prefix] ustar prefix @property
 * {string} [magic] magic and version, 8 bytes @property {number} [checksum] wrong on purpose
 * @property {Record<string, string>} [pax] records of an extended header before it @property
 * {boolean} [gnuLong] put the path in a GNU long name entry @property {(header: Buffer) => void}
 * [edit] change the header's bytes; the checksum is made afterwards @property {Buffer} [raw] these
 * bytes and nothing else
 */

/**
 * A tar stream from raw entries, in the order given. @param {RawEntry[]} entries @param {{ end?:
 * number, trailing?: Buffer }} [options] `end`: number of closing zero blocks, default 2
 */
export function rawTar(entries, { end = 2, trailing = Buffer.alloc(0) } = {}) {
  return Buffer.concat([...entries.flatMap(entryBlocks), Buffer.alloc(512 * end), trailing]);
}

function entryBlocks(entry) {
  if (entry.raw) return [entry.raw];
  const blocks = [];
  const path = entry.path ?? 'package/index.js';
  if (entry.pax) {
    const records = Object.entries(entry.pax).map(([key, value]) => paxRecord(key, value));
    blocks.push(...entryBlocks({ path: `PaxHeader/${basename(String(path))}`, type: 'x', data: Buffer.concat(records) }));
  }
  if (entry.gnuLong) blocks.push(...entryBlocks({ path: '././@LongLink', type: 'L', data: `${path}\0` }));
  const data = Buffer.from(entry.data ?? '');
  blocks.push(header({ ...entry, path, size: entry.size ?? data.length }), data);
  blocks.push(Buffer.alloc(-data.length & 511));
  return blocks;
}

function header({ path, mode = 0o644, size, mtime = 499162500, type = '0', link = '', magic = 'ustar\0' + '00', prefix = '', checksum, edit }) {
  const block = Buffer.alloc(512);
  const put = (text, at, length) => Buffer.from(text).copy(block, at, 0, length);
  const octal = (value, width) => value.toString(8).padStart(width, '0');
  put(path, 0, 100);
  put(`${octal(mode, 6)} \0`, 100, 8);
  put(typeof size === 'string' ? size : `${octal(size, 10)} \0`, 124, 12);
  put(`${octal(mtime, 10)} \0`, 136, 12);
  put(type, 156, 1);
  put(link, 157, 100);
  put(magic, 257, 8);
  put('000000 \0', 329, 8);
  put('000000 \0', 337, 8);
  put(prefix, 345, 155);
  edit?.(block);
  block.fill(' ', 148, 156);
  put(`${octal(checksum ?? block.reduce((sum, byte) => sum + byte, 0), 6)} \0`, 148, 8);
  return block;
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function paxRecord(key, value) {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/**
 * gzip around a tar stream. @param {Buffer} bytes @param {{ level?: number, os?: number, xfl?:
 * number, mtime?: number, name?: string, crc?: number, size?: number, after?: Buffer[] }} [options]
 *   header fields; `crc` and `size` are the trailer's; `after`: bytes behind it, such as a second member
 */
export function gzip(bytes, { level = 9, os = 255, xfl = 2, mtime = 0, name, crc = crc32(bytes), size = bytes.length, after = [] } = {}) {
  const head = Buffer.from([0x1f, 0x8b, 8, name === undefined ? 0 : 8, 0, 0, 0, 0, xfl, os]);
  head.writeUInt32LE(mtime, 4);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc >>> 0, 0);
  trailer.writeUInt32LE(size >>> 0, 4);
  const label = name === undefined ? [] : [Buffer.from(`${name}\0`)];
  return Buffer.concat([head, ...label, deflateRawSync(bytes, { level }), trailer, ...after]);
}
