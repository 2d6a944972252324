// A host whose commit names files that it does not serve: nobody can have the source, and the ids
// alone fit what was published.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { deflateSync } from 'node:zlib';
import { listen } from '../../__test__/kit/server.mjs';
import { assertNotReproduced, attack, manifest, setUp } from './kit.mjs';

setUp({ builds: false });

const TYPES = { commit: 1, tree: 2, blob: 3 };
const line = (data) => Buffer.concat([Buffer.from((data.length + 4).toString(16).padStart(4, '0')), Buffer.from(data)]);
const idOf = (type, data) => createHash('sha1').update(`${type} ${data.length}\0`).update(data).digest('hex');

/** A pack of whole objects. */
function packOf(objects) {
  const parts = objects.map(([type, data]) => {
    const head = [(TYPES[type] << 4) | (data.length & 15)];
    for (let rest = data.length >> 4; rest > 0; rest >>= 7) {
      head[head.length - 1] |= 0x80;
      head.push(rest & 0x7f);
    }
    return Buffer.concat([Buffer.from(head), deflateSync(data)]);
  });
  const start = Buffer.alloc(12);
  start.write('PACK');
  start.writeUInt32BE(2, 4);
  start.writeUInt32BE(parts.length, 8);
  const all = Buffer.concat([start, ...parts]);
  return Buffer.concat([all, createHash('sha1').update(all).digest()]);
}

/**
 * A host with one commit of these files, which sends the contents of those alone that `serves`
 * names, whatever it is asked for.
 */
async function hostOf(files, serves) {
  const blobs = Object.entries(files).sort().map(([path, text]) => [path, Buffer.from(text)]);
  const tree = Buffer.concat(blobs.flatMap(([path, data]) => [Buffer.from(`100644 ${path}\0`), Buffer.from(idOf('blob', data), 'hex')]));
  const commit = Buffer.from(`tree ${idOf('tree', tree)}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nc\n`);
  const id = idOf('commit', commit);
  const pack = packOf([['commit', commit], ['tree', tree], ...blobs.filter(([path]) => serves.includes(path)).map(([, data]) => ['blob', data])]);
  const server = await listen((request) => {
    if (request.path.endsWith('/info/refs')) {
      const offered = 'side-band-64k shallow filter allow-tip-sha1-in-want allow-reachable-sha1-in-want';
      const refs = [line(`${id} refs/heads/main\0${offered}\n`), line(`${id} refs/tags/v1.0.0\n`), Buffer.from('0000')];
      const body = Buffer.concat([line('# service=git-upload-pack\n'), Buffer.from('0000'), ...refs]);
      return { headers: { 'content-type': 'application/x-git-upload-pack-advertisement' }, body };
    }
    const shallow = request.body.includes('deepen') ? Buffer.from('0000') : Buffer.alloc(0);
    const body = Buffer.concat([shallow, line('NAK\n'), line(Buffer.concat([Buffer.from([1]), pack])), Buffer.from('0000')]);
    return { headers: { 'content-type': 'application/x-git-upload-pack-result' }, body: Readable.from([body]) };
  });
  return { server, id };
}

async function judged({ world, id, home, judge }, serves) {
  const files = { 'package.json': manifest(id, '1.0.0', { repository: `git+https://git.publisher.example/kit/${id}.git` }), 'index.js': `module.exports = '${id}';\n`, 'lib.js': `exports.lib = '${id}';\n` };
  const { server, id: gitHead } = await hostOf(files, serves ?? Object.keys(files));
  try {
    const { name } = await world.registry.publish({ files, gitHead });
    const clean = await home();
    await writeFile(join(clean.home, 'gitconfig'), `[url "${server.url}"]\n\tinsteadOf = https://git.publisher.example/\n`);
    return await judge(`${name}@1.0.0`, { clean });
  } finally {
    await server.close();
  }
}

attack('control: a host that serves all of it', async (at) => {
  assert.equal((await judged(at)).verdict, 'identical');
});

for (const [title, serves] of Object.entries({ 'no file at all': [], 'all but one file': ['package.json', 'index.js'] })) {
  attack(`a host that serves ${title} of its commit is no source`, async (at) => {
    const answer = await judged(at, serves);
    assertNotReproduced(answer);
    assert.notEqual(answer.ran.code, 0);
  });
}

const sha = (algorithm, bytes) => `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;

attack('a package URL with the checksum of another tarball is not answered for this one', async ({ world, id, judge, cli, home }) => {
  const { spec } = await world.release(id);
  const { tarball } = world.registry.packuments.get(id).versions['1.0.0'].dist;
  const bytes = Buffer.from(await (await fetch(new URL(tarball, world.registry.url))).arrayBuffer());
  const clean = await home();
  assert.equal((await judge(spec, { clean })).verdict, 'identical', 'control: a result is stored');
  const algorithms = ['sha1', 'sha256', 'sha512'];
  const all = algorithms.map((algorithm) => sha(algorithm, bytes));
  for (const right of [...all, all.join(',')]) assert.equal((await judge(`pkg:npm/${spec}?checksum=${right}`, { clean })).verdict, 'identical', right);
  for (const wrong of [...algorithms.map((algorithm) => sha(algorithm, 'another')), [all[0], sha('sha512', 'another')].join(',')]) {
    const answer = await judge(`pkg:npm/${spec}?checksum=${wrong}`, { clean });
    assert.deepEqual([answer.verdict, answer.code, answer.ran.code], ['differs', 'checksum-mismatch', 1], wrong);
  }
  const unread = await cli([`pkg:npm/${spec}?checksum=md5:${'ab'.repeat(16)}`, '--json'], { clean });
  assert.deepEqual([unread.code, unread.json.code], [2, 'invalid-purl']);
  assert.equal((await judge(spec, { clean })).verdict, 'identical', 'nothing of it is stored for the package');
});
