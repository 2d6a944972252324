// What the attacks rely on: each tier that is promised on Linux is there, for each user. On a machine without one the attacks in it are
// skipped by name, and fail where it is required.

import assert from 'node:assert/strict';
import { attack, SEATS, setUp } from './kit.mjs';

setUp();

attack(
  'an honest build is identical',
  async ({ world, id, judge, seat }) => {
    const build = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','built')"`;
    const own = { scripts: { build }, files: ['dist', 'index.js'] };
    const { spec } = await world.release(id, { json: own, published: { 'dist/a.js': 'built' } });
    const answer = await judge(spec);
    assert.equal(answer.verdict, 'identical', `${answer.code}: ${answer.message ?? JSON.stringify(answer.attempts)}`);
    assert.equal(answer.sandbox, seat.tier);
  },
  { seats: SEATS },
);
