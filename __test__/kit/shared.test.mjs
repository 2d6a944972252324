import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from './cli.mjs';
import { shared } from './shared.mjs';

/** Runs `body` with `folder` as what the whole run shares. */
async function sharing(body) {
  const folder = await mkdtemp(join(tmpdir(), 'kit-shared-test-'));
  const before = process.env.REPRODUCE_TEST_SHARED;
  process.env.REPRODUCE_TEST_SHARED = folder;
  try {
    await body(folder);
  } finally {
    if (before === undefined) delete process.env.REPRODUCE_TEST_SHARED;
    else process.env.REPRODUCE_TEST_SHARED = before;
    await rm(folder, { recursive: true });
  }
}

test('a shared folder is filled once, also where two files ask at once', () => sharing(async (folder) => {
  let filled = 0;
  const fill = async (place) => {
    filled += 1;
    writeFileSync(join(place, 'text'), String(filled));
    await new Promise((resolve) => setImmediate(resolve));
  };
  const [one, two] = await Promise.all([shared('a', fill), shared('a', fill)]);
  assert.deepEqual([one, two], [join(folder, 'a'), join(folder, 'a')]);
  const text = readFileSync(join(one, 'text'), 'utf8');
  assert.equal(filled, 2, 'both asked before it was there');
  await shared('a', fill);
  assert.deepEqual([filled, readFileSync(join(one, 'text'), 'utf8'), readdirSync(folder)], [2, text, ['a']]);
}));

test('what could not be filled is not there, and is tried again', () => sharing(async (folder) => {
  await assert.rejects(shared('a', async () => { throw new Error('no space'); }), /no space/);
  assert.deepEqual(readdirSync(folder), []);
  await shared('a', async (place) => writeFileSync(join(place, 'text'), ''));
  assert.deepEqual(readdirSync(folder), ['a']);
}));

test('a file that is run by itself leaves no folder', async () => {
  const text = `import { shared } from ${JSON.stringify(fileURLToPath(new URL('./shared.mjs', import.meta.url)))};
const make = () => shared('a', async () => {});
if (await make() !== await make()) throw new Error('two folders');
console.log(await make());`;
  const ran = await run(['--input-type=module', '-e', text], { command: [process.execPath], env: { TMPDIR: tmpdir() } });
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /kit-shared-/);
  assert.equal(existsSync(ran.stdout.trim()), false);
});
