// A Sigstore of a test's own on loopback: an issuer of identity tokens (as a runner of GitHub
// Actions is one), a certificate authority (Fulcio), a certificate log, a transparency log (Rekor,
// both of its protocols) and a timestamp authority, each with keys of its own. They are as strict
// as the real ones: a token that is not the issuer's, a proof that is not the key's and a signature
// that does not hold are refused.

import { X509Certificate, createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { listen } from './server.mjs';
import { ECDSA_SHA256, EXTENSION, certificate, extension, name, oid, sequence, time, tlv } from './tls.mjs';

const OID = {
  codeSigning: '1.3.6.1.5.5.7.3.3',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  scts: '1.3.6.1.4.1.11129.2.4.2',
  oldIssuer: '1.3.6.1.4.1.57264.1.1',
  issuer: '1.3.6.1.4.1.57264.1.8',
  sourceRepository: '1.3.6.1.4.1.57264.1.12',
  sourceOwner: '1.3.6.1.4.1.57264.1.16',
  sha256: '2.16.840.1.101.3.4.2.1',
  signedData: '1.2.840.113549.1.7.2',
  timestamp: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.47',
  policy: '1.3.6.1.4.1.57264.2',
};
const KEY_ID = { own: '2.5.29.14', issuer: '2.5.29.35' };
const DSSE = 'application/vnd.in-toto+json';
const MINUTE_MS = 60_000;
/** Entries of an earlier log: the index that the log gives is not that of the proof. */
const EARLIER = 4096;

/** What the tokens of a workflow and of a job say. */
export const GITHUB = {
  iss: 'https://token.actions.githubusercontent.com',
  sub: 'repo:kit/rebuilds:ref:refs/heads/main',
  job_workflow_ref: 'kit/rebuilds/.github/workflows/rebuild.yml@refs/heads/main',
  repository: 'kit/rebuilds',
  repository_owner: 'kit',
};
export const GITLAB = {
  iss: 'https://gitlab.com',
  sub: 'project_path:kit/rebuilds:ref_type:branch:ref:main',
  ci_config_ref_uri: 'gitlab.com/kit/rebuilds//.gitlab-ci.yml@refs/heads/main',
};
/** Whom Fulcio certifies for each. */
export const identityOf = (claims) => `https://${claims.ci_config_ref_uri ?? `github.com/${claims.job_workflow_ref}`}`;

const base64 = (bytes) => Buffer.from(bytes).toString('base64');
const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
const unbase64 = (text) => Buffer.from(text, 'base64');
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = (key) => key.export({ type: 'spki', format: 'der' });
const number = (size, value) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(Number(value), Math.max(0, size - 6), Math.min(size, 6));
  return bytes;
};
const sized = (size, bytes) => Buffer.concat([number(size, bytes.length), bytes]);
const pem = (der) => ['-----BEGIN CERTIFICATE-----', ...base64(der).match(/.{1,64}/g), '-----END CERTIFICATE-----', ''].join('\n');
const json = (value, status = 200) => ({ status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) });
/** DSSE's pre-authentication encoding, from its specification. */
export const pae = (type, body) => Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `), body]);

/** Which key a certificate is for, and whose it is signed with. */
const keyId = (publicKey) => createHash('sha1').update(spki(publicKey).subarray(-65)).digest();
const keyIds = (publicKey, issuer) => [extension(KEY_ID.own, tlv(0x04, keyId(publicKey))), extension(KEY_ID.issuer, sequence(tlv(0x80, keyId(issuer))))];
/** A subject; Fulcio leaves it empty, and says who it is beside it. */
const nameOf = (subject) => (subject === '' ? sequence() : name(subject));

/** The part of a certificate that is signed. `from` and `until` are milliseconds. */
function toBeSigned({ issuer, subject, publicKey, from, until, extensions }) {
  const serial = randomBytes(8);
  serial[0] = (serial[0] & 0x7f) | 0x40;
  const parts = [tlv(0xa0, tlv(0x02, Buffer.from([2]))), tlv(0x02, serial), sequence(oid(ECDSA_SHA256)), name(issuer), sequence(time(from), time(until)), nameOf(subject), spki(publicKey)];
  return { serial, der: sequence(...parts, tlv(0xa3, sequence(...extensions))) };
}

const signed = (der, key) => sequence(der, sequence(oid(ECDSA_SHA256)), tlv(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', der, key)])));
const usage = (bits) => extension(EXTENSION.keyUsage, tlv(0x03, Buffer.from(bits)), true);
const extended = (purpose, critical) => extension(EXTENSION.extendedKeyUsage, sequence(oid(purpose)), critical);

function authority(subject) {
  const { publicKey, privateKey } = pair();
  const extensions = [extension(EXTENSION.basicConstraints, sequence(tlv(0x01, Buffer.from([0xff]))), true), usage([1, 0x06]), ...keyIds(publicKey, publicKey)];
  const { der } = toBeSigned({ issuer: subject, subject, publicKey, from: Date.now() - 1e9, until: Date.now() + 1e10, extensions });
  return { subject, publicKey, privateKey, der: signed(der, privateKey) };
}

/** Merkle's tree as RFC 6962 has it. */
const leafHash = (leaf) => sha256(Buffer.from([0]), leaf);
const split = (size) => 2 ** Math.floor(Math.log2(size - 1));
function rootOf(leaves) {
  if (leaves.length === 1) return leafHash(leaves[0]);
  const at = split(leaves.length);
  return sha256(Buffer.from([1]), rootOf(leaves.slice(0, at)), rootOf(leaves.slice(at)));
}
function proofOf(leaves, index) {
  if (leaves.length === 1) return [];
  const at = split(leaves.length);
  return index < at ? [...proofOf(leaves.slice(0, at), index), rootOf(leaves.slice(at))] : [...proofOf(leaves.slice(at), index - at), rootOf(leaves.slice(0, at))];
}

/** A key of a log, as a trusted root lists it. */
const listed = (baseUrl, publicKey) => ({
  baseUrl,
  hashAlgorithm: 'SHA2_256',
  publicKey: { rawBytes: base64(spki(publicKey)), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor: { start: '2020-01-01T00:00:00Z' } },
  logId: { keyId: base64(sha256(spki(publicKey))) },
});
const trusted = (uri, ...chain) => ({
  subject: { organization: 'kit', commonName: chain.at(-1).subject },
  uri,
  certChain: { certificates: chain.map(({ der }) => ({ rawBytes: base64(der) })) },
  validFor: { start: '2020-01-01T00:00:00Z' },
});

/** Starts all of it. `close` ends it. */
export async function startSigstore() {
  const tls = certificate();
  const keys = { oidc: pair(), ct: pair(), rekor: pair(), tsa: pair() };
  const root = authority('kit fulcio');
  const clocks = authority('kit clocks');
  const clock = toBeSigned({
    issuer: clocks.subject,
    subject: 'kit clock',
    publicKey: keys.tsa.publicKey,
    from: Date.now() - 1e9,
    until: Date.now() + 1e10,
    extensions: [usage([7, 0x80]), extended(OID.timeStamping, true), ...keyIds(keys.tsa.publicKey, clocks.publicKey)],
  });
  clock.subject = 'kit clock';
  clock.der = signed(clock.der, clocks.privateKey);
  const leaves = ['an entry', 'another', 'a third'].map(Buffer.from);
  const logId = sha256(spki(keys.rekor.publicKey));

  /** A token; what is not said is as in a job. */
  function token(claims = GITHUB, { lifetime = 600, aud = 'sigstore', key = keys.oidc.privateKey } = {}) {
    const now = Math.floor(Date.now() / 1000);
    const text = [{ alg: 'ES256', typ: 'JWT' }, { ...claims, aud, iat: now, exp: now + lifetime }].map((part) => base64url(JSON.stringify(part))).join('.');
    return `${text}.${base64url(sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }))}`;
  }

  /** A certificate as Fulcio issues them, with its entry in the certificate log. */
  function issue(publicKey, claims, { from = Date.now(), until = from + 10 * MINUTE_MS } = {}) {
    const text = (value) => tlv(0x0c, Buffer.from(value));
    const said = [
      usage([7, 0x80]),
      extended(OID.codeSigning, false),
      ...keyIds(publicKey, root.publicKey),
      extension(EXTENSION.altNames, sequence(tlv(0x86, Buffer.from(identityOf(claims)))), true),
      extension(OID.oldIssuer, Buffer.from(claims.iss)),
      extension(OID.issuer, text(claims.iss)),
      ...(claims.repository ? [extension(OID.sourceRepository, text(`https://github.com/${claims.repository}`)), extension(OID.sourceOwner, text(`https://github.com/${claims.repository_owner}`))] : []),
    ];
    const template = { issuer: root.subject, subject: '', publicKey, from, until };
    const before = toBeSigned({ ...template, extensions: said });
    const at = number(8, from);
    const entry = Buffer.concat([Buffer.from([0, 0]), at, number(2, 1), sha256(spki(root.publicKey)), sized(3, before.der), number(2, 0)]);
    const sct = Buffer.concat([Buffer.from([0]), sha256(spki(keys.ct.publicKey)), at, number(2, 0), Buffer.from([4, 3]), sized(2, sign('sha256', entry, keys.ct.privateKey))]);
    const list = sized(2, sized(2, sct));
    // The same certificate once more, with what the log said at its end.
    const withSct = rebuilt(before, template, [...said, extension(OID.scts, tlv(0x04, list))]);
    return signed(withSct, root.privateKey);
  }
  const rebuilt = ({ serial }, { issuer, subject, publicKey, from, until }, extensions) =>
    sequence(tlv(0xa0, tlv(0x02, Buffer.from([2]))), tlv(0x02, serial), sequence(oid(ECDSA_SHA256)), name(issuer), sequence(time(from), time(until)), nameOf(subject), spki(publicKey), tlv(0xa3, sequence(...extensions)));

  /** Takes a body into the log. `at` is in seconds. */
  function entered(canonical, { at = Math.floor(Date.now() / 1000) } = {}) {
    const index = leaves.push(canonical) - 1;
    const hash = rootOf(leaves);
    const note = `rekor.kit - 1\n${leaves.length}\n${base64(hash)}\n`;
    const mark = base64(Buffer.concat([logId.subarray(0, 4), sign('sha256', Buffer.from(note), keys.rekor.privateKey)]));
    const promised = { body: base64(canonical), integratedTime: at, logID: logId.toString('hex'), logIndex: EARLIER + index };
    return {
      ...promised,
      set: base64(sign('sha256', Buffer.from(JSON.stringify(promised)), keys.rekor.privateKey)),
      proof: { index, size: leaves.length, hash, hashes: proofOf(leaves, index), checkpoint: `${note}\n\u2014 rekor.kit ${mark}\n` },
    };
  }

  /** The body of a statement's entry; throws where its signature is not the certificate's. */
  function dsseBody(envelope, certificate_) {
    const { payload, payloadType, signatures } = JSON.parse(envelope);
    const { publicKey, raw } = new X509Certificate(certificate_);
    const [{ sig }] = signatures;
    if (!verify('sha256', pae(payloadType, unbase64(payload)), publicKey, unbase64(sig))) throw new Error('the signature does not hold');
    const hash = (bytes) => ({ algorithm: 'sha256', value: sha256(bytes).toString('hex') });
    const spec = {
      envelopeHash: hash(Buffer.from(envelope)),
      payloadHash: hash(unbase64(payload)),
      // The certificate as the log writes it, however it came.
      signatures: [{ signature: sig, verifier: base64(pem(raw)) }],
    };
    return Buffer.from(JSON.stringify({ apiVersion: '0.0.1', kind: 'dsse', spec }));
  }

  /** An answer of RFC 3161 to a question, in DER. */
  function stamped(query) {
    // The question as this program asks it: SEQUENCE { 1, imprint, TRUE }; the imprint is copied.
    const imprint = query.subarray(5, 5 + 2 + query[6]);
    const at = new Date().toISOString().replace(/[-:T]|\.\d+/g, '');
    const info = sequence(tlv(0x02, Buffer.from([1])), oid(OID.policy), imprint, tlv(0x02, Buffer.from([7])), tlv(0x18, Buffer.from(at)));
    const attribute = (kind, value) => sequence(oid(kind), tlv(0x31, value));
    const attributes = [
      attribute(OID.contentType, oid(OID.timestamp)),
      attribute(OID.messageDigest, tlv(0x04, sha256(info))),
      attribute(OID.signingCertificate, sequence(sequence(sequence(tlv(0x04, sha256(clock.der)))))),
    ].sort(Buffer.compare);
    const algorithm = sequence(oid(OID.sha256));
    const signer = sequence(
      tlv(0x02, Buffer.from([1])),
      sequence(name(clocks.subject), tlv(0x02, clock.serial)),
      algorithm,
      tlv(0xa0, Buffer.concat(attributes)),
      sequence(oid(ECDSA_SHA256)),
      tlv(0x04, sign('sha256', tlv(0x31, Buffer.concat(attributes)), keys.tsa.privateKey)),
    );
    const content = sequence(oid(OID.timestamp), tlv(0xa0, tlv(0x04, info)));
    const data = sequence(tlv(0x02, Buffer.from([3])), tlv(0x31, algorithm), content, tlv(0xa0, clock.der), tlv(0x31, signer));
    return sequence(sequence(tlv(0x02, Buffer.from([0]))), sequence(oid(OID.signedData), tlv(0xa0, data)));
  }

  /** What a test may change: what the authority certifies, how long, and what the log enters. */
  const ways = { validity: () => ({}), enter: (canonical) => entered(canonical) };
  const bearer = `bearer-${randomBytes(12).toString('hex')}`;
  const given = [];

  const oidc = await listen(({ path, query, headers }) => {
    if (path !== '/token' || headers.authorization !== `Bearer ${bearer}`) return { status: 401, body: 'no\n' };
    const value = token(GITHUB, { aud: new URLSearchParams(query).get('audience') });
    given.push(value);
    return json({ value });
  }, { tls });

  const fulcio = await listen(({ method, path, body: asked }) => {
    if (method !== 'POST' || path !== '/api/v2/signingCert') return json({ message: 'no such path' }, 404);
    const { credentials, publicKeyRequest } = JSON.parse(asked);
    const [head, claims, signature] = credentials.oidcIdentityToken.split('.');
    const refused = (message) => json({ code: 3, message }, 400);
    if (!verify('sha256', Buffer.from(`${head}.${claims}`), { key: keys.oidc.publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))) return refused(`there was an error processing the identity token ${credentials.oidcIdentityToken}`);
    const says = JSON.parse(Buffer.from(claims, 'base64url'));
    if (says.aud !== 'sigstore' || says.exp * 1000 < Date.now()) return refused('the token is for somebody else, or too old');
    const key = createPublicKey(publicKeyRequest.publicKey.content);
    if (!verify('sha256', Buffer.from(says.sub), key, unbase64(publicKeyRequest.proofOfPossession))) return refused('the proof of possession is none');
    return json({ signedCertificateEmbeddedSct: { chain: { certificates: [pem(issue(key, says, ways.validity())), pem(root.der)] } } });
  }, { tls });

  const rekor = await listen(({ method, path, body: asked }) => {
    if (method !== 'POST') return json({ message: 'no such path' }, 404);
    const wanted = JSON.parse(asked);
    if (path === '/api/v1/log/entries') {
      const { envelope, verifiers } = wanted.spec.proposedContent;
      const { set, proof, ...entry } = ways.enter(dsseBody(envelope, unbase64(verifiers[0])));
      const inclusionProof = { checkpoint: proof.checkpoint, hashes: proof.hashes.map((hash) => hash.toString('hex')), logIndex: proof.index, rootHash: proof.hash.toString('hex'), treeSize: proof.size };
      return json({ [randomBytes(40).toString('hex')]: { ...entry, verification: { inclusionProof, signedEntryTimestamp: set } } }, 201);
    }
    if (path !== '/api/v2/log/entries') return json({ message: 'no such path' }, 404);
    const { digest, signature } = wanted.hashedRekordRequestV002;
    const spec = { hashedRekordV002: { data: { algorithm: 'SHA2_256', digest }, signature } };
    const canonical = Buffer.from(JSON.stringify({ apiVersion: '0.0.2', kind: 'hashedrekord', spec }));
    const { proof } = ways.enter(canonical);
    const inclusionProof = { logIndex: `${proof.index}`, rootHash: base64(proof.hash), treeSize: `${proof.size}`, hashes: proof.hashes.map(base64), checkpoint: { envelope: proof.checkpoint } };
    return json({ logIndex: `${proof.index}`, logId: { keyId: base64(logId) }, kindVersion: { kind: 'hashedrekord', version: '0.0.2' }, integratedTime: '0', inclusionProof, canonicalizedBody: base64(canonical) }, 201);
  }, { tls });

  const tsa = await listen(({ body: query }) => ({ status: 201, headers: { 'content-type': 'application/timestamp-reply' }, body: stamped(query) }), { tls });

  const config = (version, { clock: withClock = version > 1 } = {}) => {
    const service = (url, majorApiVersion = 1) => ({ url: url.replace(/\/$/, ''), majorApiVersion, validFor: { start: '2020-01-01T00:00:00Z' }, operator: 'kit' });
    return {
      mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
      caUrls: [service(fulcio.url)],
      oidcUrls: [],
      rekorTlogUrls: [service(rekor.url, version)],
      tsaUrls: withClock ? [service(`${tsa.url}api/v1/timestamp`)] : [],
      rekorTlogConfig: { selector: 'ANY' },
      tsaConfig: { selector: 'ANY' },
    };
  };

  /**
   * Signs a statement as an honest signer does, without any of the services: what is checked is
   * then the reader alone.
   */
  function signStatement(text, { claims = GITHUB, from, until, at } = {}) {
    const { publicKey, privateKey } = pair();
    const leaf = issue(publicKey, claims, { from, until });
    const payload = Buffer.from(text);
    const dsseEnvelope = { payload: base64(payload), payloadType: DSSE, signatures: [{ sig: base64(sign('sha256', pae(DSSE, payload), privateKey)) }] };
    const { set, proof, ...entry } = entered(dsseBody(JSON.stringify(dsseEnvelope), pem(leaf)), { at });
    const tlogEntry = {
      logIndex: `${entry.logIndex}`,
      logId: { keyId: base64(logId) },
      kindVersion: { kind: 'dsse', version: '0.0.1' },
      integratedTime: `${entry.integratedTime}`,
      inclusionPromise: { signedEntryTimestamp: set },
      inclusionProof: { logIndex: `${proof.index}`, rootHash: base64(proof.hash), treeSize: `${proof.size}`, hashes: proof.hashes.map(base64), checkpoint: { envelope: proof.checkpoint } },
      canonicalizedBody: entry.body,
    };
    return {
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { certificate: { rawBytes: base64(leaf) }, tlogEntries: [tlogEntry], timestampVerificationData: { rfc3161Timestamps: [] } },
      dsseEnvelope,
    };
  }

  return {
    ca: tls.ca,
    oidc,
    fulcio,
    rekor,
    tsa,
    ways,
    entered,
    token,
    config,
    signStatement,
    /** What is secret: what asks for tokens, and the tokens that were given. */
    secrets: () => [bearer, ...given],
    /** The environment of a job that may ask for tokens. */
    github: { ACTIONS_ID_TOKEN_REQUEST_URL: `${oidc.url}token?api-version=2.0`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer },
    trustedRoot: {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [listed('https://rekor.kit', keys.rekor.publicKey)],
      certificateAuthorities: [trusted(fulcio.url, root)],
      ctlogs: [listed('https://ct.kit', keys.ct.publicKey)],
      timestampAuthorities: [trusted(tsa.url, { subject: 'kit clock', der: clock.der }, clocks)],
    },
    close: () => Promise.all([oidc, fulcio, rekor, tsa].map((server) => server.close())),
  };
}
