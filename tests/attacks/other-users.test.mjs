// Another user of the machine, beside a build: it reaches the loopback of the machine, and what a
// build opens to it. To be it takes root; otherwise only that is run which needs none.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { startRegistry } from '../../__test__/kit/registry.mjs';
import { attack, findingOf, manifest, SEATS, seat, setUp } from './kit.mjs';

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

/**
 * Asks every listener of the machine's loopback but those of the arguments for a private package,
 * until one hands it out.
 */
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
    let text='';
    // Others of this machine listen too, and answer as they like.
    try{text=zlib.gunzipSync(body).toString()}catch{}
    console.log(port,code,text);}
  await new Promise(done=>setTimeout(done,50));}})()`;

/**
 * A judged package of whose project's private scope one package is wanted, while a spy of user
 * `uid` looks on; what it was told.
 */
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

  attack(
    'a build opens the stored results to nobody, and nobody forges one',
    async ({ world, id, judge, home }) => {
      const clean = await home();
      const good = await world.release(`${id}-good`);
      const bad = await world.release(`${id}-bad`, { published: { 'index.js': 'payload\n' } });
      assert.equal((await judge(good.spec, { clean })).verdict, 'identical');
      assert.equal((await judge(bad.spec, { clean })).verdict, 'differs');
      const json = { scripts: { build: 'node b.js' }, files: ['dist', 'index.js'] };
      const { spec } = await world.release(id, { json, files: { 'b.js': OPENER }, published: { 'dist/a.js': 'x', 'b.js': null } });
      const forger = spawn(process.execPath, ['-e', FORGER, join(clean.cacheDir, 'reproduce'), good.spec, bad.spec], { uid: OTHER, gid: OTHER, env: {}, cwd: '/' });
      let said = '';
      forger.stdout.on('data', (chunk) => (said += chunk));
      const opened = await judge(spec, { clean });
      if (forger.exitCode === null && forger.kill()) await once(forger, 'exit');
      assert.equal(opened.verdict, 'identical', 'the build ran to its end');
      assert.equal(said, '', 'another user has the key');
      assert.equal((await judge(bad.spec, { clean })).verdict, 'differs', 'a stored result that another user made counts');
    },
    { seats: SEATS },
  );
}

/** Opens what lies above its HOME, waits, and closes it again. */
const OPENER = `const f=require('fs'),p=require('path');let at=process.env.HOME;const was=[];
const open=(path,mode)=>{try{const m=f.statSync(path).mode&0o777;f.chmodSync(path,mode);was.push([path,m])}catch{}};
for(let n=0;n<12;n++){at=p.dirname(at);open(at,0o777);for(const name of ['seal.key','results.json'])open(p.join(at,name),0o666);}
setTimeout(()=>{for(const [path,mode] of was)try{f.chmodSync(path,mode)}catch{}
f.mkdirSync('dist',{recursive:true});f.writeFileSync('dist/a.js','x');},3000);`;

/** Waits until it can read the key, and seals what it likes. */
const FORGER = `const f=require('fs'),c=require('crypto'),[cache,good,bad]=process.argv.slice(1);
setInterval(()=>{try{
const key=f.readFileSync(cache+'/seal.key'),file=JSON.parse(f.readFileSync(cache+'/results.json','utf8'));
const {confirmed,seal,...report}=file[good],{confirmed:since,seal:theirs,...other}=file[bad];
report.package=other.package;report.source.integrity=other.package.integrity;
const tag=c.createHmac('sha256',key).update('reproduce result 2\\n'+JSON.stringify([bad,since])+'\\n'+JSON.stringify(report)).digest('base64');
console.log('has the key');
file[bad]={...report,confirmed:since,seal:tag};f.writeFileSync(cache+'/results.json',JSON.stringify(file));process.exit(0)}catch{}},30)`;

attack(
  'a build opens the private files of its user to nobody',
  async ({ world, id, judge, home, seat: { uid } }) => {
    const script = `const f=require('fs');for(const [path,mode] of JSON.parse(f.readFileSync('targets.json'))){try{f.chmodSync(path,mode);console.log('opened')}catch(e){console.log(e.code)}}f.mkdirSync('dist',{recursive:true});f.writeFileSync('dist/a.js','x');f.chmodSync('dist/a.js',0o644);`;
    const clean = await home();
    const folder = join(clean.home, '.ssh');
    const secret = join(folder, 'id_rsa');
    await mkdir(folder, { mode: 0o700 });
    await writeFile(secret, 'KEY', { mode: 0o600 });
    await chmod(clean.home, 0o700);
    if (uid !== undefined) for (const path of [folder, secret]) await chown(path, uid, uid);
    const targets = JSON.stringify([[clean.home, 0o777], [folder, 0o777], [secret, 0o666]]);
    const json = { scripts: { build: 'node b.js' }, files: ['dist', 'index.js'] };
    const { spec } = await world.release(id, { json, files: { 'b.js': script, 'targets.json': targets }, published: { 'dist/a.js': 'x', 'b.js': null, 'targets.json': null } });
    const answer = await judge(spec, { clean, args: ['--log'] });
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts.at(-1)));
    const modes = await Promise.all([clean.home, folder, secret].map(async (path) => (await stat(path)).mode & 0o777));
    assert.deepEqual(modes, [0o700, 0o700, 0o600]);
  },
  { seats: SEATS },
);
