//! `replace-registry-host`: a mirror's packuments often name the canonical registry's tarballs.

use url::Url;

use super::DEFAULT_REGISTRY;

/// Whose tarball addresses are turned to the configured registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplaceHost {
    /// Nobody's.
    Never,
    /// Everybody's.
    Always,
    /// Those of one host, with its port where that is not the usual one.
    Host(String),
    /// Those below one address, whose path is replaced too.
    Below(Url),
}

impl ReplaceHost {
    /// Reads the setting; without one, the canonical registry's tarballs are replaced.
    pub fn parse(text: Option<&str>) -> Self {
        match text.map_or("npmjs", str::trim) {
            "never" => Self::Never,
            "always" => Self::Always,
            "" | "npmjs" => Url::parse(DEFAULT_REGISTRY).ok().and_then(|url| host(&url)).map_or(Self::Never, Self::Host),
            address if address.contains("://") => Url::parse(address).map_or(Self::Never, Self::Below),
            name => Self::Host(name.to_ascii_lowercase()),
        }
    }

    /// The address to fetch. The path stays below the registry's own path, which is not doubled
    /// (@npmcli/arborist 9).
    pub fn apply(&self, tarball: &Url, registry: &Url) -> Url {
        let path = match self {
            Self::Always => tarball.path(),
            Self::Host(name) if host(tarball).as_ref() == Some(name) => tarball.path(),
            Self::Below(base) if host(tarball) == host(base) => match tarball.path().strip_prefix(base.path().trim_end_matches('/')) {
                Some(rest) if rest.starts_with('/') => rest,
                _ => return tarball.clone(),
            },
            _ => return tarball.clone(),
        };
        let mut out = registry.clone();
        let base = registry.path();
        let path = if path.starts_with(base) { path.to_owned() } else { format!("{base}{}", path.trim_start_matches('/')) };
        out.set_path(&path);
        out
    }
}

fn host(url: &Url) -> Option<String> {
    let name = url.host_str()?;
    Some(url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}")))
}
