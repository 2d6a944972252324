// A cache and a temporary folder whose names have a space, or signs of a shell: an honest package
// is identical all the same.

import assert from 'node:assert/strict';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { attack, SEATS, seat, setUp } from './kit.mjs';

setUp();

/** Every sign that a shell, `PATH` or `NODE_OPTIONS` takes for something else. */
const SIGNS = `it's "q" $(id)\`id\`;&|<>(){}[]*?!#~=%\\n\\\n:\tü☃`;

for (const [title, name] of [
  ['a space', 'John Doe'],
  ['every sign of a shell', SIGNS],
]) {
  attack(
    `a folder with ${title} in its name`,
    async ({ world, id, judge, home, seat: { uid } }) => {
      // A script of npm's own, which runs programs of the PATH by a shell.
      const script = `const f=require('fs');f.mkdirSync('dist',{recursive:true});f.writeFileSync('dist/a.js','x')`;
      const json = { scripts: { build: 'npm run -s make', make: 'npx --version && node make.js' }, files: ['dist', 'index.js'] };
      const { spec } = await world.release(id, { json, files: { 'make.js': script }, published: { 'dist/a.js': 'x', 'make.js': null } });
      const clean = await home();
      const above = join(clean.home, name);
      const folders = { XDG_CACHE_HOME: join(above, 'c'), TMPDIR: join(above, 't') };
      for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });
      if (uid !== undefined) for (const folder of [above, ...Object.values(folders)]) await chown(folder, uid, uid);
      Object.assign(clean.env, folders);
      const answer = await judge(spec, { clean });
      assert.equal(answer.verdict, 'identical', JSON.stringify({ code: answer.code, attempts: answer.attempts }, null, 1));
    },
    { seats: [...SEATS, seat('none')] },
  );
}
