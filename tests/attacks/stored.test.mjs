// A stored result counts only if this program wrote it with the key of its cache, under its own name, and if it is whole.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attack, findingOf, SEATS, setUp } from './kit.mjs';

setUp();

const fileOf = (clean) => join(clean.home, 'cache/reproduce/results.json');
const read = (clean) => JSON.parse(readFileSync(fileOf(clean), 'utf8'));
const write = (clean, results) => writeFileSync(fileOf(clean), JSON.stringify(results));
const JSON_OF = { files: ['index.js'] };

/** The result of an honest package, made to speak about another one. */
function renamed(honest, differs) {
  const forged = structuredClone(honest);
  forged.package = { ...differs.package };
  forged.source.integrity = differs.package.integrity;
  return forged;
}

/** Changes that somebody makes who can write the file and does not have the key. */
const FORGERIES = {
  'the verdict alone is changed': ({ bad }) => ({ ...bad, verdict: 'identical', reproduced: true, code: null }),
  'a whole result of another package is put under the name': ({ good }) => good,
  'a whole result is made for the name': ({ good, bad }) => renamed(good, bad),
  'a whole result without a seal is made for the name': ({ good, bad }) => ({ ...renamed(good, bad), seal: undefined }),
  'an empty seal': ({ good, bad }) => ({ ...renamed(good, bad), seal: '' }),
};

for (const [title, forge] of Object.entries(FORGERIES)) {
  attack(
    `${title}: it does not count`,
    async ({ world, id, judge }) => {
      const { spec } = await world.release(`${id}-bad`, { json: JSON_OF, published: { 'index.js': 'payload\n' } });
      const { spec: good } = await world.release(`${id}-good`, { json: JSON_OF });
      const { clean } = await judge(spec);
      assert.equal((await judge(good, { clean })).verdict, 'identical');
      const results = read(clean);
      write(clean, { ...results, [spec]: forge({ good: results[good], bad: results[spec] }) });
      const answer = await judge(spec, { clean });
      assert.equal(answer.verdict, 'differs');
      assert.equal((await judge(good, { clean })).verdict, 'identical', 'the other one still counts');
    },
    { seats: title === 'a whole result is made for the name' ? SEATS : undefined },
  );
}

attack('what a forged result was made of is told, and the judgement is stored in its place', async ({ world, id, judge }) => {
  const { spec } = await world.release(`${id}-bad`, { json: JSON_OF, published: { 'index.js': 'payload\n' } });
  const { spec: good } = await world.release(`${id}-good`, { json: JSON_OF });
  const { clean } = await judge(spec);
  await judge(good, { clean });
  const results = read(clean);
  write(clean, { ...results, [spec]: renamed(results[good], results[spec]) });
  assert.equal(findingOf(await judge(spec, { clean }), 'stored-result-foreign').severity, 'warning');
  const again = await judge(spec, { clean, args: ['--offline'] });
  assert.equal(again.verdict, 'differs');
  assert.ok(again.findings.every(({ code }) => code !== 'stored-result-foreign'));
});

attack('results of another cache folder, of a lost key and of a damaged one do not count; laid out anew they do', async ({ world, id, judge, home, cli, seat }) => {
  const { spec } = await world.release(id, { json: JSON_OF });
  const { clean } = await judge(spec);
  const offline = (at) => cli([spec, '--json', '--isolation', seat.tier, '--offline'], { clean: at });
  const control = await offline(clean);
  assert.equal(control.code, 0, control.stdout + control.stderr);
  writeFileSync(fileOf(clean), JSON.stringify(read(clean), null, 2));
  assert.equal((await offline(clean)).code, 0, 'an editor may change the layout');
  const other = await home();
  const { spec: mine } = await world.release(`${id}-mine`, { json: JSON_OF });
  await judge(mine, { clean: other });
  write(other, { ...read(other), ...read(clean) });
  assert.equal((await offline(other)).code, 2, 'a result of another cache counted');
  const key = join(clean.home, 'cache/reproduce/seal.key');
  assert.ok(existsSync(key));
  writeFileSync(key, 'known');
  assert.equal((await offline(clean)).code, 2, 'a damaged key sealed something');
  rmSync(key);
  assert.equal((await offline(clean)).code, 2, 'without a key a result counted');
  assert.equal((await judge(spec, { clean })).verdict, 'identical');
  assert.equal((await offline(clean)).code, 0, 'a new key is made');
});
