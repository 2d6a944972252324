//! npm-packlist 7 to 11: npm 9 to 12, lerna 9 and 10.
//!
//! Every folder has the default rules and those of its ignore files; the package's root also has
//! rules made of `files`, which take the place of its ignore files, and last the strict ones: what
//! always goes along and what never does. Bundled packages are walked each by itself, with their
//! own `files`.

use std::collections::{BTreeMap, BTreeSet};

use npm_spec::path::join;

use super::bundle::bundled_folders;
use super::ignore::{FUEL, Level, MAX_DEPTH, Question, apply, compile, decide};
use super::manifest::{Bins, Files, Manifest, normalize};
use super::view::View;
use super::{Context, ListError, WorkspaceIgnores};
use crate::glob::{Dialect, Fuel, Options, Pattern, expand};
use crate::tree::NodeKind;

/// What differs between the versions 7 to 11 of npm-packlist.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "a table of independent changes, each with its version")]
pub struct StrictRules {
    /// The generation of minimatch.
    pub dialect: Dialect,
    /// Whether a folder that only leads to wanted files hides the rest (ignore-walk 6.0.4 and
    /// later).
    pub exact: bool,
    /// The rules that leave files out of every folder.
    pub defaults: &'static [&'static str],
    /// The rules that leave files out of the package's root, whatever `files` says.
    pub never: &'static [&'static str],
    /// Where README, COPYING, LICENSE and LICENCE always go along.
    pub readme: ReadmeRule,
    /// How an entry of `files` is read.
    pub files: FilesRule,
    /// Whether a bundled package that is not there makes the client fail (before 7.0.4).
    pub missing_fails: bool,
    /// Whether the files named by `patchedDependencies` stay out (11.2 and later).
    pub no_patches: bool,
    /// Whether `main` and `browser` are found under `./` too (pnpm 12.14 and later).
    pub finds_dotted: bool,
    /// Whether symbolic links go along that do not lead out of the package (pnpm 11.28 and later).
    pub links: bool,
}

/// Where README, COPYING, LICENSE and LICENCE always go along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadmeRule {
    /// In every folder that is walked (7).
    Everywhere,
    /// In every folder, unless an entry of `files` that begins with `!` speaks of such a file
    /// (8.0.0 and 8.0.1).
    EverywhereUnlessNegated,
    /// In the root (8.0.2 and later).
    Root,
}

/// How an entry of `files` is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilesRule {
    /// As it stands (7.0.0 and 7.0.1).
    Plain,
    /// Without a leading `/` or `./` (7.0.2).
    NoLead,
    /// Without a leading `/` or `./`, or else a trailing `/*` (7.0.3 to 8.0.0).
    NoLeadOrStar,
    /// Without the dot of a leading `./`, or else the star of a trailing `/*` (8.0.1).
    NoDotOrStar,
    /// Without the dot of a leading `./`, and with `/**` for a trailing `/*` (8.0.2 to 10).
    DeepStar,
    /// As a glob: the paths that it names, whole folders included (11).
    Glob,
}

const ALWAYS: [&str; 4] = ["!/readme{,.*[^~$]}", "!/copying{,.*[^~$]}", "!/license{,.*[^~$]}", "!/licence{,.*[^~$]}"];

struct Walk<'w> {
    view: &'w View<'w>,
    rules: &'w StrictRules,
    fuel: Fuel,
    /// The default rules of every folder, compiled once.
    defaults: Vec<Pattern>,
    /// The strict rules of folders below a package's root.
    strict: Vec<Pattern>,
    /// What always goes along. An entry of `files` may shorten it for all packages that follow.
    always: Vec<&'static str>,
    /// Names brought into a folder of the root by an entry of `files` that names a file: `(folder,
    /// name)`.
    required: Vec<(String, String)>,
    /// Whether the root has workspaces: then package.json of other folders is read as an ignore
    /// file.
    has_workspaces: bool,
    found: Vec<String>,
}

pub(super) fn list(view: &View, rules: &StrictRules, context: &Context) -> Result<Vec<String>, ListError> {
    let bytes = view.read("package.json").ok_or(ListError::NoManifest)?;
    let manifest = Manifest::parse_lenient(&bytes).unwrap_or_default();
    let mut walk = Walk {
        view,
        rules,
        fuel: Fuel::new(FUEL),
        defaults: Vec::new(),
        strict: Vec::new(),
        always: ALWAYS.to_vec(),
        required: Vec::new(),
        has_workspaces: false,
        found: Vec::new(),
    };
    walk.has_workspaces = walk.finds_workspaces(&manifest)?;
    walk.defaults = walk.compile(rules.defaults)?;
    let mut defaults = walk.defaults.clone();
    defaults.extend(compile(&context.rules_above(WorkspaceIgnores::First), walk.options(), &walk.fuel)?);
    let mut root = Level::root("");
    root.sets.push(defaults);
    walk.package(root, &manifest, true)?;
    walk.has_workspaces = false;
    for folder in bundled_folders(view, &manifest, rules.missing_fails)? {
        let bytes = view.read(&join(&folder, "package.json")).unwrap_or_default();
        let manifest = Manifest::parse_lenient(&bytes).unwrap_or_default();
        walk.package(Level::root(&folder), &manifest, false)?;
    }
    Ok(walk.found)
}

/// Units for a path that is copied.
const PATH: usize = 50;

impl Walk<'_> {
    fn options(&self) -> Options {
        Options { dialect: self.rules.dialect, nocase: true, match_base: true, prefixes: true }
    }

    fn compile<T: AsRef<str>>(&self, lines: &[T]) -> Result<Vec<Pattern>, ListError> {
        let lines: Vec<&str> = lines.iter().map(AsRef::as_ref).collect();
        compile(&lines.join("\n"), self.options(), &self.fuel)
    }

    /// Whether a folder below is a workspace of the root.
    fn finds_workspaces(&self, manifest: &Manifest) -> Result<bool, ListError> {
        let patterns = match manifest.get("workspaces") {
            Some(serde_json::Value::Object(map)) => map.get("packages"),
            other => other,
        };
        let Some(patterns) = patterns.and_then(serde_json::Value::as_array) else { return Ok(false) };
        let paths = self.view.all()?;
        let options = Options { nocase: false, match_base: false, prefixes: false, ..self.options() };
        for pattern in patterns.iter().filter_map(serde_json::Value::as_str).filter(|pattern| !pattern.starts_with('!')) {
            let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
            let folders = expand(pattern, options, false, &paths, &self.fuel)?;
            let is_package = |folder: &String| self.view.kind(&join(folder, "package.json")).is_some();
            if folders.iter().any(|folder| !folder.contains("node_modules/") && is_package(folder)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Walks a package from its root. Of a bundled package `level` has no default rules.
    fn package(&mut self, mut level: Level, manifest: &Manifest, is_project: bool) -> Result<(), ListError> {
        let listing = self.view.list(&level.path);
        self.required.clear();
        let mut last = Vec::new();
        let mut replaced = false;
        if listing.contains_key("package.json") {
            let mut strict: Vec<String> = self.always.iter().map(|rule| (*rule).to_owned()).collect();
            strict.push("!/package.json".to_owned());
            strict.extend(self.rules.never.iter().map(|rule| (*rule).to_owned()));
            if let Files::Entries(entries) = manifest.files_iterable()? {
                let mut lines = vec!["*".to_owned()];
                for entry in entries {
                    if self.rules.readme == ReadmeRule::EverywhereUnlessNegated {
                        drop_negated(&entry, &mut self.always);
                    }
                    if self.rules.files == FilesRule::Glob {
                        self.glob_entry(&level.path, &entry, &mut lines)?;
                    } else {
                        self.plain_entry(&level.path, &entry, &mut lines, &mut strict);
                    }
                }
                level.sets.push(self.compile(&lines)?);
                replaced = true;
            }
            let plain = |path: String| normalize(&path).filter(|_| self.rules.finds_dotted).unwrap_or(path);
            let required = ["browser", "main"].iter().filter_map(|field| manifest.text(field)).map(plain);
            let mut bins = manifest.bins(Bins::Normalized);
            if let (true, Some(folder)) = (bins.is_empty(), manifest.bin_folder()) {
                bins = self.bin_folder(&level.path, &folder)?;
            }
            strict.extend(required.chain(bins).map(|path| format!("!/{path}")));
            if is_project && self.rules.no_patches {
                strict.extend(patches(manifest));
            }
            last = self.compile(&strict)?;
        }
        let below = if self.rules.readme == ReadmeRule::Root { Vec::new() } else { self.always.clone() };
        self.strict = self.compile(&[below, vec!["/.git"]].concat())?;
        if is_project && !replaced {
            self.ignore_file(&mut level)?;
        }
        level.sets.push(last);
        self.folder(&level)
    }

    /// An entry of `files` before version 11: a file is required, a folder is taken with all in it,
    /// the rest are rules.
    fn plain_entry(&mut self, root: &str, entry: &str, lines: &mut Vec<String>, strict: &mut Vec<String>) {
        let mut name = entry.to_owned();
        match self.rules.files {
            FilesRule::Plain | FilesRule::Glob => {}
            FilesRule::NoLead | FilesRule::NoLeadOrStar => {
                if let Some(rest) = entry.strip_prefix('/').or_else(|| entry.strip_prefix("./")) {
                    rest.clone_into(&mut name);
                } else if let (FilesRule::NoLeadOrStar, Some(rest)) = (self.rules.files, entry.strip_suffix("/*")) {
                    rest.clone_into(&mut name);
                }
            }
            FilesRule::NoDotOrStar => {
                if entry.starts_with("./") {
                    name.remove(0);
                } else if entry.ends_with("/*") {
                    name.pop();
                }
            }
            FilesRule::DeepStar => {
                if entry.starts_with("./") {
                    name.remove(0);
                }
                if name.ends_with("/*") {
                    name.push('*');
                }
            }
        }
        let inverse = format!("!{name}");
        let target = name.trim_start_matches('!').replace('\\', "/");
        match self.view.kind(&format!("{root}/{target}")) {
            Some(NodeKind::File { .. }) => {
                strict.insert(0, inverse);
                let keeps_lead = matches!(self.rules.files, FilesRule::NoLead | FilesRule::NoLeadOrStar);
                let path = if keeps_lead { &name } else { name.strip_prefix('/').unwrap_or(&name) };
                // Known only to the folder that holds the file, and only if that is a folder of the
                // root.
                if let Some((folder, file)) = normalize(path).as_deref().and_then(|path| path.split_once('/'))
                    && !file.contains('/')
                {
                    self.required.push((join(root, folder), file.to_owned()));
                }
            }
            Some(NodeKind::Dir | NodeKind::Submodule) => lines.extend([inverse.clone(), format!("{inverse}/**")]),
            Some(NodeKind::Symlink) => {}
            None => lines.push(inverse),
        }
    }

    /// An entry of `files` from version 11 on: every path that it names, by name, and all in it if
    /// it is a folder.
    fn glob_entry(&self, root: &str, entry: &str, lines: &mut Vec<String>) -> Result<(), ListError> {
        let sign = if entry.starts_with('!') { "" } else { "!" };
        let pattern = entry.trim_start_matches('!');
        let pattern = pattern.strip_prefix("./").or_else(|| pattern.strip_prefix('/')).unwrap_or(pattern);
        let pattern = pattern.trim_end_matches('/');
        let prefix = if root.is_empty() { String::new() } else { format!("{root}/") };
        let below = self.view.all()?.into_iter().filter_map(|(path, is_dir)| Some((path.strip_prefix(&prefix)?.to_owned(), is_dir)));
        let below: Vec<(String, bool)> = below.collect();
        self.fuel.spend(below.len().saturating_mul(PATH));
        let options = Options { nocase: false, match_base: false, prefixes: false, ..self.options() };
        let pattern = normal_glob(pattern);
        if pattern.is_empty() {
            return Ok(());
        }
        for path in expand(&pattern, options, false, &below, &self.fuel)? {
            match self.view.kind(&join(root, &path)) {
                Some(NodeKind::Dir | NodeKind::Submodule) if path != "." => {
                    lines.extend([format!("{sign}/{path}"), format!("{sign}/{path}/**")]);
                }
                Some(NodeKind::File { .. }) => lines.push(format!("{sign}/{path}")),
                _ => {}
            }
        }
        Ok(())
    }

    /// The files of `directories.bin`, which Arborist makes the package's `bin`: of several with
    /// one name, the last.
    fn bin_folder(&self, root: &str, folder: &str) -> Result<Vec<String>, ListError> {
        let mut by_name = BTreeMap::new();
        let mut stack = vec![(folder.trim_end_matches('/').to_owned(), NodeKind::Dir)];
        while let Some((path, kind)) = stack.pop() {
            if path.matches('/').count() > MAX_DEPTH {
                return Err(ListError::TooDeep(path));
            }
            match kind {
                NodeKind::File { .. } => {
                    by_name.insert(path.rsplit('/').next().unwrap_or_default().to_owned(), path);
                }
                NodeKind::Dir => {
                    let listing = self.view.list(&join(root, &path));
                    let shown = listing.iter().rev().filter(|(name, _)| !name.starts_with('.'));
                    stack.extend(shown.map(|(name, kind)| (join(&path, name), *kind)));
                }
                _ => {}
            }
        }
        Ok(by_name.into_values().collect())
    }

    /// .npmignore, or without one .gitignore; beside a package.json that is read as an ignore file,
    /// none.
    fn ignore_file(&self, level: &mut Level) -> Result<(), ListError> {
        let listing = self.view.list(&level.path);
        let as_ignore = level.parent.is_some() && self.has_workspaces;
        let names: &[&str] = if as_ignore { &["package.json", ".npmignore", ".gitignore"] } else { &[".npmignore", ".gitignore"] };
        let name = names.iter().find(|name| listing.contains_key(**name));
        if let Some(text) = name.and_then(|name| self.view.text(&join(&level.path, name))) {
            level.sets.push(compile(&text, self.options(), &self.fuel)?);
        }
        Ok(())
    }

    fn folder(&mut self, level: &Level) -> Result<(), ListError> {
        for (name, kind) in self.view.list(&level.path).iter().filter(|(name, _)| !name.contains('*')) {
            let parts = level.full(name);
            let asked = |partial, slash| self.passes(level, &parts, level.depth, Question { partial, slash, own_name: None });
            match kind {
                NodeKind::File { .. } if asked(false, false) => self.found.push(join(&level.path, name)),
                NodeKind::Symlink if self.rules.links && asked(false, false) => {
                    let path = join(&level.path, name);
                    if !self.view.leads_out(&path) {
                        self.found.push(path);
                    }
                }
                NodeKind::Dir if asked(true, false) => {
                    let exact = asked(false, false) || asked(false, true);
                    let mut child = level.child(join(&level.path, name), exact)?;
                    child.sets.push(self.defaults.clone());
                    self.ignore_file(&mut child)?;
                    child.sets.push(self.strict.clone());
                    let required: BTreeSet<String> =
                        self.required.iter().filter(|(folder, _)| *folder == child.path).map(|(_, file)| format!("!{file}")).collect();
                    child.sets.push(self.compile(&required.into_iter().collect::<Vec<_>>())?);
                    self.folder(&child)?;
                }
                _ => {}
            }
            if self.fuel.is_empty() {
                return Err(ListError::TooComplex);
            }
        }
        Ok(())
    }

    /// `parts` are the path as the root sees it; this folder sees what follows the first `skip`.
    fn passes<'p>(&self, level: &Level, parts: &[&'p str], skip: usize, question: Question<'p>) -> bool {
        let own = parts.get(skip..).unwrap_or_default();
        let Some(parent) = level.parent else {
            return self.judge(level, true, own, question);
        };
        let own_name = question.own_name.or(own.last().copied());
        let included = self.passes(parent, parts, skip - 1, Question { own_name, ..question });
        if self.rules.exact && !included && !level.exact {
            return false;
        }
        self.judge(level, included, own, question)
    }

    fn judge(&self, level: &Level, included: bool, own: &[&str], question: Question<'_>) -> bool {
        if self.rules.exact {
            decide(level, included, own, question, &self.fuel)
        } else {
            apply(level, included, own, question, &self.fuel)
        }
    }
}

/// glob itself resolves `.` components and repeated slashes; a path that leads out of the package
/// names nothing here.
fn normal_glob(pattern: &str) -> String {
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.join("/")
}

/// The rule that the entry takes back, found as version 8.0.0 finds it: the wrong one if the right
/// is gone already.
fn drop_negated(entry: &str, always: &mut Vec<&'static str>) {
    let Some(text) = entry.find('!').and_then(|at| entry.get(at..)).filter(|_| entry.starts_with('!')) else { return };
    let text = text.to_ascii_lowercase();
    let kinds: [&[&str]; 3] = [&["readme"], &["copying"], &["license", "licence"]];
    let Some(kind) = kinds.iter().find(|kind| kind.iter().any(|name| text.contains(name))) else { return };
    match always.iter().position(|rule| kind.iter().any(|name| rule.contains(name))) {
        Some(at) => {
            always.remove(at);
        }
        None => {
            always.pop();
        }
    }
}

/// The rules that keep the files of `patchedDependencies` out.
fn patches(manifest: &Manifest) -> Vec<String> {
    let Some(serde_json::Value::Object(map)) = manifest.get("patchedDependencies") else { return Vec::new() };
    let paths = map.values().filter_map(serde_json::Value::as_str).map(|path| path.replace('\\', "/"));
    let stripped = paths.map(|path| {
        let path = path.strip_prefix("./").or_else(|| path.strip_prefix('/')).unwrap_or(&path);
        path.trim_end_matches('/').to_owned()
    });
    let inside =
        |path: &String| !(path.is_empty() || path.starts_with('/') || path == ".." || path.starts_with("../") || path.contains("/../"));
    stripped.filter(inside).map(|path| format!("/{path}")).collect()
}
