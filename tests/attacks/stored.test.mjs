// A stored result counts only if this program wrote it with the key of its cache, under its own
// name, and if it is whole.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attack, findingOf, manifest, SEATS, setUp } from './kit.mjs';

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

const HOUR = 60 * 60 * 1000;
/**
 * Makes a stored result as old as if the registry had been asked so many hours ago: sealed with the
 * key, which an attacker has not.
 */
function aged(clean, spec, hours) {
  const results = read(clean);
  const { confirmed, seal, ...result } = results[spec];
  assert.ok(confirmed && seal);
  const key = readFileSync(join(clean.home, 'cache/reproduce/seal.key'));
  const sealOf = (time) => createHmac('sha256', key).update(`reproduce result 2\n${JSON.stringify([spec, time])}\n${JSON.stringify(result)}`).digest('base64');
  assert.equal(sealOf(confirmed), seal, 'the test does not seal as the program does');
  const then = new Date(Date.parse(confirmed) - hours * HOUR).toISOString();
  write(clean, { ...results, [spec]: { ...result, confirmed: then, seal: sealOf(then) } });
}

/** How often something was asked of the registry while this was done. */
async function asked(world, action) {
  const before = world.registry.requests.length;
  const done = await action();
  return [done, world.registry.requests.slice(before).map(({ path }) => path)];
}

/**
 * An honest version, judged, its result put by, the version published anew, judged again, and the
 * older result put back.
 */
async function putBack(world, id, judge, hours) {
  const files = (version) => ({ 'package.json': manifest(id, version, JSON_OF), 'index.js': `module.exports = '${id}';\n` });
  const commits = [{ label: 'c', files: files('1.0.0') }, { label: 'd', files: files('1.1.0') }];
  const honest = await world.release(id, { json: JSON_OF, history: { commits, tags: { 'v1.0.0': 'c', 'v1.1.0': 'd' } } });
  const { clean } = await judge(honest.spec);
  if (hours > 0) aged(clean, honest.spec, hours);
  const older = read(clean)[honest.spec];
  await world.registry.publish({ name: id, version: '1.0.0', files: { ...honest.files, 'index.js': 'payload\n' }, gitHead: honest.ids.c });
  assert.equal((await judge(honest.spec, { clean, args: ['--force'] })).verdict, 'differs');
  write(clean, { ...read(clean), [honest.spec]: older });
  return { spec: honest.spec, clean, next: () => world.registry.publish({ name: id, version: '1.1.0', files: files('1.1.0'), gitHead: honest.ids.d }) };
}

attack('an older result that was put back after a version was published anew counts for no tag, no range and no history', async ({ world, id, judge }) => {
  const { spec, clean, next } = await putBack(world, id, judge, 0);
  for (const word of [id, `${id}@^1.0.0`, `${id}@>=1 <2`]) {
    const older = read(clean)[spec];
    const answer = await judge(word, { clean });
    assert.equal(answer.verdict, 'differs', word);
    assert.match(findingOf(answer, 'republished').message, /sha512-/);
    write(clean, { ...read(clean), [spec]: older });
  }
  await next();
  const { history } = await judge(`${id}@1.1.0`, { clean, args: ['--history', '1'] });
  assert.deepEqual(history.map(({ version, verdict }) => [version, verdict]), [['1.0.0', 'differs']]);
});

attack('the same with a result that an earlier history stored', async ({ world, id, judge }) => {
  const { spec, clean, next } = await putBack(world, id, (word, { args = [], ...more } = {}) => judge(word, { ...more, args: [...args, '--strategy', 'source'] }), 0);
  await next();
  const older = read(clean)[spec];
  assert.deepEqual([older.verdict, older.options.strategies], ['identical', ['source']]);
  const answer = await judge(`${id}@1.1.0`, { clean, args: ['--history', '1'] });
  assert.deepEqual(answer.history.map(({ version, verdict }) => [version, verdict]), [['1.0.0', 'differs']]);
  const [again, paths] = await asked(world, () => judge(`${id}@1.1.0`, { clean, args: ['--history', '1'] }));
  assert.deepEqual(again.history.map(({ verdict }) => verdict), ['differs']);
  assert.ok(paths.every((path) => !path.includes('1.0.0')), 'it was taken from the store');
});

attack('an older result that was put back counts for the exact version for a day, and then no more', async ({ world, id, judge }) => {
  const { spec, clean } = await putBack(world, id, judge, 25);
  const answer = await judge(spec, { clean });
  assert.equal(answer.verdict, 'differs');
  findingOf(answer, 'republished');
});

attack('the time at which the registry was asked is sealed with the result', async ({ world, id, judge }) => {
  const { spec, clean } = await putBack(world, id, judge, 25);
  const results = read(clean);
  for (const confirmed of [new Date().toISOString(), '2999-01-01T00:00:00.000Z', undefined, '']) {
    write(clean, { ...results, [spec]: { ...results[spec], confirmed } });
    const answer = await judge(spec, { clean });
    assert.equal(answer.verdict, 'differs', confirmed);
    findingOf(answer, 'stored-result-foreign');
  }
});

attack('within a day an exact version is answered without the registry, and after it with one question', async ({ world, id, judge }) => {
  const { spec } = await world.release(id, { json: JSON_OF });
  const first = await judge(spec);
  const { clean, timestamp } = first;
  const again = () => asked(world, () => judge(spec, { clean }));
  const ofTheStore = ({ verdict, timestamp: judged, findings }) => {
    assert.deepEqual([verdict, judged], ['identical', timestamp]);
    assert.deepEqual(findings, first.findings);
  };
  for (const hours of [0, 23]) {
    aged(clean, spec, hours);
    const [answer, paths] = await again();
    ofTheStore(answer);
    assert.deepEqual(paths, []);
  }
  aged(clean, spec, 2);
  const [confirmed, paths] = await again();
  ofTheStore(confirmed);
  assert.equal(paths.length, 1, paths.join());
  const [once, none] = await again();
  ofTheStore(once);
  assert.deepEqual(none, [], 'it was confirmed');
});

attack('without a network, or with a registry that does not answer, the stored answer says how old it is', async ({ world, id, judge }) => {
  const { spec } = await world.release(id, { json: JSON_OF });
  const { clean } = await judge(spec);
  const offline = () => judge(spec, { clean, args: ['--offline'] });
  assert.ok((await offline()).findings.every(({ code }) => code !== 'stored-result-unconfirmed'));
  aged(clean, spec, 49);
  const { confirmed } = read(clean)[spec];
  const says = (answer) => {
    assert.equal(answer.verdict, 'identical');
    const { severity, message } = findingOf(answer, 'stored-result-unconfirmed');
    assert.equal(severity, 'info');
    assert.ok(message.includes(confirmed) && message.includes(answer.timestamp), message);
  };
  says(await offline());
  for (const fault of [{ status: 503 }, { reset: true }, { hang: true }]) {
    world.registry.faults.push({ ...fault, on: id });
    try {
      says(await judge(spec, { clean }));
    } finally {
      world.registry.faults.pop();
    }
  }
  assert.equal(read(clean)[spec].confirmed, confirmed, 'nobody confirmed it');
});

attack('a version that the registry has no more is not answered from the store after a day', async ({ world, id, judge }) => {
  const { spec } = await world.release(id, { json: JSON_OF });
  const { clean } = await judge(spec);
  world.registry.unpublish(id, '1.0.0');
  assert.equal((await judge(spec, { clean })).verdict, 'identical');
  aged(clean, spec, 25);
  assert.equal((await judge(spec, { clean })).verdict, 'error');
});

attack('a cache folder that another user made has no word', async ({ world, id, seat, home, cli }) => {
  if (seat.uid === undefined) return;
  const { spec } = await world.release(id);
  const theirs = await home();
  const cache = join(theirs.home, 'shared-cache');
  const ask = async (uid) => (await cli([spec, '--json', '--cache-dir', cache], { clean: theirs, uid })).json;
  assert.equal((await ask(seat.uid)).verdict, 'identical');
  assert.equal((await ask(seat.uid)).cached, true, 'who made the folder has it');
  const asRoot = await ask(undefined);
  assert.deepEqual([asRoot.verdict, asRoot.cached], ['identical', undefined], 'what another user has sealed was believed');
}, { seats: SEATS.filter(({ tier }) => tier === 'namespaces') });
