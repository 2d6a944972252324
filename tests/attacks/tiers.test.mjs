// What the attacks rely on: each tier that is promised on Linux is there, for each user. On a
// machine without one the attacks in it are skipped by name, and fail where it is required.

import assert from 'node:assert/strict';
import { attack, SEATS, seat, setUp } from './kit.mjs';

// And an empty cache is filled as each user.
setUp({ cold: true });

attack(
  'an honest build is identical',
  async ({ world, id, judge, seat: { tier } }) => {
    const build = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','built')"`;
    const own = { scripts: { build }, files: ['dist', 'index.js'] };
    const { spec } = await world.release(id, { json: own, published: { 'dist/a.js': 'built' } });
    const answer = await judge(spec);
    assert.equal(answer.verdict, 'identical', `${answer.code}: ${answer.message ?? JSON.stringify(answer.attempts)}`);
    assert.equal(answer.sandbox, tier);
  },
  { seats: SEATS },
);

const MADE = "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','built')";
/**
 * Builds that have something of their own, and where they get it: everywhere, in a network of their
 * own alone, or nowhere.
 */
const OWN = {
  'a unix socket': ['everywhere', `const n=require('net');const s=n.createServer((c)=>c.end('x')).listen('./s.sock',()=>n.connect('s.sock').on('data',()=>{require('fs').unlinkSync('./s.sock');${MADE};process.exit()}));`],
  'a worker that asks the registry': [
    'everywhere',
    `const {Worker,isMainThread}=require('worker_threads');if(isMainThread){new Worker(__filename).on('exit',(c)=>{if(c)process.exit(1);${MADE}})}
     else{require('http').get(process.env.npm_config_registry+'-/ping',(r)=>r.resume()).on('error',()=>process.exit(1))}`,
  ],
  'a server on loopback': ['network', `const h=require('http');const s=h.createServer((q,r)=>r.end('x')).listen(0,'127.0.0.1',()=>h.get({port:s.address().port},()=>{${MADE};process.exit()}));`],
  'datagrams': ['network', `const s=require('dgram').createSocket('udp4');s.bind(0,'127.0.0.1',()=>{s.close();${MADE}});`],
  'another host': ['nowhere', `require('net').connect(1,'127.0.0.1').on('connect',()=>{${MADE}}).on('error',()=>process.exit(1))`],
};
for (const [title, [where, script]] of Object.entries(OWN)) {
  attack(
    `a limit of the sandbox is no verdict about a package: ${title}`,
    async ({ world, id, judge, seat: { tier } }) => {
      const own = { scripts: { build: 'node b.js' }, files: ['dist', 'index.js'] };
      const { spec } = await world.release(id, { json: own, files: { 'b.js': script }, published: { 'dist/a.js': 'built', 'b.js': null } });
      const answer = await judge(spec, { args: ['--timeout', '120'] });
      const alone = tier === 'landlock';
      const wanted =
        where === 'everywhere' || (where === 'network' && !alone) ? ['identical', 0] : where === 'network' ? ['unsupported', 2, 'sandbox-refused'] : ['build-failed', 1];
      assert.deepEqual([answer.verdict, answer.ran.code, answer.code].slice(0, wanted.length), wanted, `${answer.code}: ${JSON.stringify(answer.attempts)}`);
    },
    { seats: [seat('namespaces'), seat('landlock')] },
  );
}
