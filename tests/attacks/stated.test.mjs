// A statement about a rebuild that somebody hands over, and that is asked to say more than it does.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { npmTarball } from '../../__test__/kit/tarball.mjs';
import { attack, manifest, setUp } from './kit.mjs';

setUp({ builds: false });

/** A package of the same content, the statement about it, and how a check of one ends. */
async function stated({ world, id, home, cli }) {
  const tarball = gzipSync(gunzipSync(await npmTarball({ 'package.json': manifest(id), 'index.js': `module.exports = '${id}';\n` })), { level: 1, memLevel: 1, strategy: 2 });
  const { spec } = await world.release(id, { publication: { tarball } });
  const clean = await home();
  const file = join(clean.home, 'statement.json');
  assert.equal((await cli([spec, '--attest', file], { clean })).code, 0);
  const check = async (statement, ...args) => {
    if (statement) await writeFile(file, JSON.stringify(statement));
    return cli(['--verify-attestation', file, '--allow-unsigned', ...args], { clean });
  };
  return { spec, check, statement: JSON.parse(await readFile(file, 'utf8')) };
}

attack('the same content is not stated to be identical', async (at) => {
  const { spec, check } = await stated(at);
  assert.equal((await check(null)).code, 0, 'the control');
  assert.equal((await check(null, '--accept', 'same-content')).code, 0);
  for (const args of [[], ['--json'], [spec]]) assert.equal((await check(null, '--accept', 'identical', ...args)).code, 1, args.join(' '));
});

attack('a statement about no tarball, two, another place or a range is not about this one', async (at) => {
  const { spec, check, statement } = await stated(at);
  const [{ name, digest }] = statement.subject;
  for (const subject of [
    [],
    [{ name, digest }, { name, digest }],
    [{ name, digest: {} }],
    [{ name, digest: { ...digest, md5: '0' } }],
    [{ name: `${name}?repository_url=http://169.254.169.254/`, digest }],
    [{ name: name.replace('@1.0.0', '@^1'), digest }],
    [{ name: `${name}\u001b[31m`, digest }],
  ]) {
    for (const args of [[], [spec]]) {
      const { code, stdout, stderr } = await check({ ...statement, subject }, ...args);
      assert.ok(code === 1 || code === 2, `exit ${code} for ${JSON.stringify(subject)}`);
      assert.ok(!(stdout + stderr).includes('\u001b'), 'a stranger speaks to the terminal');
    }
  }
});
