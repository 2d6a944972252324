// Checks what this program is made of, and what makes it:
//   node scripts/supply-chain.mjs                  all of it
//   node scripts/supply-chain.mjs deny zizmor      these parts
// `advisories`, `vet` and `actionlint` ask the host of their databases and sources; the others ask
// the package registries alone.

import { spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crate, TOOLS, zizmor } from './tools.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** actionlint is a program of Go, whose client checks it against the checksum database. */
const ACTIONLINT = 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.12';

/** The parts: a name, and the commands, which are made when it is their turn. */
const PARTS = Object.freeze({
  deny: () => [[crate('cargo-deny'), ['--locked', 'check', 'bans', 'licenses', 'sources']]],
  advisories: () => [[crate('cargo-deny'), ['--locked', 'check', 'advisories']]],
  // Without --locked: it fetches the audits that supply-chain/config.toml imports. It runs under
  // cargo alone, which finds it on PATH.
  vet: () => {
    crate('cargo-vet');
    return [['cargo', ['vet']]];
  },
  notices: () => [[process.execPath, ['scripts/notices.mjs', '--check']]],
  audit: () => [
    [npm, ['audit', 'signatures']],
    [npm, ['audit', '--audit-level', 'moderate', '--omit', 'dev']],
    [npm, ['audit', '--audit-level', 'high']],
  ],
  publint: () => [[process.execPath, ['node_modules/publint/src/cli.js', '.', '--strict']]],
  zizmor: () => [[zizmor(), ['--offline', '--config', '.github/zizmor.yml', '.']]],
  actionlint: () => [['go', ['run', ACTIONLINT]]],
});

const only = process.argv.slice(2);
const unknown = only.filter((name) => !(name in PARTS));
if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: the parts are ${Object.keys(PARTS).join(', ')}`);
const env = { ...process.env, PATH: [join(TOOLS, 'bin'), process.env.PATH].join(delimiter) };
const failed = [];
for (const [name, commands] of Object.entries(PARTS)) {
  if (only.length > 0 && !only.includes(name)) continue;
  for (const [command, args] of commands()) {
    console.log(`\n==> ${name}: ${command} ${args.join(' ')}`);
    const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
    if (error) console.error(error.message);
    if (status !== 0) failed.push(name);
  }
}
if (failed.length > 0) {
  console.error(`\nfailed: ${[...new Set(failed)].join(', ')}`);
  process.exit(1);
}
