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
   * Rebuilt, and a file is not the same; or the published archive is malformed, ambiguous or not
   * the announced one.
   */
  | 'differs'
  /** No build finished, so there was nothing to compare. */
  | 'build-failed'
  /** No repository declared, not reachable, or no commit of it matches this version. */
  | 'no-source'
  /** The source or the build needs what this program or machine does not have. */
  | 'unsupported'
  /** A failure of the program, its user or the network. Never in a result: it is thrown. */
  | 'error';

/** A named rule that turns what is known about a package into recipes. */
export type Strategy = 'source' | 'npm' | 'yarn' | 'berry' | 'pnpm' | 'bun';

export interface ReproduceOptions {
  /**
   * Stored results in memory: an object from `name@version` to a result, read and filled. It is
   * asked before the file. `false` switches all stored results off.
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
  /** What counts as reproduced. Default: `same-content`. */
  accept?: 'identical' | 'same-content';
  /** The registry to ask, in place of npm's configuration. */
  registry?: string;
  /**
   * A source in place of the declared one: a git address, or a repository, folder or tar archive on
   * this machine; `#commit` or `#tag` names the place in it.
   */
  source?: string;
  /**
   * A file with the recipe to follow in place of a search: what `attempts[].recipe` of a result
   * has, or the whole result.
   */
  recipe?: string;
  /** Node version for builds; by default it is worked out from the package. */
  node?: string;
  /**
   * A distribution that Node comes from in place of the registry, by its signed SHASUMS256.txt:
   * laid out as nodejs.org/dist. Needs `nodeKeys`.
   */
  nodeDist?: string;
  /**
   * A file with the OpenPGP keys that the releases of `nodeDist` are signed with, armored or
   * binary.
   */
  nodeKeys?: string;
  /**
   * How builds are isolated. Default: `auto`, the strongest tier that this machine has; never
   * `none`.
   */
  isolation?: 'auto' | 'namespaces' | 'bwrap' | 'landlock' | 'none';
  /**
   * Hosts that builds may reach besides the registry, by TLS: `host.example`, `host.example:8443`.
   */
  allowHosts?: string[];
  /**
   * Ask git's credential helpers too where a private git host wants to know who asks: they are
   * programs, and run.
   */
  gitCredentials?: boolean;
  /** Longest time in seconds; 0 for none. Default: 600. */
  timeout?: number;
  /** Stored results that are older than so many seconds do not count. */
  maxAge?: number;
  /** Answer from stored results only. */
  offline?: boolean;
  /** Write the rebuilt tarball to this file. */
  emit?: string;
  /** A Sigstore `trusted_root.json` to check provenance with, in place of the embedded one. */
  trustedRoot?: string;
  /**
   * Also check the N versions before this one; `true` for 10. Versions never checked before are
   * checked without a build, unless `strategy` says more.
   */
  history?: number | boolean;
  /**
   * Where relative paths start and the project's `.npmrc` is looked for. Default: the current
   * folder.
   */
  cwd?: string;
  /** Cancels the run: the promise rejects with the signal's reason, by default an `AbortError`. */
  signal?: AbortSignal;
  /** Told what is being done. */
  onProgress?: (event: ProgressEvent) => void;
}

export interface ProgressEvent {
  /** `resolve`, `locate`, `fetch`, `build`, `pack`, `compare` or `history`. */
  stage: string;
  /** One line for people. */
  message: string;
}

/**
 * One reason to believe that a version came from a commit. It says where to look and never makes a
 * verdict.
 */
export interface Evidence {
  kind: 'git-head' | 'tarball-git-head' | 'reference' | 'provenance' | 'tag' | 'version-bump' | 'content' | 'user';
  /** The claim itself: a tag's name, a commit id, a path. */
  value: string;
  commit: string | null;
  /** How many published files that commit's tree holds at the right place. */
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
   * keys could not be had.
   */
  status: 'valid' | 'invalid' | 'expired-key' | 'unknown-key' | 'unchecked';
  /** When the key ceased to count, RFC 3339. */
  keyExpires: string | null;
}

/** npm provenance. Where `verified` is false, nothing else of it counts. */
export interface Provenance {
  /**
   * Whether all of it holds: signature, certificate, issuer, transparency log, subject and hash.
   */
  verified: boolean;
  /** Why it is not verified. */
  problem: string | null;
  predicateType: string | null;
  /** Whether it is about this package and version. */
  subjectMatches: boolean | null;
  /** Whether the attested hash is that of the tarball that the registry serves. */
  digestMatches: boolean | null;
  repository: string | null;
  /** Whether the package declares that repository. */
  repositoryMatches: boolean | null;
  commit: string | null;
  /** Whether that commit was taken as the source. */
  commitMatches: boolean | null;
  ref: string | null;
  /** By its name: whether a branch is protected is a setting that nobody outside sees. */
  refKind: 'release-branch' | 'other-branch' | 'tag' | 'other' | null;
  workflow: string | null;
  /** What started the workflow: `push`, `release`, … */
  trigger: string | null;
  runner: string | null;
  /** The run itself: an address. */
  run: string | null;
  /** Whom the certificate was issued to. */
  signer: string | null;
  /** Who vouched for the signer. */
  issuer: string | null;
  /** When it was entered into the transparency log, RFC 3339. */
  loggedAt: string | null;
  /** Whether the registry's own attestation that it published this tarball holds. */
  registryAttestation: boolean | null;
}

/** One earlier version. */
export interface EarlierVersion {
  version: string;
  publishedAt: string | null;
  /** Null where it could not be judged. */
  verdict: Exclude<Verdict, 'error'> | null;
  code: Code | null;
  reproduced: boolean;
  /** The strategies that were allowed: `source` alone means that no build was tried. */
  strategies: Strategy[];
  /** The tag that names it in the repository. */
  tag: string | null;
  /** Whether it has a tag; null where the repository could not be looked at. */
  tagged?: boolean | null;
  attested: boolean;
  provenanceVerified: boolean | null;
}

/** Something that was noticed on the way. */
export interface Finding {
  code: Code;
  severity: 'info' | 'warning' | 'error';
  path?: string;
  message: string;
}

/** Everything that is needed to make the tarball again. */
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
  /** Whose checkout the files are as: line endings and modes. */
  checkout: 'posix' | 'windows' | 'modes-644' | 'modes-744' | 'modes-754' | 'modes-755';
  /** What was done to package.json before it was packed: steps joined by `+`, or `as-is`. */
  rewrite: string;
  /** The rules that make the file list, by the clients that have them. */
  fileList: string;
  /** The client whose tar and gzip are written. */
  packer: string;
  /**
   * The submodules whose files are there, by their paths in the package's folder; absent where
   * there are none.
   */
  submodules?: string[];
  /** What is installed and run before; absent where nothing is. */
  build?: BuildRecipe;
  /**
   * What came out; only the recipe of the attempt that decided has it, and only such a recipe can
   * be replayed.
   */
  tarball?: TarballRecipe;
}

/** The tarball that a recipe makes, and what only the published archive could tell of it. */
export interface TarballRecipe {
  integrity: string;
  /**
   * What compresses it: the variant of deflate, its level, and the two bytes of the gzip header
   * that vary.
   */
  gzip: { class: 'A' | 'B' | 'C' | 'zlib-rs'; level: number; xfl: number; os: number };
  /** Header values that are from the published archive; absent where none are. */
  adopted?: TakenHeaders;
}

/** Header values that a client read from its publisher's disk and that extraction throws away. */
export interface TakenHeaders {
  /** The first path component, where it is not `package`. */
  root?: string;
  /** Which sequence the entries have: that of the packer's rule, or that of `entries`. */
  sequence: 'packer' | 'archive';
  /**
   * Owners, each once. An id is a number, or the field's eight bytes where an old client wrote
   * none.
   */
  owners?: { uid: number | number[]; gid: number | number[]; user?: string; group?: string }[];
  /** Extended records, keyword and value, each once; a value that is no UTF-8 as its bytes. */
  records?: [string, string | number[]][];
  /**
   * Times in seconds since 1970, the mode in octal (644 where absent), numbers of `owners` (0 where
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
  /** The package that it came in, or the file of a distribution. */
  package: string;
  /** The registry or the distribution, without credentials. */
  from: string;
  /** The hash of the tarball that was unpacked. */
  integrity: string;
  /** sha256 over its files, made as `contentDigest` is. */
  digest: string;
  /** What is run, below its folder. */
  program: string;
  /** sha256 of what is run. */
  programDigest: string;
  /** Who published it, as the registry or the key that signed it says. */
  publisher: string | null;
  /** The fingerprint of the OpenPGP key that signed it. */
  key: string | null;
  /**
   * Of a distribution's Node, whether the registry's copy has the same program; null where there is
   * nothing to compare.
   */
  registryAgrees: boolean | null;
}

/** What is installed and run between the checkout and the packing. */
export interface BuildRecipe {
  /** Node's version. */
  node: string;
  /** The distribution that Node came from; absent where it came from the registry. */
  nodeDist?: string;
  /**
   * The other programs of the toolchain and their versions: `npm`, `yarn`, `berry`, `pnpm`, `bun`.
   */
  tools: Record<string, string>;
  /** Why these versions. */
  reasons: string[];
  /** The lockfile that is followed. */
  lockfile: string | null;
  /** The registry as it stood then (RFC 3339); null for as it is. */
  moment: string | null;
  /**
   * What package.json asks for is installed in the oldest version of each range; absent where it is
   * not.
   */
  oldest?: boolean;
  /**
   * What Node's clock says when a script begins (RFC 3339); absent where it is the present time.
   */
  clock?: string;
  /** The version that is written into package.json first, where the commit has another. */
  version: string | null;
  /** The branch or tag that the checkout's `.git` has for the commit. */
  ref: string | null;
  /** What is run, in order: the folder of the checkout, and a program with its arguments. */
  steps: { name: string; directory: string; command: string[] }[];
  /** The folder that is packed, where it is not the package's own. */
  packed: string | null;
  /**
   * Files of the package's folder that the build changed, and that are packed as the commit has
   * them; absent where there are none.
   */
  restored?: string[];
}

export interface Attempt {
  strategy: Strategy;
  recipe: Recipe;
  commit: string;
  verdict: Verdict;
  code: Code | null;
  steps: { name: string; exit: number | null; ms: number }[];
  /** Published files that came out the same. */
  filesMatched: number;
  /** What was taken over from the published archive because extraction discards it. */
  adopted: string[];
  /** What was installed: `name@version integrity`; absent where nothing was. */
  resolved?: string[];
  /**
   * Node and the package managers that were there when the build began; absent where nothing was
   * run.
   */
  tools?: Tool[];
  /**
   * What the build asked the registry for besides what its installations took, capped; absent where
   * nothing was run.
   */
  asked?: { during: 'install' | 'script'; what: 'metadata' | 'tarball' | 'other'; name: string }[];
  /**
   * Packages that the build had by your credentials, or from a registry of their scope's: the log
   * may hold what is in them.
   */
  private?: string[];
  /** What the build printed, capped; absent where nothing was run. */
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
  /**
   * Why each of the files that differ does, as far as its bytes tell. Never part of the verdict.
   */
  explanations: Explanation[];
}

/**
 * What is likely behind a package that did not come out. Code that nothing explains comes first,
 * whatever else differs.
 */
export interface Likely {
  /**
   * - `unexplained-code`: code was published that neither the source nor a build accounts for
   * - `source-not-there`: the published state is not in the repository
   * - `build-not-matched`: a toolchain, a time, a dependency or a build that was not found makes
   *   the difference
   * - `publisher-machine`: modes, line endings and stray files of the machine that published
   */
  cause: 'unexplained-code' | 'source-not-there' | 'build-not-matched' | 'publisher-machine';
  /** The files that speak for it, with a line each; at most five, and a count of the rest. */
  reasons: string[];
}

/** Why one file differs. */
export interface Explanation {
  path: string;
  /** `formatting-only`, `time-stamp`, `not-built`, `other-code`, … */
  class: Code;
  /** One line on it. */
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
   * What the provenance says and what of it holds; null where the registry lists none. Never part
   * of the verdict.
   */
  provenance: Provenance | null;
  /**
   * When the registry says that this version was published; absent where it was not read or does
   * not say.
   */
  publishedAt?: string;
  package: { spec: string; name: string | null; version: string | null; location: string | null; integrity: string | null };
  source: { spec: string | null; location: string | null; integrity: string | null };
  /** sha256 over the published files as npm writes them to disk. */
  contentDigest: string | null;
  origin: { repository: string; commit: string; directory: string; ref: string | null } | null;
  evidence: Evidence[];
  findings: Finding[];
  attempts: Attempt[];
  /** The files of the closest attempt against the published ones. */
  comparison: Comparison | null;
  /**
   * What is likely behind it; null where the package was reproduced, and where no files were
   * compared. Never part of the verdict.
   */
  likely: Likely | null;
  /** A unified diff of the text files that differ, published against rebuilt, capped. */
  diff: string | null;
  /** The isolation that a build ran in; null where nothing was run. */
  sandbox: string | null;
  /** Whether this is a stored result, of the time in `timestamp`; absent where it was made now. */
  cached?: true;
  /** Milliseconds. */
  timings: { resolve: number; locate: number; rebuild: number; total: number };
  hints: string[];
  /** Earlier versions, the highest first; null where they were not asked for. */
  history: EarlierVersion[] | null;
  /** The options that could have changed the answer. */
  options: { accept: 'identical' | 'same-content'; registry: string | null; strategies: Strategy[]; source: string | null; rewrites: string | null; node: string | null; isolation: string | null; allowHosts: string[]; recipe: string | null; trustedRoot: string | null; nodeDist: string | null; nodeKeys: string | null };
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
  /** What to do, if there is something to do. */
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

/** The options of many packages: those of one, but for what is about one alone. */
export interface ReproduceManyOptions extends Omit<ReproduceOptions, 'emit' | 'recipe' | 'source' | 'onProgress'> {
  /** How many packages at a time. Default: half of the processors. */
  jobs?: number;
  /** Told what is being done, and for which package. */
  onProgress?: (event: ProgressEvent & { spec: string }) => void;
}

/** A package of many that is done: one of `result` and `error` is there. */
export interface ReproducedLine {
  /** The package as the list has it. */
  spec: string;
  result: ReproduceResult | null;
  /** Why there is no result: an unknown package, or a failure of the program or the network. */
  error: ReproduceError | null;
  /** How long it took, in milliseconds. */
  durationMs: number;
}

/**
 * Judges many packages and gives each as it is done. At most `jobs` are under way, and nothing more
 * is begun while the loop's body runs; leaving the loop ends what runs.
 *
 * @param specs Packages as `reproduce` takes them: a list, or anything that names them one after
 * the other. @throws {ReproduceError} for misuse, and the signal's reason where it was aborted. A
 * package's own failure is in its `error`.
 */
export function reproduceMany(specs: Iterable<string> | AsyncIterable<string>, options?: ReproduceManyOptions): AsyncGenerator<ReproducedLine, void, void>;
export default reproduce;
