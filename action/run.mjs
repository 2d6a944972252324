// The Action's step: runs the program of this ref, writes its results to a file, and the verdicts
// to the step's outputs and to the job's summary.

import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { target } = createRequire(import.meta.url)('../native.cjs');
const input = (name) => (process.env[`INPUT_${name}`] ?? '').trim();

/** Exit codes at which the step fails. */
const FAILS = { any: [1, 2], differs: [1], none: [] };
/** Most rows of the summary: GitHub refuses one that is over a megabyte. */
const ROWS = 200;
/** Most annotations of one level that GitHub shows for a step. */
const ANNOTATIONS = 10;
/** Most packages without an answer that are named. */
const SHOWN = 5;
/** Most files of one problem that the log and an annotation name. */
const PATHS = 20;

const specs = input('PACKAGE').split(/\s+/).filter(Boolean);
const local = input('LOCAL');
const audit = input('AUDIT') === 'true' ? '.' : input('AUDIT').replace(/^false$/, '');
const fails = FAILS[input('FAIL_ON') || 'any'];
if (!fails) stop(`fail-on is ${input('FAIL_ON')}, and must be any, differs or none`);
if (!local && !audit && specs.length === 0) stop('name a package, or a folder with `local` or `audit`');
if (local && specs.length > 0) stop('`local` is about a folder, and not about packages');
if (audit && (local || specs.length > 0)) stop('`audit` is about a lockfile, and not about packages');
const odd = [...specs, local, audit].find((word) => word.startsWith('-'));
if (odd) stop(`${odd} is no package and no folder`);

// An input that nothing follows would be taken for one that was: a report that is never written.
const wait = input('WAIT').replace(/^false$/, '');
const [junit, attest] = [input('JUNIT'), input('ATTEST')];
if (local && (wait || attest)) stop(`\`${wait ? 'wait' : 'attest'}\` is about published packages, and does not go with \`local\``);
if (audit && (wait || junit || attest)) stop(`\`${wait ? 'wait' : junit ? 'junit' : 'attest'}\` does not go with \`audit\`, whose results are in the outputs \`json\` and \`summary\``);

const work = mkdtempSync(join(process.env.RUNNER_TEMP ?? tmpdir(), 'reproduce-'));
// The log shows what takes long; it is not among the results.
const args = audit ? auditArguments() : ['--json', '--progress', '--accept', input('ACCEPT') || 'same-content'];
if (input('REGISTRY')) args.push('--registry', input('REGISTRY'));
if (wait) args.push(wait === 'true' ? '--wait' : `--wait=${wait}`);
if (junit) args.push('--junit', junit);
if (attest) args.push('--attest', attest, '--attest-keyless');
if (local) args.push('--local', local);
else args.push(...specs);

const summaryFile = process.env.GITHUB_STEP_SUMMARY;
const summarySize = () => (summaryFile && existsSync(summaryFile) ? statSync(summaryFile).size : 0);
const sizeBefore = summarySize();
const ran = await runProgram(program());
const isEnd = [0, 1, 2].includes(ran.status);
// A line that is cut off is no result: the program writes each of them at once, with its end.
const said = ran.stdout.split('\n').filter(Boolean);
const lines = said.filter((line) => parsed(line));
// What an audit left out, and its total, are no packages; what is worst comes first.
const rank = ({ exitCode }) => [2, 0, 1][exitCode] ?? 1;
const told = lines.map((line) => parsed(line));
const isWhole = told.at(-1)?.type === 'total';
const results = audit ? told.filter(({ type }) => type === 'package').sort((a, b) => rank(a) - rank(b)) : told;
// One answer for each package. One about the command line is about none of them.
const asked = local ? [local] : specs;
const answers = results.filter((one) => one.code !== 'usage').length;
const unanswered = asked.slice(answers);
const broken = wrong();
// What is none of the program's own exit codes decided nothing; nor did 0 where an answer is
// missing.
const code = isEnd && !(broken && ran.status === 0) ? ran.status : 2;
const verdicts = [...results.map((one) => asInstalled(one) ?? one.verdict ?? { true: 'reproducible', false: 'not-reproducible' }[one.reproducible] ?? 'undecided'), ...asked.slice(results.length).map(() => 'undecided')];
// Which verdicts fail is the user's choice. That there is none, as of a name that is misspelt, is no
// verdict, and fails whatever was chosen, unless an exception is for it.
const hasNone = results.some(({ verdict, exitCode }) => verdict === 'error' && (!audit || exitCode !== 0));
process.exitCode = broken || hasNone || fails.includes(code) ? code : 0;

const json = join(work, 'results.ndjson');
writeFileSync(json, lines.map((line) => `${line}\n`).join(''));
output({ verdict: verdicts.join(' '), 'exit-code': String(code), json, ...(audit && { summary: join(work, 'summary.md') }) });
// The program's own table says more; it writes none for a folder, and none if it was asked for
// something that it cannot do.
if (summaryFile && summarySize() === sizeBefore) appendFileSync(summaryFile, table());
for (const [at, one] of results.entries()) print(`${verdicts[at]}${nameOf(one) && `  ${nameOf(one)}`}${codeOf(one) ? `  (${codeOf(one)})` : ''}${passing(one)}`);
const problems = results.flatMap((one) => [...(one.problems ?? []), ...(one.verdict === 'error' ? [{ code: one.code, message: one.message, todo: one.hints?.[0] }] : [])]);
// GitHub shows the first ten: what fails comes before what is worth a look.
problems.sort((a, b) => (a.severity === 'warning') - (b.severity === 'warning'));
for (const { code: name, message, todo, paths = [] } of problems) {
  print(`${name}: ${message}`);
  for (const path of paths.slice(0, PATHS)) print(`  ${path}`);
  if (paths.length > PATHS) print(`  and ${paths.length - PATHS} more`);
  if (todo) print(`  ${todo}`);
}
const own = problems.map(({ code: name, message, severity, paths }) => `::${severity === 'warning' ? 'warning' : 'error'} title=${escaped(`reproduce [${name}]`, true)}::${escaped(message + listed(paths))}`);
// First, since GitHub shows the first ten.
if (broken) {
  console.log(`::error title=reproduce::${escaped(broken)}`);
  console.error(`error: ${harmless(broken)}`);
}
for (const line of ran.annotations.length > 0 ? ran.annotations : own.slice(0, ANNOTATIONS)) {
  // A step that passes has nothing in red.
  console.log(process.exitCode === 0 ? line.replace(/^::error /, '::warning ') : line);
}

/**
 * Why there is not one answer for each package, or why the program's end is none of its own;
 * undefined where all is well.
 */
function wrong() {
  const end = ran.signal ? `the program was ended by ${ran.signal}` : `the program ended with ${ran.status}`;
  const missing = unanswered.slice(0, SHOWN).join(' ') + (unanswered.length > SHOWN ? ` and ${unanswered.length - SHOWN} more` : '');
  if (audit && !isWhole) return `${end}: ${told.at(-1)?.message ?? 'the audit did not come to its end'}`;
  if (unanswered.length > 0) return `${end}: ${answers} of ${asked.length} packages have an answer, and there is none for ${missing}`;
  if (lines.length < said.length) return 'the program printed something else than JSON';
  return isEnd ? undefined : `${end}, which is none of its exit codes`;
}

/** What an audit is asked with: in a pull request, since the commit that it is based on. */
function auditArguments() {
  const event = process.env.GITHUB_EVENT_PATH && existsSync(process.env.GITHUB_EVENT_PATH) ? readFileSync(process.env.GITHUB_EVENT_PATH, 'utf8') : '{}';
  const base = parsed(event)?.pull_request?.base?.sha;
  const since = /^[\da-f]{40}$/.test(base ?? '') ? ['--since', base] : [];
  return ['audit', audit, '--ndjson', '-', '--summary', join(work, 'summary.md'), '--accept', input('ACCEPT') || 'same-content', ...since];
}

/**
 * The program of this ref as arguments of Node: the one that is built here, else the published one
 * of package.json's name and version.
 */
function program() {
  if (existsSync(join(root, `reproduce.${target()}.node`))) return [join(root, 'bin.cjs')];
  const { name, version, private: unpublished } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (unpublished) stop('this ref of the action is no release: it has no published program, and none is built in it');
  return [installed(name, version)];
}

/** Installs the program without running a script, and gives the path of its command. */
function installed(name, version) {
  // In a folder of its own: configuration and packages of the checked-out project have no say in
  // what is installed.
  const folder = mkdtempSync(join(work, 'program-'));
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  // On Windows npm is a .cmd file, which only a shell can start.
  const onWindows = join(dirname(process.execPath), 'node_modules/npm/bin/npm-cli.js');
  const [npm, first] = process.platform === 'win32' ? [process.execPath, [onWindows]] : ['npm', []];
  const install = ['install', '--ignore-scripts', '--include=optional', '--no-audit', '--no-fund', '--save-exact', `${name}@${version}`];
  const { status, error } = spawnSync(npm, [...first, ...install], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  if (error || status !== 0) stop(`${name}@${version} cannot be installed${error ? `: ${error.message}` : ''}`);
  return join(folder, 'node_modules', name, 'bin.cjs');
}

/**
 * Runs it, passes on what it says, and holds back its annotations: their level depends on how the
 * step ends.
 */
async function runProgram(command) {
  // A published package is asked for where the workflow says, and not where the checkout does, which
  // may be a stranger's: with npm's `location` the .npmrc of a project does not count.
  const env = specs.length > 0 ? { ...process.env, npm_config_location: 'global' } : process.env;
  const child = spawn(process.execPath, [...command, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const annotations = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (/^::(?:error|warning) /.test(line)) annotations.push(line);
    else console.error(line);
  });
  const chunks = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  const [status, signal] = await new Promise((resolve) => {
    child.once('error', (error) => stop(error.message));
    child.once('close', (...end) => resolve(end));
  });
  return { status, signal, annotations, stdout: Buffer.concat(chunks).toString('utf8') };
}

/**
 * Prints one line. Names and paths come from strangers: nothing of them may be a command to the
 * runner, or to a terminal.
 */
function print(line) {
  console.log(line.replaceAll(/\p{C}/gu, '?').replaceAll('::', ': :').replaceAll('##[', '## ['));
}

/** Text for a command to the runner. */
function escaped(text, isProperty = false) {
  const data = text.replaceAll('%', '%25').replaceAll(/\p{C}/gu, '?');
  return isProperty ? data.replaceAll(':', '%3A').replaceAll(',', '%2C') : data;
}

/**
 * Text in which the runner finds no command: it takes one from `::` at a line's start, and from
 * `##[` anywhere.
 */
function harmless(text) {
  return text.replaceAll(/\p{C}/gu, '?').replaceAll('##[', '##\\[').replace(/^\s*::/, '\\::');
}

/** The result of a line; undefined for what is none. */
function parsed(line) {
  try {
    const one = JSON.parse(line);
    return one !== null && typeof one === 'object' ? one : undefined;
  } catch {
    return undefined;
  }
}

/** Why it fails: of an audit's package what the lockfile says of it comes first. */
function codeOf(one) {
  const error = (findings) => audit && findings?.find(({ severity }) => severity === 'error')?.code;
  const worst = one.problems?.find(({ severity }) => severity !== 'warning') ?? one.problems?.[0];
  return error(one.findings) || one.code || error(one.noticed) || worst?.code || undefined;
}

/** The files that a problem is about, behind its message. */
function listed(paths = []) {
  if (paths.length === 0) return '';
  return `: ${paths.slice(0, PATHS).join(', ')}${paths.length > PATHS ? ` and ${paths.length - PATHS} more` : ''}`;
}

/**
 * The verdict is about what the registry serves. Where the lockfile has something else, that is
 * what is installed; undefined where it has not.
 */
function asInstalled(one) {
  if (!audit || !['identical', 'same-content'].includes(one.verdict)) return undefined;
  if (!one.findings?.some(({ severity }) => severity === 'error')) return undefined;
  return { 1: 'differs', 2: 'undecided' }[one.exitCode];
}

/** What lets a package pass that would fail. */
function passing(one) {
  if (!one.exception) return '';
  return one.exceptionIsNew ? '  excepted by an exception that is new' : '  excepted';
}

function nameOf(one) {
  const { name, version, spec } = one.package ?? one;
  // What is wrong with what was asked is about no package.
  return name && version ? `${name}@${version}` : spec || '';
}

function output(values) {
  if (!process.env.GITHUB_OUTPUT) return;
  appendFileSync(process.env.GITHUB_OUTPUT, Object.entries(values).map(([name, value]) => `${name}=${value.replaceAll(/[\r\n]/g, ' ')}\n`).join(''));
}

/** The verdicts as Markdown. */
function table() {
  // Names, codes and commits come from strangers: nothing of them may be markup.
  const cell = (text) => String(text ?? '').replaceAll(/[^\w@/.+: -]/g, '');
  const of = [...results, ...asked.slice(results.length).map((spec) => ({ spec }))];
  const rows = of.slice(0, ROWS).map((one, at) => `| ${cell(nameOf(one)) || '(none)'} | ${verdicts[at]} | ${cell(codeOf(one))} | ${cell((one.origin?.commit ?? one.commit)?.slice(0, 12))} |`);
  return `### reproduce\n\n| package | verdict | code | commit |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n\n`;
}

/** Ends the step undecided. */
function stop(message) {
  console.log(`::error title=reproduce::${escaped(message)}`);
  console.error(`error: ${harmless(message)}`);
  output({ verdict: '', 'exit-code': '2', json: '' });
  process.exit(2);
}
