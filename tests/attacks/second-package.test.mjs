// What the first package of a commit had for its build is no ingredient of the second, where that
// is judged itself.

import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import { assertNotReproduced, attack, findingOf, manifest, SEATS, setUp } from './kit.mjs';

setUp();

const PAYLOAD = "console.log('payload that is in no commit')\n";

/**
 * A build that keeps a package of the registry beside the checkout's packages, and takes dist/a.js
 * from it.
 */
const take = (what, file) => `
const fs = require('fs');
const kept = process.env.HOME + '/kept';
if (!fs.existsSync(kept)) {
  fs.mkdirSync(kept);
  require('child_process').execSync('npm pack ${what} && tar xzf ${file} -C ' + kept + ' && rm ${file}', { stdio: 'inherit' });
}
fs.mkdirSync('dist', { recursive: true });
fs.writeFileSync('dist/a.js', process.argv[2] === 'b' ? fs.readFileSync(kept + '/package/dist/a.js') : 'honest\\n');
`;

/**
 * Two packages of one commit; the second is published with files that only the registry has, under
 * another name.
 */
async function two(world, name, { more = {} } = {}) {
  const own = (letter) =>
    manifest(`${name}-${letter}`, '1.0.0', {
      repository: { type: 'git', url: `git+https://github.com/kit/${name}.git`, directory: `p/${letter}` },
      scripts: { build: `node ../../take.js ${letter}` },
      files: ['dist', 'index.js'],
    });
  const files = {
    'package.json': manifest(`${name}-root`, '0.0.0', { private: true, workspaces: ['p/*'] }),
    'take.js': take(`${name}-stash@1.0.0`, `${name}-stash-1.0.0.tgz`),
    '.gitignore': 'dist\n',
    ...Object.fromEntries(['a', 'b'].flatMap((letter) => [[`p/${letter}/package.json`, own(letter)], [`p/${letter}/index.js`, `${letter}\n`]])),
  };
  const { c } = await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  const published = (letter, dist) => ({ 'package.json': own(letter), 'index.js': `${letter}\n`, 'dist/a.js': dist });
  await world.registry.publish({ files: published('a', 'honest\n'), gitHead: c });
  const { tarball } = await world.registry.publish({ files: published('b', PAYLOAD), gitHead: c });
  const stash = Object.keys(more).length > 0 ? { files: { ...published('b', PAYLOAD), 'package.json': manifest(`${name}-stash`, '1.0.0'), ...more } } : { tarball: gzipSync(gunzipSync(tarball), { level: 1 }) };
  await world.registry.publish({ name: `${name}-stash`, version: '1.0.0', manifest: { repository: `github:kit/${name}` }, ...stash });
}

attack(
  'a copy that the first package fetched is not there for the second',
  async ({ world, id, judge }) => {
    await two(world, id);
    const first = await judge(`${id}-a@1.0.0`);
    assert.equal(first.verdict, 'identical', JSON.stringify(first.attempts));
    assertNotReproduced(await judge(`${id}-b@1.0.0`, { clean: first.clean }));
  },
  { seats: SEATS },
);

attack('a file of a dependency that the first package fetched is told of the second', async ({ world, id, judge }) => {
  await two(world, id, { more: { 'more.js': 'more\n' } });
  const first = await judge(`${id}-a@1.0.0`);
  assert.equal(first.verdict, 'identical', JSON.stringify(first.attempts));
  const second = await judge(`${id}-b@1.0.0`, { clean: first.clean });
  assert.match(findingOf(second, 'file-from-dependency').message, /dist\/a\.js/);
});
