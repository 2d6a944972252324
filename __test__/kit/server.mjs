// A small HTTP server on loopback that keeps every request and can be told to misbehave. The
// registry and the git host of this kit are handlers for it: they answer honestly, and the faults
// are added here.

import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { faultFor, send } from './faults.mjs';

/**
 * One request as it came in; `status` is filled in when the answer starts.
 * @typedef {object} Seen
 * @property {string} method
 * @property {string} url path and query as sent
 * @property {string} path decoded path without the query
 * @property {string} query
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {Buffer} body
 * @property {string} base scheme and host that the client addressed, with a slash at the end
 * @property {number} at milliseconds since the server started
 * @property {number | null} status
 */

/**
 * @typedef {object} Answer
 * @property {number} [status]
 * @property {Record<string, string | number>} [headers]
 * @property {Buffer | string | import('node:stream').Readable} [body]
 */

/**
 * Starts a server on a free port. @param {(request: Seen) => Answer | Promise<Answer>} handle
 * @param {{ host?: string, faults?: import('./faults.mjs').Fault[], tls?: { key: string, cert:
 * string } }} [options]
 *   `host` is the name in `url`; the server listens on 127.0.0.1 in any case. `tls` makes it https.
 */
export async function listen(handle, { host = '127.0.0.1', faults = [], tls } = {}) {
  const requests = [];
  const started = performance.now();
  const onRequest = async (incoming, response) => {
    // A client that goes away, on its own or by a fault, is not an error of the server.
    incoming.on('error', () => {});
    response.on('error', () => {});
    const seen = await describe(incoming, tls ? 'https' : 'http', started);
    if (!seen) return;
    requests.push(seen);
    const fault = faultFor(server.faults, seen);
    let answer;
    try {
      answer = fault?.replaces ? {} : await handle(seen);
    } catch (error) {
      answer = { status: 500, body: `${error.stack}\n` };
    }
    await send(seen, response, answer, fault?.fault);
  };
  const listener = tls ? https.createServer(tls, onRequest) : http.createServer(onRequest);
  // Faults that never answer must not be ended by Node's own timeouts.
  listener.requestTimeout = 0;
  listener.keepAliveTimeout = 60_000;
  await new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(0, '127.0.0.1', resolve);
  });
  const { port } = listener.address();
  const server = {
    host,
    port,
    /** With a slash at the end. */
    url: `${tls ? 'https' : 'http'}://${host}:${port}/`,
    requests,
    faults: faults.map((fault) => ({ ...fault })),
    /**
     * Adds a fault; the first that matches a request wins. Returns a function that takes it away.
     */
    fault(fault) {
      const added = { ...fault };
      server.faults.push(added);
      return () => server.faults.splice(server.faults.indexOf(added), 1);
    },
    async close() {
      listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
  return server;
}

/**
 * A host that serves fixed bytes: for tarballs on another host, and as the place where a secret
 * must never arrive. @param {Record<string, Buffer | string | Answer>} [pages] by path @param
 * {Parameters<typeof listen>[1]} [options]
 */
export async function startPages(pages = {}, options) {
  const server = await listen((request) => {
    const page = server.pages[request.path];
    if (page === undefined) return { status: 404, body: 'not found\n' };
    return Buffer.isBuffer(page) || typeof page === 'string' ? { body: page } : page;
  }, options);
  return Object.assign(server, { pages });
}

async function describe(incoming, scheme, started) {
  const chunks = [];
  try {
    for await (const chunk of incoming) chunks.push(chunk);
  } catch {
    return null;
  }
  const [path, query = ''] = incoming.url.split(/\?(.*)/s);
  return {
    method: incoming.method,
    url: incoming.url,
    path: decode(path),
    query,
    headers: incoming.headers,
    body: Buffer.concat(chunks),
    base: `${scheme}://${incoming.headers.host}/`,
    at: performance.now() - started,
    status: null,
  };
}

function decode(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The whole of an answer's body. */
export async function bodyOf(body = '') {
  if (!(body instanceof Readable)) return Buffer.from(body);
  return Buffer.concat(await body.toArray());
}
