// Node from a distribution by its signed hashes (`--node-dist`), and what a result says of the
// tools.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './kit/cli.mjs';
import { ARCHIVE, startDistribution, VERSION } from './kit/node-dist.mjs';
import { clearsigned, makeKey } from './kit/openpgp.mjs';
import { openWorld } from './world.mjs';

const BUILD = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','built')"`;
const JSON_ = { scripts: { build: BUILD }, files: ['dist', 'index.js'] };
const PLATFORM = `${process.platform}-${process.arch}`;
let world;
let dist;
let key;

before(async () => {
  world = await openWorld({ builds: true });
  key = makeKey();
  dist = await startDistribution(key);
});
after(async () => {
  await dist?.close();
  await world?.close();
});

/** A home that may reach the distribution, with its keys in a file. */
async function home(extra = {}) {
  const clean = await world.home({ extra: { REPRODUCE_ALLOW_HOSTS: `127.0.0.1:${dist.port}`, ...extra } });
  await writeFile(join(clean.home, 'keys.asc'), key.armored);
  return clean;
}

const release = (name) => world.release(name, { json: JSON_, published: { 'dist/a.js': 'built' } });
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

test('a result names the tools, whose they are, and what they are on disk', async () => {
  const { spec } = await release('tools-named');
  const answer = await world.judge(spec);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.findings));
  const tools = answer.attempts.at(-1).tools;
  const node = tools.find((tool) => tool.name === 'node');
  const npm = tools.find((tool) => tool.name === 'npm');
  assert.deepEqual(
    { ...node, digest: undefined },
    {
      name: 'node',
      version: VERSION,
      package: `node-${PLATFORM}`,
      from: world.registry.url,
      integrity: world.registry.packuments.get(`node-${PLATFORM}`).versions[VERSION].dist.integrity,
      digest: undefined,
      program: 'bin/node',
      programDigest: sha256(await readFile(process.execPath)),
      publisher: 'kit',
      key: null,
      registryAgrees: null,
    },
  );
  assert.match(node.digest, /^[0-9a-f]{64}$/);
  assert.equal(npm.publisher, 'kit');
  assert.deepEqual([answer.options.nodeDist, answer.options.nodeKeys], [null, null]);
  // What was packed without a build was packed without tools.
  assert.equal(answer.attempts.find((attempt) => attempt.strategy === 'source')?.tools, undefined);
});

test('Node of a distribution is the one that its keys signed, and the registry is asked for the same', async () => {
  const { spec } = await release('from-dist');
  const clean = await home();
  const args = ['--node-dist', dist.address, '--node-keys', 'keys.asc'];
  const answer = await world.judge(spec, { clean, args });
  assert.equal(answer.verdict, 'identical', `${answer.code}: ${JSON.stringify(answer.findings)}`);
  const attempt = answer.attempts.at(-1);
  const node = attempt.tools.find((tool) => tool.name === 'node');
  assert.deepEqual([node.package, node.from, node.key, node.publisher], [ARCHIVE, `${dist.address}/`, key.id, key.name]);
  assert.equal(node.integrity, `sha256-${createHash('sha256').update(dist.tarball).digest('base64')}`);
  assert.equal(node.registryAgrees, true);
  assert.equal(attempt.recipe.build.nodeDist, `${dist.address}/`);
  assert.deepEqual([answer.options.nodeDist, answer.options.nodeKeys], [`${dist.address}/`, sha256(key.armored)]);
  assert.deepEqual(answer.findings.filter((finding) => finding.code.startsWith('node-')), []);

  // Kept apart: the registry's Node is another tool, and a stored result of the one is none of the
  // other.
  const plain = await world.judge(spec, { clean });
  assert.equal(plain.attempts.at(-1).tools.find((tool) => tool.name === 'node').package, `node-${PLATFORM}`);
  assert.equal(plain.attempts.at(-1).recipe.build.nodeDist, undefined);

  // A replay without the distribution takes the registry's, and says so; with it, it does not.
  await writeFile(join(clean.home, 'result.json'), answer.ran.stdout);
  const replay = (more) => run(['replay', 'result.json', '--json', ...more], { env: clean.env, cwd: clean.home });
  const elsewhere = await replay([]);
  assert.equal(elsewhere.json.outcome, 'same-bytes', elsewhere.stdout);
  assert.ok(elsewhere.json.findings.some((finding) => finding.code === 'node-from-elsewhere'));
  assert.equal(elsewhere.json.tools.find((tool) => tool.name === 'node').from, world.registry.url);
  const same = await replay(args);
  assert.equal(same.json.outcome, 'same-bytes', same.stdout);
  assert.deepEqual(same.json.findings.filter((finding) => finding.code === 'node-from-elsewhere'), []);
  assert.equal(same.json.tools.find((tool) => tool.name === 'node').key, key.id);
});

test('the environment names a distribution as the options do', async () => {
  const { spec } = await release('from-env');
  const clean = await home({ REPRODUCE_NODE_DIST: `${dist.address}/`, REPRODUCE_NODE_KEYS: 'keys.asc' });
  const answer = await world.judge(spec, { clean });
  assert.equal(answer.verdict, 'identical', `${answer.code}: ${JSON.stringify(answer.findings)}`);
  assert.equal(answer.attempts.at(-1).tools[0].from, `${dist.address}/`);
});

test('a distribution that signs in the clear alone, and keys of which one signed, binary or armored', async () => {
  const { spec } = await release('from-clear');
  const clean = await home();
  const pages = { ...dist.pages };
  try {
    delete dist.pages[`${dist.base}SHASUMS256.txt.sig`];
    dist.pages[`${dist.base}SHASUMS256.txt.asc`] = clearsigned(key, dist.text);
    for (const keys of [Buffer.concat([makeKey().ring, key.ring]), `${makeKey({ rsa: 2048 }).armored}\n${key.armored}`]) {
      await writeFile(join(clean.home, 'keys.asc'), keys);
      const answer = await world.judge(spec, { clean, args: ['--node-dist', dist.address, '--node-keys', 'keys.asc', '--force'] });
      assert.equal(answer.verdict, 'identical', `${answer.code}: ${JSON.stringify(answer.findings)}`);
    }
  } finally {
    dist.pages = pages;
  }
});

test('options that do not go together are refused with what to do', async () => {
  const clean = await home();
  await writeFile(join(clean.home, 'no-keys'), 'nothing\n');
  for (const [args, said] of [
    [['--node-dist', dist.address], /no keys/],
    [['--node-keys', 'keys.asc'], /no distribution/],
    [['--node-dist', 'ftp://host.example/', '--node-keys', 'keys.asc'], /not the address/],
    [['--node-dist', 'https://u:secret@host.example/', '--node-keys', 'keys.asc'], /not the address/],
    [['--node-dist', dist.address, '--node-keys', 'missing'], /cannot be used/],
    [['--node-dist', dist.address, '--node-keys', 'no-keys'], /no public key/],
  ]) {
    const ran = await run(['x@1.0.0', '--json', ...args], { env: clean.env, cwd: clean.home });
    assert.deepEqual([ran.code, ran.json.code], [2, 'usage'], `${args}: ${ran.stdout}`);
    assert.match(ran.json.message, said);
    assert.ok(ran.json.hints.length > 0);
    assert.doesNotMatch(ran.stdout + ran.stderr, /secret/);
  }
});
