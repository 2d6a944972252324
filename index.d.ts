import type { Code } from './codes.js';

export type { Code };

/** What was decided. Only the first two count as reproduced. */
export type Verdict =
  /** The rebuilt tarball has the published integrity, byte for byte. */
  | 'identical'
  /**
   * Not identical, but npm writes the same files to disk: path, type, mode, bytes or link target.
   */
  | 'same-content'
  /**
   * Rebuilt, and a file differs; or the published archive is malformed, ambiguous or not the
   * announced one.
   */
  | 'differs'
  /** No build finished, so there was nothing to compare. */
  | 'build-failed'
  /** No repository is declared, it is unreachable, or none of its commits matches this version. */
  | 'no-source'
  /** The source or build needs something that this program or machine lacks. */
  | 'unsupported'
  /** A failure of the program, its user or the network. Never in a result: it is thrown. */
  | 'error';

/** A named rule that turns what is known about a package into recipes. */
export type Strategy = 'source' | 'npm' | 'yarn' | 'berry' | 'pnpm' | 'bun';

export interface ReproduceOptions {
  /**
   * Stored results in memory: an object from `name@version` to a result, read and filled. It is
   * read before the file. `false` switches all stored results off.
   */
  cache?: Record<string, ReproduceResult> | boolean;
  /** The folder of all caches. Default: the platform's cache folder for `reproduce`. */
  cacheDir?: string;
  /** The file of stored results, relative to `cacheDir` or absolute. Default: `results.json`. */
  cacheFile?: string;
  /** Check again even if a stored result exists. */
  force?: boolean;
  /** Only these strategies; `npm` stands for every strategy that packs the way npm does. */
  strategy?: Strategy | Strategy[];
  /** The weakest result that counts as reproduced. Default: `same-content`. */
  accept?: 'identical' | 'same-content';
  /** Use this registry instead of the one in npm's configuration. */
  registry?: string;
  /**
   * Use this source instead of the declared one: a git address, or a local repository, folder or
   * tar archive; `#commit` or `#tag` selects a commit.
   */
  source?: string;
  /**
   * Follow the recipe in this file instead of searching: `attempts[].recipe` of a result, or the
   * whole result.
   */
  recipe?: string;
  /** Node version for builds. Default: determined from the package. */
  node?: string;
  /**
   * Take Node from this distribution instead of the registry, verified by its signed
   * SHASUMS256.txt; the layout is that of nodejs.org/dist. Needs `nodeKeys`.
   */
  nodeDist?: string;
  /** File with the OpenPGP keys of the releases of `nodeDist`, armored or binary. */
  nodeKeys?: string;
  /**
   * Isolation of builds. Default: `auto`, the strongest tier that works on this machine; never
   * `none`.
   */
  isolation?: 'auto' | 'namespaces' | 'bwrap' | 'landlock' | 'none';
  /**
   * Hosts that builds may reach besides the registry, by TLS: `host.example`, `host.example:8443`.
   */
  allowHosts?: string[];
  /**
   * Toolchains that no npm registry has, for builds: a name for each, and a folder with a folder
   * `bin`: `{ rust: '/opt/rust' }`. Read-only; the result names their digests.
   */
  toolchain?: Record<string, string>;
  /** Also use git's credential helpers for private git hosts: they are programs, and run. */
  gitCredentials?: boolean;
  /** Longest time in seconds; 0 for none. Default: 600. */
  timeout?: number;
  /** Ignore stored results that are older than this, in seconds. */
  maxAge?: number;
  /** Answer from stored results only. */
  offline?: boolean;
  /** Write the rebuilt tarball to this file. */
  emit?: string;
  /** Verify provenance with this Sigstore `trusted_root.json` instead of the embedded one. */
  trustedRoot?: string;
  /**
   * Also check the N previous versions; `true` for 10. Versions without a stored result are checked
   * without a build, unless `strategy` allows more.
   */
  history?: number | boolean;
  /** Folder of relative paths and of the project's `.npmrc`. Default: the current folder. */
  cwd?: string;
  /** Cancels the run: the promise rejects with the signal's reason, by default an `AbortError`. */
  signal?: AbortSignal;
  /** Called with progress events. */
  onProgress?: (event: ProgressEvent) => void;
}

export interface ProgressEvent {
  /** `resolve`, `locate`, `fetch`, `build`, `pack`, `compare` or `history`. */
  stage: string;
  /** One line to show to users. */
  message: string;
}

/**
 * One hint that a version came from a commit. It says where to look and never decides a verdict.
 */
export interface Evidence {
  kind: 'git-head' | 'tarball-git-head' | 'reference' | 'provenance' | 'tag' | 'version-bump' | 'content' | 'user';
  /** The claim itself: a tag's name, a commit id, a path. */
  value: string;
  commit: string | null;
  /** Number of published files that the commit's tree has at the right path. */
  filesMatched: number | null;
  filesPublished: number;
  note: string | null;
}

/**
 * One of the registry's signatures over `name@version:integrity`, as `npm audit signatures` checks
 * them.
 */
export interface RegistrySignature {
  keyId: string;
  /**
   * `expired-key`: the key had expired when the version was published. `unchecked`: the registry's
   * keys could not be fetched.
   */
  status: 'valid' | 'invalid' | 'expired-key' | 'unknown-key' | 'unchecked';
  /** When the key expired, RFC 3339. */
  keyExpires: string | null;
}

/** npm provenance. If `verified` is false, ignore all other fields. */
export interface Provenance {
  /**
   * Whether all of it is valid: signature, certificate, issuer, transparency log, subject and hash.
   */
  verified: boolean;
  /** Why it is not verified. */
  problem: string | null;
  predicateType: string | null;
  /** Whether it is about this package and version. */
  subjectMatches: boolean | null;
  /** Whether the attested hash is that of the registry's tarball. */
  digestMatches: boolean | null;
  repository: string | null;
  /** Whether the package declares that repository. */
  repositoryMatches: boolean | null;
  commit: string | null;
  /** Whether that commit was taken as the source. */
  commitMatches: boolean | null;
  ref: string | null;
  /** By its name: branch protection is not visible from outside. */
  refKind: 'release-branch' | 'other-branch' | 'tag' | 'other' | null;
  workflow: string | null;
  /** What started the workflow: `push`, `release`, … */
  trigger: string | null;
  runner: string | null;
  /** Address of the run. */
  run: string | null;
  /** Subject of the certificate. */
  signer: string | null;
  /** Issuer of the signer's identity. */
  issuer: string | null;
  /** Time of the entry in the transparency log, RFC 3339. */
  loggedAt: string | null;
  /** Whether the registry's own attestation that it published this tarball is valid. */
  registryAttestation: boolean | null;
}

/** One earlier version. */
export interface EarlierVersion {
  version: string;
  publishedAt: string | null;
  /** Null if it could not be checked. */
  verdict: Exclude<Verdict, 'error'> | null;
  code: Code | null;
  reproduced: boolean;
  /** The allowed strategies: only `source` means that no build was tried. */
  strategies: Strategy[];
  /** The tag that names it in the repository. */
  tag: string | null;
  /** Whether it has a tag; null if the repository could not be read. */
  tagged?: boolean | null;
  attested: boolean;
  provenanceVerified: boolean | null;
}

/** An observation made during the check. */
export interface Finding {
  code: Code;
  severity: 'info' | 'warning' | 'error';
  path?: string;
  message: string;
}

/** Everything needed to make the tarball again. */
export interface Recipe {
  /** Version of the recipe's layout. */
  schemaVersion: 1;
  strategy: Strategy;
  /** The package's name. */
  name: string;
  /** The version that was published. */
  version: string;
  repository: string;
  commit: string;
  /** The package's folder in the repository, `""` for the root. */
  directory: string;
  /** The kind of checkout, which sets line endings and modes. */
  checkout: 'posix' | 'windows' | 'modes-644' | 'modes-744' | 'modes-754' | 'modes-755';
  /** What was done to package.json before it was packed: steps joined by `+`, or `as-is`. */
  rewrite: string;
  /** The rules of the file list, named after the clients that have them. */
  fileList: string;
  /** The client whose tar and gzip are written. */
  packer: string;
  /**
   * The submodules with files, by their paths in the package's folder; absent if there are none.
   */
  submodules?: string[];
  /** What is installed and run before packing; absent if nothing is. */
  build?: BuildRecipe;
  /**
   * The resulting tarball. Only the recipe of the deciding attempt has it, and only such a recipe
   * can be replayed.
   */
  tarball?: TarballRecipe;
}

/** The tarball that a recipe makes, and the values that only the published archive has. */
export interface TarballRecipe {
  integrity: string;
  /**
   * The compression: the variant of deflate, its level, and the two bytes of the gzip header that
   * vary.
   */
  gzip: { class: 'A' | 'B' | 'C' | 'zlib-rs'; level: number; xfl: number; os: number };
  /** Header values copied from the published archive; absent if there are none. */
  adopted?: TakenHeaders;
}

/** Header values that a client read from its publisher's disk and that extraction discards. */
export interface TakenHeaders {
  /** The first path component, if it is not `package`. */
  root?: string;
  /** The sequence of the entries: by the packer's rule, or as in `entries`. */
  sequence: 'packer' | 'archive';
  /**
   * Owners, each once. An id is a number, or the field's eight bytes if an old client wrote no
   * number.
   */
  owners?: { uid: number | number[]; gid: number | number[]; user?: string; group?: string }[];
  /** Extended records, keyword and value, each once; a value that is not UTF-8 as its bytes. */
  records?: [string, string | number[]][];
  /**
   * Times in seconds since 1970, the mode in octal (644 if absent), indexes of `owners` (0 if
   * absent) and `records`.
   */
  entries: {
    path: string;
    mtime?: number;
    mode?: string;
    owner?: number;
    atime?: number;
    ctime?: number;
    pax?: { owner?: number; atime?: number; ctime?: number; records: number[] };
  }[];
}

/** A program of the toolchain, as it was on disk when the build began. */
export interface Tool {
  /** `node`, `npm`, `yarn`, `berry`, `pnpm` or `bun`. */
  name: string;
  version: string;
  /** The package that it came from, or the file of a distribution. */
  package: string;
  /** The registry or the distribution, without credentials. */
  from: string;
  /** The hash of the tarball that was unpacked. */
  integrity: string;
  /** sha256 over its files, made as `contentDigest` is. */
  digest: string;
  /** The program's path below its folder. */
  program: string;
  /** sha256 of the program. */
  programDigest: string;
  /** The publisher, according to the registry or the signing key. */
  publisher: string | null;
  /** The fingerprint of the OpenPGP key that signed it. */
  key: string | null;
  /**
   * For a distribution's Node, whether the registry's copy has the same program; null if there is
   * nothing to compare.
   */
  registryAgrees: boolean | null;
}

/** What is installed and run between the checkout and the packing. */
export interface BuildRecipe {
  /** Node's version. */
  node: string;
  /** The distribution that Node came from; absent if it came from the registry. */
  nodeDist?: string;
  /**
   * The other programs of the toolchain and their versions: `npm`, `yarn`, `berry`, `pnpm`, `bun`.
   */
  tools: Record<string, string>;
  /** Toolchains of the user, by name, with their digests; absent if there were none. */
  toolchains?: Record<string, string>;
  /** The reasons for these versions. */
  reasons: string[];
  /** The lockfile that is used. */
  lockfile: string | null;
  /** The moment that the registry is shown as of (RFC 3339); null for now. */
  moment: string | null;
  /** Whether the oldest version of each range in package.json is installed; absent if not. */
  oldest?: boolean;
  /** Node's clock at the start of a script (RFC 3339); absent if it is the current time. */
  clock?: string;
  /** Whether scripts run without the variable `CI`; absent if not. */
  withoutCi?: boolean;
  /** The version that is first written into package.json, if the commit has another. */
  version: string | null;
  /**
   * The commit whose versions the package.json files have while the scripts run: the last one
   * before the judged version; absent if it is the commit that is built.
   */
  versionsAt?: string;
  /** The branch or tag that the checkout's `.git` has for the commit. */
  ref: string | null;
  /** The commands, in order: the folder in the checkout, and a program with its arguments. */
  steps: { name: string; directory: string; command: string[] }[];
  /** The folder that is packed, if it is not the package's own. */
  packed: string | null;
  /**
   * Files of the package's folder that the build changed, but that are packed as in the commit;
   * absent if there are none.
   */
  restored?: string[];
}

/** A toolchain that the user put in reach of a build. */
export interface Toolchain {
  name: string;
  /** sha256 over all of its files: modes, contents and paths. */
  digest: string;
  /** The programs in its `bin`, with the sha256 of each. */
  programs: Record<string, string>;
}

/** A submodule whose files were checked out. */
export interface Submodule {
  /** Its folder in the package's, or for a build in the repository's. */
  path: string;
  /** The address of its repository, which may belong to anybody. */
  repository: string;
  commit: string;
}

export interface Attempt {
  strategy: Strategy;
  recipe: Recipe;
  commit: string;
  verdict: Verdict;
  code: Code | null;
  steps: { name: string; exit: number | null; ms: number }[];
  /** Published files that are the same. */
  filesMatched: number;
  /** Values copied from the published archive because extraction discards them. */
  adopted: string[];
  /** Installed packages: `name@version integrity`; absent if there are none. */
  resolved?: string[];
  /** Submodules whose files were checked out; absent if there were none. */
  submodules?: Submodule[];
  /** Node and the package managers at the start of the build; absent if nothing was run. */
  tools?: Tool[];
  /** Toolchains of the user that the build had; absent if there were none. */
  toolchains?: Toolchain[];
  /**
   * Requests of the build to the registry besides those of its installations, capped; absent if
   * nothing was run.
   */
  asked?: { during: 'install' | 'script'; what: 'metadata' | 'tarball' | 'other'; name: string }[];
  /**
   * Packages that the build got with your credentials, or from their scope's own registry: the log
   * may contain parts of them.
   */
  private?: string[];
  /** The build's output, capped; absent if nothing was run. */
  log?: string;
}

/** One side of a file that differs. */
export interface FileSide {
  /** `file`, `symlink`, `hardlink` or the tar type. */
  type: string;
  /** The mode on disk, octal. */
  mode: string;
  size: number;
  sha256: string;
  linkTarget: string | null;
}

export interface Comparison {
  identical: string[];
  changed: { path: string; kind: 'bytes' | 'mode' | 'type' | 'link'; published: FileSide; rebuilt: FileSide }[];
  onlyPublished: string[];
  onlyRebuilt: string[];
  /** Why each file differs, as far as its bytes show. Never part of the verdict. */
  explanations: Explanation[];
}

/**
 * The likely reason why a package is not reproduced. Unexplained code comes first, whatever else
 * differs.
 */
export interface Likely {
  /**
   * - `unexplained-code`: published code that comes from neither the source nor a build
   * - `source-not-there`: the published state is not in the repository
   * - `build-not-matched`: a toolchain, a time, a dependency or a build that was not found makes
   *   the difference
   * - `publisher-machine`: modes, line endings and stray files of the machine that published
   */
  cause: 'unexplained-code' | 'source-not-there' | 'build-not-matched' | 'publisher-machine';
  /** The files that show it, with a line each; at most five, and a count of the rest. */
  reasons: string[];
}

/** Why one file differs. */
export interface Explanation {
  path: string;
  /** `formatting-only`, `time-stamp`, `not-built`, `other-code`, … */
  class: Code;
  /** One line of explanation. */
  message: string;
}

export interface ReproduceResult {
  schemaVersion: 1;
  reproduceVersion: string;
  /** When the result was made: RFC 3339, UTC. */
  timestamp: string;
  os: string;
  arch: string;
  /** The strategy that reproduced it, or came closest. */
  strategy: Strategy | null;
  verdict: Exclude<Verdict, 'error'>;
  /** Why it was not reproduced, kebab-case; null when it was. */
  code: Code | null;
  /** Whether the verdict counts as reproduced under `accept`. */
  reproduced: boolean;
  /** Whether the registry lists attestations for this version. Never part of the verdict. */
  attested: boolean;
  /** The registry's signatures, checked. Never part of the verdict. */
  signatures: RegistrySignature[];
  /**
   * The provenance and the results of its verification; null if the registry lists none. Never part
   * of the verdict.
   */
  provenance: Provenance | null;
  /** The publication time according to the registry; absent if it was not read or is missing. */
  publishedAt?: string;
  package: { spec: string; name: string | null; version: string | null; location: string | null; integrity: string | null };
  source: { spec: string | null; location: string | null; integrity: string | null };
  /** sha256 over the published files as npm writes them to disk. */
  contentDigest: string | null;
  /** `committedAt` is the commit's own time; null if it is not known. */
  origin: { repository: string; commit: string; directory: string; ref: string | null; committedAt: string | null } | null;
  evidence: Evidence[];
  findings: Finding[];
  attempts: Attempt[];
  /** Comparison of the closest attempt's files with the published ones. */
  comparison: Comparison | null;
  /**
   * The likely reason; null if the package was reproduced or no files were compared. Never part of
   * the verdict.
   */
  likely: Likely | null;
  /** A unified diff of the text files that differ, published against rebuilt, capped. */
  diff: string | null;
  /** The isolation of the build; null if nothing was run. */
  sandbox: string | null;
  /** Whether this is a stored result, from the time in `timestamp`; absent if it is new. */
  cached?: true;
  /** In milliseconds. */
  timings: { resolve: number; locate: number; rebuild: number; total: number };
  hints: string[];
  /** Earlier versions, the highest first; null if they were not requested. */
  history: EarlierVersion[] | null;
  /** The options that could have changed the result. */
  options: { accept: 'identical' | 'same-content'; registry: string | null; strategies: Strategy[]; source: string | null; rewrites: string | null; node: string | null; isolation: string | null; allowHosts: string[]; toolchains: string[]; recipe: string | null; trustedRoot: string | null; nodeDist: string | null; nodeKeys: string | null };
}

/**
 * A failure of the program, its user or the network. A package that cannot be rebuilt is a result,
 * not an error.
 */
export class ReproduceError extends Error {
  /** `package-not-found`, `usage`, … */
  readonly code: Code;
  /**
   * The stage that failed: `usage`, `resolve`, `locate`, `fetch`, `pack`, `compare`, `report` or
   * `cache`.
   */
  readonly stage: string;
  /** What to do, if anything. */
  readonly hint: string | null;
}

/**
 * Finds out whether a published version can be rebuilt from the source it declares.
 *
 * @param spec A package (`name`, `name@1.2.3`, `name@^1`, `name@next`), a tarball's address, a
 * `.tgz` file, or a purl. @throws {ReproduceError} for an unknown package, misuse, or a failure of
 * the program or the network.
 */
export function reproduce(spec: string, options?: ReproduceOptions): Promise<ReproduceResult>;

/** The options for many packages: those for one, except those about a single package. */
export interface ReproduceManyOptions extends Omit<ReproduceOptions, 'emit' | 'recipe' | 'source' | 'onProgress'> {
  /** Number of packages at a time. Default: half of the processors. */
  jobs?: number;
  /** Called with progress events, each with its package. */
  onProgress?: (event: ProgressEvent & { spec: string }) => void;
}

/** A finished package of many: it has either `result` or `error`. */
export interface ReproducedLine {
  /** The package as the list has it. */
  spec: string;
  result: ReproduceResult | null;
  /** Why there is no result: an unknown package, or a failure of the program or the network. */
  error: ReproduceError | null;
  /** Duration in milliseconds. */
  durationMs: number;
}

/**
 * Checks many packages and yields each when it is done. At most `jobs` run at a time, and none is
 * started while the loop's body runs; leaving the loop cancels the rest.
 *
 * @param specs Packages as `reproduce` takes them: any iterable of them. @throws {ReproduceError}
 * for misuse, and the signal's reason if it was aborted. A package's own failure is in its `error`.
 */
export function reproduceMany(specs: Iterable<string> | AsyncIterable<string>, options?: ReproduceManyOptions): AsyncGenerator<ReproducedLine, void, void>;
export default reproduce;
