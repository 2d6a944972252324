// Needs Debian's archive and the npm registry.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tar from 'tar';
import { REAL_PACKAGES, upstreamSources } from '../kit/debian.mjs';

const REGISTRY = process.env.npm_config_registry ?? 'https://registry.npmjs.org/';

/** The files of a published tarball by path, without the first path component. */
async function published(name, version) {
  const document = await (await fetch(`${REGISTRY}${name}/${version}`)).json();
  const bytes = Buffer.from(await (await fetch(document.dist.tarball)).arrayBuffer());
  const files = {};
  const parser = new tar.Parser({ strict: true });
  parser.on('entry', (entry) => {
    files[entry.path.slice(entry.path.indexOf('/') + 1)] = entry.concat();
  });
  await new Promise((resolve, reject) => parser.on('end', resolve).on('error', reject).end(bytes));
  return Object.fromEntries(await Promise.all(Object.entries(files).map(async ([path, data]) => [path, await data])));
}

test('upstream trees from Debian hold every published file, byte for byte', async () => {
  for (const [name, { version, files }] of Object.entries(await upstreamSources(REAL_PACKAGES))) {
    for (const [path, data] of Object.entries(await published(name, version))) {
      assert.deepEqual(files[path]?.data, data, `${name}@${version}: ${path}`);
    }
  }
});

test('a source that does not come is an error', async () => {
  await assert.rejects(upstreamSources(['there-is-no-such-package']), /no upstream source of node-there-is-no-such-package/);
});
