//! What the user named as the source, by `--source` or by a recipe, in place of what the package
//! declares.

use context::Context;
use git::GitError;
use origin::LocateError;
use origin::address::{self, Address, AddressError};
use verdict::{Ending, Finding, Severity};

use crate::agreement::{Agreed, undeclared, unreadable};
use crate::question::{Question, SourceWord};

/// The source by the user's word.
pub(crate) struct UserSource {
    /// The repository; an error where the word is no address of one.
    pub(crate) address: Result<Address, AddressError>,
    /// The commit, where one is named.
    pub(crate) commit: Option<String>,
    /// The package's folder, where one is named.
    pub(crate) directory: Option<String>,
}

impl UserSource {
    /// What `--source` names, else what the recipe does; `None` where the package's own word
    /// counts.
    pub(crate) fn of(question: &Question, context: &Context) -> Option<Self> {
        let given = question.build.given.as_deref();
        let directory = given.map(|given| given.directory.clone());
        if let Some(named) = question.source.as_ref().map(|word| Self::named(word, context)) {
            return Some(Self { directory: named.directory.or(directory), ..named });
        }
        let parsed = |url: &str| address::parse_with(url, &|url| context.leads_to(url));
        given.map(|given| Self { address: parsed(&given.repository), commit: Some(given.commit.clone()), directory })
    }

    /// What `--source` names.
    pub(crate) fn named(word: &SourceWord, context: &Context) -> Self {
        let (address, fragment) = match word {
            SourceWord::Here { path, fragment } => {
                let path = context.cwd.join(path);
                (Ok(Address::here(&path.canonicalize().unwrap_or(path))), fragment.as_deref().unwrap_or_default())
            }
            SourceWord::Address(source) => {
                let fragment = source.split_once('#').map_or("", |(_, fragment)| fragment);
                (address::parse_with(source, &|url| context.leads_to(url)), fragment)
            }
        };
        let (commit, directory) = parts(fragment);
        Self { address, commit, directory }
    }
}

/// The commit and the folder behind `#`, as npm writes them and as this program prints them:
/// `<commit>::path:<folder>`.
fn parts(fragment: &str) -> (Option<String>, Option<String>) {
    let (commit, folder) = fragment.split_once("::path:").unwrap_or((fragment, ""));
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    (some(commit), some(folder.trim_matches('/')))
}

/// What to do where the repository that the user named is of no use: nobody declared it.
pub(crate) fn hint(error: &LocateError) -> Option<&'static str> {
    match error {
        LocateError::Git(GitError::NotFound { .. }) => {
            Some("it was removed or renamed, or is private: check the address that --source names")
        }
        LocateError::NotInRepository { .. } | LocateError::Empty { .. } => Some("check the address that --source names"),
        _ => None,
    }
}

/// The repository that the user named, with a finding that says so where the package itself does
/// not declare it.
pub(crate) fn agreed(named: Result<Option<Address>, AddressError>, declared: Option<&Agreed>) -> Result<Agreed, Box<Ending>> {
    let finding = Finding::new("source-by-user", Severity::Info, "the source was given with --source; the package does not declare it");
    let is_declared = |address: &Address| {
        declared.is_some_and(|own| address.on_this_machine().is_none() && address::same_repository(address, &own.address))
    };
    match named {
        Ok(Some(address)) => Ok(Agreed { findings: Vec::from_iter((!is_declared(&address)).then_some(finding)), address }),
        Ok(None) => Err(undeclared()),
        Err(error) => Err(unreadable(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_the_package_may_stand_behind_the_commit() {
        let parts = |text| {
            let (commit, folder) = parts(text);
            (commit.unwrap_or_default(), folder.unwrap_or_default())
        };
        assert_eq!(parts("v1::path:/packages/a/"), ("v1".into(), "packages/a".into()));
        assert_eq!(parts("::path:packages/a"), (String::new(), "packages/a".into()));
        assert_eq!(parts("feature/x"), ("feature/x".into(), String::new()));
        assert_eq!(parts(""), (String::new(), String::new()));
    }
}
