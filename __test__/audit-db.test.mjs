// `reproduce audit --db`: an audit's results in a database as a survey's, which reports read and no
// audit answers from.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from './kit/cli.mjs';
import { writeFiles } from './kit/tarball.mjs';
import { openWorld } from './world.mjs';

let world;
let clean;
const of = {};
before(async () => {
  world = await openWorld();
  clean = await world.home();
  of.good = await world.release('d-good');
  of.other = await world.release('d-other');
  of.bad = await world.release('d-bad', { published: { 'index.js': 'evil()\n' } });
});
after(() => world.close());

let projects = 0;
/** A folder with a lockfile of these packages. */
async function project(...releases) {
  const folder = join(clean.home, `project-${projects++}`);
  const rows = releases.map(({ name, version, integrity, url }) => [`node_modules/${name}`, { version, resolved: url, integrity }]);
  await writeFiles(folder, { 'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages: Object.fromEntries(rows) }) });
  return folder;
}
const command = (folder, args, options) => run(args, { env: clean.env, cwd: folder, ...options });
const linesOf = async (folder, ...more) => [(await command(folder, ['report', 'a.db', '--ndjson', ...more])).json ?? []].flat();
const verdicts = (lines) => Object.fromEntries(lines.map(({ spec, result, error }) => [spec, (result ?? error).verdict]));

test('an audit is in the database as a survey is, and another one is a run of its own', async () => {
  const folder = await project(of.good, of.bad);
  const ran = await command(folder, ['audit', '--db', 'a.db', '--json']);
  assert.deepEqual([ran.code, ran.json.totals.packages, ran.stderr], [1, 2, '']);
  assert.deepEqual(verdicts(await linesOf(folder)), { 'd-good@1.0.0': 'identical', 'd-bad@1.0.0': 'differs' });
  const { list, reproduced, notReproduced, classes } = (await command(folder, ['report', 'a.db', '--json'])).json;
  assert.deepEqual([list, reproduced.count, classes[0].examples], ['package-lock.json', 1, ['d-bad@1.0.0']]);
  assert.equal(notReproduced.count, 1);
  assert.equal((await command(folder, ['audit', '--db', 'a.db'])).code, 1);
  assert.equal((await linesOf(folder, '--run', '2')).length, 2);
  assert.equal((await command(folder, ['report', 'a.db', '--run', '3'])).code, 2);
});

test('an audit that was killed goes on in its run, and each package has one result', async () => {
  const folder = await project(of.good, of.other, of.bad);
  let killed;
  const waits = new Promise((resolve) => {
    killed = world.registry.fault({ on: '/d-other', hang: true, onHit: resolve });
  });
  const first = await command(folder, ['audit', '--db', 'a.db', '--jobs', '1'], {
    onStart: (child) => waits.then(() => child.kill('SIGKILL')),
  });
  killed();
  assert.equal(first.signal, 'SIGKILL');
  const before_ = verdicts(await linesOf(folder));
  assert.ok(!('d-other@1.0.0' in before_), JSON.stringify(before_));
  const last = await command(folder, ['audit', '--db', 'a.db']);
  assert.equal(last.code, 1, last.stderr);
  const lines = await linesOf(folder);
  assert.deepEqual(verdicts(lines), { 'd-good@1.0.0': 'identical', 'd-other@1.0.0': 'identical', 'd-bad@1.0.0': 'differs' });
  assert.equal(lines.length, 3);
  assert.equal((await command(folder, ['report', 'a.db', '--run', '2'])).code, 2, 'it was begun anew');
});

/** What runs SQL on a file: Node's own SQLite, or the program of that name; none elsewhere. */
async function sqlOf() {
  const sqlite = await import('node:sqlite').catch(() => undefined);
  if (sqlite) {
    return (file, sql) => {
      const database = new sqlite.DatabaseSync(file);
      database.exec(sql);
      database.close();
    };
  }
  const { error } = spawnSync('sqlite3', ['-version']);
  return error ? undefined : (file, sql) => execFileSync('sqlite3', [file, sql]);
}
const sql = await sqlOf();

test('what a database says is no answer: a stranger may have laid it into the checkout', { skip: !sql && 'wants SQLite' }, async () => {
  const folder = await project(of.good, of.bad);
  assert.equal((await command(folder, ['audit', '--db', 'a.db'])).code, 1);
  sql(join(folder, 'a.db'), `UPDATE run SET ended = NULL;
    UPDATE result SET document = json_set(document, '$.verdict', 'identical', '$.code', NULL, '$.reproduced', json('true')), is_passing = 0;
    UPDATE result SET verdict = 'identical', code = NULL, reproduced = 1;`);
  assert.deepEqual(verdicts(await linesOf(folder)), { 'd-good@1.0.0': 'identical', 'd-bad@1.0.0': 'identical' }, 'the control');
  const ran = await command(folder, ['audit', '--db', 'a.db', '--json']);
  assert.deepEqual([ran.code, ran.json.totals.notReproduced], [1, 1]);
  assert.deepEqual(verdicts(await linesOf(folder)), { 'd-good@1.0.0': 'identical', 'd-bad@1.0.0': 'differs' });
});

test('a report is not of a row that says another verdict than its document', { skip: !sql && 'wants SQLite' }, async () => {
  const folder = await project(of.good, of.bad);
  assert.equal((await command(folder, ['audit', '--db', 'a.db'])).code, 1);
  assert.equal((await command(folder, ['report', 'a.db', '--json'])).json.notReproduced.count, 1, 'the control');
  sql(join(folder, 'a.db'), "UPDATE result SET verdict = 'identical', code = NULL, reproduced = 1");
  for (const more of [['--json'], ['--list', '--class', 'identical'], ['--ndjson'], ['--html', 'page.html']]) {
    const ran = await command(folder, ['report', 'a.db', ...more]);
    assert.equal(ran.code, 2, more.join(' '));
    assert.match(ran.stdout + ran.stderr, /d-bad@1\.0\.0 says otherwise than its document/, more.join(' '));
  }
});

test('a file that is no database of ours, and one in use, are refused before anything is judged', async () => {
  const folder = await project(of.good);
  await writeFile(join(folder, 'notes.txt'), 'my notes\n');
  const asked = world.registry.requests.length;
  const foreign = await command(folder, ['audit', '--db', 'notes.txt', '--json']);
  assert.deepEqual([foreign.code, foreign.json.code, world.registry.requests.length], [2, 'survey-foreign', asked]);
  await assert.rejects(stat(join(folder, 'notes.txt.lock')), { code: 'ENOENT' });
});

test('--memory is a size, and one package is checked whatever it is', async () => {
  const folder = await project(of.good);
  assert.equal((await command(folder, ['audit', '--memory', '1MB'])).code, 0);
  for (const [word, file] of [['audit', folder], ['survey', join(folder, 'list.txt')]]) {
    await writeFile(join(folder, 'list.txt'), `${of.good.spec}\n`);
    assert.equal((await command(folder, [word, file, '--memory', 'much'])).code, 2);
  }
  assert.equal((await command(folder, ['survey', 'list.txt', '--db', 'm.db', '--memory', '1MB'])).code, 0);
});

test('no link in the folder of files leads logs and diffs to another place', async () => {
  const folder = await project(of.bad);
  const target = join(clean.home, 'elsewhere');
  await mkdir(target);
  await mkdir(join(folder, 'a.db.files'));
  for (let at = 0; at < 256; at++) await symlink(target, join(folder, 'a.db.files', at.toString(16).padStart(2, '0')));
  const ran = await command(folder, ['audit', '--db', 'a.db']);
  assert.deepEqual([ran.code, await readdir(target)], [2, []], ran.stdout + ran.stderr);
  assert.match(ran.stderr, /error\[survey-\w+\].*a\.db\.files/);
  // The control: without the links the diff is kept there.
  await rm(join(folder, 'a.db.files'), { recursive: true });
  assert.equal((await command(folder, ['audit', '--db', 'a.db'])).code, 1);
  assert.ok((await readdir(join(folder, 'a.db.files'))).length > 0);
});

test('a database to which somebody added a trigger or another view is refused', { skip: !sql && 'wants SQLite' }, async () => {
  const folder = await project(of.bad);
  const trigger = "CREATE TRIGGER t AFTER INSERT ON result BEGIN UPDATE result SET verdict = 'identical', reproduced = 1 WHERE id = new.id; END";
  const endless = 'DROP VIEW runs; CREATE VIEW runs AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n AS run FROM c';
  for (const [name, added] of [['t.db', trigger], ['v.db', endless]]) {
    await command(folder, ['audit', '--db', name]);
    sql(join(folder, name), added);
    await writeFile(join(folder, 'list.txt'), `${of.bad.spec}\n`);
    for (const args of [['audit', '--db', name], ['survey', 'list.txt', '--db', name, '--no-build'], ['report', name]]) {
      const ran = await command(folder, args, { timeout: 30_000 });
      assert.deepEqual([ran.code, ran.signal], [2, null], args.join(' '));
      assert.match(ran.stderr, /error\[survey-database\]: .*(triggers|views).*\n\nhint: /, args.join(' '));
    }
  }
});
