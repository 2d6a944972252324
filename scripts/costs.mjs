// `node scripts/costs.mjs [--package <name>]`: builds from nothing, in a folder of its own, and
// prints where the time went, as the table of CONTRIBUTING.md has it. Two jobs on two processors
// that do nothing else: otherwise the seconds are those of waiting.

import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, 'target/costs');

/** The rows, each with the crates that it has; the first that fits counts. */
const ROWS = [
  ['gix and its parts', /^gix/],
  ['reqwest, hyper, h2, url', /^(reqwest|hyper|h2|url|http|tower)\b/],
  ['rustls and ring', /^(rustls|ring|webpki)\b/],
  ['ICU collation', /^(icu|zerovec|zerotrie|yoke|litemap)/],
  ['tokio', /^tokio/],
  ['napi', /^napi/],
  ['clap', /^clap/],
  ['sigstore-verify and its parts', /^(sigstore|x509|cms|const-oid|der|spki|tls_codec)/],
  ['pgp and its ciphers', /^(pgp|rsa|dsa|p256|p384|p521|k256|ed448|x448|curve25519|ed25519|elliptic|aes|blowfish|camellia|cast5|idea|des|twofish|ocb3|eax|argon2|num-bigint)/],
  ['tree-sitter and its grammars', /^tree-sitter/],
  ['serde, serde_json', /^serde(_json|_core|_derive)?$/],
  ['serde-saphyr', /saphyr/],
  ['jiff', /^jiff/],
  ['this program', /^reproduce/],
  ['all others', /^/],
];

rmSync(target, { recursive: true, force: true });
const args = ['build', '--release', '--locked', '--timings', '--jobs', '2', '--target-dir', target, ...process.argv.slice(2)];
const built = spawnSync('cargo', args, { cwd: root, stdio: 'inherit', env: { ...process.env, CARGO_INCREMENTAL: '0' } });
if (built.error || built.status !== 0) throw new Error(`cargo ${args.join(' ')}: ${built.error?.message ?? `ended with ${built.status}`}`);

const page = readFileSync(join(target, 'cargo-timings/cargo-timing.html'), 'utf8');
const units = JSON.parse(/UNIT_DATA = (?<units>\[.*?\]);$/ms.exec(page).groups.units);
const seconds = new Map(ROWS.map(([row]) => [row, 0]));
for (const { name, duration } of units) {
  const [row] = ROWS.find(([, crates]) => crates.test(name));
  seconds.set(row, seconds.get(row) + duration);
}
const all = units.reduce((before, { duration }) => before + duration, 0);
console.log(`${units.length} units, ${all.toFixed(0)} s\n\n| what | seconds of the ${all.toFixed(0)} |\n| --- | --- |`);
for (const [row, spent] of [...seconds].filter((entry) => entry[1] > 0)) console.log(`| ${row} | ${spent.toFixed(1)} |`);
