// Values that a rebuilt archive takes over from the published one, because only the publisher's
// disk knew them, hold something that a reader obeys: another path, another size, a header that is
// passed over. Rebuilt with them, the archive has the published bytes.

import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { rawTar } from '../../__test__/kit/tarball.mjs';
import { assertNotReproduced, attack, findingOf, manifest, setUp } from './kit.mjs';

setUp({ builds: false });

const TIME = 1_000_000_000;

/** As npm 5.4 wrote it: times of the files, no owners, level 6. */
function packed(files, odd = {}) {
  const entries = Object.entries(files).flatMap(([path, data]) => {
    const { records, ...other } = odd[path] ?? {};
    const extended = records && { path: `PaxHeader/${path.split('/').at(-1)}`, type: 'x', data: records, mtime: TIME };
    return [...(extended ? [extended] : []), { path: `package/${path}`, data, mtime: TIME, ...other }];
  });
  return gzipSync(rawTar(entries), { level: 6 });
}

/** `<length> <key>=<value>` and a line feed, the length counting itself. */
function record(key, value) {
  const rest = ` ${key}=${value}\n`;
  const length = [2, 3, 4].map((digits) => rest.length + digits).find((sum) => String(sum).length + rest.length === sum);
  return `${length}${rest}`;
}

async function published({ world, id, judge }, odd, more = {}) {
  const files = { 'package.json': manifest(id), 'index.js': `module.exports = '${id}';\n`, 'test/evil.js': 'evil()\n', ...more };
  const tarball = packed(files, odd);
  const { spec } = await world.release(id, { files: { 'test/evil.js': 'evil()\n', ...more }, publication: { tarball } });
  return judge(spec);
}

attack('control: times alone are taken over', async (at) => {
  const answer = await published(at, {});
  assert.deepEqual([answer.verdict, answer.attempts[0].adopted.length > 0], ['identical', true], JSON.stringify(answer.comparison));
});

/**
 * What is told apart: the archive that npm reads is not the one that the source gives, and a
 * finding says so.
 */
function assertTold(answer, code) {
  assertNotReproduced(answer);
  assert.deepEqual([answer.verdict, answer.ran.code], ['differs', 1], JSON.stringify(answer.findings));
  findingOf(answer, code);
}

const PATH = record('path', 'package/index.js').slice(0, -1);

for (const [title, key] of Object.entries({ 'a comment': 'comment', 'a name of a group': 'gname', 'a field of old clients': 'NODETAR.x', 'a time': 'atime' })) {
  attack(`${title} in which npm reads another path`, async (at) => {
    assertTold(await published(at, { 'test/evil.js': { records: record(key, `\n${PATH}`) } }), 'ambiguous-extended-header');
  });
}

const HOLES = ' 0 3';
for (const [title, key, value, code] of [
  ['holes that bun cuts into a file', 'SUN.holesdata', HOLES, 'sparse-file'],
  ['a sparse map', 'GNU.sparse.map', '0,3', 'sparse-file'],
  ['a keyword that no packer writes', 'VENDOR.content', 'x', 'unknown-extended-header'],
  ['a time that is no number', 'mtime', 'NaN', 'ambiguous-number'],
  ['a time beyond all dates', 'mtime', '99999999999999999999', 'ambiguous-number'],
  ['an owner that no system has', 'uid', '18446744073709551615', 'ambiguous-number'],
]) {
  attack(`${title} in an extended header`, async (at) => {
    assertTold(await published(at, { 'test/evil.js': { records: record(key, value) } }), code);
  });
}

attack('a comment in which npm reads another size, and then entries in a file', async (at) => {
  const inner = rawTar([{ path: 'package/index.js', data: 'evil()\n' }], { end: 0 }).toString();
  const size = record('size', '0').slice(0, -1);
  const answer = await published(at, { 'test/evil.js': { data: inner, records: record('comment', `\n${size}`) } }, { 'test/evil.js': inner });
  assertTold(answer, 'ambiguous-extended-header');
});

attack('a time for which npm passes over a header, and then reads entries in a file', async (at) => {
  const inner = rawTar([{ path: 'package/index.js', data: 'evil()\n' }], { end: 0 }).toString();
  const edit = (block) => Buffer.from([0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).copy(block, 136);
  assertNotReproduced(await published(at, { 'test/evil.js': { edit } }, { 'test/evil.js': inner }));
});

attack('an owner for whom npm passes over a header, and then reads entries in a file', async (at) => {
  const inner = rawTar([{ path: 'package/index.js', data: 'evil()\n' }], { end: 0 }).toString();
  const owned = (bytes) => ({ edit: (block) => [108, 116].forEach((field) => bytes.copy(block, field)) });
  const [plain, odd] = [Buffer.from('000000 \0'), Buffer.from([0x81, 0, 0, 0, 0, 0, 0, 0])].map(owned);
  const all = { 'package.json': plain, 'index.js': plain };
  const more = { 'test/evil.js': inner };
  const control = await published(at, { ...all, 'test/evil.js': plain }, more);
  assert.equal(control.verdict, 'identical', JSON.stringify(control.findings));
  assertTold(await published({ ...at, id: `${at.id}-b` }, { ...all, 'test/evil.js': odd }, more), 'bad-header');
});

attack('a first path component that is none', async (at) => {
  for (const root of ['..', '.', 'a\\b']) {
    const files = { 'package.json': manifest(`${at.id}${at.world.registry.requests.length}`), 'index.js': '1\n' };
    const { name } = JSON.parse(files['package.json']);
    const owned = (block) => [108, 116, 265, 297].forEach((field) => Buffer.from(field < 200 ? '000000 \0' : 'root').copy(block, field));
    const times = (block) => [476, 488].forEach((field) => Buffer.from('7346545000 \0').copy(block, field));
    const edit = (block) => (owned(block), times(block));
    const entry = (path, more) => ({ path: `${root}/${path}`, mtime: TIME, edit, ...more });
    const tarball = gzipSync(rawTar([entry('', { type: '5', mode: 0o755 }), ...Object.entries(files).sort().map(([path, data]) => entry(path, { data }))]));
    const { spec } = await at.world.release(name, { files: { 'index.js': '1\n' }, publication: { tarball } });
    assertNotReproduced(await at.judge(spec));
  }
});
