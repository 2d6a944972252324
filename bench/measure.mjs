// Wall time and peak memory of a command. Taken in runs of their own, so that neither disturbs the
// other.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const GNU_TIME = '/usr/bin/time';
const POLL_MS = 1;

/**
 * @typedef {object} Command
 * @property {string[]} argv
 * @property {Record<string, string>} env
 * @property {string} [cwd]
 * @property {number} [expect] exit code that counts as having run; default 0
 */

/**
 * Runs a command once and gives its wall time in ms.
 * @param {Command} command
 */
export async function wallTime(command) {
  const started = performance.now();
  await finished(start(command.argv, command), command);
  return performance.now() - started;
}

/** How `peakMemory` reads it on this machine, in words. */
export const MEMORY_SOURCE =
  process.platform !== 'linux' ? null : existsSync(GNU_TIME) ? `${GNU_TIME} (getrusage)` : 'VmHWM in /proc, polled';

/**
 * Runs a command once and gives the largest resident set of any one process of it, in bytes; null
 * where it cannot be known. @param {Command} command
 */
export async function peakMemory(command) {
  if (MEMORY_SOURCE === null) return null;
  return existsSync(GNU_TIME) ? byRusage(command) : byPolling(command);
}

async function byRusage(command) {
  const folder = await mkdtemp(join(tmpdir(), 'bench-rss-'));
  try {
    const report = join(folder, 'kilobytes');
    await finished(start([GNU_TIME, '-q', '-o', report, '-f', '%M', ...command.argv], command), command);
    return Number((await readFile(report, 'utf8')).trim()) * 1024;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * VmHWM only grows, so the last reading before the end is nearly the peak. Sees the command itself,
 * not its children.
 */
async function byPolling(command) {
  const child = start(command.argv, command);
  let peak = null;
  const timer = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(status) ?? [];
    if (kilobytes) peak = Math.max(peak ?? 0, Number(kilobytes) * 1024);
  }, POLL_MS);
  try {
    await finished(child, command);
  } finally {
    clearInterval(timer);
  }
  return peak;
}

function start([program, ...args], { env, cwd }) {
  return spawn(program, args, { env, cwd, stdio: ['ignore', 'ignore', 'pipe'] });
}

async function finished(child, { argv, expect = 0 }) {
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaint += text));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== expect) throw new Error(`${argv.join(' ')} ended with ${code}, not ${expect}: ${complaint}`);
}

/** The list in another order; `int` draws a whole number below its argument. */
export function shuffled(list, int) {
  const order = [...list];
  for (let nth = order.length - 1; nth > 0; nth--) {
    const other = int(nth + 1);
    [order[nth], order[other]] = [order[other], order[nth]];
  }
  return order;
}

/** Median, smallest and largest. */
export function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}
