//! The commands of a build: as they are run, and as they ended.

/// One command of a build.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// What it is called in the result.
    pub name: String,
    /// The folder of the checkout in which it runs, `""` for the root.
    pub directory: String,
    /// The command: a program of the toolchain, or of the machine, and its arguments. A shell's
    /// text is for the shell within the sandbox.
    pub command: Vec<String>,
}

impl Step {
    /// Whether it is a script of package.json, and no guess: a task or a command that looks as if
    /// it made files may well be a server.
    pub fn is_script(&self) -> bool {
        matches!(self.command.as_slice(), [_, run, _] if run == "run")
    }
}

/// A command that was run.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct StepDone {
    /// The step's name.
    pub name: String,
    /// Its exit code; none where it was stopped.
    pub exit: Option<i32>,
    /// How long it took, in milliseconds.
    pub ms: u64,
}
