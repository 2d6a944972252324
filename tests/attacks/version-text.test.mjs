// Texts of the tarball's package.json are the publisher's: npm takes many texts of `version` for one
// version, and a client of pnpm's left the order of dependencies to chance. Code of the commit may
// read from both what no source has.

import assert from 'node:assert/strict';
import { gzip, rawTar } from '../../__test__/kit/tarball.mjs';
import { assertNotReproduced, attack, manifest, setUp } from './kit.mjs';

setUp();

const EVIL = "console.log('PAYLOAD RUNS')";
const bits = (text) => [...Buffer.from(text)].flatMap((byte) => [...byte.toString(2).padStart(8, '0')]);
/** Text of two letters that stands for other text. */
const as = (letters, text = EVIL) => bits(text).map((bit) => letters[bit]).join('');
const READS = "eval(decode(require('./package.json').version));\n";

const own = (id, version, more = {}) => manifest(id, version, { repository: { type: 'git', url: `git+https://github.com/kit/${id}.git` }, main: 'index.js', ...more });

/** A commit with one text of the version, and a publication with another. */
async function release(world, id, { committed, published, scripts }) {
  const more = scripts ? { scripts, files: ['index.js', 'dist'] } : {};
  const make = "const fs = require('fs');\nfs.mkdirSync('dist');\nfs.writeFileSync('dist/a.js', '1\\n');\n";
  const files = { 'package.json': own(id, committed, more), 'index.js': READS, ...(scripts && { 'build.js': make, '.gitignore': 'dist\n' }) };
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  const text = typeof published === 'function' ? published(c) : published;
  await world.registry.publish({ files: { 'package.json': own(id, text, more), 'index.js': READS, ...(scripts && { 'dist/a.js': '1\n' }) }, gitHead: c, version: '1.0.0' });
  return `${id}@1.0.0`;
}

const HIDING = {
  'blanks behind it': { committed: '1.0.0', published: `1.0.0${as(' \t')}` },
  'blanks before it': { committed: '1.0.0', published: `${as(' \t')}1.0.0` },
  'letters before it': { committed: '1.0.0', published: `${as('v=')}1.0.0` },
  'text behind a plus sign': { committed: '1.0.0', published: `1.0.0+${Buffer.from(EVIL).toString('base64url')}` },
  'the commit and more behind a plus sign': { committed: '1.0.0', published: (commit) => `1.0.0+${commit}.${Buffer.from(EVIL).toString('base64url')}` },
  'a version that a release tool writes': { committed: '0.0.0-development', published: `1.0.0${as(' \t')}` },
  'a version that is there while it is built': { committed: '0.0.0-development', published: `1.0.0${as(' \t')}`, scripts: { build: 'node build.js' } },
  'a built package': { committed: '1.0.0', published: `1.0.0${as(' \t')}`, scripts: { build: 'node build.js' } },
};

for (const [name, how] of Object.entries(HIDING)) {
  attack(`text around the version that no commit has is not reproduced: ${name}`, async ({ world, id, judge }) => {
    assertNotReproduced(await judge(await release(world, id, how)));
  });
}

attack('the version that a release tool writes is reproduced, with the commit behind it, too', async ({ world, id, judge }) => {
  for (const [name, how] of Object.entries({
    plain: { committed: '0.0.0-development', published: '1.0.0' },
    canary: { committed: '0.0.0', published: (commit) => `1.0.0+${commit.slice(0, 9)}` },
    // What the commit itself has is its own.
    own: { committed: 'v1.0.0', published: 'v1.0.0' },
    built: { committed: '0.0.0', published: '1.0.0', scripts: { build: 'node build.js' } },
  })) {
    assert.equal((await judge(await release(world, `${id}-${name}`, how))).verdict, 'identical', name);
  }
});

/** A text as the order of names: its number in the factorial number system. */
function asOrder(names, text) {
  let number = BigInt(`0x01${Buffer.from(text).toString('hex')}`);
  const left = [...names];
  const digits = names.map((_, at) => {
    const digit = number % BigInt(at + 1);
    number /= BigInt(at + 1);
    return Number(digit);
  });
  assert.equal(number, 0n, 'the text is too long for so many names');
  return digits.reverse().map((digit) => left.splice(digit, 1)[0]);
}

/** A package that needs another one of its workspace by these names, as pnpm 10 published it. */
async function raced(world, id, { names, order }) {
  const json = (all, range) => own(id, '1.0.0', { files: ['index.js'], dependencies: Object.fromEntries(all.map((name) => [name, range])) });
  const root = JSON.stringify({ name: 'root', private: true, version: '0.0.0' });
  const source = {
    'package.json': root,
    'pnpm-workspace.yaml': 'packages:\n  - packages/*\n',
    'packages/main/package.json': json(names, 'workspace:z@^'),
    'packages/main/index.js': READS,
    'packages/z/package.json': manifest('z', '1.0.0'),
  };
  const { c } = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } });
  const files = { 'index.js': READS, 'package.json': JSON.stringify(JSON.parse(json(order, 'npm:z@^1.0.0')), null, 2) };
  await world.registry.publish({ files, tarball: pnpmTarball(files), gitHead: c, version: '1.0.0' });
  return `${id}@1.0.0`;
}

/** A tarball as pnpm 7 to 10 writes it, by tar-stream. */
function pnpmTarball(files) {
  const edit = (header) => {
    header.write('000000 \0', 108, 'latin1');
    header.write('000000 \0', 116, 'latin1');
    header.write(`${header.toString('latin1', 124, 134).padStart(11, '0')} `, 124, 'latin1');
    header.write(`${(499162500).toString(8).padStart(11, '0')} `, 136, 'latin1');
  };
  const entries = Object.entries(files).map(([path, data]) => ({ path: `package/${path}`, data, mode: 0o644, edit }));
  return gzip(rawTar(entries), { level: 6, os: 3, xfl: 0 });
}

attack('an order of dependencies that no commit has is not reproduced where a text may be hidden in it', async ({ world, id, judge }) => {
  const names = Array.from({ length: 120 }, (_, at) => `n${String(at).padStart(3, '0')}`);
  assertNotReproduced(await judge(await raced(world, id, { names, order: asOrder(names, EVIL) })));
});

attack('an order of a few dependencies that a client left to chance is reproduced', async ({ world, id, judge }) => {
  const answer = await judge(await raced(world, id, { names: ['a', 'b', 'c'], order: ['c', 'a', 'b'] }));
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  assert.deepEqual(answer.attempts.at(-1).adopted.filter((what) => what.startsWith('order')), ['order of dependencies in package.json']);
});
