// What npm's own code writes to disk for thousands of archives: pacote's extraction (the same for
// every kind of fetcher) with node-tar 7, fed from standard input instead of a server and a cache,
// which would take most of the time.
//
// In: archives, each behind its length in four bytes, little-endian. Out: a line that says what
// this is, and for each archive one JSON line `{ error, tree }`. ORACLE_MODULES names a
// node_modules folder with pacote in it.
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { walk } from './tree-on-disk.mjs'

process.umask(0o022)

const modules = process.env.ORACLE_MODULES
const require = createRequire(modules ? join(modules, 'oracle.js') : import.meta.url)
const { RemoteFetcher } = require('pacote')
const { version } = require('tar/package.json')
if (!version.startsWith('7.')) {
  throw new Error(`the oracle needs tar 7, found ${version}`)
}

const work = mkdtempSync(join(tmpdir(), 'extract-oracle-'))

async function * frames (input) {
  let held = Buffer.alloc(0)
  for await (const part of input) {
    held = held.length ? Buffer.concat([held, part]) : part
    while (held.length >= 4 && held.length >= 4 + held.readUInt32LE(0)) {
      const end = 4 + held.readUInt32LE(0)
      yield held.subarray(4, end)
      held = held.subarray(end)
    }
  }
  if (held.length) {
    throw new Error(`${held.length} bytes after the last whole archive`)
  }
}

// Some archives make npm itself fall over: that, too, is an answer.
let fallOver = () => {}
process.on('uncaughtException', error => fallOver(error))

const extract = (bytes, target) => new Promise((resolve, reject) => {
  const timer = setTimeout(() => reject(new Error('npm did not come to an end')), 30_000)
  const settled = answer => value => {
    clearTimeout(timer)
    answer(value)
  }
  fallOver = settled(reject)
  // Not the fetcher of files: that one also makes commands executable, which is a part of
  // installing.
  const fetcher = new RemoteFetcher('https://registry.test/archive.tgz', { cache: work })
  fetcher.tarballStream = handler => handler(Readable.from([bytes], { objectMode: false }))
  fetcher.extract(target).then(settled(resolve), settled(reject))
})

process.stdout.write(`${JSON.stringify({ oracle: true, tar: version, root: process.getuid?.() === 0 })}\n`)
let at = 0
for await (const bytes of frames(process.stdin)) {
  const target = join(work, String(at++))
  let error = null
  try {
    await extract(bytes, target)
  } catch (er) {
    error = String(er.code ?? er.message)
  }
  process.stdout.write(`${JSON.stringify({ error, tree: walk(target) })}\n`)
  rmSync(target, { recursive: true, force: true })
}
rmSync(work, { recursive: true, force: true })
