// What stands below a folder: each file with its mode and hash, each link with its target.
import { createHash } from 'node:crypto'
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

export const walk = (root, below = '', tree = []) => {
  for (const name of readdirSync(join(root, below))) {
    const path = below ? `${below}/${name}` : name
    const found = lstatSync(join(root, path))
    const mode = found.mode & 0o7777
    if (found.isDirectory()) {
      walk(root, path, tree)
    } else if (found.isSymbolicLink()) {
      tree.push({ path, type: 'symlink', mode, target: readlinkSync(join(root, path)) })
    } else {
      const sha256 = createHash('sha256').update(readFileSync(join(root, path))).digest('hex')
      tree.push({ path, type: found.isFile() ? 'file' : 'other', mode, sha256 })
    }
  }
  return tree
}
