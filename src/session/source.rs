//! Where a package says that it comes from, by the registry's word alone.

use std::sync::atomic::AtomicBool;

use npm_spec::Spec;
use origin::address;
use verdict::boxed;

use super::setup::Setup;
use super::{Stop, until_stopped};
use crate::options::Options;

/// The address of the repository that the registry's metadata names. It decides nothing but the
/// order of work, and so whatever fails is `None`: judging the package says why.
pub(crate) async fn source_of(word: &str, options: &Options, cancelled: &AtomicBool) -> Option<String> {
    let stop = Stop::default();
    let read = async {
        let spec = Spec::parse(word).map_err(boxed)?;
        let setup = Setup::read(options)?;
        npm_registry::select(&spec, &setup.npm, &setup.client(), &setup.resolving(&stop)).await.map_err(boxed)
    };
    let release = until_stopped(read, &stop, options, cancelled).await.ok()?;
    let declared = address::declared_with(&release.manifest?, &|_| false).ok()??;
    Some(declared.address.url)
}
