//! Where a lockfile leads a name to a folder of the project, in place of a package of a registry.
//!
//! A client links the folder that the lockfile names, also where nothing in the project asks for
//! that. It is the project's own only where it is a workspace of that name.

use std::collections::BTreeSet;
use std::path::Path;

use super::asked::{MAX_SHOWN, text_of};
use super::folders::joined;
use super::{Fault, address, json};

/// Most links that are kept.
const MAX_LINKS: usize = 100_000;

/// A name that leads to a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    name: String,
    /// From the project's folder; empty or `.` for that itself.
    folder: String,
    /// The folder whose package.json asks for it, where that is known.
    by: Option<String>,
}

impl Link {
    pub(crate) fn to(name: &str, folder: &str) -> Self {
        Self { name: name.to_owned(), folder: folder.to_owned(), by: None }
    }

    /// The same, where another folder of the project asks for it.
    pub(crate) fn asked_by(self, by: &str) -> Self {
        Self { by: Some(by.to_owned()), ..self }
    }

    /// The name that it stands for by what asks for it; `None` where that asks for its path.
    fn real(&self, project: &Path) -> Option<String> {
        let text = self.by.as_ref().and_then(|by| text_of(&project.join(by).join("package.json"))).unwrap_or_default();
        let of = json::parse(&text, false).ok();
        let lists = ["dependencies", "optionalDependencies", "devDependencies", "peerDependencies"];
        let range = of.as_ref().and_then(|of| lists.into_iter().find_map(|list| json::text(json::object(of, list)?, &self.name)));
        let path = range.and_then(|range| range.strip_prefix("link:").or_else(|| range.strip_prefix("file:")));
        let target = path.zip(self.by.as_deref()).and_then(|(path, by)| joined(by, path));
        let alias = range.and_then(|range| range.strip_prefix("workspace:")).and_then(address::split_name).map(|(real, _)| real);
        (target.as_deref() != Some(&self.folder)).then(|| alias.unwrap_or(&self.name).to_owned())
    }

    /// Keeps a link among others.
    pub(crate) fn keep(self, all: &mut Vec<Self>) -> Result<(), Fault> {
        if all.len() >= MAX_LINKS {
            return Err(Fault::TooMuch);
        }
        all.push(self);
        Ok(())
    }
}

/// The links that lead to a folder which is no workspace of that name, in words. What lies outside
/// the project is told as an entry that is left out.
pub(crate) fn strange(links: &[Link], project: &Path, workspaces: &BTreeSet<String>) -> Vec<String> {
    let is_strange = |link: &&Link| {
        let folder = if link.folder == "." { "" } else { link.folder.as_str() };
        let is_real = |name: String| is_workspace(project, workspaces, (folder, &name));
        address::is_inside(folder) && !link.real(project).is_none_or(is_real)
    };
    let short = |text: &str| text.chars().take(MAX_SHOWN).collect::<String>();
    let told = |link: &Link| {
        let (name, folder) = (short(&link.name), short(&link.folder));
        format!("the lockfile leads {name} to the folder {folder}, which is not a workspace of that name")
    };
    links.iter().filter(is_strange).take(super::MAX_GAPS).map(told).collect()
}

/// Whether a folder is the project itself or a workspace, and has this name; or the one that pnpm
/// links in the place of such a workspace, by its `publishConfig`.
pub(crate) fn is_workspace(project: &Path, workspaces: &BTreeSet<String>, (folder, name): (&str, &str)) -> bool {
    if (folder.is_empty() || workspaces.contains(folder)) && is_named(project, folder, name) {
        return true;
    }
    let above = folder.match_indices('/').map(|(at, _)| folder.get(..at).unwrap_or_default());
    above
        .filter(|above| workspaces.contains(*above))
        .any(|above| publishes(project, above).as_deref() == Some(folder) && is_named(project, above, name))
}

/// The folder in a workspace that stands for it.
fn publishes(project: &Path, workspace: &str) -> Option<String> {
    let text = text_of(&project.join(workspace).join("package.json"))?;
    let of = json::parse(&text, false).ok()?;
    joined(workspace, json::text(json::object(&of, "publishConfig")?, "directory")?)
}

/// Whether a folder's package.json has a name; one without a name is called as its folder is.
fn is_named(project: &Path, folder: &str, name: &str) -> bool {
    let text = text_of(&project.join(folder).join("package.json")).unwrap_or_default();
    let Ok(of) = json::parse(&text, false) else { return false };
    if let Some(own) = json::text(&of, "name") {
        return own == name;
    }
    let own = folder.rsplit('/').next().unwrap_or(folder);
    folder.is_empty() || name.rsplit('/').next() == Some(own) || is_hashed(name, own)
}

/// Whether a name is the one that yarn 2 and later makes of a folder's: with a hash of its path.
fn is_hashed(name: &str, own: &str) -> bool {
    let hash = name.strip_prefix(own).and_then(|rest| rest.strip_prefix('-'));
    hash.is_some_and(|hash| hash.len() == 6 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}
