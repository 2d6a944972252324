// `npm run bench:pack [-- --rounds N]`: 1,000 files of 20 kB packed by this program and by `npm pack`, each as a whole process; once of
// real code and once of random words. The bytes must be equal; the ratio is printed, whatever it is.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { random } from '../__test__/kit/random.mjs';
import { summary, wallTime } from './measure.mjs';

const FILES = 1000;
const BYTES = 20_000;

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(options.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error(`not a number of rounds: ${options.rounds}`);

const root = fileURLToPath(new URL('..', import.meta.url));
const work = fileURLToPath(new URL('.work', import.meta.url));
await mkdir(work, { recursive: true });
const scratch = await mkdtemp(join(work, 'pack-'));
try {
  const program = await built();
  for (const [what, text] of Object.entries({ 'real code': await code(), 'random words': words() })) await compare(program, what, text);
} finally {
  await rm(scratch, { recursive: true, force: true });
}

/** Packs a folder of such files with both by turns, fails unless the bytes are equal, and prints the times. */
async function compare(program, what, text) {
  const place = await mkdtemp(join(scratch, 'tree-'));
  const folder = join(place, 'tree');
  await fill(folder, text);
  const npmOut = join(place, 'npm');
  await mkdir(npmOut);
  const env = { ...process.env, npm_config_update_notifier: 'false', npm_config_loglevel: 'silent', npm_config_ignore_scripts: 'true' };
  const contenders = {
    ours: { argv: [program, folder, join(place, 'ours.tgz')], env, cwd: folder },
    npm: { argv: ['npm', 'pack', '--pack-destination', npmOut], env, cwd: folder },
  };
  const times = { ours: [], npm: [] };
  for (let nth = 0; nth < rounds; nth++) {
    for (const [key, command] of Object.entries(contenders)) times[key].push(await wallTime(command));
  }
  const [ours, npm] = await Promise.all([readFile(join(place, 'ours.tgz')), readFile(join(npmOut, 'bench-pack-1.0.0.tgz'))]);
  assert.ok(ours.equals(npm), `the tarballs of ${what} differ`);
  const results = { ours: summary(times.ours), npm: summary(times.npm) };
  const size = (ours.length / 1e6).toFixed(1);
  console.log(`${what}: ${FILES} files of ${BYTES / 1000} kB, ${size} MB packed, bytes equal; ${rounds} rounds, Node ${process.version}, ${availableParallelism()} processors`);
  for (const [key, { median, min, max }] of Object.entries(results)) {
    console.log(`${key.padEnd(5)} median ${median.toFixed(0)} ms, ${min.toFixed(0)} to ${max.toFixed(0)}`);
  }
  console.log(`npm takes ${(results.npm.median / results.ours.median).toFixed(1)} times as long\n`);
}

/** Builds bench/pack.rs and gives its path. */
async function built() {
  const args = ['bench', '--bench', 'pack', '--no-run', '--locked', '--message-format=json'];
  const { stdout } = await promisify(execFile)('cargo', args, { cwd: root, maxBuffer: 1 << 28 });
  const messages = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  return messages.findLast(({ target, executable }) => target?.name === 'pack' && executable).executable;
}

/** Real code, as packages hold: pieces of the TypeScript compiler, by the number of the file. */
async function code() {
  const all = await readFile(join(root, 'node_modules/typescript/lib/typescript.js'));
  return (nth) => {
    const from = (nth * 9973) % (all.length - BYTES);
    return all.subarray(from, from + BYTES);
  };
}

/** Words without meaning: more work for a compressor than code is. */
function words() {
  const text = random(1);
  return () => text.text(BYTES);
}

async function fill(folder, text) {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ name: 'bench-pack', version: '1.0.0' }, null, 2)}\n`);
  for (let nth = 0; nth < FILES; nth++) {
    const path = join(folder, `lib/${nth % 40}/file-${nth}.js`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text(nth));
  }
}
