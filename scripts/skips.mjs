// A reporter of node:test that prints nothing: it writes each test that was skipped into the record
// that scripts/test.mjs counts.
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';

export default async function* skips(source) {
  for await (const { type, data } of source) {
    if (type !== 'test:pass' || (data.skip === undefined && data.todo === undefined)) continue;
    const why = [data.skip, data.todo].find((reason) => typeof reason === 'string' && reason !== '') ?? 'no reason given';
    appendFileSync(process.env.REPRODUCE_TEST_RECORD, `lacked\t${relative(process.cwd(), data.file ?? '')}: ${data.name}\t${why}\n`);
  }
  yield '';
}
