// The whole check: lint, generated files, Rust tests, and the end-to-end tests against servers on
// loopback. It installs the packages that it needs; what it needs of the machine it says at its
// start (scripts/preflight.mjs), and what could not be tested at its end. REPRODUCE_TEST_REQUIRE
// says what must have been there: names; `promised` for all of PROMISED, without what root alone
// can do where the user is another; `all` for all of it, and then nothing else may be lacked
// either.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lacking } from './preflight.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/**
 * What the documents promise to be tested, by the names that tests/needs/ records. bun is a
 * download of 90 MB that not every registry gives.
 */
const PROMISED = [
  ...['namespaces', 'bwrap', 'landlock'].flatMap((tier) => ['root', 'other'].map((user) => `tier:${tier}:${user}`)),
  ...['root', 'other'].map((user) => `user:${user}`),
  'containers',
  'browser',
  ...['npm of the machine', 'npm-6', 'npm-7', 'npm-8', 'npm-10', 'npm-11', 'yarn-1', 'berry-3', 'berry-4', 'pnpm-8', 'pnpm-9', 'pnpm-10'].map((name) => `installer:${name}`),
  ...['npm-6', 'npm-8', 'npm-10', 'npm-11', 'yarn-1', 'berry-3', 'berry-4', 'pnpm-8', 'pnpm-9', 'pnpm-10', 'pnpm-11'].map((name) => `client:${name}`),
];
const REPORTERS = ['spec', './scripts/skips.mjs'].flatMap((reporter) => [`--test-reporter=${reporter}`, '--test-reporter-destination=stdout']);

/**
 * Every test file below a folder. By name: as an argument a folder is searched by Node 20 alone,
 * and a pattern is read from 21 on.
 */
function testFiles(folder) {
  const names = readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name));
  return names.filter((name) => name.endsWith('.test.mjs') && !name.includes('node_modules')).sort();
}

const nodeTests = (folder) => ['node', ['--test', '--test-concurrency=2', ...REPORTERS, ...testFiles(folder)]];

/**
 * Every crate but the sandbox's program, which is built for itself (other features of what both
 * use), and the fuzzer, which wants a tool.
 */
const OURS = ['--workspace', '--exclude', 'reproduce-sandbox', '--exclude', 'reproduce-fuzz'];

/** The crates that are of use by themselves, and what they stand on. */
const FOR_OTHERS = ['npm-pack', 'npm-tarball', 'npmrc', 'npm-timewarp', 'node-deflate', ...['verdict', 'npm-spec', 'http', 'npm-registry', 'store'].map((name) => `reproduce-${name}`)].flatMap((name) => ['--package', name]);

const steps = [
  ['format', 'cargo', ['fmt', '--all', '--check']],
  ['lint (Rust)', 'cargo', ['clippy', '--release', '--locked', ...OURS, '--all-targets', '--', '-D', 'warnings']],
  ['lint (sandbox)', 'cargo', ['clippy', '--release', '--locked', '--package', 'reproduce-sandbox', '--all-targets', '--', '-D', 'warnings']],
  // Without the build that verifies a package: the tests have built what is in it.
  ['crates for others', 'cargo', ['package', '--locked', '--allow-dirty', '--no-verify', ...FOR_OTHERS]],
  ['lint (JavaScript)', 'node', ['node_modules/eslint/bin/eslint.js', '.']],
  ['addon', 'node', ['scripts/build.mjs']],
  ['conformance tools', npm, ['ci', '--include=optional', '--prefix', '__test__/conformance', '--ignore-scripts', '--no-audit', '--no-fund']],
  ['Rust tests', 'node', ['scripts/rust-tests.mjs', ...OURS]],
  ['Rust tests (sandbox)', 'cargo', ['test', '--release', '--locked', '--package', 'reproduce-sandbox']],
  ['end-to-end tests', ...nodeTests('__test__')],
  ['attacks', ...nodeTests('tests/attacks')],
];

const isRoot = process.getuid?.() === 0;
const promised = PROMISED.filter((name) => isRoot || !/^(user|tier):(.*:)?root$/.test(name));
const words = (process.env.REPRODUCE_TEST_REQUIRE ?? '').split(',').filter(Boolean);
const required = words.flatMap((word) => (word === 'promised' ? promised : [word]));
const forbidsLack = required.includes('all');
const failed = [];

const lacks = lacking();
if (lacks.length > 0) console.log(`this machine lacks:\n${lacks.map((line) => `  ${line}`).join('\n')}`);
if (forbidsLack && lacks.length > 0) {
  console.error('REPRODUCE_TEST_REQUIRE=all: nothing may be lacked');
  process.exit(1);
}

// Tests of other users write to it too.
const place = mkdtempSync(join(tmpdir(), 'reproduce-test-'));
const record = join(place, 'record');
writeFileSync(record, '');
chmodSync(place, 0o755);
chmodSync(record, 0o666);

const env = { ...process.env, REPRODUCE_TEST_RECORD: record, REPRODUCE_TEST_SHARED: join(place, 'shared'), REPRODUCE_TEST_REQUIRE: required.join(',') };

/** Starts a step; gives its status and its seconds. */
function start([, command, args], stdout = 'inherit') {
  const started = Date.now();
  return new Promise((resolve) => {
    const end = (status) => resolve({ status, seconds: ((Date.now() - started) / 1000).toFixed(1) });
    const child = spawn(command, args, { cwd: root, stdio: ['inherit', stdout, stdout], env });
    child.once('error', (error) => {
      console.error(error.message);
      end(null);
    });
    child.once('close', end);
  });
}

const only = process.argv.slice(2);
const chosen = steps.filter(([name]) => only.length === 0 || only.some((word) => name.toLowerCase().includes(word)));
// It waits for the registry, while what comes before it wants the processor: it is started first,
// and shown in its turn.
const fetching = chosen.find(([name]) => name === 'conformance tools');
const fetched = fetching && start(fetching, openSync(join(place, 'fetched'), 'w'));
for (const step of chosen) {
  const [name, command, args] = step;
  console.log(`\n==> ${name}: ${command} ${args.join(' ')}`);
  const { status, seconds } = await (step === fetching ? fetched : start(step));
  if (step === fetching) process.stdout.write(readFileSync(join(place, 'fetched')));
  console.log(`<== ${name}: ${status === 0 ? 'ok' : 'FAILED'} in ${seconds} s`);
  if (status !== 0) failed.push(name);
}

const lines = readFileSync(record, 'utf8').split('\n').filter(Boolean).map((line) => line.split('\t'));
rmSync(place, { recursive: true });
const had = new Set(lines.filter(([kind]) => kind === 'had').map(([, name]) => name));
const lacked = new Map(lines.filter(([kind]) => kind === 'lacked').map(([, name, why]) => [name, why]));
if (lacked.size > 0) console.log(`\nnot tested here: ${lacked.size}\n${[...lacked].map(([name, why]) => `  ${name}: ${why}`).join('\n')}`);
if (forbidsLack && lacked.size > 0) failed.push('what was not tested');
// A test that is gone lacks nothing: what is required must have been seen. A part of the run sees a
// part.
const wanted = forbidsLack ? PROMISED : required;
const unseen = only.length > 0 ? [] : wanted.filter((name) => !had.has(name));
if (unseen.length > 0) failed.push(`required, and not tested: ${unseen.join(', ')}`);

if (failed.length > 0) {
  console.error(`\nfailed: ${failed.join(', ')}`);
  process.exit(1);
}
