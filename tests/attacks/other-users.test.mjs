// Another user of the machine, beside a build: it reaches the loopback of the machine, and what a build opens to it.
// To be it takes root; otherwise none of this is run.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { startRegistry } from '../../__test__/kit/registry.mjs';
import { attack, findingOf, manifest, seat, setUp } from './kit.mjs';

const OTHER = 12345;
/** As whom builds run that root asked for, and the ordinary user of the kit. */
const [BUILD_USER, NOBODY] = [65533, 65534];
const TOKEN = 'npm_kitSecretTokenThatMustNotLeave';
const SECRET = 'TOP-SECRET-SOURCE-OF-CORP';
setUp();

let corp;
before(async () => {
  corp = await startRegistry({ auth: { tokens: [TOKEN] } });
  await corp.publish({ files: { 'package.json': manifest('@corp/secret'), 'key.txt': `${SECRET}\n` } });
  await corp.publish({ files: { 'package.json': manifest('@corp/tool'), 'x.txt': 'x\n' } });
});
after(() => corp?.close());

/** Asks every listener of the machine's loopback but those of the arguments for a private package, until one hands it out. */
const SPY = `
const f=require('fs'),http=require('http'),zlib=require('zlib'),seen=new Set(process.argv.slice(1));
const get=(port,path)=>new Promise(done=>{const asked=http.get({host:'127.0.0.1',port,path,timeout:3000},got=>{const all=[];got.on('data',part=>all.push(part));got.on('end',()=>done([got.statusCode,Buffer.concat(all)]))});asked.on('error',error=>done([error.code]));asked.on('timeout',()=>asked.destroy())});
(async()=>{for(;;){
  const rows=f.readFileSync('/proc/net/tcp','utf8').split('\\n').slice(1).map(line=>line.trim().split(/\\s+/));
  for(const [,local,,state] of rows){const port=String(parseInt(local?.split(':')[1],16));
    if(state!=='0A'||!local.startsWith('0100007F')||seen.has(port))continue;
    seen.add(port);
    await get(port,'/@corp%2fsecret');
    const [code,body]=await get(port,'/@corp/secret/-/secret-1.0.0.tgz');
    console.log(port,code,code===200?zlib.gunzipSync(body).toString():'');}
  await new Promise(done=>setTimeout(done,50));}})()`;

/** A judged package of whose project's private scope one package is wanted, while a spy of user `uid` looks on; what it was told. */
async function spied({ world, id, judge, home, seat: { uid } }, as) {
  const build = `node -e "setTimeout(()=>{require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','x')},4000)"`;
  const json = { scripts: { build }, files: ['dist', 'index.js'], devDependencies: { '@corp/tool': '1.0.0' } };
  const { spec } = await world.release(id, { json, published: { 'dist/a.js': 'x' } });
  const clean = await home();
  const path = join(clean.home, '.npmrc');
  await writeFile(path, `@corp:registry=${corp.url}\n//127.0.0.1:${corp.port}/:_authToken=${TOKEN}\n`, { mode: 0o600 });
  if (uid !== undefined) await chown(path, uid, uid);
  const known = [corp, world.registry, world.host].map(({ port }) => String(port));
  const spy = spawn(process.execPath, ['-e', SPY, ...known], { uid: as, gid: as, env: {}, cwd: '/' });
  let said = '';
  for (const stream of [spy.stdout, spy.stderr]) stream.on('data', (chunk) => (said += chunk));
  const answer = await judge(spec, { clean });
  if (spy.exitCode === null && spy.kill()) await once(spy, 'exit');
  assert.equal(answer.verdict, 'identical', `the build itself is served: ${JSON.stringify(answer.findings)}`);
  return { answer, said };
}

const ON_LOOPBACK = [seat('landlock'), seat('landlock', NOBODY), seat('none'), seat('none', NOBODY)];

if (process.getuid?.() === 0) {
  attack(
    'another user of the machine gets nothing from the registry of a build',
    async (at) => {
      const { answer, said } = await spied(at, OTHER);
      assert.ok(!said.includes(SECRET), `another user read a private package: ${said}`);
      const finding = findingOf(answer, 'other-user-refused');
      assert.equal(finding.severity, 'warning');
      assert.match(finding.message, /user 12345/, 'the spy was there');
    },
    { seats: ON_LOOPBACK },
  );

  attack(
    'the build’s own user is served, whatever asks',
    async (at) => {
      const own = at.seat.uid ?? (at.seat.tier === 'none' ? 0 : BUILD_USER);
      const { answer, said } = await spied(at, own);
      assert.ok(said.includes(SECRET), `control: the spy finds the registry: ${said}`);
      assert.ok(!answer.findings.some(({ code }) => code === 'other-user-refused'));
    },
    { seats: ON_LOOPBACK },
  );

  attack('a registry in a network of the build’s own is not there for another user', async (at) => {
    const { answer, said } = await spied(at, OTHER);
    assert.ok(!said.includes(SECRET), said);
    assert.ok(!answer.findings.some(({ code }) => code === 'other-user-refused'), 'nobody else could connect');
  });
}
