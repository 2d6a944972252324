//! The fields that installers act on, each held against the tarball's own package.json.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::clients::{self, Word};
use super::{Disagreement, INSTALL_SCRIPTS, Inside};

/// npm's own script for a package with a `.gyp` file.
const GYP_SCRIPT: &str = "node-gyp rebuild";

/// Most commands of a package that are held against those of the metadata: each is held against
/// all.
const MOST_COMMANDS: usize = 1_000;

/// What disagrees, in the order of the fields.
pub(super) fn compared(registry: &Value, inside: Inside<'_>) -> Vec<Disagreement> {
    let mut found = Found { registry, inside, all: Vec::new() };
    found.dependencies();
    for field in ["peerDependencies", "acceptDependencies"] {
        let (theirs, own) = (clients::entries(registry.get(field)), clients::entries(inside.manifest.get(field)));
        found.ranges(field, &theirs, &own);
        found.odd_shape(field);
    }
    // npm 2, 3 and 11 hand `config` to install scripts, as variables.
    for field in ["peerDependenciesMeta", "dependenciesMeta", "engines", "config"] {
        found.settings(field);
    }
    for field in ["os", "cpu", "libc"] {
        found.platforms(field);
    }
    found.bundled();
    found.commands();
    found.scripts();
    found.gypfile();
    found.shrinkwrap();
    found.written();
    found.all
}

struct Found<'a> {
    registry: &'a Value,
    inside: Inside<'a>,
    all: Vec<Disagreement>,
}

impl Found<'_> {
    fn add(&mut self, field: &'static str, key: &str, registry: Option<&str>, tarball: Option<&str>) {
        let text = |side: Option<&str>| side.map(str::to_owned);
        self.all.push(Disagreement { field, key: key.to_owned(), registry: text(registry), tarball: text(tarball), weighs: true });
    }

    /// Dependencies and optional ones. npm 1 to 6 list the optional ones among the others when they
    /// publish, with the same range; npm 7 and later take them out there. Where both have a name
    /// and disagree, pnpm installs by the first and npm by the second.
    fn dependencies(&mut self) {
        let both = |manifest: &Value| ["dependencies", "optionalDependencies"].map(|field| clients::entries(manifest.get(field)));
        let [mut theirs, their_optional] = both(self.registry);
        let [mut own, own_optional] = both(self.inside.manifest);
        // npm 1 to 8: what is bundled and not among the dependencies becomes one
        // (normalize-package-data `fixBundleDependenciesField`). They list it as bundled in the
        // metadata, too, so that an installation takes what is inside.
        let lists = [self.lists(self.registry), self.lists(self.inside.manifest)];
        let in_both = |name: &String| {
            let word = Word::Text(name.clone());
            lists.iter().all(|lists| lists.iter().any(|list| list.contains(&word)))
        };
        let is_starred = |name: &String, range: &Word| range.text() == "*" && in_both(name);
        // npm 7 does the same to what `true` bundles. It takes what is inside; others install any
        // version.
        let bundles_all =
            ["bundleDependencies", "bundledDependencies"].iter().any(|field| self.inside.manifest.get(field) == Some(&Value::Bool(true)));
        let is_inside = |name: &String| self.has(&format!("node_modules/{name}/package.json"));
        let by_npm_7 = |name: &String, range: &Word| is_starred(name, range) && bundles_all && is_inside(name);
        let told: Vec<(String, Option<String>)> = theirs
            .iter()
            .filter(|(name, range)| match own.get(*name) {
                Some(pinned) => !pinned.same(range) && by_npm_7(name, range),
                None => is_starred(name, range) && !is_inside(name),
            })
            .map(|(name, _)| (name.clone(), own.get(name).map(|pinned| pinned.text().to_owned())))
            .collect();
        let all = theirs.clone();
        theirs.retain(|name, range| {
            let copied = their_optional.get(name).is_some_and(|optional| optional.same(range));
            let added = if own.contains_key(name) { by_npm_7(name, range) } else { is_starred(name, range) };
            !(copied || added)
        });
        own.retain(|name, _| {
            let starred = || all.get(name).is_some_and(|range| by_npm_7(name, range));
            theirs.contains_key(name) || !(own_optional.contains_key(name) || starred())
        });
        for (name, pinned) in told {
            self.add("dependencies", &name, Some("*"), pinned.as_deref());
            if let Some(last) = self.all.last_mut() {
                last.weighs = false;
            }
        }
        self.ranges("dependencies", &theirs, &own);
        self.ranges("optionalDependencies", &their_optional, &own_optional);
        self.odd_shape("dependencies");
        self.odd_shape("optionalDependencies");
    }

    fn ranges(&mut self, field: &'static str, theirs: &BTreeMap<String, Word>, own: &BTreeMap<String, Word>) {
        for name in theirs.keys().chain(own.keys().filter(|name| !theirs.contains_key(*name))) {
            match (theirs.get(name), own.get(name)) {
                (Some(one), Some(two)) if one.same(two) => {}
                // An assignment in JavaScript loses this name (npm 1 to 6).
                (None, Some(own)) if matches!(own, Word::Odd(_)) || name == "__proto__" => {}
                (one, two) => self.add(field, name, one.map(Word::text), two.map(Word::text)),
            }
        }
    }

    /// A list or a text where an object belongs, which clients read each in its own way, is only
    /// sound where it was published as it is.
    fn odd_shape(&mut self, field: &'static str) {
        let odd = |value: Option<&Value>| value.filter(|value| !value.is_object() && is_something(value)).map(Value::to_string);
        let (theirs, own) = (odd(self.registry.get(field)), odd(self.inside.manifest.get(field)));
        if theirs.is_some() && theirs != own {
            self.add(field, "", theirs.as_deref(), own.as_deref());
        }
    }

    /// Objects of which no client changes a value.
    fn settings(&mut self, field: &'static str) {
        let (theirs, own) = (settings(self.registry.get(field)), settings(self.inside.manifest.get(field)));
        if field == "engines" && self.inside.manifest.get(field).is_some_and(|engines| clients::demands(engines).contains(&theirs)) {
            return;
        }
        for key in theirs.keys().chain(own.keys().filter(|key| !theirs.contains_key(*key))) {
            let (one, two) = (theirs.get(key), own.get(key));
            // npm before 1.0 writes that any Node will do where a package says nothing.
            let any_node = field == "engines" && key == "node" && two.is_none() && one.is_some_and(|word| word.text() == "*");
            if one != two && !any_node {
                self.add(field, key, one.map(Word::text), two.map(Word::text));
            }
        }
    }

    /// Lists whose order says nothing.
    fn platforms(&mut self, field: &'static str) {
        // No client trims them: `npm-install-checks` takes each as it is.
        let exact = |value: &Value| value.as_str().map_or_else(|| Word::read(value), |text| Word::Text(text.to_owned()));
        let list = |manifest: &Value| -> BTreeSet<Word> {
            match manifest.get(field) {
                Some(Value::Array(list)) => list.iter().map(exact).collect(),
                Some(value) if is_something(value) => BTreeSet::from([exact(value)]),
                _ => BTreeSet::new(),
            }
        };
        self.sets(field, &list(self.registry), &list(self.inside.manifest));
    }

    fn sets(&mut self, field: &'static str, theirs: &BTreeSet<Word>, own: &BTreeSet<Word>) {
        if theirs != own {
            let text = |set: &BTreeSet<Word>| {
                let all: Vec<&str> = set.iter().map(Word::text).collect();
                (!all.is_empty()).then(|| all.join(", "))
            };
            self.add(field, "", text(theirs).as_deref(), text(own).as_deref());
        }
    }

    /// Every list of bundled names: clients read one or the other of two spellings first.
    fn lists(&self, manifest: &Value) -> Vec<BTreeSet<Word>> {
        let fields = ["bundleDependencies", "bundledDependencies"].iter().filter_map(|field| manifest.get(*field));
        fields.filter(|value| is_something(value)).map(|value| clients::bundled(value, self.inside.manifest)).collect()
    }

    fn bundled(&mut self) {
        let (theirs, own) = (self.lists(self.registry), self.lists(self.inside.manifest));
        let none = BTreeSet::new();
        // npm 1 to 8 leave out what is no list (normalize-package-data
        // `fixBundleDependenciesField`).
        let is_list = |field: &str| self.inside.manifest.get(field).is_none_or(|value| value.is_array() || !is_something(value));
        let dropped = theirs.is_empty() && !(is_list("bundleDependencies") && is_list("bundledDependencies"));
        let kept = |list: &BTreeSet<Word>| own.contains(list) || (own.is_empty() && list.is_empty());
        match theirs.iter().find(|list| !kept(list)) {
            Some(list) => self.sets("bundleDependencies", list, own.first().unwrap_or(&none)),
            None if theirs.is_empty() && !dropped => self.sets("bundleDependencies", &none, own.first().unwrap_or(&none)),
            None => {}
        }
    }

    fn commands(&mut self) {
        let directory = |manifest: &Value| manifest.pointer("/directories/bin").filter(|value| is_something(value)).cloned();
        let (their_folder, folder) = (directory(self.registry), directory(self.inside.manifest));
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), clients::inner);
        let folders = [&their_folder, &folder].map(|folder| folder.as_ref().map(text));
        let [their_text, own_text] = &folders;
        let own = clients::commands(self.inside.manifest);
        let theirs: BTreeMap<String, String> = clients::commands(self.registry).into_iter().collect();
        // yarn 1 puts the files of the folder in place of its name (`normalize-manifest/fix`).
        let replaced = their_text.is_none() && own.is_empty() && !theirs.is_empty();
        if their_text != own_text && !replaced {
            self.add("directories", "bin", their_text.as_deref(), own_text.as_deref());
        }
        if own.len().max(theirs.len()) > MOST_COMMANDS {
            // No package has so many, and what cannot be held against the other in time is not the
            // same.
            self.add("bin", "", Some(&format!("{} commands", theirs.len())), Some(&format!("{} commands", own.len())));
            return;
        }
        // Which of two that npm publishes under one name is installed depends on who reads them.
        let twice = |name: &str| {
            let ours = own.iter().filter_map(|(key, at)| clients::published_command(key, at)).filter(|(published, _)| published == name);
            ours.map(|(_, path)| path).collect::<BTreeSet<_>>().len() > 1
        };
        for (name, path) in &theirs {
            if twice(name) {
                let all: Vec<&str> = own.iter().map(|(_, path)| path.as_str()).collect();
                self.add("bin", name, Some(path), Some(&all.join(", ")));
                continue;
            }
            let as_it_is = own.iter().any(|(key, at)| key == name && (at == path || (at.is_empty() && path == ".")));
            let published =
                || own.iter().any(|(key, at)| clients::published_command(key, at).is_some_and(|it| it == (name.clone(), path.clone())));
            // npm 0.3 to 11 and yarn 1 list what is in the folder where there is no `bin`.
            let listed = || {
                let inner = clients::inner(path);
                let below =
                    |folder: &String| folder.is_empty() || inner.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
                own.is_empty() && own_text.as_ref().is_some_and(below) && clients::base(&inner) == name && self.has_below(&inner)
            };
            if !(as_it_is || published() || listed()) {
                let known = own.iter().find(|(key, _)| key == name).map(|(_, path)| path.as_str());
                self.add("bin", name, Some(path), known);
            }
        }
        // Of a list npm before 6 publishes a part, and npm 6 to 11 leave out what is no text.
        let bin = self.inside.manifest.get("bin");
        let is_text = |name: &str| !bin.is_some_and(Value::is_array) && bin.and_then(|all| all.get(name)).is_none_or(Value::is_string);
        for (name, path) in own.iter().filter(|(name, _)| is_text(name)) {
            let published = clients::published_command(name, path);
            let missing = !theirs.contains_key(name) && published.as_ref().is_some_and(|(name, _)| !theirs.contains_key(name));
            if missing && clients::kept_by_yarn(name, path) {
                self.add("bin", name, None, Some(path));
            }
        }
    }

    fn has(&self, path: &str) -> bool {
        self.inside.paths.contains(&path)
    }

    /// Whether this is a file, or a folder with one in it.
    fn has_below(&self, path: &str) -> bool {
        self.inside.paths.iter().any(|one| one.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }

    /// Scripts that run at an installation. A document without any scripts may be the short form,
    /// which says `hasInstallScript` in their place; npm then reads them from the tarball.
    fn scripts(&mut self) {
        let script = |manifest: &Value, name: &str| manifest.get("scripts")?.get(name).filter(|value| is_something(value)).cloned();
        let has_any = INSTALL_SCRIPTS.iter().any(|name| script(self.inside.manifest, name).is_some_and(|value| value.is_string()));
        let flag = self.registry.get("hasInstallScript").and_then(Value::as_bool);
        if flag == Some(false) && has_any {
            self.add("hasInstallScript", "", Some("false"), Some("true"));
        }
        if flag == Some(true) && self.registry.get("scripts").is_none() {
            return;
        }
        let no_other = ["preinstall", "install"].iter().all(|name| script(self.inside.manifest, name).is_none());
        let gyp = self.inside.paths.iter().any(|path| is_gyp(path));
        // npm 10 and 11 run a script that only the metadata has, where they read all of it
        // (`--before`), and with a command of the package's own.
        let brings_gyp = self.brings_gyp();
        // npm 1 to 3 publish no script at all where one is no text.
        let all_lost =
            self.inside.manifest.get("scripts").and_then(Value::as_object).is_some_and(|all| all.values().any(|one| !one.is_string()));
        for name in INSTALL_SCRIPTS {
            let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
            let own = script(self.inside.manifest, name).filter(Value::is_string).map(text).filter(|text| !text.is_empty());
            let theirs = script(self.registry, name).map(text).filter(|text| !text.is_empty());
            let same = theirs == own
                || matches!((&theirs, &own), (Some(theirs), Some(own)) if theirs == clients::published_script(own).trim())
                || script(self.inside.manifest, name).is_some_and(|own| !own.is_string() && script(self.registry, name) == Some(own));
            if same || (all_lost && theirs.is_none()) {
                continue;
            }
            // npm 1 to 11: a package with a `.gyp` file and no script of its own is built with
            // node-gyp (read-package-json `gypfile`).
            let added = name == "install" && no_other && theirs.as_deref() == Some(GYP_SCRIPT);
            if added && gyp && !(brings_gyp && self.forbids_gyp()) {
                continue;
            }
            self.add("scripts", name, theirs.as_deref(), own.as_deref());
            let by_npm = added && !brings_gyp && self.registry.get("gypfile") == Some(&Value::Bool(true));
            if let Some(last) = self.all.last_mut().filter(|_| by_npm) {
                // The file was in the folder and was not published: there is nothing to build.
                last.weighs = false;
            }
        }
    }

    /// Whether the package has a command of node-gyp's name, which is then run in its place.
    fn brings_gyp(&self) -> bool {
        [self.registry, self.inside.manifest].into_iter().flat_map(clients::commands).any(|(name, _)| name == "node-gyp")
    }

    fn forbids_gyp(&self) -> bool {
        self.inside.manifest.get("gypfile") == Some(&Value::Bool(false))
    }

    /// `gypfile: false` keeps npm from building, `true` is written by npm where there is a `.gyp`
    /// file.
    fn gypfile(&mut self) {
        let [theirs, own] = [self.registry, self.inside.manifest].map(|manifest| manifest.get("gypfile"));
        // npm 1 to 3 do not ask what it says here.
        let is_there = self.inside.paths.iter().any(|path| is_gyp(path));
        let overwritten = theirs == Some(&Value::Bool(true)) && is_there && !self.brings_gyp();
        let their_word = theirs == Some(&Value::Bool(false));
        // A short document has no such field. A whole one that lacks it has npm build what the
        // tarball forbids.
        let is_whole = ["_id", "scripts"].iter().any(|field| self.registry.get(*field).is_some());
        let is_lost = theirs.is_none() && is_whole && is_there && self.forbids_gyp();
        if is_lost || (theirs.is_some() && their_word != self.forbids_gyp() && !overwritten) {
            let [theirs, own] = [theirs, own].map(|value| value.map(Value::to_string));
            self.add("gypfile", "", theirs.as_deref(), own.as_deref());
        }
    }

    /// What npm 2 and 3 write into the installed package.json as the registry says it (`main`), and
    /// what yarn 1 refuses an installation for (`flat`).
    fn written(&mut self) {
        for field in ["main", "flat"] {
            let [theirs, own] =
                [self.registry, self.inside.manifest].map(|manifest| manifest.get(field).filter(|value| is_something(value)));
            if theirs.is_some() && theirs != own {
                let [theirs, own] = [theirs, own].map(|value| value.map(Value::to_string));
                self.add(field, "", theirs.as_deref(), own.as_deref());
            }
        }
    }

    /// Whether the tarball brings its own tree of dependencies, which npm then installs. npm 3 to 6
    /// install what `_shrinkwrap` says, which they write for themselves when they read a tarball;
    /// no client publishes it, nor `_bundled` beside it.
    fn shrinkwrap(&mut self) {
        for field in ["_shrinkwrap", "_bundled"] {
            if let Some(theirs) = self.registry.get(field).filter(|value| is_something(value)) {
                self.add(field, "", Some(&theirs.to_string()), None);
            }
        }
        let own = self.has("npm-shrinkwrap.json");
        match self.registry.get("_hasShrinkwrap") {
            Some(Value::Bool(theirs)) if *theirs != own => {
                self.add("_hasShrinkwrap", "", Some(&theirs.to_string()), Some(&own.to_string()));
            }
            Some(odd) if !odd.is_boolean() && is_something(odd) => {
                self.add("_hasShrinkwrap", "", Some(&odd.to_string()), Some(&own.to_string()));
            }
            // npm follows it only where the registry speaks of it. Not every client says so when it
            // publishes.
            None | Some(Value::Null) if own => {
                self.add("_hasShrinkwrap", "", None, Some("true"));
                if let Some(last) = self.all.last_mut() {
                    last.weighs = false;
                }
            }
            _ => {}
        }
    }
}

/// A file that node-gyp builds by, where npm looks for it.
fn is_gyp(path: &str) -> bool {
    !path.contains('/') && path.strip_suffix(".gyp").is_some_and(|name| !name.is_empty() && !name.starts_with('.'))
}

/// Whether a value is one to JavaScript: not null, false, empty text or zero.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => true,
    }
}

/// Keys and values as texts; what is no object is one value.
fn settings(field: Option<&Value>) -> BTreeMap<String, Word> {
    match field {
        Some(Value::Object(map)) => {
            map.iter().filter(|(_, value)| !is_empty(value)).map(|(key, value)| (key.clone(), Word::read(value))).collect()
        }
        Some(value) if is_something(value) && !is_empty(value) => BTreeMap::from([(String::new(), Word::read(value))]),
        _ => BTreeMap::new(),
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}
