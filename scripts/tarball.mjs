// What is in a package's tarball. It reads those of this program's own releases; strangers' are
// read by crates/npm-tarball.

import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { Parser } from 'tar';

/** The files of a tarball by path: mode, size and bytes. */
export function filesIn(bytes) {
  const files = new Map();
  const parser = new Parser({
    sync: true,
    strict: true,
    onReadEntry(entry) {
      const chunks = [];
      entry.on('data', (chunk) => chunks.push(chunk));
      entry.on('end', () => {
        if (entry.type !== 'File' && entry.type !== 'OldFile') throw new Error(`${entry.path} is no file`);
        files.set(entry.path, { mode: entry.mode, bytes: Buffer.concat(chunks) });
      });
    },
  });
  parser.end(gunzipSync(bytes));
  return files;
}

/** How two tarballs differ, a line for each file; none if all files are the same. */
export function differences(ours, theirs) {
  const [a, b] = [filesIn(ours), filesIn(theirs)];
  const hash = ({ bytes }) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  return [...new Set([...a.keys(), ...b.keys()])].sort().flatMap((path) => {
    const [one, other] = [a.get(path), b.get(path)];
    if (!other) return [`${path} is not published`];
    if (!one) return [`${path} is published, and not built`];
    if (!one.bytes.equals(other.bytes)) return [`${path} has other bytes: ${hash(one)} built, ${hash(other)} published`];
    return one.mode === other.mode ? [] : [`${path} has mode ${one.mode.toString(8)} built, ${other.mode.toString(8)} published`];
  });
}
