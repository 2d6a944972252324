//! What a run has before it asks anything: npm's and git's configuration, the folders of the
//! caches, its deadline.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use context::{Context, Deadline, Progress};
use git::config::GitConfig;
use git::credentials::{Credentials, Unreadable};
use http::{Client, HttpConfig};
use judge::Question;
use npm_registry::ResolveOptions;
use npm_registry::provenance::Roots;
use npm_spec::{Spec, Target};
use npm_toolchain::Distribution;
use npmrc::{ConfigFinding, NpmConfig, Overrides, Surroundings};
use rebuild::ToolchainByUser;
use report::json::OptionsInfo;
use store::{CacheError, Folders, folders};
use verdict::{Failed, Finding, Severity, boxed, path_without_secrets};

use super::Stop;
use crate::options::Options;

/// Largest file of certificates that is read, in bytes. Those of a system have less than one
/// megabyte.
const MAX_ROOTS: u64 = 16 << 20;

/// The user's configuration, read once for a run.
pub(super) struct Setup {
    /// Folders and variables of this process; `cwd` is the options' where they name one.
    pub(super) around: Surroundings,
    /// npm's configuration, and what git's adds to the network's.
    pub(super) npm: NpmConfig,
    git: GitConfig,
    /// Who the user is to private git hosts.
    credentials: Arc<Credentials>,
    limit: Option<Duration>,
    /// Where Node comes from, if not from the registry.
    distribution: Option<Arc<Distribution>>,
    toolchains: Vec<ToolchainByUser>,
    /// The client that several runs have together.
    shared: Option<Arc<OnceLock<Client>>>,
    /// What of the configuration does not count.
    pub(super) findings: Vec<Finding>,
}

impl Setup {
    /// Reads the configuration that holds where the options say; an error where an option cannot be
    /// read.
    pub(super) fn read(options: &Options) -> Result<Self, Failed> {
        options.check_registry().map_err(boxed)?;
        options.check_cache().map_err(boxed)?;
        options.check_source().map_err(boxed)?;
        options.check_node().map_err(boxed)?;
        let mut around = Surroundings::of_process(None);
        if let Some(cwd) = &options.cwd {
            around.cwd = around.cwd.join(cwd);
        }
        let project = options.project.clone().map(|cwd| Surroundings { cwd, ..around.clone() });
        let overrides = Overrides { registry: options.registry.clone(), settings: options.settings.clone(), project: options.project_file };
        let mut npm = NpmConfig::load(project.as_ref().unwrap_or(&around), &overrides);
        npm.check().map_err(boxed)?;
        let git = GitConfig::load().map_err(boxed)?;
        let note = |finding: &ConfigFinding| Finding::new(finding.code, Severity::Warning, finding.message.clone());
        let mut findings: Vec<Finding> = npm.findings.iter().map(note).collect();
        for base in git.bases() {
            if let Ok(url) = url::Url::parse(base) {
                npm.network.allowed.add(&url);
            }
        }
        if let Some(path) = git.ca_file.as_deref() {
            match store::at_hand::read(path.as_ref(), MAX_ROOTS).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()) {
                Ok(roots) => npm.network.extra_roots.push(roots),
                Err(error) => {
                    let path = path_without_secrets(path);
                    let message = format!("git's http.sslCAInfo, {path}, cannot be read and is ignored: {error}");
                    findings.push(Finding::new("git-ca-unreadable", Severity::Warning, message));
                }
            }
        }
        let mut credentials = Credentials::of(
            &|name| around.vars.get(name).filter(|value| !value.is_empty()).cloned(),
            &git,
            options.git_credentials,
            npm.network.allowed.clone(),
        );
        if let Some(path) = netrc_of(&around)
            && let Err(Unreadable { path, reason }) = credentials.add_netrc(&path)
        {
            let message = format!("{} cannot be read and is ignored: {reason}", path_without_secrets(&path));
            findings.push(Finding::new("netrc-unreadable", Severity::Warning, message));
        }
        let limit = options.limit().map_err(boxed)?;
        let distribution = options.distribution(&around.vars, &around.cwd).map_err(boxed)?;
        let toolchains = options.toolchains(&around.cwd, around.home.as_deref()).map_err(boxed)?;
        Ok(Self {
            around,
            npm,
            git,
            credentials: Arc::new(credentials),
            limit,
            distribution,
            toolchains,
            shared: options.client.clone(),
            findings,
        })
    }

    /// A client for what the configuration allows: that of the run, or the one that it has together
    /// with others.
    pub(super) fn client(&self) -> Client {
        self.shared.as_ref().map_or_else(|| self.new_client(), |shared| shared.get_or_init(|| self.new_client()).clone())
    }

    fn new_client(&self) -> Client {
        let agent = format!("reproduce/{} {} {}", env!("CARGO_PKG_VERSION"), verdict::host::node_os(), verdict::host::node_arch());
        Client::new(HttpConfig::from_npm(&self.npm, &agent))
    }

    /// What decides about a result beside the package: the options as they are stored, and whom
    /// provenance is trusted by.
    pub(super) fn rules(&self, spec: &Spec, options: &Options) -> Result<(OptionsInfo, Option<Arc<Roots>>), Failed> {
        let (roots, trusted_root) = options.roots(&self.around.cwd).map_err(boxed)?.unzip();
        let info = options.info(self.registry_of(spec), self.git.fingerprint()).map_err(boxed)?;
        let node_dist = self.distribution.as_ref().map(|distribution| distribution.address().to_owned());
        let node_keys = self.distribution.as_ref().map(|distribution| distribution.keys().to_owned());
        let toolchains = self.toolchains.iter().map(|ToolchainByUser { info, .. }| format!("{} {}", info.name, info.digest)).collect();
        Ok((OptionsInfo { trusted_root, toolchains, node_dist, node_keys, ..info }, roots))
    }

    /// How the registry is asked in this run.
    pub(super) fn resolving(&self, stop: &Stop) -> ResolveOptions<'static> {
        ResolveOptions {
            cwd: self.around.cwd.clone(),
            home: self.around.home.clone(),
            cancel: stop.requests.clone(),
            ..ResolveOptions::default()
        }
    }

    /// What is asked of a package, read and checked: the options, and whom provenance is trusted
    /// by.
    pub(super) fn question(&self, options: &Options, roots: Option<Arc<Roots>>) -> Result<Question, Failed> {
        let build = rebuild::Question {
            strategies: options.strategies().map_err(boxed)?,
            isolation: options.isolation().map_err(boxed)?,
            hosts: options.hosts().map_err(boxed)?,
            node: options.node.clone(),
            installed: options.installed.clone(),
            given: None,
            distribution: self.distribution.clone(),
            puts_off_builds: options.puts_off_builds,
            toolchains: self.toolchains.clone(),
        };
        let emit = options.emit.as_ref().map(|path| self.around.cwd.join(path));
        Ok(Question { build, source: options.source_word(), emit, roots })
    }

    /// What every stage of a judgement may use.
    pub(super) fn context(self, client: Client, folders: Folders, progress: Progress, stop: &Stop) -> Context {
        let Self { around, npm, git, credentials, limit, .. } = self;
        // Counted from where the run is stopped from: what ends with the time knows that it does.
        let deadline = Deadline::of(limit, stop.started);
        let (cancel, cancelled) = (stop.requests.clone(), Arc::clone(&stop.work));
        Context { client, npm, git, credentials, folders, progress, cancel, cancelled, cwd: around.cwd, deadline }
    }

    fn registry_of(&self, spec: &Spec) -> Option<String> {
        match spec.target() {
            Target::Registry { name, registry, .. } => {
                Some(registry.clone().unwrap_or_else(|| self.npm.registry_for(&name.to_string())).to_string())
            }
            Target::Tarball(_) | Target::File(_) => None,
        }
    }
}

/// Where the user's `.netrc` is, as git's own client looks for it.
pub(crate) fn netrc_of(around: &Surroundings) -> Option<PathBuf> {
    match around.vars.get("NETRC").filter(|path| !path.is_empty()) {
        Some(path) => Some(path.into()),
        None => around.home.as_ref().map(|home| home.join(if cfg!(windows) { "_netrc" } else { ".netrc" })),
    }
}

/// The folders of the caches that the options mean.
pub fn cache_folders(options: &Options, around: &Surroundings) -> Result<Folders, CacheError> {
    let root = if let Some(dir) = &options.cache_dir { around.cwd.join(dir) } else { platform_root(around)? };
    Ok(Folders::at(root, options.cache_file.as_deref()))
}

/// The folder of the caches on this system; an error where the user's home is not there.
fn platform_root(around: &Surroundings) -> Result<PathBuf, CacheError> {
    let root = folders::platform_root(folders::Platform::HOST, &|name| around.vars.get(name).map(Into::into))?;
    // That of a system's own user often is not, so that nothing is kept there.
    let missing = around.vars.get("HOME").map(Path::new).filter(|home| root.starts_with(home) && !home.exists());
    if let Some(home) = missing {
        let error = std::io::Error::new(std::io::ErrorKind::NotFound, "this home folder is not there");
        return Err(CacheError::writing(home, error));
    }
    Ok(root)
}
