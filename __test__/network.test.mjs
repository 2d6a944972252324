// Whom the program talks to, and how: certificates, proxies and retries, as npm and git are
// configured.

import assert from 'node:assert/strict';
import { chmod, chown, mkdir, symlink, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from './kit/cli.mjs';
import { startGitHost } from './kit/githost.mjs';
import { startRegistry } from './kit/registry.mjs';
import { certificate } from './kit/tls.mjs';
import { manifest, openWorld } from './world.mjs';

const tls = certificate();
let world;
/** The same packages as the world's registry has, behind https. */
let secure;
let secureHost;
before(async () => {
  [world, secure, secureHost] = await Promise.all([openWorld(), startRegistry({ tls, host: 'localhost' }), startGitHost({ tls, host: 'localhost' })]);
});
after(() => Promise.all([world.close(), secure.close(), secureHost.close()]));

const SOURCE = (name) => ({ 'package.json': manifest(name), 'index.js': 'x\n' });

/** A package on all servers. */
async function everywhere(name) {
  const history = { commits: [{ label: 'c', files: SOURCE(name) }], tags: { 'v1.0.0': 'c' } };
  for (const host of [world.host, secureHost]) await host.add(`kit/${name}`, history);
  for (const registry of [world.registry, secure]) await registry.publish({ files: SOURCE(name) });
  return `${name}@1.0.0`;
}

/** A home with the authority's certificate beside it. */
async function withCa(options) {
  const clean = await world.home(options);
  const file = join(clean.home, 'ca.pem');
  await writeFile(file, tls.ca);
  return { clean, file };
}

test('a registry with an unknown authority is refused: tls-failed', async () => {
  const answer = await world.judge(await everywhere('n-unknown'), { registry: secure });
  assert.deepEqual([answer.verdict, answer.code], ['error', 'tls-failed']);
  assert.match(answer.hints.join(), /cafile/);
});

for (const [what, configure] of [
  ['cafile in .npmrc', (clean, file) => writeFile(join(clean.home, '.npmrc'), `cafile=${file}\n`)],
  ['npm_config_cafile', (clean, file) => (clean.env.npm_config_cafile = file)],
  ['NODE_EXTRA_CA_CERTS', (clean, file) => (clean.env.NODE_EXTRA_CA_CERTS = file)],
  ['ca in .npmrc', (clean) => writeFile(join(clean.home, '.npmrc'), `ca="${tls.ca.trim().replaceAll('\n', '\\n')}"\n`)],
  ['strict-ssl=false', (clean) => (clean.env.npm_config_strict_ssl = 'false')],
]) {
  test(`a registry with an authority of its own is believed with ${what}`, async () => {
    const spec = await everywhere(`n-${what.replace(/\W+/g, '-').toLowerCase()}`);
    const { clean, file } = await withCa({ registry: secure });
    await configure(clean, file);
    assert.equal((await world.judge(spec, { clean })).verdict, 'identical');
  });
}

test('strict-ssl=false counts for the registry alone, not for the git host', async () => {
  const spec = await everywhere('n-strict');
  const answer = await world.judge(spec, { registry: secure, gitconfig: secureHost, extra: { npm_config_strict_ssl: 'false' } });
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'repository-unreachable']);
});

test('http.sslCAInfo of git’s configuration counts for the git host', async () => {
  const spec = await everywhere('n-sslcainfo');
  const { clean, file } = await withCa();
  const config = join(clean.home, 'gitconfig');
  await writeFile(config, `[include]\n\tpath = ${secureHost.gitconfig}\n[http]\n\tsslCAInfo = ${file}\n`);
  clean.env.GIT_CONFIG_GLOBAL = config;
  assert.equal((await world.judge(spec, { clean })).verdict, 'identical');
});

test('an expired certificate and one for another host are refused, also with the authority known', async () => {
  for (const options of [{ expired: true }, { hosts: ['other.example'] }]) {
    const wrong = certificate(options);
    const registry = await startRegistry({ tls: wrong, host: 'localhost', packages: [{ files: SOURCE('n-wrong') }] });
    const clean = await world.home({ registry });
    await writeFile(join(clean.home, 'ca.pem'), wrong.ca);
    clean.env.npm_config_cafile = join(clean.home, 'ca.pem');
    const answer = await world.judge('n-wrong@1.0.0', { clean });
    await registry.close();
    assert.deepEqual([answer.verdict, answer.code], ['error', 'tls-failed'], JSON.stringify(options));
  }
});

/** A proxy on loopback that keeps what it was asked for. */
async function startProxy(t) {
  const asked = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url);
    const { hostname, port, pathname, search } = new URL(request.url);
    const onward = http.request({ hostname, port, path: pathname + search, method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.on('connect', (request, socket, head) => {
    asked.push(request.url);
    const [host, port] = request.url.split(':');
    const onward = net.connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [onward, socket]) end.on('error', () => [onward, socket].forEach((other) => other.destroy()));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://127.0.0.1:${server.address().port}/` };
}

for (const [what, configure] of [
  ['proxy in .npmrc', (clean, url) => writeFile(join(clean.home, '.npmrc'), `proxy=${url}\n`)],
  ['https-proxy in .npmrc', (clean, url) => writeFile(join(clean.home, '.npmrc'), `https-proxy=${url}\n`)],
  ['HTTP_PROXY', (clean, url) => (clean.env.HTTP_PROXY = url)],
  ['http_proxy', (clean, url) => (clean.env.http_proxy = url)],
]) {
  test(`the registry is asked through ${what}`, async (t) => {
    const proxy = await startProxy(t);
    const spec = await everywhere(`n-proxy-${what.replace(/\W+/g, '-')}`.toLowerCase() + (what === 'http_proxy' ? '2' : ''));
    const clean = await world.home();
    await configure(clean, proxy.url);
    assert.equal((await world.judge(spec, { clean })).verdict, 'identical');
    assert.ok(proxy.asked.some((url) => url.includes(new URL(world.registry.url).host)), proxy.asked.join());
  });
}

test('a host in NO_PROXY is asked directly', async (t) => {
  const proxy = await startProxy(t);
  const spec = await everywhere('n-noproxy');
  assert.equal((await world.judge(spec, { extra: { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1,localhost' } })).verdict, 'identical');
  assert.deepEqual(proxy.asked, []);
});

test('https goes through a tunnel of the proxy, and its certificate is checked all the same', async (t) => {
  const proxy = await startProxy(t);
  const spec = await everywhere('n-tunnel');
  const { clean, file } = await withCa({ registry: secure, extra: { HTTPS_PROXY: proxy.url } });
  assert.equal((await world.judge(spec, { clean })).code, 'tls-failed');
  clean.env.npm_config_cafile = file;
  assert.equal((await world.judge(spec, { clean })).verdict, 'identical');
  assert.ok(proxy.asked.includes(`localhost:${secure.port}`), proxy.asked.join());
});

test('a proxy that is not there is an error that names the proxy', async () => {
  const spec = await everywhere('n-deadproxy');
  const answer = await world.judge(spec, { extra: { HTTP_PROXY: 'http://127.0.0.1:9/' } });
  assert.equal(answer.verdict, 'error');
  assert.match(answer.message + answer.hints.join(), /proxy/);
});

test('a registry that answers 500 is asked again as often as fetch-retries says, then it is an error', async () => {
  const spec = await everywhere('n-retries');
  const lift = world.registry.fault({ on: '/n-retries', status: 500 });
  const from = world.registry.requests.length;
  const answer = await world.judge(spec, { extra: { npm_config_fetch_retries: '3', npm_config_fetch_retry_mintimeout: '5' } });
  lift();
  assert.equal(answer.verdict, 'error');
  const times = world.registry.requests.slice(from).filter(({ url }) => url === '/n-retries/1.0.0').length;
  assert.equal(times, 4);
});

test('a 404 is not asked again', async () => {
  const from = world.registry.requests.length;
  await world.judge('n-nobody@1.0.0', { extra: { npm_config_fetch_retries: '3' } });
  const urls = world.registry.requests.slice(from).map(({ url }) => url);
  assert.equal(new Set(urls).size, urls.length, urls.join());
});

test('an .npmrc that another user put into a folder above decides nothing', { skip: process.getuid() === 0 ? false : 'needs root' }, async () => {
  const SECRET = 'npm_kitSecretTokenThatMustNotLeave';
  const OTHER = 12345;
  const evil = await startRegistry();
  try {
    const name = 'n-shared';
    const published = { published: { 'index.js': 'payload\n' } };
    await world.release(name, published);
    // The other registry shows honest files for the version whose real tarball has a payload.
    await evil.publish({ files: { 'package.json': manifest(name), 'index.js': `module.exports = '${name}';\n` } });
    const npmrc = `registry=${evil.url}\n//127.0.0.1:${evil.port}/:_authToken=\${NPM_TOKEN}\n`;
    /** A folder in one that all may write to, with files of `owner`; what came of a run in it. */
    const judged = async ({ owner, cwdOwner = 0, args = [], put }) => {
      const clean = await world.home({ extra: { NPM_TOKEN: SECRET } });
      delete clean.env.npm_config_registry;
      await writeFile(join(clean.home, '.npmrc'), `registry=${world.registry.url}\n`);
      const shared = join(clean.home, 'shared');
      const cwd = join(shared, 'work');
      await mkdir(cwd, { recursive: true });
      await chmod(shared, 0o1777);
      await chown(cwd, cwdOwner, cwdOwner);
      await writeFile(join(shared, 'package.json'), '{}');
      await (put ? put(shared) : writeFile(join(shared, '.npmrc'), npmrc));
      for (const file of ['package.json', ...(put ? [] : ['.npmrc'])]) await chown(join(shared, file), owner, owner);
      const from = evil.requests.length;
      const ran = await run([`${name}@1.0.0`, '--json', ...args], { env: clean.env, cwd });
      const asked = evil.requests.slice(from);
      const noted = (ran.json.findings ?? []).filter(({ code }) => code === 'npmrc-foreign');
      return { code: ran.code, asked: asked.length, carried: asked.filter(({ headers }) => headers.authorization?.includes(SECRET)).length, noted };
    };
    const refused = await judged({ owner: OTHER });
    assert.deepEqual([refused.code, refused.asked], [1, 0]);
    assert.match(refused.noted.map(({ message }) => message).join('\n'), /shared\/package\.json does not count: it belongs to the user 12345/);
    assert.equal(refused.noted[0].severity, 'warning');
    // With a package.json of ours the file itself is looked at, and where a link of the other user
    // leads to.
    for (const put of [
      async (shared) => {
        await writeFile(join(shared, '.npmrc'), npmrc);
        await chown(join(shared, '.npmrc'), OTHER, OTHER);
      },
      async (shared) => {
        await writeFile(join(shared, 'theirs'), npmrc);
        await chown(join(shared, 'theirs'), OTHER, OTHER);
        await symlink('theirs', join(shared, '.npmrc'));
      },
      async (shared) => {
        await writeFile(join(shared, '.npmrc'), npmrc);
        await chown(shared, OTHER, OTHER);
      },
    ]) {
      const file = await judged({ owner: 0, put });
      assert.deepEqual([file.code, file.asked, file.noted.length > 0], [1, 0, true]);
    }
    const named = await judged({ owner: OTHER, args: ['--registry', evil.url] });
    assert.ok(named.code === 0 && named.asked > 0 && named.carried === 0, 'the user’s own word names a registry');
    for (const [what, control] of [
      ['root’s own, or this user’s', { owner: 0 }],
      ['a checkout of another user that root works in, as in a container', { owner: OTHER, cwdOwner: OTHER }],
    ]) {
      const { code, asked, carried, noted } = await judged(control);
      assert.ok(code === 0 && asked > 0 && carried > 0 && noted.length === 0, `the control: ${what}`);
    }
  } finally {
    await evil.close();
  }
});
