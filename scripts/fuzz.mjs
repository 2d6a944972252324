// Fuzzes one target, or all one after the other, for as long as you like.
//   node scripts/fuzz.mjs archive --minutes 30
//   node scripts/fuzz.mjs all --minutes 5 --seed 7
// The targets are the tests of tests/fuzz.rs: archive, spec, npmrc, address, packument. An input that fails is kept in
// target/tmp; REPRODUCE_FUZZ_INPUT=<file> node scripts/fuzz.mjs <target> runs it alone.
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const TARGETS = ['archive', 'spec', 'npmrc', 'address', 'packument'];
const root = dirname(dirname(fileURLToPath(import.meta.url)));

const usage = (problem) => {
  console.error(`error: ${problem}\n\nhint: node scripts/fuzz.mjs ${TARGETS.join('|')}|all [--minutes N] [--seed N]`);
  process.exit(2);
};

let parsed;
try {
  parsed = parseArgs({ allowPositionals: true, options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string', default: String(Date.now()) } } });
} catch (error) {
  usage(error.message);
}
const { values, positionals } = parsed;
const [target] = positionals;
const seconds = Math.round(Number(values.minutes) * 60);
if (positionals.length !== 1 || (target !== 'all' && !TARGETS.includes(target))) usage('name one target');
if (!(seconds > 0)) usage('--minutes wants a number');
if (!/^\d+$/.test(values.seed)) usage('--seed wants a whole number');

const env = { ...process.env, REPRODUCE_FUZZ_SECONDS: String(seconds), REPRODUCE_FUZZ_SEED: values.seed };
const failed = [];
for (const name of target === 'all' ? TARGETS : [target]) {
  console.log(`${name}, seed ${values.seed}, ${seconds} s`);
  const args = ['test', '--release', '--locked', '--quiet', '--test', 'fuzz', '--', '--exact', name, '--nocapture'];
  const { status } = spawnSync('cargo', args, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`);
  process.exit(1);
}
