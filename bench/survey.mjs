// `node bench/survey.mjs [--packages N --latency MS --jobs N --json]`: packages per hour of a
// survey's first pass, beside a loop of this program over the same list, one after the other, each
// with a cache of its own. A slow number is printed like any other; what is not judged fails it.

import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from '../__test__/kit/cli.mjs';
import { openWorld } from '../__test__/world.mjs';

const { values: options } = parseArgs({
  options: {
    packages: { type: 'string', default: '60' },
    latency: { type: 'string', default: '20' },
    jobs: { type: 'string', default: String(Math.max(1, Math.floor(availableParallelism() / 2))) },
    json: { type: 'boolean', default: false },
  },
});
const [packages, latency] = [Number(options.packages), Number(options.latency)];
if (!(packages > 0 && latency >= 0)) throw new Error('--packages and --latency want numbers');

const world = await openWorld();
try {
  const specs = [];
  for (let at = 0; at < packages; at++) specs.push((await world.release(`bench-many-${at}`)).spec);
  for (const server of [world.registry, world.host]) server.fault({ delay: latency });
  const clean = await world.home();
  const list = join(clean.home, 'list.txt');
  await writeFile(list, `${specs.join('\n')}\n`);
  /** A cache that nothing was in. */
  const cache = async (name) => {
    const folder = join(clean.home, name);
    await mkdir(folder);
    return folder;
  };
  const at = { env: clean.env, cwd: clean.home };

  const surveyed = await run(['survey', list, '--no-build', '--jobs', options.jobs, '--db', join(clean.home, 's.db'), '--cache-dir', await cache('survey'), '--json'], at);
  if (surveyed.code !== 0 || surveyed.json.identical.count !== packages) throw new Error(`the survey: ${surveyed.stdout}${surveyed.stderr}`);
  const folder = await cache('loop');
  const began = performance.now();
  for (const spec of specs) {
    const { code, stderr } = await run([spec, '--quiet', '--cache-dir', folder], at);
    if (code !== 0) throw new Error(`${spec}: ${stderr}`);
  }
  const loop = performance.now() - began;
  const perHour = (ms) => Math.round((packages / ms) * 3_600_000);
  const result = { packages, latency, jobs: Number(options.jobs), survey: perHour(surveyed.ms), loop: perHour(loop), ratio: Number((loop / surveyed.ms).toFixed(2)) };
  if (options.json) console.log(JSON.stringify(result));
  else console.log(`${packages} packages, ${latency} ms to each host\nsurvey  ${result.survey} packages an hour\nloop    ${result.loop} packages an hour\nratio   ${result.ratio}`);
} finally {
  await world.close();
}
