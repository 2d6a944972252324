//! The published tarball, fetched and read.

use context::Context;
use npm_registry::{Integrity, IntegrityCheck, Release, ResolveOptions};
use npm_spec::{Spec, Target};
use npm_tarball::ArchiveError;
use rebuild::{Published, SourceError};
use verdict::{Ending, Finding, Severity, Verdict, boxed, internal};

use crate::draft::Draft;
use crate::halt::Halt;

/// Downloads the tarball, which must be the one that the registry announces, and reads it.
pub(crate) async fn download(spec: &Spec, release: &Release, context: &Context, draft: &mut Draft) -> Result<Published, Halt> {
    let resolving = ResolveOptions { cancel: context.cancel.clone(), ..ResolveOptions::default() };
    let tarball = npm_registry::download(release, spec, &context.npm, &context.client, &resolving).await.map_err(boxed)?;
    if let IntegrityCheck::Mismatch { expected, actual } = &tarball.check {
        let message = format!("the registry announces {expected}, and serves {actual}");
        let hint = "a proxy or mirror may have damaged it: try another registry; if it stays, do not install it";
        return Err(Ending::new(Verdict::Differs, "integrity-mismatch", message, hint).into());
    }
    // npm before 5 and yarn before 1.10 know no other hash, and take what fits this one.
    if let Some(expected) = release.shasum.as_deref().map(str::trim).filter(|text| Integrity::from_shasum(text).is_some())
        && !expected.eq_ignore_ascii_case(&tarball.shasum)
    {
        let message = format!("the registry announces the shasum {expected}, and serves {}", tarball.shasum);
        let hint = "clients that check different hashes install different files: do not install it";
        return Err(Ending::new(Verdict::Differs, "integrity-mismatch", message, hint).into());
    }
    if let (Some(registry), Some(url)) = (&release.registry, &release.url)
        && registry.origin() != url.origin()
    {
        let host = url.host_str().unwrap_or_default();
        let severity = if release.promised().is_some() { Severity::Info } else { Severity::Warning };
        let message = format!("the registry has the tarball on another host: {host}");
        draft.findings([Finding::new("tarball-elsewhere", severity, message)]);
    }
    draft.integrity(&tarball);
    let read = tokio::task::spawn_blocking(move || Published::read(&tarball)).await.map_err(internal)?;
    read.map_err(|error| boxed(SourceError::Io(error)))?.map_err(|error| {
        let own_file = matches!(spec.target(), Target::File(_));
        if matches!(error, ArchiveError::Spool(_) | ArchiveError::Read(_)) || own_file && matches!(error, ArchiveError::NotAnArchive) {
            // This machine's disk, not the archive; or a file of the user's that is no package, of
            // which nobody claims that it is one.
            return Halt::Failed(boxed(error));
        }
        let mut ending = Ending::by(Verdict::Differs, &error);
        ending.hint.get_or_insert_with(|| "no publishing client writes such an archive: do not install it".into());
        ending.into()
    })
}
