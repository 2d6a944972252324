import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readTree, releaseHistory } from './debian.mjs';
import { createRepository, git } from './history.mjs';
import { writeFiles } from './tarball.mjs';

// The download itself is tested in ../online: it needs Debian's archive.
test('a folder is read with modes and links, and becomes a repository with the tag of its release', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'kit-tree-'));
  t.after(() => rm(root, { recursive: true }));
  const files = { 'a/b': { data: Buffer.from('b'), mode: 0o755 }, c: { data: Buffer.from('c'), mode: 0o644 }, l: { link: 'a/b' } };
  await writeFiles(join(root, 'tree'), files);
  const read = await readTree(join(root, 'tree'));
  assert.deepEqual(read, files);
  const { release } = await createRepository(join(root, 'bare'), releaseHistory({ version: '1.0.0', files: read }));
  assert.equal(await git(['--git-dir', join(root, 'bare'), 'rev-parse', 'v1.0.0']), release);
  assert.match(await git(['--git-dir', join(root, 'bare'), 'ls-tree', '-r', 'v1.0.0']), /^100755 .*\ta\/b\n100644 .*\tc\n120000 .*\tl$/);
});
