// `node bench/many.mjs [--packages N --jobs N --json]`: the memory of a survey's first pass over many
// packages of a registry on loopback, as a curve over its progress. Every tenth package has a source;
// the others name none. It fails where the memory grows with the list: where the last half of the run
// takes more than GROWTH times what the second eighth took.

import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from '../__test__/kit/cli.mjs';
import { manifest, openWorld } from '../__test__/world.mjs';

const REPOSITORIES = 20;
const GROWTH = 1.5;
/** Points of the curve. */
const POINTS = 32;
const EVERY = 50;

const { values: options } = parseArgs({
  options: {
    packages: { type: 'string', default: '17000' },
    jobs: { type: 'string', default: String(Math.max(1, Math.floor(availableParallelism() / 2))) },
    json: { type: 'boolean', default: false },
  },
});
const packages = Number(options.packages);
if (!(packages >= POINTS)) throw new Error(`--packages wants a number from ${POINTS}`);

/** Bytes that a process has in memory; none once it is gone. */
async function memoryOf(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Publishes all packages, and gives their specs. */
async function publish(world) {
  const hasSource = (at) => at % 10 === 0;
  const filesOf = (at) => {
    const repository = { type: 'git', url: `git+https://github.com/kit/many-${(at / 10) % REPOSITORIES}.git`, directory: `parts/${at}` };
    return { 'package.json': manifest(`many-${at}`, '1.0.0', { repository: hasSource(at) ? repository : null }), 'index.js': `module.exports = ${at};\n` };
  };
  const all = Array.from({ length: packages }, (_, at) => at);
  for (let nth = 0; nth < REPOSITORIES; nth += 1) {
    const own = all.filter((at) => hasSource(at) && (at / 10) % REPOSITORIES === nth);
    if (own.length === 0) continue;
    const files = Object.fromEntries(own.flatMap((at) => Object.entries(filesOf(at)).map(([file, text]) => [`parts/${at}/${file}`, text])));
    const { c } = await world.host.add(`kit/many-${nth}`, { commits: [{ label: 'c', files }] });
    for (const at of own) await world.registry.publish({ files: filesOf(at), gitHead: c });
  }
  for (const at of all.filter((one) => !hasSource(one))) await world.registry.publish({ files: filesOf(at) });
  return all.map((at) => `many-${at}@1.0.0`);
}

const world = await openWorld();
try {
  const clean = await world.home();
  const list = join(clean.home, 'list.txt');
  await writeFile(list, `${(await publish(world)).join('\n')}\n`);
  const samples = [];
  let done = 0;
  let timer;
  const ran = await run(['survey', list, '--no-build', '--jobs', options.jobs, '--db', join(clean.home, 's.db'), '--color=never'], {
    env: clean.env,
    cwd: clean.home,
    timeout: 7_200_000,
    onStart: (child) => {
      child.stdout.on('data', (data) => (done += data.toString().split('\n').length - 1));
      timer = setInterval(async () => {
        const bytes = await memoryOf(child.pid);
        if (bytes > 0 && done <= packages) samples.push({ done, bytes });
      }, EVERY);
    },
  });
  clearInterval(timer);
  if (ran.code !== 2 || !ran.stdout.includes(`${packages} packages done\n`)) throw new Error(`${ran.stdout.slice(-2_000)}${ran.stderr.slice(-2_000)}`);
  const most = (from, to) => Math.max(0, ...samples.filter((sample) => sample.done >= from * packages && sample.done < to * packages).map(({ bytes }) => bytes));
  const curve = Array.from({ length: POINTS }, (_, at) => ({ done: Math.round(((at + 1) / POINTS) * packages), megabytes: Math.round(most(at / POINTS, (at + 1) / POINTS) / 1e6) }));
  const growth = Number((most(0.5, 1) / most(0.125, 0.25)).toFixed(2));
  const result = { packages, jobs: Number(options.jobs), seconds: Math.round(ran.ms / 1000), perHour: Math.round((packages / ran.ms) * 3_600_000), most: Math.round(most(0, 1) / 1e6), growth, curve };
  if (options.json) console.log(JSON.stringify(result));
  else {
    const scale = 60 / Math.max(...curve.map(({ megabytes }) => megabytes));
    for (const { done: at, megabytes } of curve) console.log(`${String(at).padStart(7)}  ${String(megabytes).padStart(5)} MB  ${'█'.repeat(Math.round(megabytes * scale))}`);
    console.log(`${packages} packages in ${result.seconds} s, ${result.perHour} an hour; at most ${result.most} MB; the last half took ${growth} times the second eighth (at most ${GROWTH})`);
  }
  if (!(growth <= GROWTH)) process.exitCode = 1;
} finally {
  await world.close();
}
