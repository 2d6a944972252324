//! What a reader should know of the checkout by which a package came out, where it is not git's
//! alone.

use std::collections::BTreeSet;

use rebuild::rebuilt::{Cleaned, Rebuilt, Shortened};
use verdict::{Finding, Outcome, Severity};

/// A warning for files that a checkout has with other text than a reader of the repository sees;
/// `None` if there are none.
pub(crate) fn altered(paths: &[String]) -> Option<Finding> {
    let files = first_of(paths);
    let message =
        format!(".gitattributes makes {files} in a checkout (working-tree-encoding, ident) differ from what the repository shows");
    (!paths.is_empty()).then(|| Finding::new("altered-by-attributes", Severity::Warning, message))
}

/// Warnings for what a tool that cleans up made other than the source shows.
pub(crate) fn cleaned(cleaned: &Cleaned) -> impl Iterator<Item = Finding> {
    uncommented(&cleaned.uncommented).into_iter().chain(rewritten(&cleaned.obeyed)).chain(cleaned.shortened.as_ref().map(shortened))
}

/// A warning for keys of package.json that say what is installed, run or loaded, and that a tool
/// set otherwise than the source; `None` if there are none.
fn rewritten(keys: &[String]) -> Option<Finding> {
    let keys_shown = first_of(keys);
    let message = format!("a tool that cleans up before packing sets {keys_shown} otherwise than the package.json of the source");
    (!keys.is_empty()).then(|| Finding::new("manifest-rewritten", Severity::Warning, message))
}

/// A warning for scripts that were published without comments of the source: the program is the
/// same, but a function's own text and the numbers of its lines are not. `None` if there are none.
fn uncommented(paths: &[String]) -> Option<Finding> {
    let files = first_of(paths);
    let message =
        format!("clean-publish removed comments from {files}: a program that reads its own text or line numbers sees the difference");
    (!paths.is_empty()).then(|| Finding::new("comments-removed", Severity::Warning, message))
}

/// A notice for a README.md that was cut; a warning where the package may run or read it: what is
/// cut from a program makes another one.
fn shortened(readme: &Shortened) -> Finding {
    let cut = "clean-publish cut README.md behind its first section";
    match &readme.user {
        Some(user) => {
            let message = format!("{cut}, and {user} may run or read it: the source's README.md may do something else");
            Finding::new("readme-shortened", Severity::Warning, message)
        }
        None => Finding::new("readme-shortened", Severity::Info, cut),
    }
}

/// Warnings for submodules at commits that their own repositories never took.
pub(crate) fn unreached(lines: Vec<String>) -> impl Iterator<Item = Finding> {
    let lines: BTreeSet<String> = lines.into_iter().collect();
    lines.into_iter().map(|line| Finding::new("submodule-unreached", Severity::Warning, line))
}

/// A warning for submodules that are the judged repository again: what is packed, or copied, from
/// there is in no file of the judged commit.
pub(crate) fn own_submodules(line: Option<String>) -> Option<Finding> {
    line.map(|line| Finding::new("built-from-itself", Severity::Warning, line))
}

/// A notice for files that were packed as the commit has them, though the build changed them.
pub(crate) fn put_back(paths: &[String]) -> Option<Finding> {
    let files = first_of(paths);
    let message = format!("the build changed {files}, and what is packed is the commit's");
    (!paths.is_empty()).then(|| Finding::new("files-put-back", Severity::Info, message))
}

/// The first of these paths, and how many more there are.
pub(crate) fn first_of(paths: &[String]) -> String {
    const SHOWN: usize = 3;
    let first = paths.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let more = paths.len().checked_sub(SHOWN + 1).map(|rest| format!(" and {} more", rest + 1)).unwrap_or_default();
    first + &more
}

/// Notices for the attempt that came out; none where none did.
pub(crate) fn findings(one: &Rebuilt) -> Vec<Finding> {
    let mut found = Vec::new();
    if one.outcome == Outcome::OtherEntries {
        return found;
    }
    if let Some(mode) = one.recipe.checkout.mode_of_all().filter(|_| one.recipe.checkout.is_without_modes()) {
        let message = format!("every file was published with mode {mode:o}, as on a file system without modes; git has other modes");
        found.push(Finding::new("modes-of-mount", Severity::Info, message));
    }
    found.extend(one.recipe.build.as_ref().and_then(|build| put_back(&build.restored)));
    if one.pointers > 0 {
        let message = format!(
            "{} published are in Git LFS: git has their SHA-256 and size, and nobody can read them in the repository",
            if one.pointers == 1 { "1 file".to_owned() } else { format!("{} files", one.pointers) }
        );
        found.push(Finding::new("lfs-by-pointer", Severity::Warning, message));
    }
    found.extend(cleaned(&one.cleaned));
    found
}
