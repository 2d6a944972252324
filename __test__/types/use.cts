// Type-checked, and run: how a CommonJS program sees the package.
import reproduce = require('reproduce');

const verdict: reproduce.Verdict = 'identical';
const options: reproduce.ReproduceOptions = { strategy: ['source'], accept: verdict };
// @ts-expect-error no code of this program's
const code: reproduce.Code = 'no-code';

async function main(): Promise<boolean> {
  if (reproduce.reproduce !== reproduce || reproduce.default !== reproduce) throw new Error('not one function');
  try {
    const result: reproduce.ReproduceResult = await reproduce('./there-is-no-such-file.tgz', options);
    return result.reproduced;
  } catch (error) {
    if (!(error instanceof reproduce.ReproduceError)) throw error;
    const why: reproduce.Code = error.code;
    return why === 'usage';
  }
}
async function many(): Promise<reproduce.ReproducedLine[]> {
  const lines: reproduce.ReproducedLine[] = [];
  for await (const line of reproduce.reproduceMany([], { jobs: 1 })) lines.push(line);
  return lines;
}
void [main(), many(), code];
