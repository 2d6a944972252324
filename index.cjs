'use strict';
// The JavaScript surface: `reproduce(spec, options)`. The work is done in the addon; this file owns what napi cannot do,
// typed errors and cancellation. CommonJS, so that `require` and `import` (index.js) give one and the same function and error.

const { load } = require('./native.cjs');

/** A failure of the program, its user or the network; a package that cannot be rebuilt is a result, not an error. */
class ReproduceError extends Error {
  /** @param {{message: string, code: string, stage: string, hints?: string[]}} failure */
  constructor({ message, code, stage, hints = [] }, options) {
    super(message, options);
    this.name = 'ReproduceError';
    this.code = code;
    this.stage = stage;
    this.hint = hints[0] ?? null;
  }
}

const usage = (message, hint) => new ReproduceError({ message, code: 'usage', stage: 'usage', hints: [hint] });

function toJson(settings) {
  try {
    return JSON.stringify(settings);
  } catch (error) {
    throw usage(`the options cannot be read: ${error.message}`, 'index.d.ts lists the options');
  }
}

/** A new run of the addon. */
function started() {
  try {
    return load().start();
  } catch (error) {
    throw new ReproduceError({ message: error.message, code: error.code, stage: error.stage, hints: [error.hint] }, { cause: error });
  }
}

/** A promise of the addon's that is not kept: the program itself failed. */
function internal(error) {
  const hints = ['please report this with the package and the options'];
  throw new ReproduceError({ message: error.message, code: 'internal', stage: 'report', hints }, { cause: error });
}

/** The caller's options as they are now; a getter or a proxy of theirs may throw. */
function taken(options) {
  try {
    return { ...options };
  } catch (error) {
    throw usage(`the options cannot be read: ${error?.message}`, 'index.d.ts lists the options');
  }
}

const CACHE_HINT = 'pass a plain object that can be written to; it keeps what JSON can hold';

/** As `known`, of an object that can be read and written to: that it cannot must not show when the work is done. */
function remembered(cache, spec) {
  try {
    if (Object.isExtensible(cache)) return known(cache, spec);
  } catch (error) {
    throw usage(`the cache object cannot be read: ${error?.message}`, CACHE_HINT);
  }
  throw usage('the cache object cannot be written to', CACHE_HINT);
}

/** Keeps a result in the caller's object, whose setters and traps are the caller's too. */
function remember(cache, { key, result }) {
  try {
    cache[key] = result;
  } catch (error) {
    throw usage(`the cache object cannot be written to: ${error?.message}`, CACHE_HINT);
  }
}

/** The results in the caller's cache object that could be meant, as JSON: this package's, or all where a spec hides its name. */
function known(cache, spec) {
  const [, name] = /^((?:@[^@/:\s]+\/)?[^@/:\s]+)(?:@[^:\s]*)?$/.exec(spec) ?? [];
  if (name === undefined) return JSON.stringify(cache);
  return JSON.stringify(Object.fromEntries(Object.entries(cache).filter(([key]) => key.startsWith(`${name}@`))));
}

/**
 * Finds out whether a published version can be rebuilt from the source it declares.
 * @param {string} spec
 * @param {import('./index.d.ts', { with: { 'resolution-mode': 'import' } }).ReproduceOptions} [options]
 * @returns {Promise<import('./index.d.ts', { with: { 'resolution-mode': 'import' } }).ReproduceResult>}
 */
async function reproduce(spec, options = {}) {
  if (typeof spec !== 'string' || spec === '') throw usage('the spec must be a string', "for example reproduce('semver@7.7.4')");
  if (options === null || typeof options !== 'object') throw usage('the options must be an object', 'leave them out for the defaults');
  const { cache, signal, onProgress, strategy, history, ...rest } = taken(options);
  if (cache !== undefined && typeof cache !== 'boolean' && (cache === null || typeof cache !== 'object')) {
    throw usage('cache must be an object, true or false', 'false switches stored results off');
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') throw usage('onProgress must be a function', 'it gets { stage, message }');
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw usage('signal must be an AbortSignal', 'for example AbortSignal.timeout(60_000)');
  if (rest.timeout !== undefined && !Number.isFinite(rest.timeout)) throw usage('timeout must be a number of seconds', '0 switches the limit off');
  if (rest.maxAge !== undefined && !Number.isFinite(rest.maxAge)) throw usage('maxAge must be a number of seconds', '0 believes no stored result');
  const earlier = typeof history === 'boolean' ? Number(history) * 10 : (history ?? 0);
  if (!Number.isInteger(earlier) || earlier < 0) throw usage('history must be a number of versions', 'true looks at 10');
  signal?.throwIfAborted();
  const memory = typeof cache === 'object' ? cache : undefined;
  const stored = memory && remembered(memory, spec);
  const settings = { ...rest, history: earlier, noCache: cache === false };
  if (strategy !== undefined) settings.strategy = Array.isArray(strategy) ? strategy : [strategy];
  const json = toJson(settings);

  const run = started();
  const cancel = () => run.cancel();
  let thrown;
  const tell = (event) => {
    try {
      onProgress(event);
    } catch (error) {
      // It must not end the process from a callback of the addon's; the caller gets it instead of the answer.
      thrown ??= { error };
      cancel();
    }
  };
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    const told = run.judge(spec, json, stored, onProgress && tell);
    const answer = JSON.parse(await told.catch(internal));
    if (thrown) throw thrown.error;
    signal?.throwIfAborted();
    if (!answer.ok) throw new ReproduceError(answer.error);
    if (memory && answer.key) remember(memory, answer);
    return answer.result;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

module.exports = Object.assign(reproduce, { reproduce, default: reproduce, ReproduceError });
