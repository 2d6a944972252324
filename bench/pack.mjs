// `npm run bench:pack [-- --rounds N]`: 1,000 files of 20 kB packed and hashed by this program,
// with all processors and with one, by `npm pack`, and by npm's own parts without npm around them;
// each as a whole process, in another order each round; once of real code and once of random words.
// The bytes must be equal. `npm --version` and `node -e 0` say what of it is the start of npm and
// of Node.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { random } from '../__test__/kit/random.mjs';
import { npmFolder } from '../__test__/kit/toolchain.mjs';
import { shuffled, summary, wallTime } from './measure.mjs';

const FILES = 1000;
const BYTES = 20_000;

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(options.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error(`not a number of rounds: ${options.rounds}`);

const { int } = random(1);
/** Keeps a program on one processor; Linux has it. */
const ONE = spawnSync('taskset', ['-c', '0', 'true']).status === 0 ? ['taskset', '-c', '0'] : null;
const npmHere = await npmFolder();

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

/**
 * Packs a folder of such files with all by turns, fails unless the bytes are equal, and prints the
 * times.
 */
async function compare(program, what, text) {
  const place = await mkdtemp(join(scratch, 'tree-'));
  const folder = join(place, 'tree');
  await fill(folder, text);
  const npmOut = join(place, 'npm');
  await mkdir(npmOut);
  const env = { ...process.env, npm_config_update_notifier: 'false', npm_config_loglevel: 'silent', npm_config_ignore_scripts: 'true' };
  const file = (name) => join(place, `${name}.tgz`);
  const contenders = [
    { label: `this program, ${availableParallelism()} processors`, out: file('all'), argv: [program, folder, file('all')] },
    ...(ONE ? [{ label: 'this program, 1 processor', out: file('one'), argv: [...ONE, program, folder, file('one')] }] : []),
    { label: "npm's parts in one Node (pacote)", out: file('pacote'), argv: [process.execPath, join(root, 'bench/pacote.mjs'), npmHere, folder, file('pacote')] },
    { label: 'npm pack', out: join(npmOut, 'bench-pack-1.0.0.tgz'), argv: ['npm', 'pack', '--pack-destination', npmOut] },
    { label: 'npm --version', argv: ['npm', '--version'] },
    { label: 'node -e 0', argv: [process.execPath, '-e', '0'] },
  ];
  const times = new Map(contenders.map(({ label }) => [label, []]));
  for (let nth = 0; nth < rounds; nth++) {
    for (const { label, argv } of shuffled(contenders, int)) times.get(label).push(await wallTime({ argv, env, cwd: folder }));
  }
  const tarballs = await Promise.all(contenders.filter(({ out }) => out).map(async ({ label, out }) => [label, await readFile(out)]));
  for (const [label, tarball] of tarballs) assert.ok(tarball.equals(tarballs[0][1]), `the tarball of ${what} by ${label} differs`);
  const size = (tarballs[0][1].length / 1e6).toFixed(1);
  const [first] = contenders;
  const ours = summary(times.get(first.label)).median;
  console.log(`${what}: ${FILES} files of ${BYTES / 1000} kB, ${size} MB packed, bytes equal; ${rounds} rounds, Node ${process.version}`);
  for (const { label } of contenders) {
    const { median, min, max } = summary(times.get(label));
    console.log(`${label.padEnd(34)} median ${median.toFixed(0).padStart(5)} ms, ${min.toFixed(0)} to ${max.toFixed(0)}; ${(median / ours).toFixed(2)} times the first`);
  }
  console.log();
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
