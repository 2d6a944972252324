//! The settings that cannot change which bytes a client installs, and the files in which clients
//! look for settings.
//!
//! Sources: the documentation of npm 11 (config), pnpm 10 (settings, pnpm-workspace.yaml,
//! package.json), yarn 1 (.yarnrc), yarn 4 (configuration), bun 1.3 (bunfig.toml, environment
//! variables) and deno 2 (deno.json). What is not here counts as a setting that can.

use npm_lockfile::Format;

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Lines of `key=value`, as of npm.
    Npmrc,
    /// Lines of `key "value"`, as of yarn 1.
    Yarnrc,
    /// YAML, as of yarn 2 and later.
    YarnrcYml,
    /// YAML, as of pnpm.
    PnpmWorkspace,
    /// TOML, as of bun.
    Bunfig,
    /// Variables of the environment.
    Env,
    /// package.json.
    Manifest,
    /// deno.json.
    Deno,
    /// No setting, but there is what decides: code, or another file in the place of one that is
    /// looked at.
    There(&'static str),
    /// The same, unless the client itself wrote it here: only where the commit has it.
    Committed(&'static str),
}

use Format::{Berry, Bun, Deno, Npm, Pnpm, Yarn};

const ALL: &[Format] = &[Npm, Yarn, Berry, Pnpm, Bun, Deno];
const HOOK: &str = "it is code by which the client changes what is installed";
const MANIFEST: &str = "the client takes it for package.json";

/// The files of a folder, with the clients (by the formats of their lockfiles) that take settings
/// from them.
pub(super) const FILES: &[(&str, Kind, &[Format])] = &[
    (".npmrc", Kind::Npmrc, &[Npm, Yarn, Pnpm, Bun, Deno]),
    (".yarnrc", Kind::Yarnrc, &[Yarn, Berry]),
    // yarn 1 runs what it names as `yarnPath`.
    (".yarnrc.yml", Kind::YarnrcYml, &[Yarn, Berry]),
    (".env.yarn", Kind::There("the client takes its settings from the variables there"), &[Berry]),
    ("pnpm-workspace.yaml", Kind::PnpmWorkspace, &[Pnpm]),
    (".pnpmfile.cjs", Kind::There(HOOK), &[Pnpm]),
    (".pnpmfile.mjs", Kind::There(HOOK), &[Pnpm]),
    ("pnpmfile.js", Kind::There(HOOK), &[Pnpm]),
    ("package.json5", Kind::There(MANIFEST), &[Pnpm]),
    ("package.yaml", Kind::There(MANIFEST), &[Pnpm]),
    ("bunfig.toml", Kind::Bunfig, &[Bun]),
    (".bunfig.toml", Kind::Bunfig, &[Bun]),
    (".env", Kind::Env, &[Bun]),
    (".env.local", Kind::Env, &[Bun]),
    (".env.development", Kind::Env, &[Bun]),
    (".env.development.local", Kind::Env, &[Bun]),
    (".env.production", Kind::Env, &[Bun]),
    (".env.production.local", Kind::Env, &[Bun]),
    (".env.test", Kind::Env, &[Bun]),
    (".env.test.local", Kind::Env, &[Bun]),
    ("package.json", Kind::Manifest, ALL),
    ("deno.json", Kind::Deno, &[Deno]),
    ("deno.jsonc", Kind::Deno, &[Deno]),
    (".corepack.env", Kind::There("Corepack reads the source of package managers from it"), &[Npm, Yarn, Berry, Pnpm]),
    ("node_modules", Kind::Committed("clients keep files that fit: only --tree checks them"), ALL),
    // Where the user's folder is on another disk, pnpm has its store at the root of the project's.
    (".pnpm-store", Kind::Committed("the client takes packages from there"), &[Pnpm]),
    (".yarnclean", Kind::There("the client removes the files that it names from packages"), &[Yarn]),
    (".yarn/cache", Kind::Committed("the client takes packages from there"), &[Berry]),
    (".yarn/unplugged", Kind::Committed("the client keeps packages there"), &[Berry]),
    (".pnp.cjs", Kind::Committed("it says where packages are"), &[Berry]),
    (".pnp.js", Kind::Committed("it says where packages are"), &[Berry]),
    (".pnp.loader.mjs", Kind::Committed("it says where packages are"), &[Berry]),
];

/// Files that a client reads in place of one that is audited.
pub(super) const FIRST: &[(&str, &[&str])] =
    &[("npm-shrinkwrap.json", &["package-lock.json"]), ("bun.lockb", &["package-lock.json", "yarn.lock", "pnpm-lock.yaml"])];

/// Keys of `.npmrc`, as npm, pnpm, yarn 1 and bun read them.
pub(super) const NPMRC: &[&str] = &[
    "access",
    "audit",
    "audit-level",
    "auto-install-peers",
    "child-concurrency",
    "color",
    "commit-hooks",
    "dedupe-peer-dependents",
    "enable-pre-post-scripts",
    "engine-strict",
    "fetch-retries",
    "fetch-retry-factor",
    "fetch-retry-maxtimeout",
    "fetch-retry-mintimeout",
    "fetch-timeout",
    "foreground-scripts",
    "fund",
    "git-tag-version",
    "heading",
    "hoist",
    "hoist-pattern",
    "ignore-scripts",
    "ignore-workspace-root-check",
    "init-author-email",
    "init-author-name",
    "init-author-url",
    "init-license",
    "init-version",
    "legacy-peer-deps",
    "link-workspace-packages",
    "loglevel",
    "maxsockets",
    "message",
    "minimum-release-age",
    "min-release-age",
    "network-concurrency",
    "node-linker",
    "package-import-method",
    "package-manager-strict",
    "prefer-workspace-packages",
    "progress",
    "provenance",
    "public-hoist-pattern",
    "resolution-mode",
    "save",
    "save-exact",
    "save-prefix",
    "save-workspace-protocol",
    "shamefully-hoist",
    "sign-git-commit",
    "sign-git-tag",
    "strict-peer-dependencies",
    "strict-peer-deps",
    "tag-version-prefix",
    "unicode",
    "update-notifier",
    "workspace-concurrency",
];

/// Keys that are harmless with the value that holds without them, in every one of the forms.
pub(super) const AS_WITHOUT: &[(&str, &str)] = &[
    ("package-lock", "true"),
    ("lockfile", "true"),
    ("frozen-lockfile", "true"),
    ("prefer-frozen-lockfile", "true"),
    ("shared-workspace-lockfile", "true"),
    ("strict-ssl", "true"),
    ("verify-store-integrity", "true"),
    ("frozenLockfile", "true"),
    ("sharedWorkspaceLockfile", "true"),
    ("verifyStoreIntegrity", "true"),
    ("enableStrictSsl", "true"),
    ("enableNetwork", "true"),
    ("checksumBehavior", "throw"),
    ("lock", "true"),
    ("vendor", "false"),
];

/// What stands behind `//host/path/:` and says who one is, and no more.
pub(super) const CREDENTIALS: &[&str] = &["_auth", "_authToken", "_password", "always-auth", "email", "username"];

/// Keys of `.yarnrc`.
pub(super) const YARNRC: &[&str] = &[
    "--frozen-lockfile",
    "--install.frozen-lockfile",
    "disable-self-update-check",
    "ignore-engines",
    "init-license",
    "init-version",
    "lastUpdateCheck",
    "network-concurrency",
    "network-timeout",
    "save-prefix",
    "version-git-message",
    "version-git-tag",
    "version-tag-prefix",
];

/// Keys of `.yarnrc.yml`. The cache in the project, which `enableGlobalCache` chooses, is looked
/// for itself.
pub(super) const YARNRC_YML: &[&str] = &[
    "changesetBaseRefs",
    "compressionLevel",
    "defaultSemverRangePrefix",
    "enableColors",
    "enableConstraintsChecks",
    "enableGlobalCache",
    "enableHardenedMode",
    "enableHyperlinks",
    "enableImmutableInstalls",
    "enableInlineBuilds",
    "enableInlineHunks",
    "enableMessageNames",
    "enableMotd",
    "enableProgressBars",
    "enableScripts",
    "enableTelemetry",
    "enableTimers",
    "httpRetry",
    "httpTimeout",
    "initFields",
    "initScope",
    "logFilters",
    "networkConcurrency",
    "nmHoistingLimits",
    "nmSelfReferences",
    "nodeLinker",
    "npmAuditExcludePackages",
    "npmAuditIgnoreAdvisories",
    "npmMinimalAgeGate",
    "npmPublishAccess",
    "npmPublishProvenance",
    "pnpEnableEsmLoader",
    "pnpFallbackMode",
    "pnpMode",
    "preferInteractive",
    "preferReuse",
    "supportedArchitectures",
    "taskPoolConcurrency",
    "telemetryInterval",
    "winLinkType",
];

/// Keys of pnpm-workspace.yaml, and of `pnpm` in package.json.
pub(super) const PNPM: &[&str] = &[
    "allowBuilds",
    "allowedDeprecatedVersions",
    "auditConfig",
    "autoInstallPeers",
    "blockExoticSubdeps",
    "catalogMode",
    "childConcurrency",
    "cleanupUnusedCatalogs",
    "dedupePeerDependents",
    "enablePrePostScripts",
    "engineStrict",
    "hoist",
    "hoistPattern",
    "ignoreScripts",
    "ignoredBuiltDependencies",
    "ignoredOptionalDependencies",
    "linkWorkspacePackages",
    "minimumReleaseAge",
    "minimumReleaseAgeExclude",
    "neverBuiltDependencies",
    "nodeLinker",
    "onlyBuiltDependencies",
    "packageImportMethod",
    "packages",
    "peerDependencyRules",
    "preferWorkspacePackages",
    "publicHoistPattern",
    "resolutionMode",
    "saveExact",
    "savePrefix",
    "saveWorkspaceProtocol",
    "shamefullyHoist",
    "strictDepBuilds",
    "strictPeerDependencies",
    "supportedArchitectures",
    "trustPolicy",
    "trustPolicyExclude",
    "updateConfig",
    "workspaceConcurrency",
];

/// How deep overrides may lie in each other.
pub(super) const MAX_NESTED: usize = 16;

/// Keys of bunfig.toml, with their tables.
pub(super) const BUNFIG: &[&str] = &[
    "install.concurrentScripts",
    "install.dev",
    "install.exact",
    "install.frozenLockfile",
    "install.ignoreScripts",
    "install.linker",
    "install.minimumReleaseAge",
    "install.minimumReleaseAgeExcludes",
    "install.optional",
    "install.peer",
    "install.production",
    "jsx",
    "jsxFactory",
    "jsxFragment",
    "jsxImportSource",
    "logLevel",
    "run.bun",
    "run.shell",
    "run.silent",
    "smol",
    "telemetry",
    "test.coverage",
    "test.coverageDir",
    "test.coverageReporter",
    "test.coverageSkipTestFiles",
    "test.coverageThreshold",
    "test.preload",
    "test.root",
    "test.smol",
    "test.timeout",
];

/// Variables that programs of projects take, and no client.
pub(super) const ENV: &[&str] = &["DATABASE_URL", "HOST", "LOG_LEVEL", "PORT", "REDIS_URL"];

/// What the names of others begin with: frameworks that give them to browsers.
pub(super) const ENV_STARTS: &[&str] = &["EXPO_PUBLIC_", "GATSBY_", "NEXT_PUBLIC_", "NUXT_PUBLIC_", "PUBLIC_", "REACT_APP_", "VITE_"];

/// Keys of deno.json. What `imports` asks for is in the lockfile.
pub(super) const DENO: &[&str] = &[
    "bench",
    "compilerOptions",
    "description",
    "exclude",
    "exports",
    "fmt",
    "imports",
    "license",
    "lint",
    "minimumDependencyAge",
    "name",
    "nodeModulesDir",
    "publish",
    "tasks",
    "test",
    "unstable",
    "version",
    "workspace",
];
