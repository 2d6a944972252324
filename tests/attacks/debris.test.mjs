// What a build leaves in its checkout, however it is named, linked or closed, neither leads the
// host elsewhere nor keeps it.

import assert from 'node:assert/strict';
import { attack, manifest, SEATS, setUp } from './kit.mjs';

setUp();

/** A package whose published dist/a.js no build makes, and whose build runs `script`. */
async function release(world, name, script) {
  const own = manifest(name, '1.0.0', { scripts: { build: 'node build.js' }, files: ['dist', 'index.js'] });
  const files = { 'package.json': own, 'build.js': `const fs = require('fs');\nfs.mkdirSync('dist', { recursive: true });\n${script}`, 'index.js': 'honest\n', '.gitignore': 'dist\n' };
  await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: { 'package.json': own, 'index.js': 'honest\n', 'dist/a.js': 'no build makes this\n' } });
  return `${name}@1.0.0`;
}

const LEFT = {
  'a .git with a configuration and links of its own': `
fs.writeFileSync('.git/config', '[core]\\n\\tfsmonitor = touch /tmp/pwned\\n\\tworktree = /etc\\n[include]\\n\\tpath = /etc/passwd\\n');
fs.rmSync('.git/objects', { recursive: true });
fs.symlinkSync('/etc', '.git/objects');
for (const ignore of ['.gitignore', '.npmignore']) { fs.rmSync(ignore, { force: true }); fs.symlinkSync('/etc/passwd', ignore); }
fs.symlinkSync('/etc/passwd', 'dist/a.js');`,
  'names that are no text, and output that is for a terminal': `
fs.writeFileSync(Buffer.from([0x64, 0x69, 0x73, 0x74, 0x2f, 0xff]), 'x');
fs.writeFileSync('dist/\\ufffd', 'y');
fs.writeFileSync('dist/a\\nb\\u001b[31m', 'z');
fs.writeFileSync('dist/' + 'n'.repeat(255), '');
process.stdout.write('\\u001b[2J'.repeat(50000));`,
  'pipes and closed folders': `
fs.mkdirSync('dist/x');
require('child_process').execSync('rm package.json; mkfifo dist/a.js package.json; chmod 0 dist/x; chmod 0 .');`,
  'files of gigabytes that are not on the disk': `
for (let at = 0; at < 4; at++) { const file = fs.openSync('dist/' + at, 'w'); fs.ftruncateSync(file, 1.9e9); fs.closeSync(file); }`,
};

for (const [title, script] of Object.entries(LEFT)) {
  // What its owner may not read is packed for nobody.
  const [seats, verdict] = title.startsWith('pipes') ? [SEATS, 'build-failed'] : [undefined, 'differs'];
  attack(
    `${title}: the answer is the true one`,
    async ({ world, id, judge }) => {
      const answer = await judge(await release(world, id, script));
      assert.deepEqual([answer.verdict, answer.ran.signal, answer.ran.stderr], [verdict, null, '']);
      assert.ok(!answer.ran.stdout.includes('\u001b'), 'a control character in the answer');
    },
    { seats },
  );
}

attack('patterns that multiply without bound are an answer with a hint', async ({ world, id, judge }) => {
  const files = ['{a,b}'.repeat(40), '*a'.repeat(60), 'index.js'];
  const { spec } = await world.release(id, { json: { files }, files: { '.npmignore': `${'**/'.repeat(40)}z\n`, ['a'.repeat(200)]: 'x' }, published: { 'x.js': 'x' } });
  const answer = await judge(spec, { args: ['--timeout', '60'] });
  assert.deepEqual([answer.reproduced, answer.ran.signal], [false, null]);
});
