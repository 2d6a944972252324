// Lists the files of package folders by the real npm-packlist or fstream-npm of a given version.
// In, on stdin: one JSON object a line, { "version": "1.4.8" | "fstream-1.2", "dir": "/a/folder" }.
// Out, on stdout, in the same order: { "list": [paths] } or { "error": "message" }. The modules are
// those of package.json beside this file; a missing one ends the run with exit code 2.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { join, relative, dirname } from 'node:path'
import { readFileSync } from 'node:fs'

const require = createRequire(import.meta.url)
const major = version => Number(version.split('.')[0])

function load (name) {
  try {
    return require(name)
  } catch (error) {
    console.error(`packlist-oracle: ${name} is missing: run "npm install" in ${dirname(new URL(import.meta.url).pathname)}: ${error.message}`)
    process.exit(2)
  }
}

// What fstream-npm emits, with the names that go into the archive.
function fstreamList (Packer, dir) {
  return new Promise((resolve, reject) => {
    const names = []
    const packer = new Packer({ path: dir, type: 'Directory', isDirectory: true })
    packer.on('entry', function onEntry (entry) {
      if (entry.type === 'Directory') entry.on('entry', onEntry)
      else names.push(relative(join(dirname(dir), 'package'), entry.path))
      entry.resume()
    })
    packer.on('error', reject)
    packer.on('end', () => resolve(names))
    packer.resume()
  })
}

async function list ({ version, dir }) {
  if (version.startsWith('fstream-')) return fstreamList(load(`fstream-npm-${version.slice(8)}`), dir)
  // Version 8.0.0 keeps what it read of one package for the next.
  const name = `packlist-${version}`
  const packlist = load(name)
  delete require.cache[require.resolve(name)]
  if (major(version) < 7) return packlist({ path: dir })
  const Arborist = load('@npmcli/arborist')
  const tree = await new Arborist({ path: dir }).loadActual()
  return packlist(tree, { path: dir })
}

// A client that throws out of a callback fails on this folder, not on those that follow.
let fail = () => {}
process.on('uncaughtException', error => fail(error))
process.on('unhandledRejection', error => fail(error))

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  let answer
  try {
    JSON.parse(readFileSync(join(request.dir, 'package.json'), 'utf8').replace(/^\ufeff/, ''))
    answer = { list: await Promise.race([list(request), new Promise((_resolve, reject) => {
      fail = reject
      setTimeout(() => reject(new Error('no answer in time')), 20000)
    })]) }
  } catch (error) {
    answer = { error: String(error && error.message) }
    // fstream goes on for a while after it failed.
    if (request.version.startsWith('fstream-')) await new Promise(resolve => setTimeout(resolve, 200))
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
process.exit(0)
