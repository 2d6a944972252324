//! Asks a repository for the commits that claims lead to, and compares them with the published
//! files.

use serde_json::Value;

use context::Context;
use git::{GitError, Repository};
use npm_registry::confusion;
use origin::address::Address;
use origin::locate::{self, Nominee};
use origin::{Claims, LocateError, Located};
use rebuild::Published;
use rebuild::opening::open;
use verdict::{Ending, Verdict};

use crate::deno_pack;
use crate::draft::Draft;
use crate::halt::Halt;
use crate::question::Question;
use crate::user_source;

/// A repository that answered, and the commits that claims lead to.
pub(crate) struct Nominated {
    pub(crate) repository: Repository,
    nominees: Vec<Nominee>,
}

/// A repository that is being asked.
pub(crate) type Nominating = tokio::task::JoinHandle<Result<Nominated, LocateError>>;

/// Begins to ask a repository.
pub(crate) fn start(address: Address, claims: Claims, question: &Question, context: &Context) -> Nominating {
    // A recipe may be somebody else's, and its commands would run on what only the user may read.
    let identified = question.build.given.is_none();
    let (context, runtime, patience) = (context.clone(), tokio::runtime::Handle::current(), context.patience());
    tokio::task::spawn_blocking(patience.around(move || {
        let mut repository = open(&address, &context, &runtime, identified)?;
        let nominees = locate::nominate(&mut repository, &claims)?;
        Ok(Nominated { repository, nominees })
    }))
}

/// The commits that explain the published files.
pub(crate) fn find(nominated: Nominated, claims: &Claims, published: &Published) -> Result<(Repository, Located), LocateError> {
    let Nominated { mut repository, nominees } = nominated;
    let manifest = published.manifest();
    let git_head = manifest.get("gitHead").and_then(Value::as_str);
    let located = locate::locate(&mut repository, nominees, claims, &published.files(), git_head);
    // Such a package has no package.json in its source.
    let best = located.as_ref().ok().and_then(|located| located.origins.first());
    let nameless = match &located {
        Ok(_) => best.is_some_and(|origin| origin.name.is_none()),
        Err(error) => matches!(error, LocateError::NoCommit { .. } | LocateError::NotInRepository { .. }),
    };
    if nameless && let Some(file) = deno_pack::configuration(&mut repository, best.map(|origin| origin.commit), &claims.name, published)? {
        return Err(LocateError::PackedByDeno {
            file,
            evidence: located.map_or_else(|error| error.evidence().to_vec(), |found| found.evidence),
        });
    }
    Ok((repository, located?))
}

/// A repository that cannot be read, or has no commit, is a verdict; a failure of this machine is
/// not.
pub(crate) fn refused(draft: &mut Draft, error: LocateError, published: &Published, by_user: bool) -> Halt {
    match &error {
        LocateError::Git(
            GitError::Cancelled | GitError::Cache { .. } | GitError::Damaged { .. } | GitError::Config(_) | GitError::Source { .. },
        ) => Halt::Failed(Box::new(error)),
        LocateError::Git(GitError::NotGit { .. }) => Ending::by(Verdict::Unsupported, &error).into(),
        LocateError::PackedByDeno { evidence, .. } => {
            draft.evidence(evidence);
            Ending::by(Verdict::Unsupported, &error).into()
        }
        _ => {
            draft.evidence(error.evidence());
            draft.findings(confusion::without_source(&published.manifest()));
            let mut ending = Ending::by(Verdict::NoSource, &error);
            if by_user && let Some(hint) = user_source::hint(&error) {
                ending.hint = Some(hint.into());
            }
            ending.into()
        }
    }
}
