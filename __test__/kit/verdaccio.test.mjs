import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { git, createRepository } from './history.mjs';
import { integrityOf } from './tarball.mjs';
import { startVerdaccio } from './verdaccio.mjs';

test('npm publish from a git checkout leaves the commit and the versions of the tools in the registry', async (t) => {
  const verdaccio = await startVerdaccio();
  const root = await mkdtemp(join(tmpdir(), 'kit-publish-'));
  t.after(async () => {
    await verdaccio.close();
    await rm(root, { recursive: true });
  });
  const files = { 'package.json': '{"name":"kit-published","version":"1.2.3"}\n', 'index.js': '1\n' };
  const { c } = await createRepository(join(root, 'bare'), { commits: [{ label: 'c', files }] });
  await git(['clone', '-q', join(root, 'bare'), join(root, 'checkout')]);
  await verdaccio.publish(join(root, 'checkout'));
  const packument = await (await fetch(`${verdaccio.url}kit-published`)).json();
  const { gitHead, _nodeVersion, _npmVersion, dist } = packument.versions['1.2.3'];
  assert.equal(gitHead, c);
  assert.equal(_nodeVersion, process.versions.node);
  assert.match(_npmVersion, /^\d+\./);
  assert.equal(dist.integrity, integrityOf(Buffer.from(await (await fetch(dist.tarball)).arrayBuffer())));
});
