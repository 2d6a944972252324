//! One checkout with its tools, in which commands are run: the sandbox around it, the registry
//! beside it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io};

use jiff::Timestamp;

use isolation::{Job, Limits, Mount, Stopped};
use npm_pack::tree::DirTree;
use npm_spec::tool::Kind;
use npm_timewarp::{GLOBAL, Leads, Manager, Peers, Timewarp, client_env};
use npm_toolchain::Tool;
use recipe::{Step, StepDone};
use store::folders::open_to_all;
use verdict::host::millis;

use super::install::installs;
use super::{Site, clock, own};
use crate::{SourceError, ToolchainByUser};

/// Where the build sees its folders, in tiers that can place them.
const WORK: &str = "/build";
const HOME: &str = "/home/build";
const TOOLS: &str = "/opt/reproduce";

/// Most of the output of one step that is kept in a result, in bytes.
const STEP_LOG: u64 = 64 << 10;
/// Where package managers keep metadata, below the home directory and below the folder of stores:
/// npm's cache, and the documents of yarn 2 and later, pnpm and bun. `*` is any name.
const METADATA_IN_HOME: [&str; 3] = [".npm", ".yarn/berry/metadata", ".cache/pnpm/metadata*"];
const METADATA_IN_STORES: [&str; 2] = [".pnpm-store/*/metadata*", ".bun-cache/*.npm"];
/// Most time for the removal of it.
const FORGETTING: Duration = Duration::from_secs(120);
/// Longest command line that is shown in a log, in bytes.
const LONGEST_COMMAND: usize = 400;
/// Most of the output of all steps of one attempt, in bytes.
const WHOLE_LOG: usize = 512 << 10;

/// A checkout on disk, ready to be built in.
pub(super) struct Workshop<'a> {
    site: &'a Site,
    timewarp: Timewarp,
    /// Everything of this build.
    scratch: PathBuf,
    /// The checkout's folder name: builds tell the repository's name from it.
    name: String,
    mounts: Vec<Mount>,
    /// Where the programs of the toolchain are, inside.
    programs: String,
    /// Where those of the user's toolchains are.
    by_user: Vec<String>,
    home: String,
    checkout_inside: String,
    log: String,
    scopes: Vec<String>,
    variables: Vec<String>,
    named: BTreeSet<(String, String)>,
    /// The package managers that are there; the one that installs is told its own way first.
    kinds: Vec<Kind>,
    /// What the clock says when a script begins, where it is not the present time.
    clock: Option<Timestamp>,
    /// Whether scripts do not find the variable `CI`.
    without_ci: bool,
    /// What stopped a step, if a limit did.
    pub(super) stopped: Option<Stopped>,
    /// A step was refused what a stronger sandbox allows.
    pub(super) refused: bool,
    /// Whether an installation may have left metadata that no script is to read.
    has_metadata: bool,
}

/// What a workshop is made of.
pub(super) struct Plan<'a> {
    /// The folder for everything of this build; where it is not new, what a build left in it stays.
    pub(super) scratch: &'a Path,
    /// The repository's name.
    pub(super) name: String,
    /// The tools, Node among them.
    pub(super) tools: &'a [Tool],
    /// The registry as the build sees it.
    pub(super) timewarp: Timewarp,
    /// What was printed in it before.
    pub(super) log: String,
    /// Scopes that the project sends to registries of their own.
    pub(super) scopes: Vec<String>,
    /// Variables that the project's configuration of package managers asks for.
    pub(super) variables: Vec<String>,
    /// The names and versions that the lockfile has.
    pub(super) named: BTreeSet<(String, String)>,
    /// What the clock says when a script begins, where it is not the present time.
    pub(super) clock: Option<Timestamp>,
    /// Whether scripts do not find the variable `CI`.
    pub(super) without_ci: bool,
}

impl<'a> Workshop<'a> {
    /// Makes the folders and the programs that a build finds on its PATH.
    pub(super) fn open(site: &'a Site, plan: Plan<'_>) -> Result<Self, SourceError> {
        let scratch = plan.scratch.to_owned();
        let tree = DirTree::new(&scratch)?;
        for folder in folders(&plan.name) {
            tree.create_dirs(&folder)?;
        }
        open_to_all(&scratch, 0o755)?;
        open_to_all(&scratch.join("bin"), 0o755)?;
        let sandbox = &site.sandbox;
        let mount = |host: PathBuf, inside: &str, writable| Mount { inside: sandbox.inside(&host, inside), host, writable };
        let mut mounts = vec![
            mount(scratch.join("work"), WORK, true),
            mount(scratch.join("home"), HOME, true),
            mount(scratch.join("bin"), &format!("{TOOLS}/bin"), false),
        ];
        let mut programs = Vec::new();
        for tool in plan.tools {
            let root = sandbox.lend(&tool.root, &scratch.join("tools").join(tool.kind.as_str()))?;
            let mounted = mount(root, &format!("{TOOLS}/{}", tool.kind.as_str()), false);
            programs.push((tool.kind, tool.native, format!("{}/{}", mounted.inside, tool.entry)));
            mounts.push(mounted);
        }
        let mut by_user = Vec::new();
        for ToolchainByUser { root, info } in &site.question.toolchains {
            // In its place: it is the user's, and nothing of it is copied or opened to others.
            sandbox.can_show(root)?;
            let mounted = mount(root.clone(), &format!("{TOOLS}/by-user/{}", info.name), false);
            by_user.push(format!("{}/bin", mounted.inside));
            mounts.push(mounted);
        }
        write_programs(&scratch.join("bin"), &programs)?;
        if plan.clock.is_some() {
            let file = scratch.join("bin").join(clock::FILE);
            fs::write(&file, clock::PROGRAM)?;
            open_to_all(&file, 0o644)?;
        }
        let kinds = plan.tools.iter().map(|tool| tool.kind).filter(|kind| *kind != Kind::Node).collect();
        let inside = |at: usize| mounts.get(at).map(|mount| mount.inside.clone()).unwrap_or_default();
        let checkout_inside = format!("{}/{}", inside(0), plan.name);
        let programs = inside(2);
        let home = inside(1);
        Ok(Self {
            site,
            timewarp: plan.timewarp,
            scratch,
            name: plan.name,
            mounts,
            programs,
            by_user,
            home,
            checkout_inside,
            log: plan.log,
            scopes: plan.scopes,
            variables: plan.variables,
            named: plan.named,
            kinds,
            clock: plan.clock,
            without_ci: plan.without_ci,
            stopped: None,
            refused: false,
            // Also where a build of another package went before: its last command may have been an
            // installation.
            has_metadata: true,
        })
    }

    /// The checkout as it is now, found anew by handles from the folder that no build can change;
    /// an error where a link or a file is in its place.
    pub(super) fn tree(&self) -> Result<DirTree, SourceError> {
        Ok(DirTree::new(&self.scratch)?.below(&format!("work/{}", self.name))?)
    }

    /// The checkout's folder on this machine, to be filled before the first command.
    pub(super) fn checkout(&self) -> PathBuf {
        self.scratch.join("work").join(&self.name)
    }

    /// Gives what was written to the user as whom the build runs.
    pub(super) fn hand_over(&self) -> Result<(), SourceError> {
        for folder in ["work", "home"] {
            self.site.sandbox.give(&self.scratch.join(folder))?;
        }
        Ok(())
    }

    /// What was printed so far, capped.
    pub(super) fn log(&self) -> &str {
        &self.log
    }

    /// The names and versions that the lockfile has.
    pub(super) fn named(&self) -> &BTreeSet<(String, String)> {
        &self.named
    }

    /// The registry that the build talks to.
    pub(super) fn timewarp(&self) -> &Timewarp {
        &self.timewarp
    }

    /// The registry's address, as the build will see it.
    pub(super) fn registry(&self) -> Result<String, SourceError> {
        Ok(self.site.sandbox.gate()?.url)
    }

    /// How dependencies on git repositories are led to it.
    pub(super) fn leads(&self) -> Result<Leads, SourceError> {
        Ok(self.timewarp.leads(&self.registry()?))
    }

    /// Runs one command, for at most `time`; `idle` is for how long it may do nothing, if not for
    /// all of it.
    pub(super) fn run(&mut self, step: &Step, time: Duration, idle: Option<Duration>) -> Result<StepDone, SourceError> {
        let began = Instant::now();
        let site = self.site;
        site.context.progress.tell("build", &step.name);
        let gate = site.sandbox.gate()?;
        let base = gate.url.clone();
        let cwd =
            if step.directory.is_empty() { self.checkout_inside.clone() } else { format!("{}/{}", self.checkout_inside, step.directory) };
        let mut env = self.environment(&base, &cwd);
        // An installation looks at the registry's times and at its own.
        if let Some(clock) = self.clock.filter(|_| !installs(step)) {
            env.extend(clock::variables(clock, &self.programs));
        }
        if self.without_ci && !installs(step) {
            env.retain(|(name, _)| name != "CI");
        }
        let job = Job {
            mounts: self.mounts.clone(),
            cwd: cwd.clone(),
            argv: launched(&step.command),
            env,
            limits: Limits { time, idle, log: STEP_LOG, ..Limits::default() },
            network: true,
        };
        if installs(step) {
            self.has_metadata = true;
        } else if std::mem::take(&mut self.has_metadata) {
            self.forget_metadata()?;
        }
        self.timewarp.installing(installs(step));
        let mut running = site.sandbox.spawn(&job, gate)?;
        let peers = site.sandbox.caller().map_or(Peers::Anybody, Peers::User);
        let serving = running.listener().map(|listener| self.timewarp.serve(listener, &base, peers)).transpose()?;
        let ended = running.wait(&site.context.cancelled)?;
        drop(serving);
        if site.context.cancelled.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(SourceError::Cancelled);
        }
        if self.tree().is_err() {
            // What is read from here on would be another folder's, perhaps one of this machine's.
            return Err(SourceError::CheckoutGone { step: step.name.clone() });
        }
        if ended.stopped.is_some() {
            self.stopped = ended.stopped;
        }
        let exit = if ended.stopped.is_some() { None } else { ended.exit };
        // Also where it ended well: a program that waits for what was refused may end without a
        // word.
        self.refused |= ended.refused;
        self.note(step, &ended.to_string(), &ended.log.text);
        Ok(StepDone { name: step.name.clone(), exit, ms: millis(began.elapsed()) })
    }

    /// Removes what package managers keep of the registry's metadata: a script of the commit would
    /// read words of publishers in it that are in no tarball. It is removed from inside, with a
    /// build's rights and within its bounds.
    fn forget_metadata(&self) -> Result<(), SourceError> {
        if !cfg!(unix) {
            return Ok(());
        }
        let site = self.site;
        let gate = site.sandbox.gate()?;
        let stores = self.mounts.first().map_or(self.home.as_str(), |work| &work.inside);
        let kept = METADATA_IN_HOME.iter().map(|path| format!("{}/{path}", quoted(&self.home)));
        let kept = kept.chain(METADATA_IN_STORES.iter().map(|path| format!("{}/{path}", quoted(stores))));
        let script = format!("exec rm -rf {}", kept.collect::<Vec<_>>().join(" "));
        let job = Job {
            mounts: self.mounts.clone(),
            cwd: self.home.clone(),
            argv: ["/bin/sh", "-c", &script].map(str::to_owned).into(),
            env: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
            limits: Limits { time: FORGETTING, log: STEP_LOG, ..Limits::default() },
            network: false,
        };
        let ended = site.sandbox.spawn(&job, gate)?.wait(&site.context.cancelled)?;
        if site.context.cancelled.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(SourceError::Cancelled);
        }
        if ended.exit == Some(0) { Ok(()) } else { Err(SourceError::MetadataKept) }
    }

    fn note(&mut self, step: &Step, how: &str, output: &[u8]) {
        if self.log.len() > WHOLE_LOG {
            return;
        }
        let output = String::from_utf8_lossy(output);
        let command = step.command.join(" ");
        // A program of ours in the command line is in the recipe; here its name says more.
        let shown = if command.len() > LONGEST_COMMAND { &step.name } else { &command };
        // Writing to a String cannot fail.
        let _: std::fmt::Result = writeln!(self.log, "$ {shown} ({how})\n{}", output.trim_end());
    }

    /// The build's whole environment: nothing of the user's is in it.
    fn environment(&self, base: &str, cwd: &str) -> Vec<(String, String)> {
        let (programs, checkout) = (&self.programs, &self.checkout_inside);
        // Behind Node and the package managers, which stay those that the result names.
        let programs = std::iter::once(programs).chain(&self.by_user).cloned().collect::<Vec<_>>().join(":");
        let path = format!("{programs}:{cwd}/node_modules/.bin:{checkout}/node_modules/.bin:/usr/bin:/bin:/usr/sbin:/sbin");
        let mut env: Vec<(String, String)> = [
            ("PATH", path.as_str()),
            ("HOME", &self.home),
            ("TMPDIR", &format!("{}/.tmp", self.home)),
            ("USER", "build"),
            ("LOGNAME", "build"),
            ("SHELL", "/bin/sh"),
            ("TZ", "UTC"),
            ("LANG", "C.UTF-8"),
            ("CI", "true"),
            // Stand-ins have other checksums than a lockfile of yarn 2 or later has; every tarball
            // is checked on our side.
            ("YARN_CHECKSUM_BEHAVIOR", "ignore"),
            // The release that a repository brings along is the version that the toolchain has.
            ("YARN_IGNORE_PATH", "1"),
            // This program within a build of a package that runs it when it is published: see the
            // command line.
            ("REPRODUCE_ACTIVE", "1"),
            // Downloads that no published file comes from, and servers that would stay.
            ("HUSKY", "0"),
            ("CYPRESS_INSTALL_BINARY", "0"),
            ("PUPPETEER_SKIP_DOWNLOAD", "1"),
            ("PUPPETEER_SKIP_CHROMIUM_DOWNLOAD", "1"),
            ("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"),
            ("ELECTRON_SKIP_BINARY_DOWNLOAD", "1"),
            ("SENTRYCLI_SKIP_DOWNLOAD", "1"),
            ("NX_DAEMON", "false"),
            ("TURBO_TELEMETRY_DISABLED", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let stores = self.mounts.first().map_or(self.home.as_str(), |work| &work.inside);
        for kind in &self.kinds {
            for (name, value) in client_env(manager_of(*kind), base, Path::new(&self.home), Path::new(stores), &self.scopes) {
                if !env.iter().any(|(known, _)| *known == name) {
                    env.push((name, value));
                }
            }
        }
        for name in &self.variables {
            if !env.iter().any(|(known, _)| known == name) {
                env.push((name.clone(), String::new()));
            }
        }
        env
    }
}

/// The folders of a build below its scratch folder.
fn folders(name: &str) -> [String; 4] {
    ["home/.tmp".to_owned(), format!("home/{GLOBAL}/lib"), "bin".to_owned(), format!("work/{name}")]
}

/// Whether the folders of a build are such, as far as they are there. A build may have put a link
/// in the place of one, and what is written there from here would be written where it leads.
pub(super) fn is_sound(scratch: &Path, name: &str) -> bool {
    let is_folder =
        |path: &Path| fs::symlink_metadata(path).map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |data| data.is_dir());
    folders(name).iter().all(|folder| Path::new(folder).ancestors().all(|part| is_folder(&scratch.join(part))))
}

/// A command as the sandbox starts it. By way of a shell, which ends with 127 where there is no
/// such program on this machine: that is a step that failed, as it is for the publisher, and no
/// failure of the sandbox.
fn launched(command: &[String]) -> Vec<String> {
    let by: &[&str] = if cfg!(unix) { &["sh", "-c", "exec \"$@\"", "sh"] } else { &[] };
    by.iter().map(|word| (*word).to_owned()).chain(command.iter().cloned()).collect()
}

fn manager_of(kind: Kind) -> Manager {
    match kind {
        Kind::Npm | Kind::Node => Manager::Npm,
        Kind::Yarn => Manager::Yarn1,
        Kind::Berry => Manager::Berry,
        Kind::Pnpm => Manager::Pnpm,
        Kind::Bun => Manager::Bun,
    }
}

/// A word as a shell takes it for itself, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Writes the programs of the tools as a build calls them: `node`, `npm`, `npx`, … Of each tool it
/// takes the kind, whether it is a program of the machine's own, and its path.
fn write_programs(bin: &Path, tools: &[(Kind, bool, String)]) -> std::io::Result<()> {
    let Some((_, _, node)) = tools.iter().find(|(kind, ..)| *kind == Kind::Node) else { return Ok(()) };
    let put = |name: &str, line: String| -> std::io::Result<()> {
        let path = bin.join(name);
        fs::write(&path, format!("#!/bin/sh\nexec {line} \"$@\"\n"))?;
        open_to_all(&path, 0o755)
    };
    // Hooks that call this program as they go on to build: it has nothing to do here.
    put(own::PROGRAM, "true".to_owned())?;
    for (kind, native, entry) in tools {
        let names: &[&str] = match kind {
            Kind::Node => &["node"],
            Kind::Npm => &["npm", "npx"],
            Kind::Yarn | Kind::Berry => &["yarn", "yarnpkg"],
            Kind::Pnpm => &["pnpm", "pnpx"],
            Kind::Bun => &["bun", "bunx"],
        };
        for name in names {
            let npx = entry.replace("npm-cli.js", "npx-cli.js");
            let words: &[&str] = match (*name, *native) {
                ("npx", _) => &[node, &npx],
                ("pnpx", false) => &[node, entry, "dlx"],
                ("pnpx", true) => &[entry, "dlx"],
                ("bunx", _) => &[entry, "x"],
                (_, true) => &[entry],
                (_, false) => &[node, entry],
            };
            let line = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            put(name, line)?;
        }
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Every character that a shell could take for something else, alone and beside others.
    fn odd() -> Vec<String> {
        let each = (1_u8..=127).map(|byte| char::from(byte).to_string());
        let long = ["John Doe", "a$(id)b;c", "it's \"q\"", "'", "''", "\\'", "\\\\", "\n'\n", "ü ☃", "$HOME`id`*?[a]{b,c}~!#&|<>", "-n"];
        each.chain(long.map(str::to_owned)).collect()
    }

    #[test]
    fn a_shell_takes_every_quoted_word_as_it_is() {
        let words = odd();
        let line = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        let said = std::process::Command::new("/bin/sh").args(["-c", &format!("printf '%s\\0' {line}")]).output().unwrap();
        let expected: Vec<u8> = words.iter().flat_map(|word| word.bytes().chain([0])).collect();
        assert_eq!(String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&expected));
    }

    #[test]
    fn programs_lead_to_tools_in_folders_of_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for name in odd().into_iter().filter(|name| !matches!(name.as_str(), "/" | ".")) {
            let root = folder.path().join("tools").join(&name);
            fs::create_dir_all(&root).unwrap();
            let node = root.join("node");
            fs::write(&node, "#!/bin/sh\nprintf '%s|' \"$@\"\n").unwrap();
            open_to_all(&node, 0o755).unwrap();
            let at = |entry: &str| format!("{}/{entry}", root.display());
            write_programs(&bin, &[(Kind::Node, true, at("node")), (Kind::Npm, false, at("npm-cli.js"))]).unwrap();
            let said = std::process::Command::new(bin.join("npx")).args(["a b", "$c"]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), format!("{}|a b|$c|", at("npx-cli.js")), "{name:?}");
        }
    }

    #[test]
    fn a_link_or_a_file_in_the_place_of_a_folder_is_unsound() {
        let outside = tempfile::tempdir().unwrap();
        for place in ["home", &format!("home/{GLOBAL}"), "home/.tmp", "work/name"] {
            let scratch = tempfile::tempdir().unwrap();
            assert!(is_sound(scratch.path(), "name"), "nothing is there yet");
            for folder in folders("name") {
                fs::create_dir_all(scratch.path().join(folder)).unwrap();
            }
            assert!(is_sound(scratch.path(), "name"));
            let place = scratch.path().join(place);
            fs::remove_dir_all(&place).unwrap();
            assert!(is_sound(scratch.path(), "name"), "what is not there is made anew");
            std::os::unix::fs::symlink(outside.path(), &place).unwrap();
            assert!(!is_sound(scratch.path(), "name"));
            fs::remove_file(&place).unwrap();
            fs::write(&place, "").unwrap();
            assert!(!is_sound(scratch.path(), "name"));
        }
    }
}
