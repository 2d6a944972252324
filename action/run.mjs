// What action.yml runs: the program by npx, its results to a file, the verdicts to the step's outputs and to the job's summary.

import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const input = (name) => (process.env[`INPUT_${name}`] ?? '').trim();

/** Exit codes at which the step fails. */
const FAILS = { any: [1, 2], differs: [1], none: [] };
/** Most rows of the summary: GitHub refuses one that is over a megabyte. */
const ROWS = 200;

const specs = input('PACKAGE').split(/\s+/).filter(Boolean);
const local = input('LOCAL');
const fails = FAILS[input('FAIL_ON') || 'any'];
if (!fails) stop(`fail-on is ${input('FAIL_ON')}, and must be any, differs or none`);
if (!local && specs.length === 0) stop('name a package, or a folder with `local`');
const odd = [...specs, local].find((word) => word.startsWith('-'));
if (odd) stop(`${odd} is no package and no folder`);

const args = ['--json', '--accept', input('ACCEPT') || 'same-content'];
if (input('REGISTRY')) args.push('--registry', input('REGISTRY'));
if (input('JUNIT') && !local) args.push('--junit', input('JUNIT'));
if (local) args.push('--local', local);
else args.push(...specs);

// On Windows npx is a .cmd file, which only a shell can start; what it starts itself needs none.
const onWindows = join(dirname(process.execPath), 'node_modules/npm/bin/npx-cli.js');
const [npx, first] = process.platform === 'win32' ? [process.execPath, [onWindows]] : ['npx', []];
const ran = spawnSync(npx, [...first, '--yes', `${input('NAME') || 'reproduce'}@${input('VERSION') || 'latest'}`, ...args], {
  encoding: 'utf8',
  maxBuffer: 1 << 28,
  stdio: ['ignore', 'pipe', 'inherit'],
});
if (ran.error) stop(ran.error.message);
// What is none of the program's own exit codes decided nothing.
const code = [0, 1, 2].includes(ran.status) ? ran.status : 2;
const lines = ran.stdout.split('\n').filter(Boolean);
const results = lines.map((line) => parsed(line));

const json = join(mkdtempSync(join(process.env.RUNNER_TEMP ?? tmpdir(), 'reproduce-')), 'results.ndjson');
writeFileSync(json, ran.stdout);
const verdicts = results.map((one) => one.verdict ?? { true: 'reproducible', false: 'not-reproducible' }[one.reproducible] ?? 'undecided');
output({ verdict: verdicts.join(' '), 'exit-code': String(code), json });
summary();
for (const [at, one] of results.entries()) print(`${verdicts[at]}  ${nameOf(one)}${one.code ? `  (${one.code})` : ''}`);
for (const { code: name, message, todo } of results.flatMap((one) => one.problems ?? [])) {
  print(`${name}: ${message}`);
  print(`  ${todo}`);
}
process.exitCode = results.length === 0 || fails.includes(code) ? code || 2 : 0;

/** Prints one line. Names and paths come from strangers: nothing of them may be a command to the runner, or to a terminal. */
function print(line) {
  console.log(line.replaceAll(/\p{C}/gu, '?').replaceAll('::', ': :').replaceAll('##[', '## ['));
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return stop('the program printed something else than JSON');
  }
}

function nameOf(one) {
  const { name, version, spec } = one.package ?? one;
  return name && version ? `${name}@${version}` : (spec ?? '?');
}

function output(values) {
  if (!process.env.GITHUB_OUTPUT) return;
  appendFileSync(process.env.GITHUB_OUTPUT, Object.entries(values).map(([name, value]) => `${name}=${value.replaceAll(/[\r\n]/g, ' ')}\n`).join(''));
}

function summary() {
  if (!process.env.GITHUB_STEP_SUMMARY) return;
  // Names, codes and commits come from strangers: nothing of them may be markup.
  const cell = (text) => String(text ?? '').replaceAll(/[^\w@/.+: -]/g, '');
  const rows = results.slice(0, ROWS).map((one, at) => `| ${cell(nameOf(one))} | ${verdicts[at]} | ${cell(one.code)} | ${cell((one.origin?.commit ?? one.commit)?.slice(0, 12))} |`);
  appendFileSync(process.env.GITHUB_STEP_SUMMARY, `### reproduce\n\n| package | verdict | code | commit |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n\n`);
}

function stop(message) {
  console.error(`error: ${message}`);
  process.exit(2);
}
