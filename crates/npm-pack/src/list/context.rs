//! What lies around a package folder and counts for its list: the repository of which it is a
//! workspace.

use super::WorkspaceIgnores;

/// What a client knows of the surroundings when it packs a workspace, or a root that has
/// workspaces.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The folders from the workspaces' root down to the parent of the package folder.
    pub above: Vec<Above>,
    /// The folders of workspaces in the package folder, when the client was told to pack the root
    /// along with workspaces.
    pub workspaces: Vec<String>,
}

/// The ignore files of one folder above the package.
#[derive(Debug, Clone, Default)]
pub struct Above {
    /// The content of its .npmignore.
    pub npmignore: Option<String>,
    /// The content of its .gitignore.
    pub gitignore: Option<String>,
}

impl Context {
    /// The lines that the surroundings add to the rules of the root.
    pub(super) fn rules_above(&self, which: WorkspaceIgnores) -> String {
        let mut lines = String::new();
        if which == WorkspaceIgnores::Ignored {
            return lines;
        }
        for folder in &self.above {
            let texts = match which {
                WorkspaceIgnores::Both => [folder.gitignore.as_deref(), folder.npmignore.as_deref()],
                _ => [folder.npmignore.as_deref().or(folder.gitignore.as_deref()), None],
            };
            for text in texts.into_iter().flatten() {
                lines.push_str(text);
                lines.push('\n');
            }
        }
        lines.push_str(&self.workspaces.join("\n"));
        lines
    }
}
