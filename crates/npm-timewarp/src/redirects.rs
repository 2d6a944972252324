//! A project's own files that send a package manager to other registries, where the environment
//! cannot override them: the scopes of an `.npmrc` for bun, and those of a `.yarnrc.yml` for yarn 2
//! and later.

/// The file as it must be during an installation through the registry at `base`; none if it can
/// stay as it is. The caller puts the original back.
pub fn redirected(file_name: &str, bytes: &[u8], base: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let line_of: fn(&str, &str) -> Option<String> = match file_name {
        ".npmrc" => npmrc_line,
        ".yarnrc.yml" => yarnrc_line,
        _ => return None,
    };
    let mut changed = false;
    let lines = text.lines().map(|line| match line_of(line, base) {
        Some(line) => {
            changed = true;
            line
        }
        None => line.to_owned(),
    });
    let out = lines.fold(String::with_capacity(text.len()), |out, line| out + &line + "\n");
    changed.then(|| out.into_bytes())
}

/// `registry=…` and `@scope:registry=…`.
fn npmrc_line(line: &str, base: &str) -> Option<String> {
    let (key, _) = line.split_once('=')?;
    let plain = key.trim().trim_matches(['"', '\'']);
    let is_scope = plain.starts_with('@') && plain.ends_with(":registry");
    (is_scope || plain == "registry").then(|| format!("{key}={base}"))
}

/// `npmRegistryServer: …` at any depth: at the top, below `npmScopes`, or (of yarn 2) below
/// `npmRegistries`.
fn yarnrc_line(line: &str, base: &str) -> Option<String> {
    let (key, _) = line.split_once(':')?;
    let plain = key.trim().trim_matches(['"', '\'']);
    (matches!(plain, "npmRegistryServer" | "npmAuditRegistry")).then(|| format!("{key}: \"{base}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://127.0.0.1:4873/";

    #[test]
    fn scopes_of_an_npmrc_lead_here_and_the_rest_stays() {
        let file = b"registry = https://a/\n@x:registry=https://b/\n# @y:registry=c\n//b/:_authToken=t\nsave-exact=true";
        let out = String::from_utf8(redirected(".npmrc", file, BASE).unwrap()).unwrap();
        assert_eq!(out, format!("registry ={BASE}\n@x:registry={BASE}\n# @y:registry=c\n//b/:_authToken=t\nsave-exact=true\n"));
        assert_eq!(redirected(".npmrc", b"save-exact=true\n", BASE), None);
    }

    #[test]
    fn scopes_of_a_yarnrc_lead_here_at_their_depth() {
        let file = b"nodeLinker: node-modules\nnpmScopes:\n  x:\n    npmRegistryServer: https://b\n";
        let out = String::from_utf8(redirected(".yarnrc.yml", file, BASE).unwrap()).unwrap();
        assert_eq!(out, format!("nodeLinker: node-modules\nnpmScopes:\n  x:\n    npmRegistryServer: \"{BASE}\"\n"));
        assert_eq!(redirected("package.json", file, BASE), None);
    }
}
