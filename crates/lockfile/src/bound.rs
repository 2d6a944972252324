//! Ranges of yarn 2 and later that lead to a patch, or to a folder, a tarball or a program on disk.
//!
//! yarn looks them up with the one who asks for them behind: `file:./a::locator=x%40workspace%3A.`.
//! What they lead to is another thing with each letter of the path, and of a patch also with the
//! package that it is laid over.

use percent_encoding::percent_decode_str;

use super::address;

/// How deep a patch of a patch is followed.
pub(crate) const MAX_PATCHES: usize = 8;

/// The protocols of paths.
const PATHS: [&str; 4] = ["file:", "link:", "portal:", "exec:"];

/// A range of a path or of a patch in the form in which two of them are the same, without the one
/// who asks for it; `None` of any other range.
pub(crate) fn plain(range: &str) -> Option<String> {
    let address = range.split_once("::").map_or(range, |(address, _)| address);
    if address.starts_with("patch:") {
        return plain_patch(address, 0);
    }
    if address.starts_with("./") || address.starts_with("../") || address.starts_with('/') {
        return Some(format!("file:{address}"));
    }
    PATHS.iter().any(|protocol| address.starts_with(protocol)).then(|| address.to_owned())
}

/// `patch:a@npm%3A1.0.0#x.patch`: the package with its version, and the files.
fn plain_patch(address: &str, depth: usize) -> Option<String> {
    let patched = address.strip_prefix("patch:").filter(|_| depth < MAX_PATCHES)?;
    let (source, files) = patched.split_once('#').unwrap_or((patched, ""));
    let source = percent_decode_str(source).decode_utf8_lossy().into_owned();
    let (name, version) = address::split_name(&source).unwrap_or((&source, ""));
    let version = version.split_once("::").map_or(version, |(version, _)| version);
    let version = version.strip_prefix("npm:").unwrap_or(version);
    let version = if version.starts_with("patch:") { plain_patch(version, depth + 1)? } else { version.to_owned() };
    Some(format!("patch:{name}@{version}#{files}"))
}

/// Who asks for a range, as `name@reference`; empty where that does not say.
pub(crate) fn asker(range: &str) -> String {
    let parameters = range.split_once("::").map_or("", |(_, parameters)| parameters);
    let locator = parameters.split('&').find_map(|one| one.strip_prefix("locator="));
    percent_decode_str(locator.unwrap_or_default()).decode_utf8_lossy().into_owned()
}

/// Whether a reference is one of a patch that is no part of yarn itself: it changes what is
/// installed.
pub(crate) fn is_patched(reference: &str) -> bool {
    let mut reference = reference.to_owned();
    for _ in 0..MAX_PATCHES {
        let Some(patched) = reference.strip_prefix("patch:") else { return false };
        let (source, files) = patched.split_once('#').unwrap_or((patched, ""));
        let files = files.split_once("::").map_or(files, |(files, _)| files);
        if !files.split('&').all(is_builtin) {
            return true;
        }
        let source = percent_decode_str(source).decode_utf8_lossy().into_owned();
        reference = address::split_name(&source).map_or_else(String::new, |(_, inner)| inner.to_owned());
    }
    true
}

/// Whether yarn looks a range in its plain form up with the one who asks for it: a patch in the
/// project's own folder or of yarn itself is the same for all.
pub(crate) fn has_asker(plain: &str) -> bool {
    let files = plain.strip_prefix("patch:").and_then(|patched| patched.rsplit_once('#')).map(|(_, files)| files);
    let is_for_all = |file: &str| is_builtin(file) || file.strip_prefix("optional!").unwrap_or(file).starts_with(['~', '/']);
    !files.is_some_and(|files| files.split('&').all(is_for_all))
}

/// Whether a file of a patch is one of yarn's own: `optional!builtin<compat/resolve>`.
fn is_builtin(file: &str) -> bool {
    let bare = file.trim_start_matches('~');
    let bare = bare.strip_prefix("optional!").unwrap_or(bare).trim_start_matches('~');
    bare.strip_prefix("builtin<").and_then(|rest| rest.strip_suffix('>')).is_some_and(|name| !name.contains(['<', '>']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_the_same_only_with_its_package_its_version_and_its_files() {
        let same = plain("patch:a@npm%3A1.0.0#./x.patch");
        for also in ["patch:a@1.0.0#./x.patch", "patch:a@npm:1.0.0#./x.patch::locator=x%40workspace%3A.", "patch:a@npm%3A1.0.0#./x.patch"] {
            assert_eq!(plain(also), same, "{also}");
        }
        for other in ["patch:b@npm%3A1.0.0#./x.patch", "patch:a@npm%3A1.0.1#./x.patch", "patch:a@npm%3A1.0.0#./y.patch", "file:./x.patch"] {
            assert_ne!(plain(other), same, "{other}");
        }
        assert_eq!((plain("./a.tgz"), plain("^1.0.0"), plain("npm:a@1")), (plain("file:./a.tgz"), None, None));
        assert_eq!(
            asker("portal:../d::locator=e%40portal%3A.%2Fe%3A%3Alocator%3Dx%2540workspace%253A."),
            "e@portal:./e::locator=x%40workspace%3A."
        );
    }

    #[test]
    fn only_patches_of_yarn_itself_change_nothing() {
        for own in ["patch:a@npm%3A1#optional!builtin<compat/a>", "patch:a@npm%3A1#~builtin<compat/a>::version=1.0.0&hash=0", "npm:1.0.0"] {
            assert!(!is_patched(own), "{own}");
        }
        for other in [
            "patch:a@npm%3A1#./x.patch",
            "patch:a@npm%3A1#~/x.patch&optional!builtin<compat/a>",
            "patch:a@patch%3Aa@npm%253A1%23.%2Fx.patch#optional!builtin<compat/a>",
            "patch:a@npm%3A1#",
        ] {
            assert!(is_patched(other), "{other}");
        }
    }
}
