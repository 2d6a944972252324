// A pseudo random generator with a seed, so that what a test made up can be made up again.

/**
 * mulberry32: 32 bits of state, enough for tests.
 * @param {number} seed
 */
export function random(seed) {
  let state = seed >>> 0;
  /** A number from 0 up to, not including, 1. */
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  /** A whole number from 0 up to, not including, `limit`. */
  const int = (limit) => Math.floor(next() * limit);
  const pick = (list) => list[int(list.length)];
  const bytes = (count) => Buffer.from(Array.from({ length: count }, () => int(256)));
  const WORDS = 'a the of tree file read write path entry value token parse state return next link cache node list map'.split(' ');
  /** About so many bytes of lines that compress like source code. */
  const text = (count) => {
    const lines = [];
    let size = 0;
    while (size < count) {
      const line = `${'  '.repeat(int(4))}${Array.from({ length: 3 + int(8) }, () => `${pick(WORDS)}${int(3) ? '' : int(1000)}`).join(' ')}`;
      lines.push(line);
      size += line.length + 1;
    }
    return `${lines.join('\n')}\n`;
  };
  return { seed, next, int, pick, bytes, text };
}
