// Statements that CI's own identity signs: as Sigstore bundles, checked by what others check such
// bundles with, and by this program.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { filesBelow, run } from './kit/cli.mjs';
import { GITHUB, GITLAB, identityOf, pae, startSigstore } from './kit/sigstore.mjs';
import { assertNothingLeft, openWorld } from './world.mjs';

const SUMMARY = 'https://slsa.dev/verification_summary/v1';
const RESULT = 'https://in-toto.io/attestation/svr/v0.2';

let world;
let sigstore;
before(async () => {
  sigstore = await startSigstore();
  world = await openWorld({ builds: true });
});
after(async () => {
  await world?.close();
  await sigstore.close();
});

/**
 * A home with the files that name this Sigstore, and what runs there with an environment like a
 * job's.
 */
async function job(environment = sigstore.github) {
  const clean = await world.home();
  const at = (name) => join(clean.home, name);
  await writeFile(at('ca.pem'), sigstore.ca);
  await writeFile(at('root.json'), JSON.stringify(sigstore.trustedRoot));
  await writeFile(at('v1.json'), JSON.stringify(sigstore.config(1)));
  await writeFile(at('clock.json'), JSON.stringify(sigstore.config(1, { clock: true })));
  await writeFile(at('v2.json'), JSON.stringify(sigstore.config(2)));
  const env = { ...clean.env, npm_config_cafile: at('ca.pem'), ...environment };
  const cli = (args, more = {}) => run(args, { env: { ...env, ...more }, cwd: clean.home });
  const readJson = async (name) => JSON.parse(await readFile(at(name), 'utf8'));
  const keyless = (spec, { config = 'v1.json', more, args = [] } = {}) =>
    cli([spec, '--attest', 'vsa.json', '--attest-svr', 'svr.json', '--attest-keyless', '--signing-config', config, '--trusted-root', 'root.json', ...args], more);
  const checked = async (name, { claims = GITHUB, identity = identityOf(claims), issuer = claims.iss, args = ['--trusted-root', 'root.json'] } = {}) => {
    const who = [...(identity ? ['--certificate-identity', identity] : []), ...(issuer ? ['--certificate-oidc-issuer', issuer] : [])];
    const ran = await cli(['--verify-attestation', name, '--json', ...who, ...args]);
    return { ...ran, said: [ran.code, ran.json.code ?? ran.json.attestation?.verdict] };
  };
  return { clean, at, cli, keyless, checked, readJson };
}

/**
 * Sigstore's own verifier in JavaScript, which npm has: installed by `npm ci --ignore-scripts` in
 * __test__/conformance.
 */
const sigstoreJs = (() => {
  const npm = createRequire(createRequire(new URL('conformance/package.json', import.meta.url)).resolve('pacote'));
  const load = createRequire(npm.resolve('sigstore'));
  return { ...load('@sigstore/verify'), ...load('@sigstore/bundle'), ...load('@sigstore/protobuf-specs') };
})();

/** Throws unless a bundle holds for this Sigstore's root and this signer. */
function verifiedByOthers(bundle, { claims = GITHUB, timestamps = 1 } = {}) {
  const { Verifier, TrustedRoot, bundleFromJSON, toSignedEntity, toTrustMaterial } = sigstoreJs;
  const material = toTrustMaterial(TrustedRoot.fromJSON(sigstore.trustedRoot));
  const verifier = new Verifier(material, { ctlogThreshold: 1, tlogThreshold: 1, timestampThreshold: timestamps });
  return verifier.verify(toSignedEntity(bundleFromJSON(bundle)), { subjectAlternativeName: identityOf(claims), extensions: { issuer: claims.iss } });
}

const statementOf = ({ dsseEnvelope }) => JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64'));

/** The beginnings of a secret's parts: a message may have been cut behind them. */
const split = (secret) => secret.split('.').filter((part) => part.length >= 24).map((part) => part.slice(0, 24));

/**
 * Fails if a secret, or the beginning of one of its parts, is in what was printed, kept, or sent to
 * anybody but those that it is for.
 */
async function assertNowhere(ran, clean, secrets, { oidc = [], fulcio = [] } = {}) {
  const parts = secrets.flatMap(split);
  assert.ok(parts.length >= secrets.length);
  const kept = await Promise.all((await filesBelow(clean.home)).filter((file) => !file.endsWith('.pem')).map(async (file) => [file, await readFile(file, 'latin1')]));
  const sent = (server, allowed = []) => server.requests.map((request) => [`${server.url} ${request.url}`, parts.filter((part) => !allowed.includes(part) && `${request.url}${JSON.stringify(request.headers)}${request.body}`.includes(part)).join()]);
  const texts = [['stdout', ran.stdout], ['stderr', ran.stderr], ...kept].map(([name, text]) => [name, parts.filter((part) => text.includes(part)).join()]);
  const hosts = [sent(world.registry), sent(world.host), sent(sigstore.rekor), sent(sigstore.tsa), sent(sigstore.oidc, oidc), sent(sigstore.fulcio, fulcio)].flat();
  assert.deepEqual([...texts, ...hosts].filter(([, found]) => found), []);
}

/** Turns one bit of something in base64. */
function turned(text) {
  const bytes = Buffer.from(text, 'base64');
  bytes[bytes.length - 1] ^= 1;
  return bytes.toString('base64');
}
const entryOf = (bundle) => bundle.verificationMaterial.tlogEntries[0];
const edit = (change) => (bundle) => {
  const edited = structuredClone(bundle);
  change(edited);
  return edited;
};

// ── what is signed ──

test('a workflow signs both statements, and others verify them as this program does', async () => {
  const { spec, tarball } = await world.release('k-github');
  const { clean, keyless, checked, readJson, cli } = await job();
  const ran = await keyless(spec);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(ran.stderr, '');
  const [vsa, svr] = [await readJson('vsa.json'), await readJson('svr.json')];
  for (const bundle of [vsa, svr]) {
    assert.equal(bundle.mediaType, 'application/vnd.dev.sigstore.bundle.v0.3+json');
    assert.deepEqual(bundle.verificationMaterial.tlogEntries.map(({ kindVersion }) => kindVersion), [{ kind: 'dsse', version: '0.0.1' }]);
    assert.ok(verifiedByOthers(bundle));
    assert.throws(() => verifiedByOthers(bundle, { claims: GITLAB }), 'the verifier looks whose it is');
  }
  assert.deepEqual(vsa.verificationMaterial.certificate, svr.verificationMaterial.certificate, 'one certificate');
  const subject = [{ name: `pkg:npm/${spec}`, digest: { sha512: createHash('sha512').update(tarball).digest('hex') } }];
  assert.deepEqual([statementOf(vsa).predicateType, statementOf(vsa).subject], [SUMMARY, subject]);
  const { predicateType, predicate, ...result } = statementOf(svr);
  assert.deepEqual([predicateType, result.subject], [RESULT, subject]);
  assert.deepEqual(predicate.properties, ['REPRODUCED_IDENTICAL', 'REPRODUCED_SAME_CONTENT']);
  assert.deepEqual(predicate.verifier, { id: 'https://reproduce.invalid', policies: [{ uri: 'https://reproduce.invalid#same-content' }] });
  assert.equal(predicate.timeCreated, statementOf(vsa).predicate.timeVerified);

  for (const name of ['vsa.json', 'svr.json']) {
    const { said, json } = await checked(name);
    assert.deepEqual(said, [0, 'identical'], name);
    const { signer, keyId, reproduced } = json.attestation;
    assert.deepEqual([signer.identity, signer.issuer, keyId, reproduced], [identityOf(GITHUB), GITHUB.iss, null, true]);
    assert.match(signer.loggedAt, /^\d{4}-\d\d-\d\dT/);
  }
  const shown = await cli(['--verify-attestation', 'vsa.json', '--trusted-root', 'root.json', '--certificate-identity', identityOf(GITHUB), '--certificate-oidc-issuer', GITHUB.iss]);
  assert.match(shown.stdout, /\n {2}attested {3}signed by https:\/\/github\.com\/kit\/rebuilds\/.* \(https:\/\/token\.actions\.githubusercontent\.com\); sha512 /);

  const [bearer, token] = sigstore.secrets();
  assert.equal(sigstore.oidc.requests.at(-1).headers.authorization, `Bearer ${bearer}`, 'it was in use');
  assert.ok(sigstore.fulcio.requests.at(-1).body.includes(token), 'it was in use');
  await assertNowhere(ran, clean, [bearer, token], { oidc: split(bearer), fulcio: split(token) });
  await assertNothingLeft(clean);
});

test('a proxy and a certificate that the working folder names do not carry the token of CI', async () => {
  const { spec } = await world.release('k-stranger');
  const { clean, at } = await job();
  const folder = at('stranger');
  await mkdir(folder);
  // What is judged may go by it; it carries http alone.
  const proxy = createServer((request, response) => {
    const forward = httpRequest(request.url, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    forward.on('error', () => response.destroy());
    request.pipe(forward);
  });
  const asked = [];
  proxy.on('connect', (request, socket) => { asked.push(request.url); socket.destroy(); });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${proxy.address().port}/`;
  await writeFile(join(folder, '.npmrc'), `https-proxy=${address}\n`);
  await writeFile(join(folder, 'package.json'), '{"name":"stranger"}\n');
  const env = { ...clean.env, npm_config_cafile: at('ca.pem'), ...sigstore.github };
  const args = [spec, '--attest', 'vsa.json', '--attest-keyless', '--signing-config', at('v1.json'), '--trusted-root', at('root.json'), '--registry', world.registry.url];
  const ran = await run(args, { env, cwd: folder });
  proxy.closeAllConnections();
  proxy.close();
  assert.equal(ran.code, 0, ran.stdout + ran.stderr);
  assert.ok(existsSync(join(folder, 'vsa.json')));
  assert.deepEqual(asked, []);
});

test('a job of GitLab signs with its token, and a timestamp authority says when', async () => {
  const { spec } = await world.release('k-gitlab');
  const token = sigstore.token(GITLAB);
  const { clean, keyless, checked, readJson } = await job({ SIGSTORE_ID_TOKEN: token });
  const asked = sigstore.oidc.requests.length;
  const ran = await keyless(spec, { config: 'clock.json' });
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(sigstore.oidc.requests.length, asked, 'a token that is there is not asked for');
  const bundle = await readJson('vsa.json');
  assert.equal(bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps.length, 1);
  assert.ok(verifiedByOthers(bundle, { claims: GITLAB, timestamps: 2 }), 'the log and the authority');
  assert.throws(() => verifiedByOthers(bundle, { claims: GITLAB, timestamps: 3 }), 'the verifier counts');
  assert.deepEqual((await checked('vsa.json', { claims: GITLAB })).said, [0, 'identical']);
  await assertNowhere(ran, clean, [token], { fulcio: split(token) });
});

test('a log of the second kind takes the hash of what was signed, and the timestamp is the only time', async () => {
  const { spec } = await world.release('k-second');
  const { keyless, checked, readJson, at } = await job();
  const ran = await keyless(spec, { config: 'v2.json' });
  assert.equal(ran.code, 0, ran.stderr);
  const bundle = await readJson('vsa.json');
  const [{ kindVersion, canonicalizedBody }] = bundle.verificationMaterial.tlogEntries;
  assert.deepEqual(kindVersion, { kind: 'hashedrekord', version: '0.0.2' });
  // As the specification of the second kind has it since May 2026; the verifier in JavaScript that
  // npm has is older.
  const { payload, payloadType } = bundle.dsseEnvelope;
  const { digest } = JSON.parse(Buffer.from(canonicalizedBody, 'base64')).spec.hashedRekordV002.data;
  assert.equal(digest, createHash('sha256').update(pae(payloadType, Buffer.from(payload, 'base64'))).digest('base64'));
  const { said, json } = await checked('vsa.json');
  assert.deepEqual([said, json.attestation.signer.loggedAt], [[0, 'identical'], null]);
  const broken = {
    'no timestamp': edit(({ verificationMaterial }) => (verificationMaterial.timestampVerificationData.rfc3161Timestamps = [])),
    'another timestamp': edit(({ verificationMaterial }) => (verificationMaterial.timestampVerificationData.rfc3161Timestamps[0].signedTimestamp = turned(verificationMaterial.timestampVerificationData.rfc3161Timestamps[0].signedTimestamp))),
  };
  for (const [what, change] of Object.entries(broken)) {
    await writeFile(at('broken.json'), JSON.stringify(change(bundle)));
    assert.deepEqual((await checked('broken.json')).said, [1, 'attestation-bundle-invalid'], what);
  }
});

test('a failure is signed too, has no properties, and passes nowhere', async () => {
  const { spec } = await world.release('k-differs', { published: { 'index.js': 'evil\n' } });
  const { keyless, checked, readJson } = await job();
  assert.equal((await keyless(spec)).code, 1);
  assert.deepEqual(statementOf(await readJson('svr.json')).predicate.properties, []);
  for (const name of ['vsa.json', 'svr.json']) assert.deepEqual((await checked(name)).said, [1, 'differs'], name);
});

test('without an identity to expect a bundle says nothing, and of another identity it is refused', async () => {
  const { spec } = await world.release('k-whose');
  const { checked, at, cli } = await job();
  await cli([spec, '--attest', 'plain.json']);
  await writeFile(at('signed.json'), JSON.stringify(sigstore.signStatement(await readFile(at('plain.json')))));
  assert.deepEqual((await checked('signed.json')).said, [0, 'identical'], 'the control');
  const nobody = { identity: null, issuer: null };
  assert.deepEqual((await checked('signed.json', nobody)).said, [2, 'attestation-identity-missing']);
  assert.deepEqual((await checked('signed.json', { ...nobody, args: ['--allow-unsigned'] })).said, [2, 'attestation-identity-missing']);
  for (const half of [{ identity: null }, { issuer: null }]) assert.deepEqual((await checked('signed.json', half)).said, [2, 'usage']);
  for (const wrong of [{ identity: `${identityOf(GITHUB)}x` }, { identity: identityOf(GITHUB).slice(0, -1) }, { issuer: GITLAB.iss }, { claims: GITLAB }]) {
    assert.deepEqual((await checked('signed.json', wrong)).said, [1, 'attestation-identity-mismatch'], JSON.stringify(wrong));
  }
  // The public Sigstore knows neither this authority nor this log.
  assert.deepEqual((await checked('signed.json', { args: [] })).said, [1, 'attestation-bundle-invalid']);
  assert.deepEqual((await checked('plain.json')).said, [1, 'attestation-unsigned'], 'an identity is no word for what nobody signed');
});

// ── what does not hold ──

/** What was done to a bundle that holds. `other` is another that holds, of the same signer. */
const BROKEN = {
  'the payload is another': edit((bundle) => (bundle.dsseEnvelope.payload = Buffer.from(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString().replace('"FAILED"', '"PASSED"').replace('"reproduced":false', '"reproduced":true')).toString('base64'))),
  'the signature is another': edit((bundle) => (bundle.dsseEnvelope.signatures[0].sig = turned(bundle.dsseEnvelope.signatures[0].sig))),
  'the envelope is of another bundle': (bundle, other) => ({ ...bundle, dsseEnvelope: other.dsseEnvelope }),
  'the certificate is of another bundle': (bundle, other) => ({ ...bundle, verificationMaterial: { ...bundle.verificationMaterial, certificate: other.verificationMaterial.certificate } }),
  'the log entry is of another payload': (bundle, other) => ({ ...bundle, verificationMaterial: { ...bundle.verificationMaterial, tlogEntries: other.verificationMaterial.tlogEntries } }),
  'there is no log entry': edit((bundle) => (bundle.verificationMaterial.tlogEntries = [])),
  'the promise of the log is another': edit((bundle) => (entryOf(bundle).inclusionPromise.signedEntryTimestamp = turned(entryOf(bundle).inclusionPromise.signedEntryTimestamp))),
  'the promise was for another time': edit((bundle) => (entryOf(bundle).integratedTime = `${entryOf(bundle).integratedTime - 1}`)),
  'the log promised nothing and has no time': edit((bundle) => delete entryOf(bundle).inclusionPromise),
  'a hash of the proof is another': edit((bundle) => (entryOf(bundle).inclusionProof.hashes[0] = turned(entryOf(bundle).inclusionProof.hashes[0]))),
  'the proof is for another place': edit((bundle) => (entryOf(bundle).inclusionProof.logIndex = `${entryOf(bundle).inclusionProof.logIndex - 1}`)),
  'there is no proof': edit((bundle) => delete entryOf(bundle).inclusionProof),
  'the checkpoint is not the log\u2019s': edit((bundle) => (entryOf(bundle).inclusionProof.checkpoint.envelope = entryOf(bundle).inclusionProof.checkpoint.envelope.replace(/(\S+)\n$/, (_, mark) => `${turned(mark)}\n`))),
  'the payload is no statement': edit((bundle) => (bundle.dsseEnvelope.payloadType = 'application/json')),
};

test('a bundle of which one thing is not so is refused', async () => {
  const { spec } = await world.release('k-broken', { published: { 'index.js': 'evil\n' } });
  const { checked, at, cli } = await job();
  await cli([spec, '--attest', 'plain.json', '--attest-svr', 'svr.json']);
  const [good, other] = await Promise.all(['plain.json', 'svr.json'].map(async (name) => sigstore.signStatement(await readFile(at(name)))));
  for (const [name, bundle] of Object.entries({ good, other })) {
    await writeFile(at(`${name}.json`), JSON.stringify(bundle));
    assert.deepEqual((await checked(`${name}.json`)).said, [1, 'differs'], `the control: ${name} holds, and says what was found`);
  }
  let tried = 0;
  for (const [what, broken] of Object.entries(BROKEN)) {
    await writeFile(at('broken.json'), JSON.stringify(broken(good, other)));
    assert.deepEqual((await checked('broken.json')).said, [1, 'attestation-bundle-invalid'], what);
    tried += 1;
  }
  assert.equal(tried, 14);
});

test('a certificate counts at the time of the log, not now, and one that had expired then does not', async () => {
  const { spec } = await world.release('k-expired');
  const { checked, at, cli } = await job();
  await cli([spec, '--attest', 'plain.json']);
  const text = await readFile(at('plain.json'));
  const then = Date.now() - 3_600_000;
  const valid = { from: then, until: then + 600_000 };
  const seconds = (ms) => Math.floor(ms / 1000);
  const cases = { 'in-time': [then + 60_000, [0, 'identical']], late: [then + 660_000, [1, 'attestation-bundle-invalid']], early: [then - 60_000, [1, 'attestation-bundle-invalid']] };
  for (const [name, [time, said]] of Object.entries(cases)) {
    await writeFile(at(`${name}.json`), JSON.stringify(sigstore.signStatement(text, { ...valid, at: seconds(time) })));
    assert.deepEqual((await checked(`${name}.json`)).said, said, name);
  }
});

test('a bundle about another tarball than the registry serves is refused, whoever signed it', async () => {
  const { spec } = await world.release('k-swapped');
  const { checked, at, cli } = await job();
  await cli([spec, '--attest', 'plain.json']);
  const text = (await readFile(at('plain.json'), 'utf8')).replace(/("sha512":")([0-9a-f])/, (_, key, digit) => `${key}${digit === '0' ? '1' : '0'}`);
  await writeFile(at('swapped.json'), JSON.stringify(sigstore.signStatement(text)));
  assert.deepEqual((await checked('swapped.json')).said, [1, 'attestation-subject-mismatch']);
});

// ── what could not be signed ──

/**
 * Runs a judgement that cannot be signed: no statement is there afterwards, not even one of an
 * earlier run.
 */
async function assertUnsigned(name, code, { environment, config, break: broken, secrets = [], args } = {}) {
  const { spec } = await world.release(name);
  const one = await job(environment);
  await one.cli([spec, '--attest', 'vsa.json', '--attest-svr', 'svr.json']);
  assert.ok(existsSync(one.at('vsa.json')) && existsSync(one.at('svr.json')), 'statements of an earlier run');
  const mend = broken?.(one);
  const ran = await one.keyless(spec, { config, args });
  await mend?.();
  assert.equal(ran.code, 2, ran.stdout);
  assert.match(ran.stderr, new RegExp(`^error\\[${code}\\]: [^]*\nhint: `), name);
  assert.deepEqual([existsSync(one.at('vsa.json')), existsSync(one.at('svr.json'))], [false, false], 'no file that is not signed');
  if (secrets.length > 0) await assertNowhere(ran, one.clean, secrets, { oidc: sigstore.secrets().flatMap(split), fulcio: [...sigstore.secrets(), ...secrets].flatMap(split) });
  return ran;
}

test('a service that is down or refuses leaves no statement, and says which it is', async () => {
  for (const [service, words] of [['oidc', 'token service'], ['fulcio', 'certificate authority'], ['rekor', 'transparency log']]) {
    const ran = await assertUnsigned(`k-down-${service}`, 'signing-service-failed', { break: () => sigstore[service].fault({ status: 503 }) });
    assert.match(ran.stderr, new RegExp(words));
  }
  const ran = await assertUnsigned('k-down-tsa', 'signing-service-failed', { config: 'v2.json', break: () => sigstore.tsa.fault({ status: 503 }) });
  assert.match(ran.stderr, /timestamp authority/);
  const cut = await assertUnsigned('k-cut', 'signing-service-failed', { break: () => sigstore.fulcio.fault({ reset: true }) });
  assert.match(cut.stderr, /certificate authority did not sign: /);
  const odd = await assertUnsigned('k-odd', 'signing-service-failed', { break: () => sigstore.rekor.fault({ wrongBytes: () => Buffer.from('{}') }) });
  assert.match(odd.stderr, /transparency log did not sign: its answer is no entry/);
});

test('an interrupt while it is signed ends it at once, without a statement', async () => {
  const { spec } = await world.release('k-interrupted');
  const { clean, at, cli } = await job();
  await cli([spec, '--attest', 'vsa.json']);
  let running;
  const mend = sigstore.fulcio.fault({ hang: true, onHit: () => running.kill('SIGINT') });
  const env = { ...clean.env, npm_config_cafile: at('ca.pem'), ...sigstore.github };
  const args = [spec, '--attest', 'vsa.json', '--attest-keyless', '--signing-config', 'v1.json', '--trusted-root', 'root.json'];
  const ran = await run(args, { env, cwd: clean.home, onStart: (child) => (running = child) });
  mend();
  assert.deepEqual([ran.code, existsSync(at('vsa.json'))], [130, false], ran.stderr);
});

test('a token that the authority does not take is in no message, though the authority repeats it', async () => {
  const { privateKey } = (await import('node:crypto')).generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const token = sigstore.token(GITLAB, { key: privateKey });
  const ran = await assertUnsigned('k-forged', 'signing-service-failed', { environment: { SIGSTORE_ID_TOKEN: token }, secrets: [token] });
  assert.match(ran.stderr, /certificate authority did not sign: HTTP 400/);
});

test('what came and does not hold is not written', async () => {
  const late = () => {
    sigstore.ways.validity = () => ({ from: Date.now() - 1_200_000, until: Date.now() - 600_000 });
    return () => (sigstore.ways.validity = () => ({}));
  };
  assert.match((await assertUnsigned('k-late', 'signing-not-verified', { break: late })).stderr, /CertExpired/);
  const elsewhere = () => {
    const { enter } = sigstore.ways;
    sigstore.ways.enter = (canonical) => ({ ...enter(canonical), set: enter(Buffer.from('another')).set });
    return () => (sigstore.ways.enter = enter);
  };
  await assertUnsigned('k-elsewhere', 'signing-not-verified', { break: elsewhere });
});

test('without an identity, or with one that cannot be used, nothing is judged and nothing is asked', async () => {
  const expired = sigstore.token(GITLAB, { lifetime: -1 });
  const cases = [
    ['k-none', 'signing-identity-missing', {}],
    ['k-half', 'signing-identity-missing', { ACTIONS_ID_TOKEN_REQUEST_URL: sigstore.github.ACTIONS_ID_TOKEN_REQUEST_URL }],
    ['k-old', 'signing-identity-unusable', { SIGSTORE_ID_TOKEN: expired }],
    ['k-no-token', 'signing-identity-unusable', { SIGSTORE_ID_TOKEN: 'a-secret-that-is-no-token' }],
    ['k-plain', 'signing-identity-unusable', { ...sigstore.github, ACTIONS_ID_TOKEN_REQUEST_URL: sigstore.github.ACTIONS_ID_TOKEN_REQUEST_URL.replace('https:', 'http:') }],
  ];
  const asked = () => [sigstore.oidc, sigstore.fulcio, sigstore.rekor, world.registry].map(({ requests }) => requests.length);
  const { spec } = await world.release('k-nobody');
  const before_ = asked();
  for (const [name, code, environment] of cases) {
    const { keyless, at } = await job(environment);
    const ran = await keyless(spec, { args: ['--json'] });
    assert.deepEqual([ran.code, ran.json.code, existsSync(at('vsa.json'))], [2, code, false], name);
    assert.ok(ran.json.hints.length > 0);
    assert.ok(!`${ran.stdout}${ran.stderr}`.includes('a-secret-that-is-no-token') && !ran.stdout.includes(expired.split('.')[1]));
  }
  assert.deepEqual(asked(), before_);
  const { keyless, at } = await job();
  await writeFile(at('bad.json'), '{}');
  assert.equal((await keyless(spec, { config: 'bad.json', args: ['--json'] })).json.code, 'signing-config-unusable');
  await writeFile(at('plain.json'), JSON.stringify(sigstore.config(1)).replaceAll('https:', 'http:'));
  assert.equal((await keyless(spec, { config: 'plain.json', args: ['--json'] })).json.code, 'signing-config-unusable');
});

test('what was not decided is not signed: nobody is asked, and no statement stays', async () => {
  const { spec } = await world.release('k-undecided');
  const { cli, keyless, at } = await job();
  await cli([spec, '--attest', 'vsa.json', '--attest-svr', 'svr.json']);
  const asked = () => [sigstore.oidc, sigstore.fulcio, sigstore.rekor].map(({ requests }) => requests.length);
  const before_ = asked();
  const ran = await keyless(spec, { args: ['--source', 'github:kit/k-nobody-has-this'] });
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /error\[attest-undecided\]/);
  assert.deepEqual([asked(), existsSync(at('vsa.json')), existsSync(at('svr.json'))], [before_, false, false]);
});

test('strict-ssl=false is not for those who get a token', async () => {
  const { spec } = await world.release('k-strict');
  const { cli, at } = await job();
  const asked = sigstore.oidc.requests.length;
  const ran = await cli([spec, '--attest', 'vsa.json', '--attest-keyless', '--signing-config', 'v1.json', '--trusted-root', 'root.json'], { npm_config_cafile: '', npm_config_strict_ssl: 'false' });
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /error\[signing-service-failed\]/);
  assert.deepEqual([sigstore.oidc.requests.length, existsSync(at('vsa.json'))], [asked, false]);
});

test('a build sees neither the token nor what asks for one', async () => {
  const script = "require('node:fs').writeFileSync('out.js', JSON.stringify(Object.entries(process.env).filter((one) => /ID_TOKEN|bearer-/.test(one.join()))))";
  const json = { scripts: { build: 'node build.js' }, files: ['out.js'] };
  const { spec } = await world.release('k-build', { json, files: { 'build.js': script }, published: { 'build.js': null, 'index.js': null, 'out.js': '[]' } });
  const { keyless, clean } = await job();
  const control = await run(['-e', script], { command: [process.execPath], env: { ...clean.env, ...sigstore.github }, cwd: clean.home });
  assert.equal(control.code, 0);
  assert.match(await readFile(join(clean.home, 'out.js'), 'utf8'), /ACTIONS_ID_TOKEN_REQUEST_TOKEN/, 'the control: it would be seen');
  const ran = await keyless(spec, { args: ['--json'] });
  assert.deepEqual([ran.code, ran.json.verdict], [0, 'identical'], `${ran.stderr}\n${JSON.stringify(ran.json.comparison)}`);
  assert.notEqual(ran.json.strategy, 'source', 'it was built');
});
