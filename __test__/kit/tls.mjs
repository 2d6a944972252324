// Certificates for https on loopback: a new authority and a server's certificate from it. Node
// makes keys and signatures but no certificates; what a server's one must hold takes a page of DER.

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

export const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
export const EXTENSION = { keyUsage: '2.5.29.15', altNames: '2.5.29.17', basicConstraints: '2.5.29.19', extendedKeyUsage: '2.5.29.37' };
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const DAY_MS = 86_400_000;

/**
 * A certificate for some hosts and the authority that signed it, all PEM: `{ key, cert }` for a
 * server, `ca` for its clients. @param {{ hosts?: string[], expired?: boolean }} [options]
 */
export function certificate({ hosts = ['localhost', '127.0.0.1'], expired = false } = {}) {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = Date.now();
  const ca = issue({
    subject: 'kit authority',
    publicKey: authority.publicKey,
    signer: authority.privateKey,
    until: now + 30 * DAY_MS,
    extensions: [
      extension(EXTENSION.basicConstraints, sequence(tlv(0x01, Buffer.from([0xff]))), true),
      // keyCertSign
      extension(EXTENSION.keyUsage, tlv(0x03, Buffer.from([2, 0x04])), true),
    ],
  });
  const cert = issue({
    subject: 'kit server',
    publicKey: server.publicKey,
    signer: authority.privateKey,
    until: expired ? now - DAY_MS : now + 30 * DAY_MS,
    extensions: [
      extension(EXTENSION.extendedKeyUsage, sequence(oid(SERVER_AUTH))),
      extension(EXTENSION.altNames, sequence(...hosts.map(altName))),
    ],
  });
  return { key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }), cert, ca };
}

function issue({ subject, publicKey, signer, until, extensions }) {
  const algorithm = sequence(oid(ECDSA_SHA256));
  const serial = randomBytes(8);
  // Positive, and without a zero byte in front.
  serial[0] = (serial[0] & 0x7f) | 0x40;
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, serial),
    algorithm,
    name('kit authority'),
    sequence(time(Date.now() - 2 * DAY_MS), time(until)),
    name(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  );
  const signature = tlv(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, signer)]));
  const lines = sequence(body, algorithm, signature).toString('base64').match(/.{1,64}/g);
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

export function name(commonName) {
  return sequence(tlv(0x31, sequence(oid(COMMON_NAME), tlv(0x0c, Buffer.from(commonName)))));
}

function altName(host) {
  return isIPv4(host) ? tlv(0x87, Buffer.from(host.split('.').map(Number))) : tlv(0x82, Buffer.from(host));
}

export function extension(id, value, critical = false) {
  const flag = critical ? [tlv(0x01, Buffer.from([0xff]))] : [];
  return sequence(oid(id), ...flag, tlv(0x04, value));
}

/** UTCTime, as RFC 5280 asks for years before 2050. */
export function time(at) {
  return tlv(0x17, Buffer.from(new Date(at).toISOString().slice(2).replace(/[-:T]|\.\d+/g, '')));
}

export function oid(dotted) {
  const [first, second, ...others] = dotted.split('.').map(Number);
  const base128 = (value) => (value < 128 ? [value] : [...base128(value >> 7).map((byte) => byte | 0x80), value & 0x7f]);
  return tlv(0x06, Buffer.from([first * 40 + second, ...others.flatMap(base128)]));
}

export function sequence(...parts) {
  return tlv(0x30, Buffer.concat(parts));
}

export function tlv(tag, value) {
  const { length } = value;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}
