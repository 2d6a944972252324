// An npm registry on loopback that tests fill. Honest about every field unless a test asks for a
// lie.

import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { authorized } from './registry-auth.mjs';
import { listen } from './server.mjs';
import { stagesOf } from './stages.mjs';
import { dataOf, integrityOf, npmTarball } from './tarball.mjs';

/** What an abbreviated packument keeps of a version (npm's registry docs, package-metadata.md). */
const ABBREVIATED = [
  'name', 'version', 'deprecated', 'dependencies', 'optionalDependencies', 'devDependencies', 'bundleDependencies',
  'peerDependencies', 'peerDependenciesMeta', 'bin', 'directories', 'dist', 'engines', 'os', 'cpu', 'libc',
  '_hasShrinkwrap', 'hasInstallScript', 'funding',
];
const ABBREVIATED_TYPE = 'application/vnd.npm.install-v1+json';

/**
 * One version to publish. @typedef {object} Publication @property {string} [name] taken from
 * `files['package.json']` unless given, as are version and the manifest @property {string}
 * [version] @property {import('./tarball.mjs').Files} [files] what the tarball holds @property
 * {Buffer} [tarball] instead of `files` @property {Record<string, unknown>} [manifest] the
 * packument's document of this version, where it is not what package.json says @property {string}
 * [gitHead] @property {string} [time] when it was published, ISO @property {string} [npmVersion]
 * @property {string} [nodeVersion] @property {string | null} [tag] dist-tag, default latest; null
 * for none @property {string | boolean} [deprecated] @property {string[]} [omit] fields left out:
 * gitHead, _npmVersion, _nodeVersion, _npmUser, _id, time, dist.integrity, dist.shasum, … @property
 * {Record<string, unknown>} [dist] fields of `dist` that lie @property {boolean} [signed] add
 * dist.signatures and serve the key @property {unknown} [attestations] document for
 * /-/npm/v1/attestations/<name>@<version>
 */

/**
 * Starts a registry. @param {{ packages?: Publication[], auth?: import('./registry-auth.mjs').Auth
 * } & Parameters<typeof listen>[1]} [options]
 *   `auth` may be changed later on the object returned.
 */
export async function startRegistry({ packages = [], auth, ...options } = {}) {
  /** @type {Map<string, any>} full packuments, live: a test may edit them */
  const packuments = new Map();
  const tarballs = new Map();
  const attestations = new Map();
  let key = null;

  const server = await listen((request) => {
    const refusal = authorized(registry.auth, request);
    if (refusal) return refusal;
    if (/^\/-\/stage(?:\/|$)/.test(request.path)) return stages.answer(request);
    if (request.method === 'PUT') return take(JSON.parse(request.body.toString()));
    if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'method not allowed' });
    return answer(request);
  }, options);

  function answer(request) {
    const path = request.path.slice(1);
    if (path === '-/ping') return json(200, {});
    if (path === '-/npm/v1/keys') return key ? json(200, { keys: [key.document] }) : notFound();
    if (path.startsWith('-/npm/v1/attestations/')) {
      const found = attestations.get(path.slice('-/npm/v1/attestations/'.length));
      return found ? json(200, found) : notFound();
    }
    if (path.includes('/-/')) {
      const found = tarballs.get(path);
      return found ? { headers: { 'content-type': 'application/octet-stream' }, body: found } : notFound();
    }
    const [, name, wanted] = /^((?:@[^/]+\/)?[^/]+)(?:\/(.+))?$/.exec(path) ?? [];
    const packument = packuments.get(name);
    if (!packument) return notFound();
    if (wanted === undefined) return tagged(request, addressed(packument, request));
    const version = packument.versions?.[packument['dist-tags']?.[wanted] ?? wanted];
    return version ? tagged(request, relocated(version, request.base)) : json(404, `version not found: ${wanted}`);
  }

  /**
   * A publish as clients send it: the versions in one document, with their tarballs beside them.
   * What it says is kept as it is.
   */
  function take({ name, versions, _attachments, 'dist-tags': tags }) {
    const [[version, document]] = Object.entries(versions);
    if (packuments.get(name)?.versions?.[version]) return json(403, { error: `${name}@${version} is there already` });
    const tarball = Buffer.from(Object.values(_attachments)[0].data, 'base64');
    const file = `${name}/-/${name.split('/').at(-1)}-${version}.tgz`;
    tarballs.set(file, tarball);
    const shasum = createHash('sha1').update(tarball).digest('hex');
    const dist = { ...document.dist, integrity: integrityOf(tarball), shasum, tarball: file };
    record(name, version, { ...document, dist }, Object.keys(tags)[0]);
    return json(201, { ok: true, success: true });
  }

  function addressed(packument, request) {
    const versions = Object.fromEntries(
      Object.entries(packument.versions ?? {}).map(([version, document]) => [version, relocated(document, request.base)]),
    );
    const full = packument.versions ? { ...packument, versions } : packument;
    return (request.headers.accept ?? '').startsWith(ABBREVIATED_TYPE) ? abbreviated(full) : full;
  }

  /** Adds or replaces a version. */
  async function publish(publication) {
    const { files, omit = [], tag = 'latest' } = publication;
    const inside = files?.['package.json'] === undefined ? {} : JSON.parse(dataOf(files['package.json']).toString());
    const name = publication.name ?? inside.name;
    const version = publication.version ?? inside.version;
    const tarball = publication.tarball ?? (await npmTarball(files));
    const file = `${name}/-/${name.split('/').at(-1)}-${version}.tgz`;
    tarballs.set(file, tarball);

    const dist = {
      integrity: integrityOf(tarball),
      shasum: createHash('sha1').update(tarball).digest('hex'),
      tarball: file,
      ...(files && { fileCount: Object.keys(files).length, unpackedSize: sizeOf(files) }),
    };
    if (publication.signed) dist.signatures = [signature(`${name}@${version}:${dist.integrity}`)];
    if (publication.attestations) {
      attestations.set(`${name}@${version}`, publication.attestations);
      dist.attestations = { url: `-/npm/v1/attestations/${name}@${version}`, provenance: { predicateType: 'https://slsa.dev/provenance/v1' } };
    }
    const document = {
      ...inside,
      ...publication.manifest,
      name,
      version,
      _id: `${name}@${version}`,
      gitHead: publication.gitHead,
      _npmVersion: publication.npmVersion ?? '10.9.2',
      _nodeVersion: publication.nodeVersion ?? process.versions.node,
      _npmUser: { name: 'kit', email: 'kit@example.test' },
      ...(publication.deprecated && { deprecated: publication.deprecated === true ? 'deprecated' : publication.deprecated }),
      dist: { ...dist, ...publication.dist },
    };
    for (const field of omit) {
      if (field.startsWith('dist.')) delete document.dist[field.slice('dist.'.length)];
      else delete document[field];
    }
    record(name, version, JSON.parse(JSON.stringify(document)), tag, publication.time, omit.includes('time'));
    return { name, version, tarball, integrity: dist.integrity, file, url: server.url + file };
  }

  function record(name, version, document, tag, time, timeless) {
    const packument = packuments.get(name) ?? { _id: name, name, 'dist-tags': {}, versions: {}, time: {} };
    packuments.set(name, packument);
    packument.versions[version] = document;
    if (tag !== null) packument['dist-tags'][tag] = version;
    if (timeless) return void delete packument.time;
    const at = time ?? new Date().toISOString();
    packument.time ??= {};
    packument.time.created ??= at;
    packument.time.modified = at;
    packument.time[version] = at;
  }

  /**
   * As `npm unpublish` leaves it: without a version, the whole package. Its tarball is gone too.
   */
  function unpublish(name, version) {
    const packument = packuments.get(name);
    for (const [known, { dist }] of Object.entries(packument.versions)) {
      if (version === undefined || version === known) tarballs.delete(dist.tarball);
    }
    if (version === undefined) {
      const time = new Date().toISOString();
      const unpublished = { name, versions: Object.keys(packument.versions), time, maintainers: [] };
      packuments.set(name, { _id: name, name, time: { ...packument.time, modified: time, unpublished } });
      return;
    }
    delete packument.versions[version];
    for (const [tag, named] of Object.entries(packument['dist-tags'])) {
      if (named === version) delete packument['dist-tags'][tag];
    }
  }

  function signature(message) {
    key ??= newKey();
    return { keyid: key.document.keyid, sig: sign('sha256', Buffer.from(message), key.private).toString('base64') };
  }

  const stages = stagesOf(take);
  const registry = Object.assign(server, { auth, publish, unpublish, packuments, tarballs, stages });
  try {
    for (const publication of packages) await publish(publication);
  } catch (error) {
    await registry.close();
    throw error;
  }
  return registry;
}

/**
 * Stored addresses are relative to whatever name the client reached this registry by; whole ones
 * stay as they are.
 */
function relocated(document, base) {
  if (!document.dist) return document;
  const whole = (address) => (typeof address === 'string' && !/^[a-z+]+:/i.test(address) ? base + address : address);
  const dist = { ...document.dist };
  if (dist.tarball !== undefined) dist.tarball = whole(dist.tarball);
  if (dist.attestations?.url) dist.attestations = { ...dist.attestations, url: whole(dist.attestations.url) };
  return { ...document, dist };
}

function abbreviated(packument) {
  const versions = Object.fromEntries(
    Object.entries(packument.versions ?? {}).map(([version, document]) => {
      const kept = Object.fromEntries(ABBREVIATED.filter((field) => field in document).map((field) => [field, document[field]]));
      const { preinstall, install, postinstall } = document.scripts ?? {};
      return [version, { ...kept, ...((preinstall ?? install ?? postinstall) && { hasInstallScript: true }) }];
    }),
  );
  return { name: packument.name, modified: packument.time?.modified, 'dist-tags': packument['dist-tags'], versions };
}

/** With the ETag of its bytes; 304 to a client that has them. */
function tagged(request, document) {
  const answer = json(200, document);
  const etag = `"${createHash('sha1').update(answer.body).digest('base64')}"`;
  answer.headers.etag = etag;
  if ((request.headers.accept ?? '').startsWith(ABBREVIATED_TYPE)) answer.headers['content-type'] = ABBREVIATED_TYPE;
  return request.headers['if-none-match'] === etag ? { status: 304, headers: { etag } } : answer;
}

function json(status, document) {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(document) };
}

function notFound() {
  return json(404, { error: 'Not found' });
}

function sizeOf(files) {
  return Object.values(files).reduce((sum, file) => sum + dataOf(file).length, 0);
}

/** A registry signing key, in the form of /-/npm/v1/keys. */
function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const keyid = `SHA256:${createHash('sha256').update(spki).digest('base64')}`;
  const document = { expires: null, keyid, keytype: 'ecdsa-sha2-nistp256', scheme: 'ecdsa-sha2-nistp256', key: spki.toString('base64') };
  return { private: privateKey, document };
}
