//! Paths inside a package: parts with `/` between them, `""` for the root.

/// The path of a file in a folder; the folder `""` is the root.
pub fn join(directory: &str, path: &str) -> String {
    if directory.is_empty() { path.to_owned() } else { format!("{directory}/{path}") }
}
