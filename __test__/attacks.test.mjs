// The known attacks on npm packages, replayed on loopback: the same shape, harmless payloads. Each
// must be caught: never reproduced, and the first lines of the report say what is wrong. The names
// are the real ones because this is a test; the program knows none of them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { run } from './kit/cli.mjs';
import { manifest, openWorld } from './world.mjs';

let world;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

const PAYLOAD = "console.log('harmless payload');\n";

/** How many lines a reader looks at. */
const FIRST_LINES = 10;

/**
 * Judges a package; it must not be reproduced, and every pattern must stand in the first lines of
 * the report.
 */
async function caught(spec, [verdict, code], patterns) {
  const answer = await world.judge(spec);
  assert.equal(answer.reproduced, false);
  assert.deepEqual([answer.verdict, answer.code], [verdict, code]);
  const ran = await run([spec], { env: answer.clean.env, cwd: answer.clean.home });
  assert.notEqual(ran.code, 0);
  const first = ran.stdout.split('\n').slice(0, FIRST_LINES).join('\n');
  for (const pattern of patterns) assert.match(first, pattern, `not in the first lines:\n${ran.stdout}`);
  return answer;
}

const OTHER_CONTENT = ['differs', 'content-differs'];
const MORE_FILES = ['differs', 'files-differ'];
const IN_NO_COMMIT = ['differs', 'files-not-in-source'];
const NO_COMMIT = ['no-source', 'commit-not-found'];

const codesOf = (answer) => answer.findings.map((finding) => finding.code);

/**
 * A repository with a tagged version, and a next version that is published and that no commit has:
 * stolen publishing rights.
 */
async function takenOver(name, { from, to, files = {}, published, json = {}, publishedJson = {} }) {
  const source = { 'package.json': manifest(name, from, json), 'index.js': `module.exports = '${name}';\n`, ...files };
  await world.host.add(`kit/${name.split('/').at(-1)}`, { commits: [{ label: 'c', files: source }], tags: { [`v${from}`]: 'c' } });
  await world.registry.publish({ files: source });
  const inside = { ...source, 'package.json': manifest(name, to, { ...json, ...publishedJson }), ...published };
  await world.registry.publish({ files: inside });
  return `${name}@${to}`;
}

test('event-stream, 2018: flatmap-stream had its payload in the minified file alone', async () => {
  const { spec } = await world.release('flatmap-stream', {
    version: '0.1.1',
    json: { main: 'index.min.js' },
    files: { 'index.min.js': 'module.exports=function(){};\n' },
    published: { 'index.min.js': `module.exports=function(){};${PAYLOAD}`, 'test/data.js': 'module.exports = ["75d4c87f"];\n' },
  });
  const answer = await caught(spec, MORE_FILES, [/flatmap-stream@0\.1\.1/, /differs +index\.min\.js/, /test\/data\.js/]);
  assert.deepEqual(answer.comparison.onlyPublished, ['test/data.js']);
});

test('event-stream, 2018: the package itself named a new dependency; where its source does not, that is said', async () => {
  const { spec } = await world.release('event-stream', {
    version: '3.3.6',
    json: { dependencies: { through: '~2.3.1' } },
    published: { 'package.json': manifest('event-stream', '3.3.6', { dependencies: { through: '~2.3.1', 'flatmap-stream': '^0.1.0' } }) },
  });
  await caught(spec, OTHER_CONTENT, [/differs +package\.json/, /dependency flatmap-stream.*not in the source/]);
});

test('ua-parser-js, 2021: a preinstall script with its files, published under the next version', async () => {
  const { spec } = await world.release('ua-parser-js', {
    version: '0.7.29',
    published: {
      'package.json': manifest('ua-parser-js', '0.7.29', { scripts: { preinstall: 'start /B node preinstall.js & node preinstall.js' } }),
      'preinstall.js': PAYLOAD,
      'preinstall.sh': 'echo harmless\n',
      'preinstall.bat': 'echo harmless\r\n',
    },
  });
  const answer = await caught(spec, MORE_FILES, [/differs +package\.json/, /preinstall\.(js|sh|bat)/]);
  assert.ok(codesOf(answer).includes('install-script-not-in-source'));
});

test('ua-parser-js, 2021: the same where no commit has the version', async () => {
  const spec = await takenOver('ua-parser-js-2', {
    from: '0.7.28',
    to: '0.7.29',
    published: { 'preinstall.js': PAYLOAD },
    publishedJson: { scripts: { preinstall: 'node preinstall.js' } },
  });
  await caught(spec, NO_COMMIT, [/no commit/, /script preinstall runs when the package is installed/]);
});

test('eslint-scope, 2018: a postinstall script, published with a stolen token', async () => {
  const spec = await takenOver('eslint-scope', {
    from: '3.7.1',
    to: '3.7.2',
    files: { 'lib/index.js': 'module.exports = 1;\n' },
    published: { 'lib/build.js': PAYLOAD },
    publishedJson: { scripts: { postinstall: 'node ./lib/build.js' } },
  });
  const answer = await caught(spec, NO_COMMIT, [/no commit/, /script postinstall/]);
  assert.ok(codesOf(answer).includes('install-script-without-source'));
});

for (const [name, from, to] of [
  ['coa', '2.0.2', '2.0.3'],
  ['rc', '1.2.8', '1.2.9'],
]) {
  test(`${name}, 2021: a preinstall script that starts a compiled file`, async () => {
    const spec = await takenOver(name, {
      from,
      to,
      published: { 'compile.js': PAYLOAD, 'compile.bat': 'echo harmless\r\n', 'sdd.dll': Buffer.from('harmless\0') },
      publishedJson: { scripts: { preinstall: 'start /B node compile.js & node compile.js' } },
    });
    await caught(spec, NO_COMMIT, [/no commit/, /script preinstall/]);
  });

  test(`${name}, 2021: the same with a gitHead that points at the last good commit`, async () => {
    const own = `${name}-head`;
    const source = { 'package.json': manifest(own, from), 'index.js': 'module.exports = 1;\n' };
    const ids = await world.host.add(`kit/${own}`, { commits: [{ label: 'c', files: source }], tags: { [`v${from}`]: 'c' } });
    const published = { ...source, 'package.json': manifest(own, to, { scripts: { preinstall: 'node compile.js' } }), 'compile.js': PAYLOAD };
    await world.registry.publish({ files: published, gitHead: ids.c });
    const answer = await world.judge(`${own}@${to}`);
    assert.equal(answer.reproduced, false);
    assert.ok(codesOf(answer).some((code) => code.startsWith('install-script-')), JSON.stringify(answer.findings));
  });
}

test('node-ipc, 2022: a file that was published before any commit had it', async () => {
  const { spec } = await world.release('node-ipc', {
    version: '10.1.1',
    files: { 'dao/client.js': 'export default 1;\n' },
    published: { 'dao/ssl-geospec.js': PAYLOAD },
  });
  const answer = await caught(spec, IN_NO_COMMIT, [/dao\/ssl-geospec\.js: in no file of the commit/]);
  assert.deepEqual(answer.comparison.onlyPublished, ['dao/ssl-geospec.js']);
});

test('colors, 2022: an endless loop in a version that no commit has', async () => {
  const spec = await takenOver('colors', {
    from: '1.4.0',
    to: '1.4.1',
    published: { 'lib/custom/american.js': PAYLOAD, 'index.js': `module.exports = 'colors';\n${PAYLOAD}` },
  });
  await caught(spec, NO_COMMIT, [/no commit/, /colors@1\.4\.1/]);
});

// The limit of what a rebuild can tell, and the reason why the result names the commit: read it.
test('sabotage that its author committed is reproduced: it is what the source says', async () => {
  const { spec, ids } = await world.release('colors-committed', { version: '1.4.2', files: { 'lib/custom/american.js': PAYLOAD } });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.origin.commit], ['identical', ids.c]);
});

for (const [name, from, to] of [
  ['chalk', '5.6.0', '5.6.1'],
  ['debug', '4.4.1', '4.4.2'],
]) {
  test(`${name}, 2025: obfuscated code in front of the main file, published by a phished maintainer's account`, async () => {
    const published = { 'index.js': `const _0x112fa8=_0x180f;(function(_0x13c8b9){})();${PAYLOAD}module.exports = '${name}';\n` };
    const spec = await takenOver(name, { from, to, published });
    await caught(spec, NO_COMMIT, [/no commit/, new RegExp(`${name}@${to.replaceAll('.', '\\.')}`)]);
  });

  test(`${name}, 2025: the same where the version had been committed and tagged`, async () => {
    const { spec } = await world.release(`${name}-tagged`, {
      version: to,
      published: { 'index.js': `const _0x112fa8=_0x180f;${PAYLOAD}module.exports = '${name}';\n` },
    });
    const answer = await caught(spec, OTHER_CONTENT, [/differs +index\.js/]);
    assert.match(answer.diff, /\+.*_0x112fa8|-.*_0x112fa8/);
  });
}

test('axios 1.14.1: a dependency added at publishing, and not one other file', async () => {
  const dependencies = { 'follow-redirects': '^1.15.6', 'form-data': '^4.0.0' };
  const { spec } = await world.release('axios', {
    version: '1.14.1',
    json: { dependencies },
    published: { 'package.json': manifest('axios', '1.14.1', { dependencies: { ...dependencies, 'plain-crypto-js': '^4.2.1' } }) },
  });
  const answer = await caught(spec, OTHER_CONTENT, [/differs +package\.json/, /dependency plain-crypto-js.*not in the source/]);
  assert.deepEqual(answer.comparison.changed.map((change) => change.path), ['package.json']);
  assert.ok(codesOf(answer).includes('dependency-not-in-source'));
});

test('axios 1.14.1: hidden from the registry metadata, the dependency is a confusion as well', async () => {
  const name = 'axios-hidden';
  const inside = manifest(name, '1.14.1', { dependencies: { 'plain-crypto-js': '^4.2.1' } });
  const { spec } = await world.release(name, {
    version: '1.14.1',
    published: { 'package.json': inside },
    publication: { manifest: { dependencies: undefined } },
  });
  const answer = await caught(spec, OTHER_CONTENT, [/dependency plain-crypto-js/]);
  assert.ok(codesOf(answer).includes('manifest-confusion'));
});

/**
 * What GitHub's attestation of a build says, unsigned: here the claims count, and they are all
 * true.
 */
function provenance(name, version, commit) {
  const repository = `https://github.com/kit/${name.split('/').at(-1)}`;
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: `pkg:npm/${name.replace('@', '%40')}@${version}` }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        externalParameters: { workflow: { ref: 'refs/heads/main', repository, path: '.github/workflows/release.yml' } },
        resolvedDependencies: [{ uri: `git+${repository}@refs/heads/main`, digest: { gitCommit: commit } }],
      },
      runDetails: { builder: { id: 'https://github.com/actions/runner/github-hosted' } },
    },
  };
  const payload = Buffer.from(JSON.stringify(statement)).toString('base64');
  return { attestations: [{ predicateType: statement.predicateType, bundle: { dsseEnvelope: { payload, payloadType: 'application/vnd.in-toto+json', signatures: [] } } }] };
}

test('TanStack pipeline hijack: the provenance is valid, the payload is in no commit', async () => {
  const name = '@tanstack/router-core';
  const source = { 'package.json': manifest(name), 'index.js': 'module.exports = 1;\n' };
  const ids = await world.host.add('kit/router-core', { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } });
  const published = {
    ...source,
    'package.json': manifest(name, '1.0.0', {
      scripts: { preinstall: 'node router_init.js' },
      optionalDependencies: { '@tanstack/setup': 'github:tanstack/router#79ac49eedf774dd4b0cfa308722bc463cfe5885c' },
    }),
    'router_init.js': PAYLOAD,
  };
  await world.registry.publish({ files: published, gitHead: ids.c, signed: true, attestations: provenance(name, '1.0.0', ids.c) });
  const answer = await caught(`${name}@1.0.0`, MORE_FILES, [
    /differs +package\.json/,
    /router_init\.js: in no file of the commit/,
    /script preinstall.*not in the source/,
  ]);
  assert.equal(answer.attested, true, 'the attestation is there, and changes nothing');
  assert.equal(answer.origin.commit, ids.c);
  assert.deepEqual(codesOf(answer).filter((code) => code.endsWith('-not-in-source')), ['install-script-not-in-source', 'dependency-not-in-source']);
});
