//! Expansion of a pattern over a package folder, as the npm package `glob` does it with `dot:
//! true`.

use super::{Fuel, GlobError, Options, Subject};

/// Units for a path that is found: it is kept, for every pattern that names it.
const FOUND: usize = 500;

/// The paths that a pattern names, of those given: `(path, is it a folder)`.
///
/// `lib/**` names `lib` too. With `keeps_dot`, a leading `./` is known and stays on the results
/// (glob 8); else `.` is a name that no entry has (glob 7, when case is ignored).
pub fn expand(pattern: &str, options: Options, keeps_dot: bool, paths: &[(String, bool)], fuel: &Fuel) -> Result<Vec<String>, GlobError> {
    if keeps_dot && matches!(pattern, "." | "./") {
        return Ok(vec![".".to_owned()]);
    }
    let body = if keeps_dot { pattern.strip_prefix("./").unwrap_or(pattern) } else { pattern };
    let prefix = pattern.strip_suffix(body).unwrap_or("");
    let body = if keeps_dot { &body.replace("/./", "/") } else { body };
    let compiled = fuel.compile(body, Options { match_base: false, prefixes: false, ..options })?;
    let mut found = Vec::new();
    for (path, is_dir) in paths {
        let parts: Vec<&str> = path.split('/').collect();
        fuel.spend(path.len());
        if fuel.is_empty() {
            return Err(GlobError::TooMuch);
        }
        let subject = Subject { parts: &parts, leading: false, trailing: false };
        let named = compiled.matches(subject, false, fuel) || (*is_dir && compiled.names_folder(&parts, fuel));
        if named {
            fuel.spend(FOUND);
            found.push(format!("{prefix}{path}"));
        }
    }
    Ok(found)
}
