//! What the user named as the source, by `--source` or by a recipe, in place of what the package declares.

use crate::options::Options;
use crate::origin::address::{self, Address, AddressError};
use crate::origin::agreement::{Agreed, undeclared, unreadable};
use crate::pipeline::Context;
use crate::report::draft::Ending;
use crate::report::json::{Finding, Severity};

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
    /// What `--source` names, else what the recipe does; `None` where the package's own word counts.
    pub(crate) fn of(options: &Options, context: &Context) -> Option<Self> {
        let given = context.given.as_deref();
        let directory = given.map(|given| given.directory.clone());
        if let Some((path, commit)) = options.local_source() {
            let path = context.cwd.join(path);
            let address = Ok(Address::here(&path.canonicalize().unwrap_or(path)));
            return Some(Self { address, commit: commit.map(str::to_owned), directory });
        }
        let parsed = |url: &str| address::parse_with(url, &|url| context.leads_to(url));
        if let Some(source) = &options.source {
            let commit = source.split_once('#').map(|(_, commit)| commit.to_owned()).filter(|commit| !commit.is_empty());
            return Some(Self { address: parsed(source), commit, directory });
        }
        given.map(|given| Self { address: parsed(&given.repository), commit: Some(given.commit.clone()), directory })
    }
}

/// The repository that the user named, with a finding that says so.
pub(crate) fn agreed(declared: Result<Option<Address>, AddressError>) -> Result<Agreed, Box<Ending>> {
    let finding = Finding::new("source-by-user", Severity::Info, "the repository is the user's own word, not the package's");
    match declared {
        Ok(Some(address)) => Ok(Agreed { address, finding: Some(finding) }),
        Ok(None) => Err(undeclared()),
        Err(error) => Err(unreadable(&error)),
    }
}
