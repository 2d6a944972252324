//! Hard links of an archive.

use npm_tarball::{Archive, Entry, EntryKind};

/// Hard links that are followed, one to the next.
const FOLLOWED: usize = 8;

/// The entry whose bytes a hard link has; another entry is itself.
pub(super) fn led_to<'a>(archive: &'a Archive, entry: &'a Entry) -> &'a Entry {
    let mut entry = entry;
    for _ in 0..FOLLOWED {
        let target = entry.link_target.as_deref().filter(|_| entry.kind == EntryKind::Hardlink);
        match target.and_then(|target| archive.get(target)) {
            Some(next) => entry = next,
            None => break,
        }
    }
    entry
}
