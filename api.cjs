'use strict';
// The JavaScript surface: `reproduce(spec, options)`. The work is done in the addon; this file owns
// what napi cannot do, typed errors and cancellation. CommonJS, so that `require` (index.cjs) and
// `import` (index.js) give one and the same function and error.

const { load } = require('./native.cjs');

/**
 * A failure of the program, its user or the network; a package that cannot be rebuilt is a result,
 * not an error.
 */
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

/** Options that are one text. */
const TEXTS = ['source', 'recipe', 'registry', 'node', 'nodeDist', 'nodeKeys', 'isolation', 'cacheDir', 'cacheFile', 'emit', 'trustedRoot'];

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

/**
 * As `known`, of an object that can be read and written to: that it cannot must not show when the
 * work is done.
 */
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

/**
 * The results in the caller's cache object that could be meant, as JSON: this package's, or all
 * where a spec hides its name.
 */
function known(cache, spec) {
  const [, name] = /^((?:@[^@/:\s]+\/)?[^@/:\s]+)(?:@[^:\s]*)?$/.exec(spec) ?? [];
  if (name === undefined) return JSON.stringify(cache);
  return JSON.stringify(Object.fromEntries(Object.entries(cache).filter(([key]) => key.startsWith(`${name}@`))));
}

/**
 * Finds out whether a published version can be rebuilt from the source it declares. @param {string}
 * spec @param {import('./index.d.ts', { with: { 'resolution-mode': 'import' } }).ReproduceOptions}
 * [options] @returns {Promise<import('./index.d.ts', { with: { 'resolution-mode': 'import' }
 * }).ReproduceResult>}
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
  for (const name of TEXTS) {
    if (rest[name] !== undefined && rest[name] !== null && (typeof rest[name] !== 'string' || rest[name] === '')) throw usage(`${name} must be a string, and not empty`, 'leave it out for the default');
  }
  const earlier = typeof history === 'boolean' ? Number(history) * 10 : (history ?? 0);
  if (!Number.isInteger(earlier) || earlier < 0) throw usage('history must be a number of versions', 'true looks at 10');
  signal?.throwIfAborted();
  const memory = typeof cache === 'object' ? cache : undefined;
  const stored = memory && remembered(memory, spec);
  const settings = { ...rest, history: earlier, cache: cache !== false };
  if (strategy !== undefined) settings.strategy = Array.isArray(strategy) ? strategy : [strategy];
  const json = toJson(settings);

  const run = started();
  const cancel = () => run.cancel();
  let thrown;
  const tell = (event) => {
    try {
      onProgress(event);
    } catch (error) {
      // It must not end the process from a callback of the addon's; the caller gets it instead of
      // the answer.
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

/** The packages as an iterator; what cannot be iterated over is the caller's mistake. */
function iterated(specs) {
  if (typeof specs !== 'string' && typeof specs?.[Symbol.asyncIterator] === 'function') return specs[Symbol.asyncIterator]();
  if (typeof specs !== 'string' && typeof specs?.[Symbol.iterator] === 'function') return specs[Symbol.iterator]();
  throw usage('the specs must be a list of strings', "for example reproduceMany(['semver@7.7.4', 'ms@2.1.3'])");
}

/**
 * One package of many: a failure of its own is a part of the answer, one of the caller's is thrown.
 */
async function oneOfMany(spec, options, onProgress) {
  const began = performance.now();
  const answer = { spec, result: null, error: null };
  try {
    answer.result = await reproduce(spec, { ...options, ...(onProgress && { onProgress: (event) => onProgress({ spec, ...event }) }) });
  } catch (error) {
    if (!(error instanceof ReproduceError) || error.code === 'usage') throw error;
    answer.error = error;
  }
  return { ...answer, durationMs: Math.round(performance.now() - began) };
}

/**
 * Judges many packages, some at a time, and gives each as it is done. What is not asked for is not
 * begun: at most `jobs` are under way. @param {Iterable<string> | AsyncIterable<string>} specs
 * @param {import('./index.d.ts', { with: { 'resolution-mode': 'import' } }).ReproduceManyOptions}
 * [options] @returns {AsyncGenerator<import('./index.d.ts', { with: { 'resolution-mode': 'import' }
 * }).ReproducedLine, void, void>}
 */
async function* reproduceMany(specs, options = {}) {
  if (options === null || typeof options !== 'object') throw usage('the options must be an object', 'leave them out for the defaults');
  if (options.emit !== undefined && options.emit !== null) throw usage('emit writes one tarball, and reproduceMany judges many packages', 'call reproduce for the package whose tarball you need');
  const { jobs = Math.max(1, Math.floor(require('node:os').availableParallelism() / 2)), signal, onProgress, ...rest } = taken(options);
  if (!Number.isInteger(jobs) || jobs < 1) throw usage('jobs must be a number of packages', 'leave it out for half of the processors');
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw usage('signal must be an AbortSignal', 'for example AbortSignal.timeout(60_000)');
  if (onProgress !== undefined && typeof onProgress !== 'function') throw usage('onProgress must be a function', 'it gets { spec, stage, message }');
  signal?.throwIfAborted();
  const iterator = iterated(specs);
  const ended = new AbortController();
  const settings = { ...rest, signal: signal ? AbortSignal.any([signal, ended.signal]) : ended.signal };
  const running = new Map();
  // Whatever is waited for, the signal ends it.
  const aborted = signal && new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: ended.signal }));
  aborted?.catch(() => {});
  let asking;
  let isOver = false;
  let count = 0;
  try {
    while (!isOver || running.size > 0) {
      // A source that is slow to name the next one holds up no answer.
      if (!isOver && running.size < jobs) asking ??= Promise.resolve(iterator.next()).then((next) => ({ next }));
      const { next, id, line } = await Promise.race([...(aborted ? [aborted] : []), ...running.values(), ...(asking ? [asking] : [])]);
      if (next) {
        asking = undefined;
        isOver = Boolean(next.done);
        const own = count++;
        if (!isOver) running.set(own, oneOfMany(next.value, settings, onProgress).then((done) => ({ id: own, line: done })));
      } else {
        running.delete(id);
        yield line;
      }
    }
  } finally {
    // The caller has enough, or something failed: what runs ends before this does.
    ended.abort();
    await Promise.allSettled(running.values());
    // A source that is asked for the next one ends when it has named it: that is not waited for.
    asking?.catch(() => {});
    const left = isOver ? undefined : iterator.return?.();
    if (asking) Promise.resolve(left).catch(() => {});
    else await left;
  }
}

module.exports = Object.assign(reproduce, { reproduce, reproduceMany, default: reproduce, ReproduceError });
