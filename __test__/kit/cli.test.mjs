import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cleanEnv, run } from './cli.mjs';
import { random } from './random.mjs';

const script = (source) => ({ command: [process.execPath, '-e', source, '--'] });

test('the environment holds nothing of the user, and no git and no npm', async (t) => {
  const clean = await cleanEnv({ registry: { url: 'http://127.0.0.1:1/' }, gitconfig: '/g', extra: { X: 'y' } });
  t.after(clean.remove);
  const { json } = await run([], { ...clean, ...script('console.log(JSON.stringify(process.env))') });
  assert.deepEqual(json, clean.env);
  assert.deepEqual([json.npm_config_registry, json.GIT_CONFIG_GLOBAL, json.X], ['http://127.0.0.1:1/', '/g', 'y']);
  const found = await run([], { ...clean, ...script(`
    const { spawnSync } = require('node:child_process')
    console.log(JSON.stringify(['node', 'git', 'npm', 'sh'].map((name) => spawnSync(name, ['--version']).error?.code ?? 'found')))`) });
  assert.deepEqual(found.json, ['found', 'ENOENT', 'ENOENT', 'ENOENT']);
});

test('what a run leaves among the temporary files is seen', async () => {
  const clean = await cleanEnv();
  assert.deepEqual(await clean.leftovers(), []);
  await writeFile(join(clean.tmp, 'left'), '');
  assert.deepEqual(await clean.leftovers(), ['left']);
  await clean.remove();
  assert.ok(!existsSync(clean.home));
});

test('a run gives code, output and JSON', async (t) => {
  const clean = await cleanEnv();
  t.after(clean.remove);
  const ran = await run(['a b'], { ...clean, ...script('console.error(process.argv[1]); console.log("{\\"a\\":1}\\n{\\"a\\":2}"); process.exitCode = 3') });
  assert.deepEqual([ran.code, ran.stderr, ran.json, ran.timedOut], [3, 'a b\n', [{ a: 1 }, { a: 2 }], false]);
  assert.equal((await run([], { ...clean, ...script('console.log("no json")') })).json, undefined);
});

test('a run that takes too long is ended', async (t) => {
  const clean = await cleanEnv();
  t.after(clean.remove);
  const ran = await run([], { ...clean, ...script('setInterval(() => {}, 1000)'), timeout: 300 });
  assert.deepEqual([ran.code, ran.signal, ran.timedOut], [null, 'SIGKILL', true]);
});

test('a seed gives the same numbers again', () => {
  const draw = (seed) => {
    const { int, pick, bytes, text } = random(seed);
    return [int(1000), int(1000), pick('abcdef'), bytes(4).toString('hex'), text(40)];
  };
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
  const { next } = random(1);
  const drawn = Array.from({ length: 1000 }, next);
  assert.ok(drawn.every((n) => n >= 0 && n < 1) && Math.abs(drawn.reduce((a, b) => a + b) / 1000 - 0.5) < 0.05);
});
