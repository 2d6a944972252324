// Type-checked, never run: how a user's program sees the package.
import reproduce, { ReproduceError, reproduceMany, reproduce as named, type Code, type ReproduceResult, type Verdict } from 'reproduce';

const cache: Record<string, ReproduceResult> = {};
const result = await reproduce('semver@7.7.4', { cache, cacheDir: '/tmp', cacheFile: 'r.json', signal: AbortSignal.timeout(1) });
const verdict: Verdict = result.verdict;
const changed: string | undefined = result.comparison?.changed[0]?.published.sha256;
await named('semver', { strategy: ['source', 'npm'], accept: 'identical', onProgress: ({ stage, message }) => void [stage, message] });
// @ts-expect-error an unknown option
await reproduce('semver', { cachedir: '/tmp' });
// @ts-expect-error the spec is not optional
await reproduce();
try {
  await reproduce('semver');
} catch (error) {
  if (error instanceof ReproduceError) void [error.code satisfies Code, error.hint satisfies string | null];
}
for await (const { spec, result: one, error, durationMs } of reproduceMany(new Set(['semver']), { jobs: 2, onProgress: (event) => void event.spec })) {
  void [spec satisfies string, one?.verdict satisfies Verdict | undefined, error?.code satisfies Code | undefined, durationMs satisfies number];
}
// @ts-expect-error one file cannot take the tarballs of many
reproduceMany([], { emit: 'a.tgz' });
// @ts-expect-error no code of this program's
const code: Code = 'no-code';
void [verdict, changed, code];
