// The whole comparison with the real publishing clients, which takes some minutes: node
// __test__/conformance/by-hand.mjs Installs the clients, then packs every tree of
// crates/npm-pack/tests/it/fixtures.rs with every client. In `npm test` each tree meets one of
// them.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))

function run (command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('the clients that are native are for Linux on x64')
run('npm', ['ci', '--prefix', here, '--ignore-scripts', '--no-audit', '--no-fund'])
const env = { ...process.env, PACK_CONFORMANCE: process.argv[2] ?? 'all' }
run('cargo', ['test', '--release', '--locked', '--package', 'npm-pack', '--test', 'it', 'pack::', '--', '--nocapture'], { env })
