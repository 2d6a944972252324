// Compares the Sigstore root that is built into the program with the one of today:
//   gh attestation trusted-root > root.jsonl && node scripts/trusted-root.mjs root.jsonl
// A key of today that the program does not have fails: provenance signed under it would not hold.
// advisories.yml runs it daily.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Whose root it is: npm's provenance is signed by the public instance. */
const ISSUER = 'sigstore.dev';

/** The root that the crate brings along. */
export function builtIn() {
  const ran = spawnSync('cargo', ['metadata', '--format-version', '1', '--locked'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (ran.error || ran.status !== 0) throw new Error(`cargo metadata: ${ran.error?.message ?? ran.stderr}`);
  const [crate] = JSON.parse(ran.stdout).packages.filter(({ name }) => name === 'sigstore-trust-root');
  return JSON.parse(readFileSync(join(dirname(crate.manifest_path), 'src/trusted_root.json'), 'utf8'));
}

/** All keys and certificates of a root, each with what it is. */
function keys({ tlogs = [], ctlogs = [], certificateAuthorities = [], timestampAuthorities = [] }) {
  const logs = [...tlogs, ...ctlogs].map(({ baseUrl, publicKey }) => [publicKey.rawBytes, `the key of the log ${baseUrl}`]);
  const chains = [...certificateAuthorities, ...timestampAuthorities].flatMap(({ uri, certChain }) => certChain.certificates.map(({ rawBytes }) => [rawBytes, `a certificate of ${uri}`]));
  return new Map([...logs, ...chains]);
}

/** What of today's root the built-in one does not have. */
export function unknownKeys(today, known = builtIn()) {
  const there = keys(known);
  return [...keys(today)].filter(([key]) => !there.has(key)).map(([, what]) => what);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const roots = readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
  const ours = roots.filter(({ certificateAuthorities }) => certificateAuthorities?.some(({ subject }) => subject.organization === ISSUER));
  if (ours.length === 0) throw new Error(`no root of ${ISSUER} in ${process.argv[2]}`);
  const missing = ours.flatMap((one) => unknownKeys(one));
  for (const what of missing) console.error(`not in the program: ${what}`);
  if (missing.length > 0) console.error('a newer sigstore-trust-root and a release are due; until then users give --trusted-root');
  process.exitCode = missing.length > 0 ? 1 : 0;
}
