// A password or token in an address that the user types: nothing that is printed, written or kept
// has it.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attack, setUp } from './kit.mjs';

const SECRET = 'hunter2Secret';
const USER = `me:${SECRET}@`;
setUp({ builds: false });

/**
 * What is typed beside the package's name, and the code that it must end with; `null` for a result.
 */
const CASES = {
  'a source with a query': [(s) => [s, '--source', `https://github.com/kit/${s}?token=${SECRET}#v1.0.0`], null],
  'a source with a password': [(s) => [s, '--source', `https://${USER}github.com/kit/${s}#v1.0.0`], null],
  'a registry that cannot be read': [(s) => [s, '--registry', `http://${USER}127.0.0.1:x/`], 'usage'],
  'a registry whose password has a slash': [(s) => [s, '--registry', `http://me:a/${SECRET}@127.0.0.1/`], 'usage'],
  'a host with a password': [(s) => [s, '--allow-host', `${USER}127.0.0.1:9`], 'usage'],
  'a tarball': [(s) => [`http://${USER}127.0.0.1:9/${s}-1.0.0.tgz?x=${SECRET}`], 'invalid-address'],
  'a tarball in upper case': [(s) => [`HTTPS://${USER}127.0.0.1:9/${s}-1.0.0.tgz`], 'invalid-address'],
  'a tarball with backslashes': [(s) => [`http:\\\\${USER}127.0.0.1:9/${s}-1.0.0.tgz`], 'invalid-address'],
  'a tarball without slashes': [(s) => [`https:${USER}127.0.0.1:9/${s}-1.0.0.tgz`], 'invalid-address'],
  'a tarball behind a name': [(s) => [`${s}@https://${USER}127.0.0.1:9/x.tgz`], 'invalid-address'],
  'a repository': [(s) => [`git+https://${USER}github.com/kit/${s}.git`], 'git-spec'],
  'a folder behind two slashes': [() => [`//${USER}host.example/x`], 'folder-spec'],
  'an address taken for a folder': [() => [`./https://${USER}host.example/x`], 'folder-spec'],
  'a package URL’s registry': [(s) => [`pkg:npm/${s}@1.0.0?repository_url=http://${USER}127.0.0.1:9`], 'invalid-address'],
  'a package URL’s source': [(s) => [`pkg:npm/${s}@1.0.0?vcs_url=git%2Bhttps://${USER}127.0.0.1:9/x.git`], null],
  'a package URL’s download, encoded': [(s) => [`pkg:npm/${s}@1.0.0?download_url=${encodeURIComponent(`https://${USER}h/x?sig=${SECRET}`)}&token=${SECRET}`], null],
};

const below = (folder) => readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));

for (const [title, [words, code]] of Object.entries(CASES)) {
  attack(`${title}: the secret is nowhere`, async ({ world, id, cli, home }) => {
    await world.release(id);
    for (const more of [['--json'], ['-v']]) {
      const clean = await home();
      const summary = join(clean.home, 'summary.md');
      writeFileSync(summary, '');
      clean.env.GITHUB_STEP_SUMMARY = summary;
      const documents = ['--junit', 'o.xml', '--sarif', 'o.sarif', '--annotate', 'always'];
      const ran = await cli([...words(id), ...more, ...documents], { clean });
      // Control: it was about that address, and the documents were written.
      if (more[0] === '--json') assert.equal(ran.json?.code ?? null, code, ran.stdout + ran.stderr);
      assert.ok(statSync(join(clean.home, 'o.xml')).size > 0);
      for (const [where, text] of [['stdout', ran.stdout], ['stderr', ran.stderr], ...below(clean.home).map((file) => [file, readFileSync(file, 'latin1')])]) {
        assert.ok(!text.includes(SECRET), `${where}: …${text.slice(Math.max(0, text.indexOf(SECRET) - 80)).slice(0, 120)}`);
      }
    }
  });
}

attack('a stored result is shown under the word without its secret', async ({ world, id, judge, home }) => {
  await world.release(id);
  const clean = await home();
  const word = `pkg:npm/${id}@1.0.0?vcs_url=https://${USER}host.example/x.git`;
  await judge(word, { clean });
  const again = await judge(word, { clean });
  assert.ok(again.cached, 'control: it is a stored result');
  assert.ok(!again.ran.stdout.includes(SECRET) && again.package.spec.startsWith(`pkg:npm/${id}@1.0.0?vcs_url=`), again.package.spec);
});
