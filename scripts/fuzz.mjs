// Fuzzes one target, or all one after the other, for as long as you like.
//   node scripts/fuzz.mjs lockfile --minutes 30             libFuzzer, led by coverage; needs `cargo install cargo-fuzz`
//   node scripts/fuzz.mjs all --minutes 5 --blind --seed 7  the mutator of `cargo test`, which needs nothing
//   node scripts/fuzz.mjs --list                            the targets, as JSON
// The targets are in tests/fuzz/targets. What libFuzzer finds out is kept in target/fuzz-corpus (or
// --corpus) for the next run. An input that fails is kept, and named: REPRODUCE_FUZZ_INPUT=<file>
// node scripts/fuzz.mjs <target> --blind runs it alone. Mended, it belongs into
// tests/fuzz/corpus/<target>, where every `cargo test` runs it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The names in the table of tests/fuzz/targets/mod.rs. */
const TARGETS = [...readFileSync(join(root, 'tests/fuzz/targets/mod.rs'), 'utf8').matchAll(/^ {4}\("(\w+)", [\w:]+\),$/gm)].map(([, name]) => name);
/** Longest input in bytes, longest time for one in seconds, most memory in MiB. */
const LIMITS = ['-max_len=16384', '-timeout=20', '-rss_limit_mb=1500'];

const usage = (problem) => {
  console.error(`error: ${problem}\n\nhint: node scripts/fuzz.mjs ${TARGETS.join('|')}|all [--minutes N] [--blind] [--seed N] [--corpus FOLDER]`);
  process.exit(2);
};

let parsed;
try {
  parsed = parseArgs({
    allowPositionals: true,
    options: {
      blind: { type: 'boolean', default: false },
      corpus: { type: 'string', default: join(root, 'target/fuzz-corpus') },
      list: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    },
  });
} catch (error) {
  usage(error.message);
}
const { values, positionals } = parsed;
if (values.list) {
  console.log(JSON.stringify(TARGETS));
  process.exit(0);
}
const [target] = positionals;
const seconds = Math.round(Number(values.minutes) * 60);
if (positionals.length !== 1 || (target !== 'all' && !TARGETS.includes(target))) usage('name one target');
if (!(seconds > 0)) usage('--minutes wants a number');
if (!/^\d+$/.test(values.seed)) usage('--seed wants a whole number');

const run = (args, env) => spawnSync('cargo', args, { cwd: root, env: { ...process.env, ...env }, stdio: 'inherit' }).status === 0;

const blind = (name) =>
  run(['test', '--release', '--locked', '--quiet', '--test', 'fuzz', '--', '--exact', name, '--nocapture'], {
    REPRODUCE_FUZZ_SECONDS: String(seconds),
    REPRODUCE_FUZZ_SEED: values.seed,
  });

/** No sanitizer: the code is safe Rust, and the stable compiler has none. */
const fuzz = (env, ...args) => run(['fuzz', 'run', '--sanitizer', 'none', '--target-dir', join(root, 'target/fuzz'), 'target', ...args], env);

function guided(name) {
  const [kept, seeds, failed] = ['kept', 'seeds', 'failed'].map((part) => join(resolve(values.corpus), name, part));
  for (const folder of [kept, seeds, failed]) mkdirSync(folder, { recursive: true });
  const env = { REPRODUCE_FUZZ_TARGET: name };
  if (!fuzz({ ...env, REPRODUCE_FUZZ_SEEDS: seeds })) return false;
  const words = join(root, 'tests/fuzz/words', `${name}.dict`);
  const how = [`-max_total_time=${seconds}`, `-seed=${values.seed}`, `-dict=${words}`, `-artifact_prefix=${failed}/`, '-print_final_stats=1', ...LIMITS];
  return fuzz(env, kept, seeds, '--', ...how);
}

const failed = [];
for (const name of target === 'all' ? TARGETS : [target]) {
  console.log(`${name}, seed ${values.seed}, ${seconds} s`);
  if (!(values.blind ? blind : guided)(name)) failed.push(name);
}
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`);
  process.exit(1);
}
