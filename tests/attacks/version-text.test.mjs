// The text of `version` in the tarball's package.json is the publisher's: npm takes many texts for
// one version, and code of the commit may read from it what no source has.

import assert from 'node:assert/strict';
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
