//! `path.basename` and `path.extname` of Node for POSIX paths.

/// The part after the last slash; slashes at the end do not count.
pub(super) fn basename(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').map_or(path, |(_, base)| base)
}

/// The extension of a base name with its dot. A dot at the start makes none (`.npmrc`), one at the
/// end is one (`a.`), and `..` has none.
pub(super) fn extname(base: &str) -> &str {
    let Some(dot) = base.rfind('.') else { return "" };
    let (stem, extension) = base.split_at(dot);
    if stem.is_empty() || base == ".." {
        return "";
    }
    extension
}
