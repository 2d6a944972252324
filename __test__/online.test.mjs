// `npm run online` against packages that are made up: what it counts, and what fails it.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { run } from './kit/cli.mjs';
import { openWorld } from './world.mjs';

const SCRIPT = fileURLToPath(new URL('../scripts/online.mjs', import.meta.url));
const OTHER = '0'.repeat(40);

let world;
let same;
let changed;
before(async () => {
  world = await openWorld();
  same = await world.release('online-same');
  changed = await world.release('online-changed', { published: { 'index.js': 'module.exports = 1;\n' } });
});
after(() => world.close());

/** Runs the command with a list of its own. */
async function online(list, ...args) {
  const { env, home } = await world.home();
  const file = join(home, 'list.json');
  await writeFile(file, JSON.stringify(list));
  return run(['--list', file, ...args], { command: [process.execPath, SCRIPT], env, cwd: home });
}

const listed = (verdict, commit) => ({ spec: same.spec, verdict, commit });
const last = (ran) => ran.stdout.trim().split('\n').at(-1);

test('a list that is answered as it says passes, and the answers are kept', async () => {
  const { env, home } = await world.home();
  const list = [listed('identical', same.ids.c), { spec: changed.spec, verdict: 'differs', commit: null }];
  await writeFile(join(home, 'list.json'), JSON.stringify(list));
  const args = ['--list', 'list.json', '--results', 'results.ndjson'];
  const ran = await run(args, { command: [process.execPath, SCRIPT], env, cwd: home });
  assert.deepEqual([ran.code, ran.stderr, last(ran)], [0, '', '2 of 2 as listed (100.0 %; at least 95.0 %), 0 missed, 0 wrong']);
  const results = readFileSync(join(home, 'results.ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line).verdict);
  assert.deepEqual(results, ['identical', 'differs']);
});

test('one that is better than the list says, or from another commit, fails whatever the share', async () => {
  const met = Array.from({ length: 20 }, () => listed('identical', same.ids.c));
  for (const wrong of [listed('differs', null), listed('same-content', same.ids.c), listed('identical', OTHER)]) {
    const ran = await online([...met, wrong]);
    assert.deepEqual([ran.code, last(ran)], [1, '20 of 21 as listed (95.2 %; at least 95.0 %), 0 missed, 1 wrong'], wrong.verdict);
    assert.match(ran.stdout, /^wrong {2}online-same@1\.0\.0: identical from /m);
  }
});

test('one in twenty may be missed, two may not', async () => {
  const missed = { spec: changed.spec, verdict: 'identical', commit: changed.ids.c };
  const of = (length) => Array.from({ length }, () => listed('identical', same.ids.c));
  const one = await online([...of(19), missed]);
  assert.deepEqual([one.code, last(one)], [0, '19 of 20 as listed (95.0 %; at least 95.0 %), 1 missed, 0 wrong']);
  const two = await online([...of(18), missed, missed]);
  assert.deepEqual([two.code, last(two)], [1, '18 of 20 as listed (90.0 %; at least 95.0 %), 2 missed, 0 wrong']);
});

test('a part of the list can be run, and a part of nothing is an error', async () => {
  const list = [listed('identical', same.ids.c), { spec: changed.spec, verdict: 'identical', commit: OTHER }];
  const part = await online(list, '--only', '^online-same@');
  assert.deepEqual([part.code, last(part)], [0, '1 of 1 as listed (100.0 %; at least 95.0 %), 0 missed, 0 wrong']);
  assert.equal((await online(list, '--only', 'nobody')).code, 1);
});

test('the list names versions, verdicts and whole commits, each package once', () => {
  const list = JSON.parse(readFileSync(new URL('../scripts/online.json', import.meta.url), 'utf8'));
  assert.ok(list.length >= 60);
  assert.equal(new Set(list.map(({ spec }) => spec)).size, list.length);
  for (const { spec, verdict, commit } of list) {
    assert.match(spec, /^(@[^@/]+\/)?[^@/]+@\d+\.\d+\.\d+[^@]*$/);
    assert.match(verdict, /^(identical|same-content|differs)$/);
    if (verdict === 'differs') assert.equal(commit, null);
    else assert.match(commit, /^[0-9a-f]{40}$/);
  }
});
