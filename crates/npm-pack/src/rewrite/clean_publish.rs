//! `clean-publish`: a copy of the package without what is for its development, from which it is
//! published.
//!
//! What each release does is read from its code, versions 3.0 to 7.1. Settings are those of
//! package.json, of a file, or of the command line in a script. `cleanDocs` shortens README.md to
//! what stands before its first section, `cleanComments` takes comments out of scripts. The action
//! `clean-npm-project` does the same in a workflow, but for comments, which it takes out in a way
//! that is not known here; that is seen from what was published by it (0.2 and 0.3).

use serde_json::Value;

use super::edits::{Comments, Docs, Edits};
use super::hides::{Hides, List};
use super::json::{self, Object};
use super::tools::{Cleaned, delete, path};
use super::workspace::{Action, Workspace};

#[rustfmt::skip]
const NOT_PUBLISHED: [&str; 25] = [
    "babel", "browserslist", "c8", "clean-publish", "commitlint", "devDependencies", "eslintConfig", "eslintIgnore", "husky", "jest",
    "lint-staged", "nano-staged", "pre-commit", "prettier", "pwmetrics", "remarkConfig", "renovate", "resolutions", "sharec",
    "simple-git-hooks", "simple-pre-commit", "size-limit", "typeCoverage", "yaspeller", "pnpm",
];
#[rustfmt::skip]
const KEPT_SCRIPTS: [&str; 9] = [
    "postinstall", "postpack", "postpublish", "postversion", "prepare", "prepublish", "publish", "uninstall", "version",
];
#[rustfmt::skip]
const HOISTED: [&str; 14] = [
    "bin", "main", "exports", "types", "typings", "module", "browser", "esnext", "es2015", "unpkg", "umd:main", "typesVersions", "cpu",
    "os",
];

/// What the package is cleaned up to, by what is likeliest first.
pub(super) fn cleaned(source: &Object, workspace: &Workspace) -> Vec<Cleaned> {
    let settings = Settings::of(source, workspace);
    let bytes = (json::print(&cleaned_manifest(source, &settings.fields), "  ") + "\n").into_bytes();
    let mut all: Vec<Cleaned> = Vec::new();
    for release in releases(source, workspace) {
        let edits = settings.edits(source, release);
        if all.iter().all(|known| known.edits != edits) {
            all.push(Cleaned { name: release.name(), bytes: bytes.clone(), edits });
        }
    }
    all
}

/// Releases that treat files in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Release {
    /// The action since 0.3.1.
    Action,
    /// The action before that.
    EarlyAction,
    /// The tool since 7.0.
    V7,
    /// 6.0.5.
    V6,
    /// 4.1 to 6.0.1.
    V41,
    /// 4.0.
    V4,
    /// 3.0 to 3.4.
    V3,
}

impl Release {
    fn name(self) -> &'static str {
        match self {
            Self::Action => "clean-npm-project",
            Self::EarlyAction => "clean-npm-project-0.3.0",
            Self::V7 => "clean-publish",
            Self::V6 => "clean-publish-6",
            Self::V41 => "clean-publish-5",
            Self::V4 => "clean-publish-4",
            Self::V3 => "clean-publish-3",
        }
    }

    fn is_action(self) -> bool {
        matches!(self, Self::Action | Self::EarlyAction)
    }

    fn list(self) -> List {
        match self {
            Self::Action | Self::EarlyAction | Self::V7 => List::V7,
            Self::V6 => List::V6,
            Self::V41 => List::V5,
            Self::V4 => List::V4,
            Self::V3 => List::V3,
        }
    }
}

/// The releases, likeliest first: the tool is often run without being a dependency, so that a range
/// only says where to begin. What was published decides among them (`Edits::agree_with`), but for
/// the comments that version 3 left.
fn releases(source: &Object, workspace: &Workspace) -> Vec<Release> {
    let manifests = [Some(source), workspace.root_manifest.as_ref()];
    let range = manifests.into_iter().flatten().find_map(|manifest| {
        ["devDependencies", "dependencies"].iter().find_map(|field| json::text(json::object(manifest, field)?, "clean-publish"))
    });
    let major = range.unwrap_or_default().trim_start_matches(['^', '~', '>', '=', 'v', ' ']).split('.').next();
    let is_old = major.and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major < 4);
    let action: &[Release] = if action(workspace).is_some() { &[Release::Action, Release::EarlyAction] } else { &[] };
    let tool: &[Release] = if is_old {
        &[Release::V3, Release::V7, Release::V6, Release::V41, Release::V4]
    } else {
        &[Release::V7, Release::V6, Release::V41, Release::V4, Release::V3]
    };
    [action, tool].concat()
}

/// The action of workflows that cleans up as the tool does.
pub(super) fn action(workspace: &Workspace) -> Option<&Action> {
    workspace.actions.iter().find(|action| action.uses.split('@').next().is_some_and(|name| name.ends_with("/clean-npm-project")))
}

/// Most names that settings may add, and the longest of them and of an address, in bytes: they go
/// along with every candidate.
const MOST: usize = 1_000;
const LONGEST: usize = 2_048;

/// What stands in no address as it is, and ends a comment or a text of a script.
const AMBIGUOUS: [char; 7] = ['*', '`', '\'', '"', '\\', '\u{2028}', '\u{2029}'];

/// What the tool is told to do.
#[derive(Debug, Default)]
struct Settings {
    /// Further members of package.json to leave out.
    fields: Vec<String>,
    /// Further files, by name.
    files: Vec<String>,
    docs: bool,
    comments: bool,
}

impl Settings {
    /// From the command line that calls the tool, and from the nearest settings; the action's are
    /// what the workflow gives it.
    fn of(source: &Object, workspace: &Workspace) -> Self {
        let files = [".clean-publish", ".clean-publish.json"];
        let own = json::object(source, "clean-publish");
        let of_root = || workspace.root_manifest.as_ref().and_then(|root| json::object(root, "clean-publish"));
        let line = command_line(source, workspace).map(|line| CommandLine::parse(&line)).unwrap_or_default();
        let found = own.or_else(|| files.iter().find_map(|file| workspace.settings.get(file))).or_else(of_root);
        let found = found.filter(|_| !line.has_argument);
        let list = |name: &str| -> Vec<String> {
            let items = found.and_then(|found| found.get(name)).and_then(Value::as_array);
            let items = items.into_iter().flatten().filter_map(Value::as_str).filter(|item| item.len() <= LONGEST);
            items.take(MOST).map(str::to_owned).collect()
        };
        let is_set = |name: &str| found.and_then(|found| found.get(name)).is_some_and(json::truthy);
        // What an action is given is text.
        let is_true = |value: &Value| value.as_bool() == Some(true) || value.as_str() == Some("true");
        let given = |name: &str| action(workspace).and_then(|action| action.with.get(name)).is_some_and(is_true);
        Self {
            fields: line.fields.unwrap_or_else(|| list("fields")),
            files: line.files.unwrap_or_else(|| list("files")),
            docs: is_set("cleanDocs") || line.docs || given("clean-docs"),
            comments: is_set("cleanComments") || line.comments,
        }
    }

    /// What a release makes of the files.
    fn edits(&self, source: &Object, release: Release) -> Edits {
        let comments = if release == Release::V3 { Comments::Line } else { Comments::All };
        Edits {
            docs: self.docs.then(|| docs(source, release)).flatten(),
            comments: Some(comments).filter(|_| self.comments && !release.is_action()),
            hides: Some(Hides { list: release.list(), also: self.files.clone() }),
        }
    }
}

/// The words behind the tool's name in the first script that calls it.
fn command_line(source: &Object, workspace: &Workspace) -> Option<Vec<String>> {
    let manifests = [Some(source), workspace.root_manifest.as_ref()].into_iter().flatten();
    let mut scripts = manifests.flat_map(|manifest| json::object(manifest, "scripts").into_iter().flat_map(Object::values));
    scripts.find_map(|script| {
        let mut words = script.as_str()?.split_whitespace().skip_while(|word| *word != "clean-publish");
        words.next()?;
        let own = words.take_while(|word| !matches!(*word, "&&" | "||" | ";" | "|" | "&"));
        Some(own.filter(|word| word.len() <= LONGEST).take(MOST).map(str::to_owned).collect())
    })
}

/// What the tool takes from its command line.
#[derive(Debug, Default)]
struct CommandLine {
    docs: bool,
    comments: bool,
    fields: Option<Vec<String>>,
    files: Option<Vec<String>>,
    /// Whether there is a word that is no option: then the tool reads no settings.
    has_argument: bool,
}

impl CommandLine {
    /// As the tool reads it: most options take the next word along, also those that need none.
    fn parse(words: &[String]) -> Self {
        let mut line = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--" => break,
                "--without-publish" | "--stage" => {}
                option => {
                    line.docs |= option == "--clean-docs";
                    line.comments |= option == "--clean-comments";
                    let takes = [
                        "--dry-run",
                        "--package-manager",
                        "--before-script",
                        "--access",
                        "--files",
                        "--clean-docs",
                        "--clean-comments",
                        "--tag",
                        "--fields",
                        "--temp-dir",
                    ];
                    if !takes.contains(&option) {
                        line.has_argument = true;
                        continue;
                    }
                    let list = || -> Vec<String> { value(words.as_slice()).split(',').map(|item| item.trim().to_owned()).collect() };
                    match option {
                        "--fields" => line.fields = Some(list()),
                        "--files" => line.files = Some(list()),
                        _ => {}
                    }
                    words.next();
                }
            }
        }
        line
    }
}

fn value(words: &[String]) -> &str {
    words.first().map_or("", String::as_str)
}

/// What is written behind the first part of README.md; nothing where no address of the whole is
/// known: then it stays.
///
/// No address ends what a script of that name would have begun before it, a comment or a text.
fn docs(source: &Object, release: Release) -> Option<Docs> {
    let repository = match source.get("repository") {
        Some(Value::Object(repository)) => json::text(repository, "url"),
        other => other.and_then(Value::as_str),
    };
    let known = |text: &&str| !text.is_empty() && text.len() <= LONGEST;
    let of_repository = repository.filter(known).map(|url| format!("https://github.com/{}#readme", name_in(url)));
    let of_homepage = || json::text(source, "homepage").filter(known).map(str::to_owned);
    let is_address = |ending: &String| ending.chars().all(|c| !c.is_control() && !AMBIGUOUS.contains(&c));
    let ending = match release {
        Release::EarlyAction => String::new(),
        Release::Action | Release::V7 | Release::V6 | Release::V41 => {
            let address = of_homepage().or(of_repository).filter(is_address)?;
            format!("\n## Docs\nRead full docs **[here]({address})**.\n")
        }
        Release::V4 | Release::V3 => format!("\n## Docs\nRead **[full docs]({})** on GitHub.\n", of_repository.filter(is_address)?),
    };
    Some(Docs { ending })
}

/// The last two parts of a repository's address, as the tool finds them; what JavaScript prints
/// where there are none.
fn name_in(url: &str) -> &str {
    let found = url.rsplit_once('/').and_then(|(before, name)| {
        let owner = before.rsplit(['/', ':']).next().filter(|owner| !owner.is_empty())?;
        let whole = url.get(before.len() - owner.len()..).filter(|_| !name.is_empty() && !name.contains(':'))?;
        Some(whole.strip_suffix(".git").unwrap_or(whole))
    });
    found.unwrap_or("undefined")
}

fn cleaned_manifest(source: &Object, fields: &[String]) -> Object {
    let mut manifest = source.clone();
    if let Some(Value::Object(config)) = manifest.get("publishConfig") {
        let mut config = config.clone();
        for field in HOISTED {
            if let Some(value) = config.get(field).filter(|value| json::truthy(value)).cloned() {
                json::remove(&mut config, field);
                manifest.insert(field.to_owned(), value);
            }
        }
        // `{ ...packageJson, publishConfig }` keeps the key's place.
        if config.is_empty() {
            json::remove(&mut manifest, "publishConfig");
        } else {
            manifest.insert("publishConfig".to_owned(), Value::Object(config));
        }
    }
    for field in NOT_PUBLISHED.iter().copied().chain(fields.iter().map(String::as_str)) {
        // One that is too deep names nothing.
        if let Some(path) = path(field) {
            delete(&mut manifest, &path);
        }
    }
    if let Some(Value::Object(scripts)) = manifest.get_mut("scripts") {
        scripts.retain(|name, _| KEPT_SCRIPTS.contains(&name.as_str()));
        let calls_itself = |script: &str| script == "clean-publish" || script.starts_with("clean-publish ");
        if json::text(scripts, "publish").is_some_and(calls_itself) {
            json::remove(scripts, "publish");
        }
    }
    manifest.retain(|_, value| {
        !matches!(value, Value::Object(fields) if fields.is_empty()) && !matches!(value, Value::Array(items) if items.is_empty())
    });
    manifest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Object {
        json::parse(text.as_bytes()).expect("an object")
    }

    fn edits(source: &str) -> Vec<(&'static str, Edits)> {
        cleaned(&parse(source), &Workspace::new("1.0.0", "", "")).into_iter().map(|one| (one.name, one.edits)).collect()
    }

    fn ending(source: &str) -> Option<String> {
        edits(source).into_iter().next().and_then(|(_, edits)| edits.docs).map(|docs| docs.ending)
    }

    #[test]
    fn files_are_edited_only_where_the_settings_say_so() {
        assert!(edits(r#"{"repository":"a/b"}"#).iter().all(|(_, edits)| edits.docs.is_none() && edits.comments.is_none()));
        let told = |line: &str| {
            let all = edits(&format!(
                r#"{{"repository":"a/b","scripts":{{"release":"x && npx clean-publish {line} && y"}},"clean-publish":{{"cleanComments":true}}}}"#
            ));
            (all[0].1.docs.is_some(), all[0].1.comments.is_some(), all[0].1.hides("", "mine"))
        };
        assert_eq!(
            told("--clean-docs --files a,mine"),
            (true, false, false),
            "an option takes the next word along, so that there is an argument"
        );
        assert_eq!(told("--without-publish --files a,mine"), (false, true, true));
        assert_eq!(told("--clean-docs x folder"), (true, false, false), "beside an argument there are no settings");
        let without_address = edits(r#"{"clean-publish":{"cleanDocs":true}}"#);
        assert!(without_address.iter().all(|(_, edits)| edits.docs.is_none()));
    }

    #[test]
    fn an_action_of_a_workflow_is_told_the_same() {
        let with = parse(r#"{"clean-docs":true,"clean-comments":true}"#);
        let mut workspace = Workspace::new("1.0.0", "", "");
        workspace.actions.push(Action { uses: "o/clean-npm-project@v1".into(), with });
        let all = cleaned(&parse(r#"{"repository":"a/b"}"#), &workspace);
        let mut off = workspace.clone();
        off.actions[0].with.insert("clean-docs".into(), "false".into());
        assert!(cleaned(&parse(r#"{"repository":"a/b"}"#), &off).iter().all(|one| one.edits.docs.is_none()));
        let endings: Vec<_> = all.iter().map(|one| (one.name, one.edits.docs.as_ref().map_or("", |docs| &docs.ending))).collect();
        let whole = "\n## Docs\nRead full docs **[here](https://github.com/a/b#readme)**.\n";
        assert_eq!(endings.get(..2), Some(&[("clean-npm-project", whole), ("clean-npm-project-0.3.0", "")][..]));
        assert!(action(&workspace).is_some() && action(&Workspace::new("1.0.0", "", "")).is_none());
    }

    #[test]
    fn the_address_of_the_whole_is_the_homepage_or_the_repositorys() {
        let settings = r#""clean-publish":{"cleanDocs":true}"#;
        let here = |address: &str| Some(format!("\n## Docs\nRead full docs **[here]({address})**.\n"));
        assert_eq!(ending(&format!(r#"{{"repository":"a/b","homepage":"https://x/",{settings}}}"#)), here("https://x/"));
        for repository in [r#""a/b""#, r#"{"url":"git+https://github.com/a/b.git"}"#, r#""git@github.com:a/b.git""#] {
            assert_eq!(ending(&format!("{{\"repository\":{repository},{settings}}}")), here("https://github.com/a/b#readme"));
        }
        assert_eq!(ending(&format!(r#"{{"repository":"b",{settings}}}"#)), here("https://github.com/undefined#readme"));
        for code in ["*/evil()//", "https://x/`", "x\\nevil()"] {
            assert_eq!(ending(&format!(r#"{{"homepage":"{code}",{settings}}}"#)), None, "{code}");
        }
    }

    #[test]
    fn older_releases_have_other_words_and_leave_blocks_of_comments() {
        let of = |range: &str| {
            let settings = r#""clean-publish":{"cleanDocs":true,"cleanComments":true,"files":["x"]}"#;
            edits(&format!(r#"{{"repository":"a/b","homepage":"h","devDependencies":{{"clean-publish":"{range}"}},{settings}}}"#))
        };
        let old = "\n## Docs\nRead **[full docs](https://github.com/a/b#readme)** on GitHub.\n";
        let summary = |range: &str| {
            let is_old = |edits: &Edits| edits.docs.as_ref().is_some_and(|docs| docs.ending == old);
            of(range).iter().map(|(name, edits)| (*name, is_old(edits), edits.comments)).collect::<Vec<_>>()
        };
        let all = Some(Comments::All);
        let newest = [
            ("clean-publish", false, all),
            ("clean-publish-6", false, all),
            ("clean-publish-5", false, all),
            ("clean-publish-4", true, all),
        ];
        assert_eq!(summary("^5.0.0").get(..4), Some(&newest[..]));
        assert_eq!(summary("^3.4.2").first(), Some(&("clean-publish-3", true, Some(Comments::Line))));
        assert!(of("^5").iter().all(|(_, edits)| edits.hides("", "x") && !edits.hides("", "y")));
    }
}
