// `npm run bench [-- --rounds N --slow-rounds N --json]`: time and peak memory of a cold and a cached verdict, side by side
// with the least that any tool must fetch, with the existing tool and with the work by hand. Fails only if something
// does not run; a slow number is printed like any other.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cleanEnv, run } from '../__test__/kit/cli.mjs';
import { contenders } from './contenders.mjs';
import { installExisting } from './existing.mjs';
import { MEMORY_SOURCE, peakMemory, summary, wallTime } from './measure.mjs';
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
];

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    'slow-rounds': { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});

const work = fileURLToPath(new URL('.work', import.meta.url));
await mkdir(work, { recursive: true });
const existing = await installExisting(work);
const scratch = await mkdtemp(join(work, 'run-'));
const scene = await openScene();
const clean = await cleanEnv({ registry: scene.registry, gitconfig: scene.githost });
try {
  const list = contenders(scene, clean, { work: scratch, existing, rounds: count(options.rounds), slowRounds: count(options['slow-rounds']) });
  await check(list);
  const results = await measure(list);
  print(results);
} finally {
  await scene.close();
  await clean.remove();
  await rm(scratch, { recursive: true, force: true });
}

function count(text) {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`not a number of rounds: ${text}`);
  return number;
}

/** Numbers of a tool that gave no verdict would mean nothing: all that answer must say that the package was reproduced. */
async function check(list) {
  for (const key of ['known', 'tagged', 'cached', 'existing']) {
    const { label, prepare } = list.find((contender) => contender.key === key);
    const { argv: [program, ...args], env, cwd } = await prepare('check');
    const before = scene.registry.requests.length + scene.githost.requests.length;
    const warmed = key === 'cached' ? await run(args, { command: [program], env, cwd }) : null;
    const after = warmed && scene.registry.requests.length + scene.githost.requests.length;
    const ran = await run(args, { command: [program], env, cwd, timeout: 300_000 });
    if (ran.json?.reproduced !== true) throw new Error(`${label} did not reproduce the package (exit ${ran.code}): ${ran.stdout}${ran.stderr}`);
    if (warmed && scene.registry.requests.length + scene.githost.requests.length !== after) {
      throw new Error(`${label} read from the network (${after - before} requests when cold)`);
    }
  }
}

/** One run of each in turn, so that a busy moment of the machine meets all of them. */
async function measure(list) {
  const times = new Map(list.map(({ key }) => [key, []]));
  const memory = new Map(list.map(({ key }) => [key, []]));
  const rounds = Math.max(...list.map((contender) => contender.rounds));
  for (let nth = 0; nth < rounds; nth++) {
    for (const { key, rounds: own, prepare } of list) {
      if (nth < own) times.get(key).push(await wallTime(await prepare(nth)));
    }
  }
  for (let nth = 0; nth < MEMORY_ROUNDS; nth++) {
    for (const { key, prepare } of list) memory.get(key).push(await peakMemory(await prepare(`memory-${nth}`)));
  }
  return list.map(({ key, label, rounds: own }) => ({
    key,
    label,
    rounds: own,
    ms: summary(times.get(key)),
    peakBytes: MEMORY_SOURCE === null ? null : Math.max(...memory.get(key)),
  }));
}

function print(results) {
  const median = (key) => results.find((result) => result.key === key).ms.median;
  const ratios = RATIOS.map(([key, to, label]) => ({ label, ratio: median(key) / median(to) }));
  if (options.json) {
    console.log(JSON.stringify({ package: scene.size, node: process.version, results, ratios }, null, 2));
    return;
  }
  const ms = (value) => (value < 100 ? value.toFixed(1) : value.toFixed(0)).padStart(7);
  console.log(`Package: ${scene.size}; registry and git host on loopback. Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}`);
  console.log(`Memory: the largest single process, by ${MEMORY_SOURCE ?? 'nothing on this platform'}\n`);
  console.log(`${''.padEnd(44)}  median ms      min      max   n   peak MB  × floor`);
  for (const { label, ms: { median: middle, min, max }, peakBytes, rounds } of results) {
    const peak = peakBytes === null ? '-' : (peakBytes / 1e6).toFixed(0);
    const ratio = (middle / median('floor')).toFixed(2);
    console.log(`${label.padEnd(44)}    ${ms(middle)}  ${ms(min)}  ${ms(max)}  ${String(rounds).padStart(2)}  ${peak.padStart(8)}  ${ratio.padStart(7)}`);
  }
  console.log();
  for (const { label, ratio } of ratios) console.log(`${label.padEnd(44)}    ${ratio.toFixed(2).padStart(7)}`);
}
