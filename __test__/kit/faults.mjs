// What can go wrong on a network, on demand: which requests it hits, and what they get instead of
// the honest answer.

import { setTimeout as sleep } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { Readable } from 'node:stream';
import { bodyOf } from './server.mjs';

/**
 * @typedef {object} Fault @property {string | RegExp | ((request: import('./server.mjs').Seen) =>
 * boolean)} [on] the requests it hits: a part of
 *   the path with its query, a pattern for it, or a test; all by default
 * @property {string} [method] @property {number} [after] matching requests that pass unharmed first
 * @property {number} [times] requests that it hits, then it is spent; no end by default @property
 * {number} [status] answer with this status and a short text @property {number | string}
 * [retryAfter] the Retry-After header of such an answer @property {string | ((request:
 * import('./server.mjs').Seen) => string)} [redirect] answer with this Location (302 unless
 * `status`) @property {true} [hang] accept the request and never answer @property {true} [reset]
 * drop the connection without an answer @property {number} [cut] drop the connection after so many
 * bytes of the body; the declared length stays honest @property {number} [slow] send the body at so
 * many bytes per second @property {number} [delay] wait so many milliseconds before the answer: a
 * round trip to a host that is far away @property {true | ((body: Buffer) => Buffer)} [wrongBytes]
 * flip a bit in the middle of the body, or change it @property {number} [huge] a body of so many
 * zero bytes, without a declared length @property {number} [bomb] a body that says
 * Content-Encoding: gzip and unpacks to so many zero bytes @property {Record<string, string>}
 * [headers] more headers, or others @property {() => void} [onHit] told of each request that it
 * hits, before the answer: a test waits for it, and for no span of time
 */

/** Fault kinds that leave nothing of the honest answer. */
const REPLACES = ['status', 'redirect', 'hang', 'reset', 'huge', 'bomb'];
const BLOCK = Buffer.alloc(1 << 16);
const SLICES_PER_SECOND = 20;

/** The fault that hits this request, if any; counts it. */
export function faultFor(faults, request) {
  for (const fault of faults) {
    if (!matches(fault, request)) continue;
    fault.seen = (fault.seen ?? 0) + 1;
    const nth = fault.seen - (fault.after ?? 0);
    if (nth < 1 || nth > (fault.times ?? Infinity)) continue;
    fault.onHit?.();
    return { fault, replaces: REPLACES.some((kind) => fault[kind] !== undefined) };
  }
  return null;
}

function matches({ on, method }, request) {
  if (method && method !== request.method) return false;
  if (on === undefined) return true;
  if (typeof on === 'function') return on(request);
  const address = request.path + (request.query && `?${request.query}`);
  return typeof on === 'string' ? address.includes(on) : on.test(address);
}

/** Sends an answer, bent by a fault if there is one. */
export async function send(request, response, answer, fault = {}) {
  if (fault.hang) return;
  if (fault.reset) return void response.destroy();
  if (fault.delay !== undefined) await sleep(fault.delay);
  const { status = 200, headers = {}, body } = replaced(request, fault) ?? answer;
  request.status = status;
  const bends = fault.cut !== undefined || fault.slow !== undefined || fault.wrongBytes !== undefined;
  if (body instanceof Readable && !bends) {
    response.writeHead(status, { ...headers, ...fault.headers });
    body.on('error', () => response.destroy());
    response.on('close', () => body.destroy());
    body.pipe(response);
    return;
  }
  const whole = bend(await bodyOf(body), fault.wrongBytes);
  const bodiless = request.method === 'HEAD' || status === 304 || status === 204;
  response.writeHead(status, { ...(!bodiless && { 'content-length': whole.length }), ...headers, ...fault.headers });
  if (bodiless) return void response.end();
  if (!bends) return void response.end(whole);
  const part = whole.subarray(0, fault.cut ?? whole.length);
  response.flushHeaders();
  await pour(response, part, fault.slow);
  // What was written has left by now; otherwise the client would see no body at all.
  if (fault.cut === undefined) response.end();
  else response.destroy();
}

function replaced(request, fault) {
  if (fault.redirect !== undefined) {
    const location = typeof fault.redirect === 'function' ? fault.redirect(request) : fault.redirect;
    return { status: fault.status ?? 302, headers: { location } };
  }
  if (fault.status !== undefined) {
    const headers = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
    return { status: fault.status, headers, body: `status ${fault.status} on demand\n` };
  }
  if (fault.huge !== undefined) return { body: Readable.from(zeros(fault.huge)) };
  if (fault.bomb !== undefined) {
    const headers = { 'content-encoding': 'gzip', 'content-type': 'application/json' };
    return { headers, body: Readable.from(zeros(fault.bomb)).pipe(createGzip()) };
  }
  return null;
}

function bend(body, wrongBytes) {
  if (wrongBytes === undefined) return body;
  if (typeof wrongBytes === 'function') return wrongBytes(body);
  const bent = Buffer.from(body);
  const middle = bent.length >> 1;
  if (bent.length) bent[middle] ^= 1;
  return bent;
}

async function pour(response, bytes, perSecond = Infinity) {
  const step = Math.max(1, Math.min(bytes.length, Math.floor(perSecond / SLICES_PER_SECOND)));
  for (let at = 0; at < bytes.length && !response.destroyed; at += step) {
    await new Promise((resolve) => response.write(bytes.subarray(at, at + step), resolve));
    if (perSecond !== Infinity) await sleep(1000 / SLICES_PER_SECOND);
  }
}

function* zeros(count) {
  for (let left = count; left > 0; left -= BLOCK.length) yield BLOCK.subarray(0, Math.min(left, BLOCK.length));
}
