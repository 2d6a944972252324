// `npm run online [-- --only REGEXP --list FILE --results FILE]`: judges published packages of the
// real registry, from an empty cache, and holds each answer against scripts/online.json. One of
// these ends it with 1:
//   - a package is reproduced where the list says that it is not, better than the list says, or from another commit;
//   - fewer than SHARE of the list are answered as it says. Below that are hosts that were down, repositories that went away.

import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The least part of the list that is answered as it says. */
const SHARE = 0.95;
/** The verdicts that say a package was reproduced, and how much each says. */
const SAYS = { identical: 2, 'same-content': 1 };

const { values: options } = parseArgs({
  options: { only: { type: 'string', default: '' }, list: { type: 'string', default: join(root, 'scripts/online.json') }, results: { type: 'string' } },
});

const only = new RegExp(options.only);
const list = JSON.parse(readFileSync(options.list, 'utf8')).filter(({ spec }) => only.test(spec));
if (list.length === 0) throw new Error(`no package of ${options.list} matches ${options.only}`);

const cache = mkdtempSync(join(tmpdir(), 'reproduce-online-'));
const counts = { met: 0, missed: 0, wrong: 0 };
try {
  for (const listed of list) {
    const started = Date.now();
    let answer = await judge(listed.spec);
    // A host that is busy for a moment says nothing about this program.
    if (held(answer, listed) === 'missed') answer = await judge(listed.spec);
    const how = held(answer, listed);
    counts[how] += 1;
    const said = (commit, verdict) => `${verdict}${commit === null ? '' : ` from ${commit}`}`;
    const instead = how === 'met' ? '' : `, and not ${said(listed.commit, listed.verdict)}; ${answer.code ?? 'no code'}`;
    console.log(`${how.padEnd(6)} ${listed.spec}: ${said(commitOf(answer), answer.verdict)}${instead} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
    if (options.results !== undefined) appendFileSync(options.results, `${JSON.stringify(answer)}\n`);
  }
} finally {
  rmSync(cache, { recursive: true, force: true });
}

const share = counts.met / list.length;
const percent = (part) => `${(part * 100).toFixed(1)} %`;
console.log(`\n${counts.met} of ${list.length} as listed (${percent(share)}; at least ${percent(SHARE)}), ${counts.missed} missed, ${counts.wrong} wrong`);
if (counts.wrong > 0 || share < SHARE) process.exitCode = 1;

/** The answer of the program in this checkout. */
async function judge(spec) {
  const args = [join(root, 'bin.cjs'), spec, '--json', '--force', '--timeout', '900', '--cache-dir', cache];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  let text = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) text += chunk;
  const code = await ended;
  const answer = JSON.parse(text || 'null');
  // The exit code and the answer say the same thing, or neither counts.
  if (answer === null || answer.reproduced !== (code === 0)) throw new Error(`${spec}: exit code ${code}\n${text}`);
  return answer;
}

function commitOf(answer) {
  return answer.reproduced ? answer.origin.commit : null;
}

/** `met`, `missed` (less than the list says), or `wrong` (more than it says, or another commit). */
function held(answer, { verdict, commit }) {
  const [got, wanted] = [SAYS[answer.verdict] ?? 0, SAYS[verdict] ?? 0];
  if (got > wanted || (answer.reproduced && commitOf(answer) !== commit)) return 'wrong';
  return answer.verdict === verdict ? 'met' : 'missed';
}
