// Runs the Rust tests, two programs at once: many of them wait for one other program, a client or an
// oracle, and cargo runs one after the other. What cargo itself would run is run, with the folder of
// its package as the working folder; then the examples in the documentation.
//   node scripts/rust-tests.mjs --workspace --exclude reproduce-sandbox
import { spawn, spawnSync } from 'node:child_process';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const AT_ONCE = 2;
/** Fills the machine's memory, processes and disk up to its limits. */
export const ALONE = ['crates/isolation/tests/it/main.rs'];
/** One after the other: two fetch tarballs into one folder, and the first reads what is there. */
export const SAME_FILES = ['tests/fuzz.rs', 'tests/mutation.rs', 'tests/packer_roundtrip.rs'];
/** Those that take longest, so that none of them is the last. */
export const FIRST = ['crates/npm-pack/tests/it/main.rs', 'crates/store/src/lib.rs', 'crates/npm-toolchain/tests/it/main.rs', 'crates/npm-timewarp/tests/it/main.rs', ...SAME_FILES, 'crates/npm-tarball/tests/it/main.rs', 'crates/npm-pack/src/lib.rs'];

/**
 * The test programs that cargo built, from its messages: `{ source, program, folder }`, in the
 * order in which they are to be run.
 */
export function programsOf(messages, { first = FIRST } = {}) {
  const tests = messages.filter(({ reason, executable, profile }) => reason === 'compiler-artifact' && executable && profile.test);
  const rank = ({ source }) => (first.includes(source) ? first.indexOf(source) : first.length);
  return tests
    .map(({ executable, manifest_path: manifest, target }) => ({ source: relative(root, target.src_path), program: executable, folder: dirname(manifest) }))
    .sort((a, b) => rank(a) - rank(b));
}

/**
 * The programs in the groups in which they are run: `beside` are lists that may be run at once,
 * each of them one after the other; `alone` is run when nothing else is.
 */
export function groupsOf(programs, { sameFiles = SAME_FILES, alone = ALONE } = {}) {
  const has = (sources) => programs.filter(({ source }) => sources.includes(source));
  const chain = has(sameFiles);
  const beside = [];
  for (const one of programs) {
    if (alone.includes(one.source) || (chain.includes(one) && one !== chain[0])) continue;
    beside.push(one === chain[0] ? chain : [one]);
  }
  return { beside, alone: has(alone) };
}

/** What the results of libtest in an output add up to. */
export function countOf(output) {
  const sum = { passed: 0, failed: 0, ignored: 0 };
  for (const [, ...counts] of output.matchAll(/^test result: .+?\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm)) {
    Object.keys(sum).forEach((key, at) => (sum[key] += Number(counts[at])));
  }
  return sum;
}

/**
 * Runs one program, and prints all that it said once it has ended. A program that printed no result
 * has run no test.
 */
export async function runOne({ source, program, folder }) {
  const started = Date.now();
  const child = spawn(program, [], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => said.push(data));
  const ended = await new Promise((resolve) => child.once('error', (error) => resolve(error.message)).once('close', (code, signal) => resolve(code ?? signal)));
  const output = Buffer.concat(said).toString();
  console.log(`\n     Running ${source} (${relative(root, program)})\n${output}`);
  const count = countOf(output);
  const isGood = ended === 0 && /^test result: ok/m.test(output);
  return { source, count, isGood, ended, seconds: (Date.now() - started) / 1000 };
}

/** Runs lists of programs, so many lists at once. */
async function runAll(lists, atOnce) {
  const results = [];
  const waiting = [...lists];
  const lane = async () => {
    for (let list = waiting.shift(); list; list = waiting.shift()) {
      for (const one of list) results.push(await runOne(one));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return results;
}

async function main(args) {
  const cargo = ['test', '--release', '--locked', ...args];
  const built = spawnSync('cargo', [...cargo, '--no-run', '--message-format=json-render-diagnostics'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] });
  if (built.error) throw built.error;
  if (built.status !== 0) return 1;
  const programs = programsOf(built.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line)));
  const { beside, alone } = groupsOf(programs);
  const results = [...(await runAll(beside, AT_ONCE)), ...(await runAll([alone], 1))];
  const documented = spawnSync('cargo', [...cargo, '--no-fail-fast', '--doc'], { cwd: root, stdio: 'inherit' });

  const sum = (key) => results.reduce((total, { count }) => total + count[key], 0);
  const slowest = [...results].sort((a, b) => b.seconds - a.seconds).slice(0, 8).map(({ source, seconds }) => `  ${seconds.toFixed(1).padStart(6)} s  ${source}`);
  console.log(`\n${results.length} programs: ${sum('passed')} passed, ${sum('failed')} failed, ${sum('ignored')} ignored; the slowest:\n${slowest.join('\n')}`);
  const bad = results.filter(({ isGood }) => !isGood);
  for (const { source, ended } of bad) console.error(`FAILED: ${source} (${ended})`);
  return results.length > 0 && bad.length === 0 && documented.status === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
