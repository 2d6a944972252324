// A survey that is killed (SIGKILL) again and again and run again: each package has one result.
// Where each run is killed comes from a generator with a seed, and is a point of its progress: after
// its n-th row, or at its n-th question. No clock counts.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from './kit/cli.mjs';
import { random } from './kit/random.mjs';
import { manifest, openWorld } from './world.mjs';

const PACKAGES = 200;
const REPOSITORIES = 20;
const KILLS = 20;
/** Packages that the registry answers for in each run more than in the one before. */
const MORE = PACKAGES / KILLS;

let world;
let clean;
/** The packages in the order of the list. */
const specs = [];
before(async () => {
  world = await openWorld();
  clean = await world.home();
  const name = (at) => `s-killed-${at}`;
  const filesOf = (at) => {
    const repository = { type: 'git', url: `git+https://github.com/kit/s-killed-${at % REPOSITORIES}.git`, directory: `parts/${at}` };
    return { 'package.json': manifest(name(at), '1.0.0', { repository }), 'index.js': `module.exports = ${at};\n` };
  };
  const all = Array.from({ length: PACKAGES }, (_, at) => at);
  for (let nth = 0; nth < REPOSITORIES; nth++) {
    const own = all.filter((at) => at % REPOSITORIES === nth);
    const files = Object.fromEntries(own.flatMap((at) => Object.entries(filesOf(at)).map(([file, text]) => [`parts/${at}/${file}`, text])));
    const { c } = await world.host.add(`kit/s-killed-${nth}`, { commits: [{ label: 'c', files }] });
    for (const at of own) await world.registry.publish({ files: filesOf(at), gitHead: c });
  }
  specs.push(...all.map((at) => `${name(at)}@1.0.0`));
});
after(() => world.close());

/** The place in the list of the package that a request is about; none of another's. */
const placeOf = ({ path }) => Number(/^\/s-killed-(\d+)\//.exec(path)?.[1] ?? -1);

test(`a survey of ${PACKAGES} packages that is killed ${KILLS} times has each result once, and loses none that it showed`, async () => {
  const { int, pick } = random(0x5757);
  const [file, db, ndjson] = ['list.txt', 's.db', 's.ndjson'].map((name) => join(clean.home, name));
  await writeFile(file, `${specs.join('\n')}\n`);
  const command = (name, ...args) => run([name, ...args], { env: clean.env, cwd: clean.home });
  const kept = async () => (await command('report', db, '--list')).stdout.split('\n').filter(Boolean);
  const shown = new Set();
  for (let turn = 1; turn <= KILLS; turn++) {
    // Further packages get no answer, so that no run can end before it is killed.
    const opened = world.registry.fault({ on: (request) => placeOf(request) >= turn * MORE, hang: true });
    const [at, nth] = [pick(['row', 'question']), 1 + int(MORE)];
    let kill;
    let questions = 0;
    // Each of the new packages is asked for at least once.
    const heard = world.registry.fault({ on: (request) => at === 'question' && placeOf(request) >= 0 && ++questions === nth && kill() && false });
    let rows = '';
    const ran = await run(['survey', file, '--db', db, '--jobs', '2', '--no-build', '--color=never'], {
      env: clean.env,
      cwd: clean.home,
      onStart: (child) => {
        kill = () => child.kill('SIGKILL');
        child.stdout.on('data', (data) => {
          rows += data;
          if (at === 'row' && rows.split('\n').length > nth) kill();
        });
      },
    });
    opened();
    heard();
    assert.equal(ran.signal, 'SIGKILL', `run ${turn} at ${at} ${nth}: ${ran.stderr}`);
    for (const row of rows.split('\n').slice(0, -1)) shown.add(row.split(/\s+/)[2]);
    const results = await kept();
    assert.equal(new Set(results).size, results.length, `doubled after run ${turn}`);
    assert.deepEqual([...shown].filter((spec) => !results.includes(spec)), [], `lost after run ${turn}, killed at ${at} ${nth}`);
  }
  assert.ok(shown.size > 0 && shown.size < PACKAGES, String(shown.size));
  const last = await command('survey', file, '--db', db, '--ndjson', ndjson, '--json');
  assert.deepEqual([last.code, last.signal], [0, null], last.stderr);
  const again = await command('report', db, '--ndjson');
  assert.deepEqual(again.json.map(({ spec }) => spec).sort(), [...specs].sort());
  assert.deepEqual(new Set(again.json.map(({ result }) => result?.verdict)), new Set(['identical']));
  assert.deepEqual((await kept()).sort(), [...specs].sort());
});
