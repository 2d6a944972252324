import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import * as tar from 'tar';
import { gzip, npmTarball, rawTar, writeFiles } from './tarball.mjs';

const run = promisify(execFile);

/** What npm's own reader makes of an archive. */
async function read(bytes) {
  const entries = [];
  const warnings = [];
  const parser = new tar.Parser({ onwarn: (code) => warnings.push(code) });
  parser.on('entry', (entry) => {
    entries.push(`${entry.type} ${entry.mode?.toString(8)} ${entry.path}${entry.linkpath ? ` -> ${entry.linkpath}` : ''}`);
    entry.resume();
  });
  await new Promise((resolve, reject) => parser.on('end', resolve).on('error', reject).end(bytes));
  return { entries, warnings };
}

test('the tarball is the one that npm pack makes, byte for byte', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'kit-npm-'));
  t.after(() => rm(directory, { recursive: true }));
  const files = {
    'package.json': '{"name":"kit-pack","version":"1.0.0","bin":{"a":"./cli.js","b":"lib/b.js"},"files":["*.js","lib","Überblick.txt"]}\n',
    'README.md': '# kit\n',
    'cli.js': '#!/usr/bin/env node\n',
    'lib/b.js': 'b\n',
    'lib/a.mjs': { data: 'a\n', mode: 0o755 },
    'Überblick.txt': 'ü\n',
    [`lib/${'long/'.repeat(30)}x.js`]: 'long\n',
  };
  await writeFiles(directory, files);
  await run('npm', ['pack', '--silent'], { cwd: directory, env: { PATH: process.env.PATH, HOME: directory } });
  assert.deepEqual(await npmTarball(files), await readFile(join(directory, 'kit-pack-1.0.0.tgz')));
});

test('a raw archive with nothing odd in it is read without a warning', async () => {
  const { entries, warnings } = await read(gzip(rawTar([{ path: 'package/a', data: 'a' }, { path: 'package/d/', type: '5', mode: 0o755 }])));
  assert.deepEqual(entries, ['File 644 package/a', 'Directory 755 package/d/']);
  assert.deepEqual(warnings, []);
});

test('long names by pax and by GNU', async () => {
  const long = `package/${'x'.repeat(200)}`;
  const { entries } = await read(rawTar([{ path: 'package/short', pax: { path: long } }, { path: 'package/cut', gnuLong: true }]));
  assert.deepEqual(entries, [`File 644 ${long}`, 'File 644 package/cut']);
});

test('a wrong checksum is written as asked', async () => {
  assert.deepEqual((await read(rawTar([{ checksum: 1 }, { path: 'package/b' }]))).warnings, ['TAR_ENTRY_INVALID']);
});

test('links, end blocks and trailing bytes are under control', async () => {
  const bytes = rawTar([{ path: 'package/l', type: '2', link: '../x' }], { end: 1, trailing: Buffer.from('more') });
  assert.equal(bytes.length, 512 + 512 + 4);
  assert.deepEqual((await read(bytes.subarray(0, 1024))).entries, ['SymbolicLink 644 package/l -> ../x']);
});

test('the gzip header has the fields asked for', () => {
  const bytes = gzip(Buffer.from('hello'), { os: 3, xfl: 0, mtime: 5, name: 'n', after: [gzip(Buffer.from('!'))] });
  assert.deepEqual([...bytes.subarray(0, 12)], [0x1f, 0x8b, 8, 8, 5, 0, 0, 0, 0, 3, 0x6e, 0]);
  assert.equal(gunzipSync(bytes).toString(), 'hello!');
  assert.throws(() => gunzipSync(gzip(Buffer.from('hello'), { crc: 1 })), /incorrect data check/);
});
