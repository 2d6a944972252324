//! Ranges that only a workspace understands, as clients write them out for the registry:
//! `workspace:`, `catalog:`, `jsr:`.

use super::workspace::{Member, Workspace};

/// Which versions the other packages of the repository have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versions {
    /// Those of the tree.
    Tree,
    /// Those that share this version in the tree have the published one: all packages are released
    /// together, and the tree was not changed by it.
    Together,
}

/// The surroundings with a decision about versions.
#[derive(Clone, Copy)]
pub(super) struct Resolver<'w> {
    pub(super) workspace: &'w Workspace,
    pub(super) versions: Versions,
    /// This package's version in the tree.
    pub(super) own: Option<&'w str>,
}

/// A range that a client would not pack with: another package is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unresolved;

/// A range as it is written out, and whether the client had to read a file for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) range: String,
    pub(super) read: bool,
}

impl Written {
    fn at_once(range: impl Into<String>) -> Self {
        Self { range: range.into(), read: false }
    }

    fn after_reading(range: String) -> Self {
        Self { range, read: true }
    }
}

/// How pnpm reads `workspace:` ranges, by release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grammar {
    /// `^workspace:(?:alias@)?([\^~*])$`: pnpm 6.20 to 10.2x.
    Sign,
    /// The sign may be missing: pnpm 10.34 and later.
    SignOrNothing,
}

impl<'w> Resolver<'w> {
    pub(super) fn version_of(self, member: &'w Member) -> Option<&'w str> {
        let version = member.version.as_deref();
        match self.versions {
            Versions::Together if version.is_some() && version == self.own => Some(&self.workspace.version),
            _ => version,
        }
    }

    /// A package by name, with the version that it is written out with.
    fn member(self, name: &str) -> Result<&'w str, Unresolved> {
        self.workspace.members.get(name).and_then(|member| self.version_of(member)).ok_or(Unresolved)
    }

    /// pnpm's `workspace:` in dependencies, development and optional ones, and up to 9.4 in peers.
    pub(super) fn pnpm_workspace(self, name: &str, spec: &str, grammar: Grammar) -> Result<Written, Unresolved> {
        let Some(rest) = spec.strip_prefix("workspace:") else { return Ok(Written::at_once(spec)) };
        let (alias, sign) = match rest.rsplit_once('@') {
            Some((alias, sign)) if !alias.is_empty() => (Some(alias), sign),
            _ => (None, rest),
        };
        if matches!(sign, "^" | "~" | "*") || (sign.is_empty() && (grammar == Grammar::SignOrNothing)) {
            let sign = if sign == "*" { "" } else { sign };
            let target = alias.unwrap_or(name);
            let version = self.member(target)?;
            let range = if target == name { format!("{sign}{version}") } else { format!("npm:{target}@{sign}{version}") };
            return Ok(Written::after_reading(range));
        }
        if rest.starts_with("./") || rest.starts_with("../") {
            let (target, member) = self.workspace.member_in(&below(&self.workspace.directory, rest)).ok_or(Unresolved)?;
            let version = self.version_of(member).ok_or(Unresolved)?;
            let range = if target == name { version.to_owned() } else { format!("npm:{target}@{version}") };
            return Ok(Written::after_reading(range));
        }
        Ok(Written::at_once(if rest.contains('@') { format!("npm:{rest}") } else { rest.to_owned() }))
    }

    /// pnpm's `workspace:` in peers since 9.5: anywhere in the range, `workspace:^1 || ^2` too.
    pub(super) fn pnpm_peer(self, name: &str, spec: &str) -> Result<Written, Unresolved> {
        let Some((before, rest)) = spec.split_once("workspace:") else { return Ok(Written::at_once(spec)) };
        let sign = ["^", "~", "*", ">=", ">", "<=", "<"].into_iter().find(|sign| rest.starts_with(sign)).unwrap_or("");
        let after = rest.get(sign.len()..).unwrap_or("");
        if after.starts_with(|c: char| c.is_ascii_digit() || matches!(c, 'x' | 'X' | '*')) {
            return Ok(Written::at_once(format!("{before}{rest}")));
        }
        let shown = if sign == "*" { "" } else { sign };
        Ok(Written::after_reading(format!("{before}{shown}{}{after}", self.member(name)?)))
    }

    /// yarn's `workspace:`: a sign, a folder, or a range that is written out as it is.
    pub(super) fn berry_workspace(self, name: &str, selector: &str, signs: bool) -> Result<String, Unresolved> {
        let by_folder = self.workspace.member_in(selector).filter(|(target, _)| *target == name).map(|(_, member)| member);
        let member = by_folder.or_else(|| self.workspace.members.get(name)).ok_or(Unresolved)?;
        let version = self.version_of(member).unwrap_or("0.0.0");
        Ok(match selector {
            _ if by_folder.is_some() => version.to_owned(),
            "*" => version.to_owned(),
            "~" | "^" if signs => format!("{selector}{version}"),
            other => other.to_owned(),
        })
    }

    /// bun's `workspace:`: a sign, or a range that is written out as it is.
    pub(super) fn bun_workspace(self, name: &str, rest: &str) -> Result<String, Unresolved> {
        match rest {
            "*" | "" => self.member(name).map(str::to_owned),
            "^" | "~" => self.member(name).map(|version| format!("{rest}{version}")),
            other => Ok(other.to_owned()),
        }
    }

    /// `catalog:` and `catalog:name`.
    pub(super) fn catalog(self, name: &str, spec: &str) -> Result<String, Unresolved> {
        let Some(catalog) = spec.strip_prefix("catalog:") else { return Ok(spec.to_owned()) };
        let catalog = if catalog.trim() == "default" { "" } else { catalog.trim() };
        self.workspace.catalogs.get(catalog).and_then(|entries| entries.get(name)).cloned().ok_or(Unresolved)
    }
}

/// pnpm's and yarn's `jsr:`: an alias for jsr's packages on npm.
pub(super) fn jsr(name: &str, spec: &str) -> Result<String, Unresolved> {
    let Some(rest) = spec.strip_prefix("jsr:") else { return Ok(spec.to_owned()) };
    let (package, range) = match rest.rsplit_once('@') {
        Some(("", _)) => (rest, None),
        Some((package, range)) => (package, Some(range)),
        None => (name, Some(rest)),
    };
    let (scope, base) = package.strip_prefix('@').and_then(|package| package.split_once('/')).ok_or(Unresolved)?;
    let range = range.filter(|range| !range.is_empty()).map(|range| format!("@{range}")).unwrap_or_default();
    Ok(format!("npm:@jsr/{scope}__{base}{range}"))
}

/// A folder relative to another, from the root on.
fn below(directory: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        let mut workspace = Workspace::new("2.0.0", "", "packages/own");
        for (name, version) in [("a", "1.2.3"), ("@s/b", "1.0.0")] {
            let member = Member { version: Some(version.into()), directory: format!("packages/{}", name.trim_start_matches("@s/")) };
            workspace.members.insert(name.into(), member);
        }
        let catalog = |entries: &[(&str, &str)]| entries.iter().map(|(name, range)| ((*name).into(), (*range).into())).collect();
        workspace.catalogs.insert(String::new(), catalog(&[("c", "^7.0.0")]));
        workspace.catalogs.insert("old".into(), catalog(&[("c", "^6.0.0")]));
        workspace
    }

    fn with<T>(versions: Versions, ask: impl FnOnce(Resolver<'_>) -> T) -> T {
        ask(Resolver { workspace: &workspace(), versions, own: Some("1.0.0") })
    }

    fn pnpm(name: &str, spec: &str) -> Option<String> {
        with(Versions::Tree, |to| to.pnpm_workspace(name, spec, Grammar::SignOrNothing)).ok().map(|written| written.range)
    }

    #[test]
    fn pnpm_writes_signs_with_the_version_of_the_tree() {
        assert_eq!(pnpm("a", "workspace:^").as_deref(), Some("^1.2.3"));
        assert_eq!(pnpm("a", "workspace:*").as_deref(), Some("1.2.3"));
        assert_eq!(pnpm("a", "workspace:").as_deref(), Some("1.2.3"));
        assert_eq!(pnpm("a", "workspace:^1.0.0").as_deref(), Some("^1.0.0"));
        assert_eq!(pnpm("x", "workspace:@s/b@~").as_deref(), Some("npm:@s/b@~1.0.0"));
        assert_eq!(pnpm("x", "workspace:@s/b@^1").as_deref(), Some("npm:@s/b@^1"));
        assert_eq!(pnpm("a", "workspace:../a").as_deref(), Some("1.2.3"));
        assert_eq!(pnpm("a", "^5.0.0").as_deref(), Some("^5.0.0"));
    }

    #[test]
    fn a_package_that_is_not_there_stops_the_client() {
        assert_eq!(pnpm("gone", "workspace:^"), None);
        assert_eq!(with(Versions::Tree, |to| to.catalog("c", "catalog:none")), Err(Unresolved));
    }

    #[test]
    fn packages_released_together_have_the_published_version() {
        let written = |name| with(Versions::Together, |to| to.pnpm_workspace(name, "workspace:^", Grammar::Sign)).map(|one| one.range);
        assert_eq!(written("@s/b").as_deref(), Ok("^2.0.0"));
        assert_eq!(written("a").as_deref(), Ok("^1.2.3"));
    }

    #[test]
    fn peers_keep_what_stands_around_the_workspace() {
        let peer = |spec| with(Versions::Tree, |to| to.pnpm_peer("a", spec)).map(|one| one.range);
        assert_eq!(peer("workspace:>=").as_deref(), Ok(">=1.2.3"));
        assert_eq!(peer("workspace:^ || ^0.9.0").as_deref(), Ok("^1.2.3 || ^0.9.0"));
        assert_eq!(peer("workspace:^1.0.0").as_deref(), Ok("^1.0.0"));
    }

    #[test]
    fn yarn_knows_folders_and_signs() {
        let yarn = |selector| with(Versions::Tree, |to| to.berry_workspace("a", selector, true));
        assert_eq!(yarn("packages/a").as_deref(), Ok("1.2.3"));
        assert_eq!(yarn("^").as_deref(), Ok("^1.2.3"));
        assert_eq!(yarn("^1.0.0").as_deref(), Ok("^1.0.0"));
    }

    #[test]
    fn catalogs_and_jsr_are_written_out() {
        assert_eq!(with(Versions::Tree, |to| to.catalog("c", "catalog:")).as_deref(), Ok("^7.0.0"));
        assert_eq!(with(Versions::Tree, |to| to.catalog("c", "catalog:old")).as_deref(), Ok("^6.0.0"));
        assert_eq!(jsr("@std/fs", "jsr:^1.0").as_deref(), Ok("npm:@jsr/std__fs@^1.0"));
        assert_eq!(jsr("fs", "jsr:@std/fs@1").as_deref(), Ok("npm:@jsr/std__fs@1"));
        assert_eq!(jsr("fs", "jsr:@std/fs").as_deref(), Ok("npm:@jsr/std__fs"));
        assert_eq!(jsr("fs", "jsr:^1"), Err(Unresolved));
    }
}
