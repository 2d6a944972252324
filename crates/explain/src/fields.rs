//! What of a package.json is obeyed: one list for all who ask whether a package does the same.

/// Fields that say what is loaded, or what an installation runs it with: by Node, by npm and its
/// helpers, by bundlers, and by the hosts that serve packages to browsers.
pub const LOADED: [&str; 28] = [
    "main",
    "module",
    "browser",
    "react-native",
    "binary",
    "bin",
    "exports",
    "imports",
    "type",
    "gypfile",
    "directories",
    "config",
    "unpkg",
    "jsdelivr",
    "jspm",
    "jsnext:main",
    "umd:main",
    "esm",
    "esnext",
    "es2015",
    "svelte",
    "browserify",
    "babel",
    "prebuild",
    "napi",
    "remote-url",
    "acceptDependencies",
    "dependenciesMeta",
];
/// Fields that say where a package may be installed, what of it a bundler may leave out, and what
/// need not be there.
pub const BOUNDS: [&str; 6] = ["os", "cpu", "libc", "engines", "sideEffects", "peerDependenciesMeta"];
/// Fields that name packages to install.
pub const DEPENDENCIES: [&str; 5] =
    ["dependencies", "optionalDependencies", "peerDependencies", "bundleDependencies", "bundledDependencies"];
/// Scripts that an installation or a removal runs: npm's documentation of `scripts`, "npm install".
/// Those of a removal are run by npm up to 6.
pub const HOOKS: [&str; 10] = [
    "preinstall",
    "install",
    "postinstall",
    "prepublish",
    "preprepare",
    "prepare",
    "postprepare",
    "preuninstall",
    "uninstall",
    "postuninstall",
];
