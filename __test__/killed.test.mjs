// A run that is killed (SIGKILL) at any step leaves no process and no broken cache, and the next
// run is right. REPRODUCE_KILLS says how many runs are killed; the steps come from a generator with
// a seed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { random } from './kit/random.mjs';
import { cacheOf, openWorld } from './world.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const KILLS = Number(process.env.REPRODUCE_KILLS ?? 12);
const NAME = 'k-killed';

let world;
let clean;
before(async () => {
  world = await openWorld({ builds: true });
  clean = await world.home();
  await mkdir(join(clean.home, 'node_modules'), { recursive: true });
  await symlink(ROOT, join(clean.home, 'node_modules', 'reproduce'));
});
after(() => world.close());

/**
 * Judges in a process of its own that kills itself when it is told of the n-th step; n = 0 lets it
 * end. Gives the number of steps.
 */
async function judge(spec, n, wait = 0) {
  const script = join(clean.home, 'judge.mjs');
  const source = `import { reproduce } from 'reproduce';
let steps = 0;
const onProgress = () => {
  steps += 1;
  if (steps === ${n}) setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${wait});
};
const { verdict } = await reproduce(${JSON.stringify(spec)}, { force: true, onProgress });
console.log(JSON.stringify({ steps, verdict }));
`;
  await writeFile(script, source);
  const child = spawn(process.execPath, [script], { env: clean.env, cwd: clean.home, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  const [code, signal] = await new Promise((resolve) => child.on('close', (...ended) => resolve(ended)));
  if (signal === 'SIGKILL') return null;
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

/**
 * Processes that work for the package: in its checkout, inside or outside of a sandbox, or with the
 * cache's helper. @returns {{ pid: number, command: string }[]} Read in one look, so that one that
 * ends meanwhile is not asked again.
 */
function processes() {
  const of = (pid, read) => {
    try {
      return read(`/proc/${pid}`);
    } catch {
      // It has ended meanwhile, or is another user's.
      return '';
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => ({ pid: Number(pid), folder: of(pid, (at) => readlinkSync(`${at}/cwd`)), command: of(pid, (at) => readFileSync(`${at}/cmdline`, 'utf8')) }))
    .filter(({ folder, command }) => folder.includes(`/${NAME}`) || command.includes(clean.home))
    .map(({ pid, command }) => ({ pid, command: command.replaceAll('\0', ' ').trim() }));
}

test(`a run killed at each of ${KILLS} steps leaves no process, and the next one is right`, { skip: process.platform !== 'linux' && 'reads /proc' }, async () => {
  const write = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','built')"`;
  const { spec } = await world.release(NAME, {
    json: { scripts: { build: `node -e "setTimeout(()=>{},300)" && ${write}` }, files: ['dist', 'index.js'] },
    files: { '.gitignore': 'dist\nnode_modules\n' },
    published: { '.gitignore': null, 'dist/a.js': 'built' },
  });
  const whole = await judge(spec, 0);
  assert.equal(whole.verdict, 'identical');
  const { int, pick } = random(20261125);
  let killed = 0;
  for (let nth = 0; nth < KILLS; nth++) {
    // Now and then with nothing in the caches: most of what is written is written then.
    if (nth % 4 === 0) await rm(cacheOf(clean), { recursive: true, force: true });
    const step = 1 + int(whole.steps);
    const wait = pick([0, 5, 50, 150]);
    if ((await judge(spec, step, wait)) === null) killed += 1;
    let left = processes();
    for (let tries = 0; left.length > 0 && tries < 100; tries++) {
      await sleep(50);
      left = processes();
    }
    assert.deepEqual(left, [], `processes stay after a kill at step ${step} and ${wait} ms`);
    const next = await judge(spec, 0);
    assert.equal(next.verdict, 'identical', `after a kill at step ${step} and ${wait} ms`);
  }
  assert.ok(killed >= KILLS / 2, `only ${killed} of ${KILLS} were killed before their end`);
});
