// OpenPGP keys and signatures as tests need them, honest and not: written from RFC 4880, apart from
// what the program reads them with.

import { createHash, generateKeyPairSync, sign } from 'node:crypto';

/** Numbers of digests. */
export const HASH = { md5: 1, sha1: 2, sha256: 8, sha512: 10 };
const ED25519 = Buffer.from('2b06010401da470f01', 'hex');
const NOW = () => Math.floor(Date.now() / 1000);

/**
 * A key with one user id, signed by itself. @param {object} [options] @param {string}
 * [options.name] @param {number} [options.created] seconds since 1970 @param {number}
 * [options.expires] seconds after `created` @param {number} [options.flags] what it is for; 3: to
 * certify and to sign @param {{ at: number, reason: number }} [options.revoked] 0 no reason, 1
 * replaced, 2 compromised, 3 retired @param {number} [options.rsa] bits of an RSA key in place of
 * Ed25519
 */
export function makeKey({ name = 'Kit <kit@example.test>', created = NOW() - 86_400, expires, flags = 3, revoked, rsa } = {}) {
  const pair = rsa ? generateKeyPairSync('rsa', { modulusLength: rsa }) : generateKeyPairSync('ed25519');
  const jwk = pair.publicKey.export({ format: 'jwk' });
  const number = (part) => mpi(Buffer.from(jwk[part], 'base64url'));
  const material = rsa
    ? Buffer.concat([Buffer.of(1), number('n'), number('e')])
    : Buffer.concat([Buffer.of(22, ED25519.length), ED25519, mpi(Buffer.concat([Buffer.of(0x40), Buffer.from(jwk.x, 'base64url')]))]);
  const body = Buffer.concat([Buffer.of(4), u32(created), material]);
  const hashed = Buffer.concat([Buffer.of(0x99), u16(body.length), body]);
  const fingerprint = createHash('sha1').update(hashed).digest();
  const key = { private: pair.privateKey, algorithm: rsa ? 1 : 22, fingerprint };
  const id = Buffer.from(name);
  const certified = signature(key, Buffer.concat([hashed, Buffer.of(0xb4), u32(id.length), id]), {
    type: 0x13,
    made: created,
    more: [sub(27, Buffer.of(flags)), ...(expires ? [sub(9, u32(expires))] : [])],
  });
  const revocation = revoked && signature(key, hashed, { type: 0x20, made: revoked.at, more: [sub(29, Buffer.of(revoked.reason))] });
  const ring = Buffer.concat([packet(6, body), ...(revocation ? [revocation] : []), packet(13, id), certified]);
  return { ...key, name, ring, id: fingerprint.toString('hex').toUpperCase(), armored: armor('PUBLIC KEY BLOCK', ring) };
}

/** A signature beside a document, binary. `hash` and `made` may be what no honest signer takes. */
export function detached(key, document, { hash = 'sha256', made = NOW(), more = [] } = {}) {
  return signature(key, Buffer.from(document), { type: 0, hash, made, more });
}

/** A document that is signed in the clear. */
export function clearsigned(key, text, { hash = 'sha256', made = NOW() } = {}) {
  const lines = text.replace(/\n$/, '').split('\n').map((line) => line.trimEnd());
  const signed = signature(key, Buffer.from(lines.join('\r\n')), { type: 1, hash, made });
  const shown = lines.map((line) => (line.startsWith('-') ? `- ${line}` : line)).join('\n');
  return `-----BEGIN PGP SIGNED MESSAGE-----\nHash: ${hash.toUpperCase()}\n\n${shown}\n${armor('SIGNATURE', signed)}`;
}

/** A subpacket of a signature: after 3, when the signature itself ends. */
export function sub(type, data) {
  return Buffer.concat([Buffer.of(data.length + 1, type), data]);
}

export function armor(kind, bytes) {
  const lines = bytes.toString('base64').match(/.{1,64}/g).join('\n');
  return `-----BEGIN PGP ${kind}-----\n\n${lines}\n=${crc24(bytes).toString('base64')}\n-----END PGP ${kind}-----\n`;
}

export function u32(number) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

function signature(key, data, { type, hash = 'sha256', made, more = [] }) {
  const hashed = Buffer.concat([sub(2, u32(made)), sub(33, Buffer.concat([Buffer.of(4), key.fingerprint])), ...more]);
  const head = Buffer.concat([Buffer.of(4, type, key.algorithm, HASH[hash]), u16(hashed.length), hashed]);
  const whole = Buffer.concat([data, head, Buffer.of(4, 0xff), u32(head.length)]);
  const digest = createHash(hash).update(whole).digest();
  const unhashed = sub(16, key.fingerprint.subarray(-8));
  const made_ =
    key.algorithm === 1
      ? mpi(sign(hash, whole, key.private))
      : Buffer.concat([0, 32].map((at) => mpi(sign(null, digest, key.private).subarray(at, at + 32))));
  return packet(2, Buffer.concat([head, u16(unhashed.length), unhashed, digest.subarray(0, 2), made_]));
}

function packet(tag, body) {
  const length = body.length < 192 ? Buffer.of(body.length) : Buffer.concat([Buffer.of(0xff), u32(body.length)]);
  return Buffer.concat([Buffer.of(0xc0 | tag), length, body]);
}

function mpi(bytes) {
  const start = bytes.findIndex((byte) => byte !== 0);
  const number = bytes.subarray(start === -1 ? bytes.length : start);
  const bits = number.length === 0 ? 0 : number.length * 8 - Math.clz32(number[0]) + 24;
  return Buffer.concat([u16(bits), number]);
}

function u16(number) {
  return Buffer.of(number >> 8, number & 0xff);
}

function crc24(bytes) {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x800000 ? (crc << 1) ^ 0x1864cfb : crc << 1;
  }
  return Buffer.of((crc >> 16) & 0xff, (crc >> 8) & 0xff, crc & 0xff);
}
