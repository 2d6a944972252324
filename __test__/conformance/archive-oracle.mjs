// What npm itself makes of an archive: extracts every *.tgz of a folder the way `npm install` does
// (pacote's remote fetcher over a loopback server, node-tar with pacote's options) and prints one
// JSON line for each with what is then on disk.
//
//     node archive-oracle.mjs <folder>
//
// ORACLE_MODULES names a node_modules folder with pacote in it; without it the nearest one counts.
import { createServer } from 'node:http'
import { createReadStream, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { walk } from './tree-on-disk.mjs'

process.umask(0o022)

const modules = process.env.ORACLE_MODULES
const require = createRequire(modules ? join(modules, 'oracle.js') : import.meta.url)
const pacote = require('pacote')
const { version } = require('tar/package.json')
if (!version.startsWith('7.')) {
  throw new Error(`the oracle needs tar 7, found ${version}`)
}

const [folder] = process.argv.slice(2)
const cases = readdirSync(folder).filter(name => name.endsWith('.tgz')).sort()
const work = mkdtempSync(join(tmpdir(), 'archive-oracle-'))

const server = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'application/octet-stream' })
  createReadStream(join(folder, request.url.slice(1))).pipe(response)
})
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const base = `http://127.0.0.1:${server.address().port}`

// Some archives make npm itself fall over (a NUL in a path throws where nobody catches it): that,
// too, is an answer.
let fallOver = () => {}
process.on('uncaughtException', error => fallOver(error))

const extract = (name, at, target) => new Promise((resolve, reject) => {
  const timer = setTimeout(() => reject(new Error('npm did not come to an end')), 30_000)
  const settled = answer => value => {
    clearTimeout(timer)
    answer(value)
  }
  fallOver = settled(reject)
  // A cache of its own for every case: one must not answer for another.
  pacote.extract(`${base}/${name}`, target, { cache: join(work, `cache-${at}`), fetchRetries: 0 })
    .then(settled(resolve), settled(reject))
})

process.stdout.write(`${JSON.stringify({ oracle: true, tar: version, root: process.getuid?.() === 0 })}\n`)
for (const [at, name] of cases.entries()) {
  const target = join(work, String(at))
  let error = null
  try {
    await extract(name, at, target)
  } catch (er) {
    error = String(er.code ?? er.message)
  }
  process.stdout.write(`${JSON.stringify({ name, error, tree: walk(target) })}\n`)
}
server.close()
server.closeAllConnections()
rmSync(work, { recursive: true, force: true })
