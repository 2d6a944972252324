// What a run writes beside its answer: signed statements, SARIF, annotations and summaries for
// GitHub Actions.

import assert from 'node:assert/strict';
import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from './kit/cli.mjs';
import { startRegistry } from './kit/registry.mjs';
import { manifest, openWorld } from './world.mjs';

let world;
let clean;
before(async () => {
  world = await openWorld();
  clean = await world.home();
});
after(() => world.close());

const at = (name) => join(clean.home, name);
const readJson = async (name) => JSON.parse(await readFile(at(name), 'utf8'));
const cli = (args, env = {}) => run(args, { env: { ...clean.env, ...env }, cwd: clean.home });

const PEM = { privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } };

/** Writes a new pair of keys as `<name>.pem` and `<name>.pub.pem`, in OpenSSL's form. */
async function keys(name, kind, options = {}) {
  const { privateKey, publicKey } = generateKeyPairSync(kind, { ...options, ...PEM });
  await writeFile(at(`${name}.pem`), privateKey);
  await writeFile(at(`${name}.pub.pem`), publicKey);
  return createPublicKey(publicKey);
}

/** DSSE's pre-authentication encoding, from its specification. */
const pae = (type, body) => Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `), body]);

// ── statements ──

for (const [kind, options] of [
  ['ed25519', {}],
  ['ec', { namedCurve: 'P-256' }],
]) {
  test(`--attest writes a statement signed with an ${kind} key, which node verifies and --verify-attestation accepts`, async () => {
    const name = `s-${kind}`;
    const publicKey = await keys(name, kind, options);
    const { spec, tarball, ids } = await world.release(name);
    const ran = await cli([spec, '--attest', `${name}.json`, '--attest-key', `${name}.pem`]);
    assert.equal(ran.code, 0, ran.stderr);
    const envelope = await readJson(`${name}.json`);
    assert.equal(envelope.payloadType, 'application/vnd.in-toto+json');
    const payload = Buffer.from(envelope.payload, 'base64');
    const [{ keyid, sig }] = envelope.signatures;
    assert.ok(verify(kind === 'ec' ? 'sha256' : null, pae(envelope.payloadType, payload), publicKey, Buffer.from(sig, 'base64')));
    assert.equal(keyid, `SHA256:${createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64')}`);

    const statement = JSON.parse(payload);
    assert.deepEqual(statement.subject, [{ name: `pkg:npm/${spec}`, digest: { sha512: createHash('sha512').update(tarball).digest('hex') } }]);
    assert.equal(statement.predicateType, 'https://slsa.dev/verification_summary/v1');
    assert.deepEqual([statement.predicate.verificationResult, statement.predicate.verifiedLevels], ['PASSED', ['REPRODUCED_IDENTICAL']]);
    const details = statement.predicate['https://reproduce.invalid/rebuild/v1'];
    assert.equal(details.verdict, 'identical');
    assert.deepEqual(details.buildDefinition.resolvedDependencies[0].digest, { gitCommit: ids.c });
    assert.equal(details.buildDefinition.internalParameters.recipe.strategy, 'source');

    const checked = await cli(['--verify-attestation', `${name}.json`, '--attest-key', `${name}.pub.pem`, '--json']);
    assert.deepEqual([checked.code, checked.json.attestation.verdict, checked.json.attestation.keyId], [0, 'identical', keyid], checked.stdout);
    const shown = await cli(['--verify-attestation', `${name}.json`, '--attest-key', `${name}.pub.pem`, spec]);
    assert.equal(shown.code, 0);
    assert.match(shown.stdout, /^identical {2}pkg:npm\/s-\w+@1\.0\.0, .*\n {2}source {5}git\+https:.*declared by the package.*\n {2}attested {3}signed with SHA256:/);
  });
}

test('a failure is stated too, and a statement of one never passes', async () => {
  const { spec } = await world.release('s-differs', { published: { 'index.js': 'evil\n' } });
  const ran = await cli([spec, '--attest', 'differs.json']);
  assert.equal(ran.code, 1);
  const { predicate } = await readJson('differs.json');
  assert.deepEqual([predicate.verificationResult, predicate.verifiedLevels], ['FAILED', ['FAILED']]);
  assert.equal(predicate['https://reproduce.invalid/rebuild/v1'].comparison.changed[0].path, 'index.js');
  const checked = await cli(['--verify-attestation', 'differs.json', '--allow-unsigned']);
  assert.equal(checked.code, 1);
  assert.match(checked.stdout, /^differs \(content-differs\).*\n.*declared by the package.*\n.*it is not signed/);
});

test('an edited statement, another key and a missing one are refused', async () => {
  await keys('own', 'ed25519');
  await keys('other', 'ed25519');
  const { spec } = await world.release('s-edited', { published: { 'index.js': 'evil\n' } });
  await cli([spec, '--attest', 'edited.json', '--attest-key', 'own.pem']);
  const check = async (args) => {
    const ran = await cli(['--verify-attestation', 'edited.json', '--json', ...args]);
    return [ran.code, ran.json.code];
  };
  assert.deepEqual(await check(['--attest-key', 'other.pub.pem']), [1, 'attestation-signature-invalid']);
  assert.deepEqual(await check([]), [2, 'attestation-key-missing']);
  assert.deepEqual(await check(['--attest-key', 'own.pem']), [2, 'attest-key-unusable']);
  assert.deepEqual(await check(['--attest-key', 'missing.pem']), [2, 'attest-key-unusable']);
  const envelope = await readJson('edited.json');
  const passed = Buffer.from(envelope.payload, 'base64').toString().replace('"FAILED"', '"PASSED"').replace('"reproduced":false', '"reproduced":true');
  await writeFile(at('edited.json'), JSON.stringify({ ...envelope, payload: Buffer.from(passed).toString('base64') }));
  assert.deepEqual(await check(['--attest-key', 'own.pub.pem']), [1, 'attestation-signature-invalid']);
  await writeFile(at('edited.json'), passed);
  assert.deepEqual(await check([]), [1, 'attestation-unsigned']);
  assert.deepEqual(await check(['--attest-key', 'own.pub.pem']), [1, 'attestation-unsigned']);
  await writeFile(at('edited.json'), 'no JSON');
  assert.deepEqual(await check([]), [2, 'attestation-unreadable']);
});

test('a statement about another tarball or version than the registry serves is refused', async (t) => {
  const registry = await startRegistry();
  t.after(() => registry.close());
  const { spec, files } = await world.release('s-swapped');
  await world.release('s-swapped-2');
  await cli([spec, '--attest', 'swapped.json']);
  const unsigned = ['--verify-attestation', 'swapped.json', '--allow-unsigned'];
  assert.equal((await cli(unsigned)).code, 0);
  assert.equal((await cli(unsigned.slice(0, 2))).code, 1, 'anybody can have written it');
  await registry.publish({ files: { ...files, 'index.js': 'evil\n' } });
  const swapped = await cli([...unsigned, '--json', '--registry', registry.url]);
  assert.deepEqual([swapped.code, swapped.json.code], [1, 'attestation-subject-mismatch']);
  const other = await cli([...unsigned, 's-swapped-2', '--json']);
  assert.deepEqual([other.code, other.json.code], [1, 'attestation-subject-mismatch']);
});

test('what was not decided is not stated, and no key signs it', async () => {
  await keys('undecided', 'ed25519');
  const { spec } = await world.release('s-undecided');
  await cli([spec, '--attest', 'undecided.json', '--attest-key', 'undecided.pem']);
  assert.ok(existsSync(at('undecided.json')));
  // The source that the user names is not there: no-source, which decides nothing about the
  // tarball.
  const ran = await cli([spec, '--source', 'github:kit/s-nobody', '--json', '--attest', 'undecided.json', '--attest-key', 'undecided.pem']);
  assert.deepEqual([ran.code, ran.json.verdict], [2, 'no-source']);
  assert.match(ran.stderr, /error\[attest-undecided\]/);
  assert.ok(!existsSync(at('undecided.json')), 'a statement of a run before');
});

test('nothing is stated of a source that only a bot’s branch has', async () => {
  const name = 's-bot';
  const files = (version) => ({ 'package.json': manifest(name, version), 'index.js': 'x\n' });
  for (const [merged, code] of [[false, 2], [true, 0]]) {
    const commits = [{ label: 'root', files: files('0.5.0') }, { label: 'c', parents: ['root'], files: files('1.0.0') }];
    await world.host.add(`kit/${name}`, { commits, branches: { main: merged ? 'c' : 'root', 'renovate/all': 'c' } });
    if (!merged) await world.registry.publish({ files: files('1.0.0') });
    const ran = await cli([`${name}@1.0.0`, '--force', '--no-cache', '--attest', `${name}-${merged}.json`]);
    assert.equal(ran.code, code, ran.stdout + ran.stderr);
    assert.match(ran.stdout + ran.stderr, merged ? /identical/ : /error\[attest-nothing\]/);
    assert.equal(existsSync(at(`${name}-${merged}.json`)), merged);
  }
});

test('where nothing can be stated no statement of an earlier run stays', async () => {
  const { spec } = await world.release('s-earlier');
  await cli([spec, '--attest', 'earlier.json', '--diffoscope-json', 'earlier-diff.json']);
  assert.ok(existsSync(at('earlier.json')));
  const ran = await cli(['s-not-there@1.0.0', '--attest', 'earlier.json', '--diffoscope-json', 'earlier-diff.json']);
  assert.equal(ran.code, 2);
  assert.ok(!existsSync(at('earlier.json')));
  assert.equal(await readJson('earlier-diff.json'), null);
});

test('a key that cannot be used is said before anything is judged, and one statement is about one package', async () => {
  const { spec } = await world.release('s-keyless');
  await writeFile(at('bad.pem'), 'no key');
  const ran = await cli([spec, '--attest', 'never.json', '--attest-key', 'bad.pem', '--json']);
  assert.deepEqual([ran.code, ran.json.code], [2, 'attest-key-unusable']);
  assert.equal(existsSync(at('never.json')), false);
  const two = await cli([spec, spec, '--attest', 'never.json', '--json']);
  assert.deepEqual([two.code, two.json.code], [2, 'usage']);
  const unwritable = await cli([spec, '--attest', 'no/such/folder.json']);
  assert.equal(unwritable.code, 2);
  assert.match(unwritable.stderr, /error\[usage\]: --attest no\/such\/folder\.json cannot be written: its folder is not there/);
});

// ── SARIF and JUnit ──

/**
 * What others read such files with; installed by `npm ci --ignore-scripts` in __test__/conformance.
 */
const readers = createRequire(new URL('conformance/package.json', import.meta.url));

/** Fails unless a log is what the schema of SARIF 2.1.0 says. */
async function assertSarif(log) {
  const package_ = readers.resolve('@microsoft/jest-sarif/package.json');
  const schema = JSON.parse(await readFile(join(package_, '../lib/schemas/sarif-2.1.0-rtm.5.json'), 'utf8'));
  // The schema is of draft 4, which the version of ajv beside it knows.
  const Ajv = readers('ajv');
  const ajv = new Ajv({ schemaId: 'auto', meta: false, allErrors: true });
  ajv.addMetaSchema(readers('ajv/lib/refs/json-schema-draft-04.json'));
  const validate = ajv.compile(schema);
  assert.ok(validate(log), ajv.errorsText(validate.errors, { separator: '\n' }));
  assert.ok(!validate({ ...log, runs: [{ ...log.runs[0], results: [{ level: 'error' }] }] }), 'a result without a message does not fit');
}

test('--sarif has a result for what was not reproduced, and its rules', async () => {
  const { spec } = await world.release('s-sarif', { published: { 'index.js': 'evil\n' } });
  const good = await world.release('s-sarif-good');
  const ran = await cli([spec, good.spec, 's-nowhere@1.0.0', '--sarif', 'log.sarif']);
  assert.equal(ran.code, 1);
  const log = await readJson('log.sarif');
  await assertSarif(log);
  const { version, runs } = log;
  assert.deepEqual([version, runs.length, runs[0].tool.driver.name], ['2.1.0', 1, 'reproduce']);
  const [first, ...others] = runs[0].results;
  assert.deepEqual([first.ruleId, first.level], ['content-differs', 'error']);
  assert.equal(first.locations[0].logicalLocations[0].fullyQualifiedName, `pkg:npm/${spec}`);
  assert.ok(others.every(({ locations }) => locations[0].logicalLocations[0].fullyQualifiedName.startsWith(`pkg:npm/${spec}`)));
  assert.equal(runs[0].invocations[0].executionSuccessful, false);
  assert.equal(runs[0].invocations[0].toolExecutionNotifications[0].descriptor.id, 'package-not-found');
});

test('--sarif tells of the run what was not decided, which is no error of the package’s', async () => {
  const { spec } = await world.release('s-sarif-open', { json: { repository: null } });
  const good = await world.release('s-sarif-closed');
  const ran = await cli([spec, good.spec, '--sarif', 'open.sarif']);
  assert.equal(ran.code, 2);
  const log = await readJson('open.sarif');
  await assertSarif(log);
  const [{ executionSuccessful, toolExecutionNotifications: told }] = log.runs[0].invocations;
  assert.deepEqual([executionSuccessful, told.length, told[0].level, told[0].descriptor.id], [true, 1, 'warning', 'no-repository']);
  assert.match(told[0].message.text, /^s-sarif-open@1\.0\.0: not decided, no-source/);
});

test('--junit is XML with a case for each spec, whatever a package wrote', async () => {
  const { spec } = await world.release('s-junit', { published: { 'index.js': ']]></failure>\u0001\u001b[31m<x a="&amp;\'">\n' } });
  const good = await world.release('s-junit-good');
  const ran = await cli([spec, good.spec, 's-nowhere@1.0.0', '--junit', 'junit.xml']);
  assert.equal(ran.code, 1);
  const { XMLParser, XMLValidator } = readers('fast-xml-parser');
  const text = await readFile(at('junit.xml'), 'utf8');
  assert.equal(XMLValidator.validate(text), true);
  const { testsuites } = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' }).parse(text);
  const { testsuite } = testsuites;
  assert.deepEqual([testsuites.tests, testsuite.tests, testsuite.failures, testsuite.errors], ['3', '3', '1', '1']);
  const [differs, identical, nowhere] = testsuite.testcase;
  assert.deepEqual([differs.name, differs.classname, differs.failure.type], [spec, 'reproduce', 'content-differs']);
  assert.match(differs.failure['#text'], /s-junit@1\.0\.0/);
  assert.deepEqual([identical.name, identical.failure, identical.error], [good.spec, undefined, undefined]);
  assert.deepEqual([nowhere.name, nowhere.error.type], ['s-nowhere@1.0.0', 'package-not-found']);
});

test('--diffoscope-json has the hunks of every file that differs, and null where nothing was compared', async () => {
  const { spec } = await world.release('s-diffoscope', { published: { 'index.js': 'evil\n', 'more.js': 'more\n' } });
  assert.equal((await cli([spec, '--diffoscope-json', 'diff.json'])).code, 1);
  const { details, ...head } = await readJson('diff.json');
  assert.deepEqual(head, { 'diffoscope-json-version': 1, source1: 'published/s-diffoscope-1.0.0.tgz', source2: 'rebuilt/s-diffoscope-1.0.0.tgz', unified_diff: null });
  assert.deepEqual(details.map(({ source1, source2 }) => [source1, source2]), [['index.js', 'index.js'], ['more.js', '/dev/null']]);
  assert.match(details[0].unified_diff, /^@@ .*\n-evil\n\+module/);
  await world.registry.publish({ files: { 'package.json': '{"name":"s-sourceless","version":"1.0.0"}' } });
  assert.equal((await cli(['s-sourceless@1.0.0', '--diffoscope-json', 'diff.json'])).code, 2);
  assert.equal(await readJson('diff.json'), null);
});

// ── GitHub Actions ──

test('a run of GitHub Actions is annotated on stderr, and the job has a summary', async () => {
  const { spec } = await world.release('s-github', { published: { 'index.js': 'evil\n' } });
  await writeFile(at('summary.md'), 'earlier\n');
  const github = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: at('summary.md') };
  const ran = await cli([spec, '--json'], github);
  assert.deepEqual([ran.code, ran.json.verdict], [1, 'differs']);
  assert.match(ran.stderr, /^::error title=s-github@1\.0\.0 \[content-differs\]::not reproduced, differs/m);
  assert.ok(ran.stderr.trim().split('\n').every((line) => /^::(error|warning) title=/.test(line)), ran.stderr);
  const summary = await readFile(at('summary.md'), 'utf8');
  assert.match(summary, /^earlier\n### reproduce\n/);
  assert.match(summary, /\| s-github&#64;1\.0\.0 \| ❌ differs/);
  const never = await cli([spec, '--json', '--annotate', 'never'], github);
  assert.equal(never.stderr, '');
  assert.equal(await readFile(at('summary.md'), 'utf8'), summary);
  const elsewhere = await cli([spec, '--json']);
  assert.equal(elsewhere.stderr, '');
});

test('what a package wrote cannot speak to the runner', async () => {
  const evil = '::error::x\n##[add-path]/evil\n::stop-commands::guess\n';
  const { spec } = await world.release('s-speaks', { files: { 'a.txt': 'a\n' }, published: { 'a.txt': evil } });
  const github = { GITHUB_ACTIONS: 'true' };
  const ran = await cli([spec, '--diff', '--annotate', 'never'], github);
  assert.doesNotMatch(ran.stdout, /##\[|^\s*::/m);
  assert.match(ran.stdout, /##\\\[add-path\]/);
  const json = await cli([spec, '--json', '--annotate', 'never'], github);
  assert.ok(!json.stdout.includes('##['));
  assert.match(json.json.diff, /##\[add-path\]/);
  const plain = await cli([spec, '--diff']);
  assert.match(plain.stdout, /##\[add-path\]/);
});
