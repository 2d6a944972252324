// `npm run bench [-- --rounds N --latency MS --seed N --json]`: time and peak memory of a cold and
// a cached verdict, side by side with the least that any tool must fetch, with the existing tool
// and with the work by hand; once for a package that is packed as it is, once for one that
// everybody has to install and to build. All have the same number of rounds, in an order that is
// drawn anew for each. Fails only if something does not run; a slow number is printed like any
// other.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cleanEnv, run } from '../__test__/kit/cli.mjs';
import { random } from '../__test__/kit/random.mjs';
import { contenders } from './contenders.mjs';
import { installExisting } from './existing.mjs';
import { MEMORY_SOURCE, peakMemory, shuffled, summary, wallTime } from './measure.mjs';
import { openScene } from './scene.mjs';

/** Peak memory hardly varies. */
const MEMORY_ROUNDS = 3;
/** What each number is held against. */
const RATIOS = [
  ['known', 'floor', 'cold, commit known, to the floor'],
  ['tagged', 'floor', 'cold, found by tag, to the floor'],
  ['existing', 'known', 'reproduce@1.2.0 to cold'],
  ['byHand', 'known', 'by hand to cold'],
  ['cached', 'node', 'cached to node -e 0'],
  ['existingBuilt', 'built', 'reproduce@1.2.0 to cold, built'],
  ['existingBuilt', 'equipped', 'reproduce@1.2.0 to built, Node and npm are there'],
  ['byHandBuilt', 'equipped', 'by hand to built, Node and npm are there'],
];
const TITLES = { packed: 'packed as it is', built: 'installed and built' };

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    latency: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = count(options.rounds);
const latency = count(options.latency);
const { int } = random(count(options.seed));

const work = fileURLToPath(new URL('.work', import.meta.url));
await mkdir(work, { recursive: true });
const existing = await installExisting(work);
const scratch = await mkdtemp(join(work, 'run-'));
const scene = await openScene(latency);
const clean = await cleanEnv({ registry: scene.registry, gitconfig: scene.githost });
try {
  const scenes = contenders(scene, clean, { work: scratch, existing });
  const results = {};
  for (const [key, list] of Object.entries(scenes)) {
    await check(list);
    results[key] = await measure(list);
  }
  print(results);
} finally {
  await scene.close();
  await clean.remove();
  await rm(scratch, { recursive: true, force: true });
}

function count(text) {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`not a whole number above zero: ${text}`);
  return number;
}

/**
 * Numbers of a tool that gave no verdict would mean nothing: all that answer must say that the
 * package was reproduced.
 */
async function check(list) {
  const seen = () => scene.registry.requests.length + scene.githost.requests.length;
  for (const { label, prepare, warm } of list.filter(({ answers }) => answers)) {
    const { argv: [program, ...args], env, cwd } = await prepare('check');
    if (warm) await run(args, { command: [program], env, cwd });
    const before = seen();
    const ran = await run(args, { command: [program], env, cwd });
    if (ran.json?.reproduced !== true) throw new Error(`${label} did not reproduce the package (exit ${ran.code}): ${ran.stdout}${ran.stderr}`);
    if (warm && seen() !== before) throw new Error(`${label} read from the network`);
  }
}

/**
 * One run of each in turn, in another order each time: a busy moment of the machine meets all of
 * them, and none is always behind the same.
 */
async function measure(list) {
  const times = new Map(list.map(({ key }) => [key, []]));
  const memory = new Map(list.map(({ key }) => [key, []]));
  for (let nth = 0; nth < rounds; nth++) {
    for (const { key, prepare } of shuffled(list, int)) times.get(key).push(await wallTime(await prepare(nth)));
  }
  for (let nth = 0; nth < MEMORY_ROUNDS; nth++) {
    for (const { key, prepare } of shuffled(list, int)) memory.get(key).push(await peakMemory(await prepare(`memory-${nth}`)));
  }
  return list.map(({ key, label }) => ({ key, label, ms: summary(times.get(key)), peakBytes: MEMORY_SOURCE === null ? null : Math.max(...memory.get(key)) }));
}

function print(results) {
  const all = Object.values(results).flat();
  const median = (key) => all.find((result) => result.key === key).ms.median;
  const ratios = RATIOS.map(([key, to, label]) => ({ label, ratio: median(key) / median(to) }));
  if (options.json) {
    console.log(JSON.stringify({ package: scene.size, node: process.version, rounds, latency, seed: Number(options.seed), results, ratios }, null, 2));
    return;
  }
  const ms = (value) => (value < 100 ? value.toFixed(1) : value.toFixed(0)).padStart(7);
  console.log(`Package: ${scene.size}; registry and git host on loopback, ${latency} ms before each answer`);
  console.log(`${rounds} rounds of each, Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}`);
  console.log(`Memory: the largest single process, by ${MEMORY_SOURCE ?? 'nothing on this platform'}`);
  for (const [key, list] of Object.entries(results)) {
    console.log(`\n${TITLES[key].padEnd(48)}  median ms      min      max   peak MB`);
    for (const { label, ms: { median: middle, min, max }, peakBytes } of list) {
      const peak = peakBytes === null ? '-' : (peakBytes / 1e6).toFixed(0);
      console.log(`${label.padEnd(48)}    ${ms(middle)}  ${ms(min)}  ${ms(max)}  ${peak.padStart(8)}`);
    }
  }
  console.log();
  for (const { label, ratio } of ratios) console.log(`${label.padEnd(48)}    ${ratio.toFixed(2).padStart(7)}`);
}
