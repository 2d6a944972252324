// `node bench/startup.mjs [rounds]`: `npx <this program> --help` from a warm npx cache, against a
// package whose bin does nothing. Both are installed from a registry on loopback and run in turn.
// It prints the ratio of the medians, and fails above LIMIT.

import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanEnv, run } from '../__test__/kit/cli.mjs';
import { bareBin, publishRelease } from '../__test__/kit/release.mjs';
import { startVerdaccio } from '../__test__/kit/verdaccio.mjs';

const rounds = Number(process.argv[2] ?? 20);
/** The most that a start may cost, in starts of a program that does nothing. */
const LIMIT = 1.3;

const [verdaccio, bin] = await Promise.all([startVerdaccio(), bareBin()]);
const work = await mkdtemp(join(tmpdir(), 'startup-'));
try {
  const { name, version } = (await publishRelease(verdaccio, bin)).main;
  const empty = join(work, 'empty');
  await mkdir(empty);
  await writeFile(join(empty, 'package.json'), '{"name":"empty-bin","version":"1.0.0","bin":"bin.js"}');
  await writeFile(join(empty, 'bin.js'), '#!/usr/bin/env node\n');
  await verdaccio.publish(empty);
  const clean = await cleanEnv({ registry: verdaccio, extra: { PATH: bin, npm_config_update_notifier: 'false' } });
  // An exact version: what is cached is then not asked for again.
  const commands = { empty: ['empty-bin@1.0.0'], reproduce: [`${name}@${version}`, '--help'] };
  const times = { empty: [], reproduce: [], node: [], direct: [] };
  const inside = await mkdtemp(join(work, 'direct-'));
  await writeFile(join(inside, 'package.json'), '{}');
  const installed = await run(['install', name], { command: [join(bin, 'node'), join(bin, 'npm')], env: clean.env, cwd: inside, timeout: 300_000 });
  if (installed.code !== 0) throw new Error(installed.stderr);
  for (let round = -1; round < rounds; round += 1) {
    for (const [which, args] of Object.entries(commands)) {
      const ran = await run(['--yes', ...args], { command: [join(bin, 'node'), join(bin, 'npx')], env: clean.env, cwd: work, timeout: 300_000 });
      if (ran.code !== 0) throw new Error(`${which}: ${ran.stderr}`);
      // The first fills the cache.
      if (round >= 0) times[which].push(ran.ms);
    }
    if (round < 0) continue;
    times.node.push(timed(['-e', '0'], clean));
    times.direct.push(timed([join(inside, 'node_modules', name, 'bin.cjs'), '--help'], clean));
  }
  await clean.remove();
  const median = Object.fromEntries(Object.entries(times).map(([which, all]) => [which, all.sort((a, b) => a - b)[Math.floor(all.length / 2)]]));
  const ratio = median.reproduce / median.empty;
  console.log(`npx of an empty bin ${median.empty.toFixed(0)} ms, npx ${name} --help ${median.reproduce.toFixed(0)} ms: ${ratio.toFixed(2)} times (at most ${LIMIT})`);
  if (ratio > LIMIT) process.exitCode = 1;
  console.log(`without npx: node -e 0 ${median.node.toFixed(0)} ms, ${name} --help ${median.direct.toFixed(0)} ms; ${rounds} rounds, medians`);
} finally {
  await verdaccio.close();
  await Promise.all([work, bin].map((folder) => rm(folder, { recursive: true, force: true })));
}

function timed(args, { env }) {
  const started = performance.now();
  const { status } = spawnSync(join(bin, 'node'), args, { env, stdio: 'ignore' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`);
  return performance.now() - started;
}
