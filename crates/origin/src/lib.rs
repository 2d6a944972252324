//! Where a published version came from: claims and files go in, ranked origins with the evidence
//! for each come out.
//!
//! No claim is trusted: an address is read (`address`), tags are ranked by how well they name this
//! package and version (`tags`), and every commit that is named is compared with the published
//! files (`score`) before it is used (`locate`); history is read only where no claim leads to a
//! commit that explains the files (`history`), without what bots propose (`bots`).

pub mod address;
mod bots;
mod error;
mod history;
pub mod locate;
mod manifests;
mod named;
pub mod score;
pub mod tags;

pub use error::LocateError;
pub use locate::{Claims, Located, Origin};
pub use score::{PublishedFile, manifest_directories};
