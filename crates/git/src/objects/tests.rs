use std::fmt::Write as _;

use gix::objs::Write as _;

use verdict::diagnostic::Diagnostic;

use super::*;

/// A store in a folder of its own, filled by hand: nothing checks what is written.
pub(crate) struct Fixture {
    pub(crate) store: ObjectStore,
    cancelled: Arc<AtomicBool>,
    _dir: tempfile::TempDir,
}

/// A commit's text. `time` is in seconds.
pub(crate) fn commit_text(parents: &[ObjectId], time: usize) -> String {
    let mut text = format!("tree {}\n", "1".repeat(40));
    for parent in parents {
        writeln!(text, "parent {parent}").unwrap();
    }
    write!(text, "author A <a@b> 1 +0000\ncommitter C <c@d> {time} +0000\n\nmessage\n").unwrap();
    text
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cancelled = Arc::new(AtomicBool::new(false));
        let store = ObjectStore::open(dir.path(), Arc::clone(&cancelled)).unwrap();
        Self { store, cancelled, _dir: dir }
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    fn write(&self, kind: Kind, data: &[u8]) -> ObjectId {
        self.store.handle.borrow().write_buf(kind, data).unwrap()
    }

    pub(crate) fn blob(&self, data: &[u8]) -> ObjectId {
        self.write(Kind::Blob, data)
    }

    pub(crate) fn commit(&self, text: &str) -> ObjectId {
        self.write(Kind::Commit, text.as_bytes())
    }

    pub(crate) fn tag(&self, target: &ObjectId) -> ObjectId {
        self.write(Kind::Tag, format!("object {target}\ntype commit\ntag t\n\n").as_bytes())
    }

    fn tree(&self, entries: &[(&str, &[u8], ObjectId)]) -> ObjectId {
        let mut data = Vec::new();
        for (mode, name, id) in entries {
            data.extend_from_slice(mode.as_bytes());
            data.push(b' ');
            data.extend_from_slice(name);
            data.push(0);
            data.extend_from_slice(id.as_bytes());
        }
        self.write(Kind::Tree, &data)
    }

    fn listing(&self, tree: &ObjectId) -> Result<Listing, GitError> {
        self.store.listing(tree).map(|listing| listing.expect("all trees are here"))
    }
}

const FILE: &str = "100644";
const DIR: &str = "40000";
const LINK: &str = "120000";

fn id(n: u8) -> ObjectId {
    ObjectId::from_bytes_or_panic(&[n; 20])
}

#[track_caller]
fn is_malformed<T: std::fmt::Debug>(result: Result<T, GitError>, what: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), "repository-malformed", "{error}");
    assert!(error.to_string().contains(what), "{error}");
}

#[test]
fn names_that_git_does_not_check_out_are_refused() {
    let fixture = Fixture::new();
    let refused: [&[u8]; 14] = [
        b"",
        b".",
        b"..",
        b".git",
        b".GIT",
        b".Git ",
        b".git.",
        b".git::$INDEX_ALLOCATION",
        b"git~1",
        b"GIT~1",
        ".g\u{200c}it".as_bytes(),
        b"lib/index.js",
        b"/",
        b"../x",
    ];
    for name in refused {
        let tree = fixture.tree(&[(FILE, name, id(1))]);
        is_malformed(fixture.store.tree(&tree), "the name");
        let root = fixture.tree(&[(DIR, b"a", tree)]);
        is_malformed(fixture.listing(&root), "the name");
    }
}

#[test]
fn names_that_git_checks_out_somewhere_are_listed() {
    let fixture = Fixture::new();
    let names = ["...", ".gitignore", ".gitmodules", "a\\b", "con", "git", "git~2", "x:y", " "];
    let entries: Vec<_> = names.iter().map(|name| (FILE, name.as_bytes(), id(1))).collect();
    let mut found: Vec<_> = fixture.listing(&fixture.tree(&entries)).unwrap().entries.into_iter().map(|entry| entry.path).collect();
    found.sort_by_key(|path| names.iter().position(|name| name == path));
    assert_eq!(found, names);
}

#[test]
fn gitmodules_may_be_no_link() {
    let fixture = Fixture::new();
    is_malformed(fixture.store.tree(&fixture.tree(&[(LINK, b".gitmodules", id(1))])), ".gitmodules");
}

#[test]
fn two_entries_of_one_name_are_refused() {
    let fixture = Fixture::new();
    let empty = fixture.tree(&[]);
    let files = fixture.tree(&[(FILE, b"index.js", id(1)), (FILE, b"index.js", id(2))]);
    is_malformed(fixture.store.tree(&files), "two entries are named \"index.js\"");
    // In git's order a folder's name ends in a slash, so other names can stand between a file and a
    // folder.
    let both = fixture.tree(&[(FILE, b"a", id(1)), (FILE, b"a-b", id(2)), (DIR, b"a", empty)]);
    is_malformed(fixture.listing(&both), "two entries are named \"a\"");
}

#[test]
fn a_null_id_is_refused() {
    let fixture = Fixture::new();
    is_malformed(fixture.store.tree(&fixture.tree(&[(FILE, b"a", id(0))])), "null id");
}

#[test]
fn a_long_hostile_name_is_cut_and_escaped_in_the_message() {
    let fixture = Fixture::new();
    let name = [b"\x1b[2J/".as_slice(), &[b'x'; 5000]].concat();
    let text = fixture.store.tree(&fixture.tree(&[(FILE, &name, id(1))])).unwrap_err().to_string();
    assert!(text.len() < 300 && !text.contains('\x1b'), "{text}");
}

#[test]
fn names_that_are_not_utf8_are_shown_with_replacement_characters() {
    let fixture = Fixture::new();
    let inner = fixture.tree(&[(FILE, b"x", id(3))]);
    let tree = fixture.tree(&[(FILE, b"caf\xe9", id(1)), (DIR, b"d\xff", inner)]);
    let paths: Vec<_> = fixture.listing(&tree).unwrap().entries.into_iter().map(|entry| entry.path).collect();
    assert_eq!(paths, ["caf\u{fffd}", "d\u{fffd}/x"]);
}

#[test]
fn of_names_that_are_shown_alike_a_file_is_kept() {
    let fixture = Fixture::new();
    let tree = fixture.tree(&[(LINK, b"\xfd", id(1)), (FILE, b"\xfe", id(2)), (LINK, b"\xff", id(3))]);
    let entries = fixture.listing(&tree).unwrap().entries;
    assert_eq!(entries, [ListingEntry { path: "\u{fffd}".into(), kind: EntryKind::Blob, id: id(2) }]);
}

#[test]
fn folders_nest_64_deep_and_no_deeper() {
    let fixture = Fixture::new();
    let mut tree = fixture.tree(&[(FILE, b"f", id(1))]);
    for _ in 0..MAX_DEPTH {
        tree = fixture.tree(&[(DIR, b"d", tree)]);
    }
    assert_eq!(fixture.listing(&tree).unwrap().entries.len(), 1);
    is_malformed(fixture.listing(&fixture.tree(&[(DIR, b"d", tree)])), "64 levels");
}

#[test]
fn folders_count_as_often_as_they_are_met() {
    // Each level names the one below ten times: 10^30 folders without a single file, in thirty
    // objects.
    let mut fixture = Fixture::new();
    let mut tree = fixture.tree(&[]);
    for _ in 0..30 {
        let names: Vec<[u8; 1]> = (b'0'..=b'9').map(|name| [name]).collect();
        let entries: Vec<_> = names.iter().map(|name| (DIR, name.as_slice(), tree)).collect();
        tree = fixture.tree(&entries);
    }
    fixture.store.limits.folders = 500;
    let error = fixture.listing(&tree).unwrap_err();
    assert!(matches!(error, GitError::OverLimit { what: "folders in one tree", limit: 500 }), "{error}");
    fixture.store.limits = Limits { entries: 1000, ..LIMITS };
    let error = fixture.listing(&tree).unwrap_err();
    assert!(matches!(error, GitError::OverLimit { limit: 1000, .. }), "{error}");
}

#[test]
fn one_tree_object_of_too_many_entries_is_refused_before_it_is_read_to_the_end() {
    let mut fixture = Fixture::new();
    let names: Vec<String> = (0..20).map(|name| name.to_string()).collect();
    let entries: Vec<_> = names.iter().map(|name| (FILE, name.as_bytes(), id(1))).collect();
    let tree = fixture.tree(&entries);
    fixture.store.limits.entries = 19;
    assert!(matches!(fixture.store.tree(&tree), Err(GitError::OverLimit { .. })));
    fixture.store.limits.entries = 20;
    assert_eq!(fixture.store.tree(&tree).unwrap().unwrap().len(), 20);
}

#[test]
fn a_path_no_system_can_check_out_is_refused() {
    let fixture = Fixture::new();
    let longest = fixture.tree(&[(FILE, &[b'x'; 4094], id(1))]);
    assert_eq!(fixture.listing(&fixture.tree(&[(DIR, b"d", longest)])).unwrap().entries.len(), 1);
    is_malformed(fixture.listing(&fixture.tree(&[(DIR, b"dd", longest)])), "4096 bytes");
}

#[test]
fn the_paths_of_a_tree_have_a_limit_together() {
    let mut fixture = Fixture::new();
    let tree = fixture.tree(&[(FILE, &[b'x'; 100], id(1)), (FILE, &[b'y'; 100], id(2))]);
    fixture.store.limits.paths = 199;
    assert!(matches!(fixture.listing(&tree), Err(GitError::OverLimit { limit: 199, .. })));
    fixture.store.limits.paths = 200;
    assert_eq!(fixture.listing(&tree).unwrap().entries.len(), 2);
}

#[test]
fn trees_that_are_not_here_are_named() {
    let fixture = Fixture::new();
    let tree = fixture.tree(&[(DIR, b"a", id(1)), (DIR, b"b", id(1)), (FILE, b"c", id(2))]);
    assert_eq!(fixture.store.listing(&tree).unwrap().unwrap_err(), [id(1)]);
    assert!(fixture.store.tree(&id(1)).unwrap().is_none());
}

#[test]
fn an_object_of_another_kind_is_malformed() {
    let fixture = Fixture::new();
    let blob = fixture.blob(b"x");
    is_malformed(fixture.listing(&fixture.tree(&[(DIR, b"a", blob)])), "it is a blob, not a tree");
    is_malformed(fixture.store.blob(&fixture.tree(&[])), "it is a tree, not a blob");
}

#[test]
fn what_does_not_parse_is_malformed() {
    let fixture = Fixture::new();
    is_malformed(fixture.store.tree(&fixture.write(Kind::Tree, b"100644 a\0short")), "does not parse as a tree");
    is_malformed(fixture.store.commit(&fixture.write(Kind::Tag, b"object x\n")), "does not parse as a tag");
    for text in ["", "tree 1\n", "author A <a@b> 1 +0000\n", &format!("tree {}", "1".repeat(40))] {
        is_malformed(fixture.store.commit(&fixture.commit(text)), "does not parse as a commit");
    }
    let text = commit_text(&[id(1)], 1).replace("parent 01", "parent xx");
    is_malformed(fixture.store.commit(&fixture.commit(&text)), "does not parse as a commit");
}

#[test]
fn an_object_that_cannot_be_read_from_the_cache_is_damaged() {
    let fixture = Fixture::new();
    let tree = fixture.tree(&[]);
    let hex = tree.to_string();
    let file = fixture.store.dir.join(&hex[..2]).join(&hex[2..]);
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, b"no zlib stream").unwrap();
    assert_eq!(fixture.store.tree(&tree).unwrap_err().code(), "object-damaged");
}

#[test]
fn another_object_in_the_place_of_one_is_the_caches_fault() {
    let fixture = Fixture::new();
    let file = |id: &ObjectId| fixture.store.dir.join(&id.to_string()[..2]).join(&id.to_string()[2..]);
    let (tree, commit) = (fixture.tree(&[(FILE, b"a", id(1))]), fixture.commit(&commit_text(&[], 1)));
    for odd in [fixture.tree(&[(FILE, b"..", id(1))]), fixture.blob(b"x")] {
        for good in [&tree, &commit] {
            std::fs::remove_file(file(good)).unwrap();
            std::fs::copy(file(&odd), file(good)).unwrap();
        }
        assert_eq!(fixture.store.tree(&tree).unwrap_err().code(), "object-damaged");
    }
    std::fs::remove_file(file(&commit)).unwrap();
    std::fs::copy(file(&fixture.commit("nothing")), file(&commit)).unwrap();
    assert_eq!(fixture.store.commit(&commit).unwrap_err().code(), "object-damaged");
}

#[test]
fn a_commit_is_read_without_its_people() {
    let fixture = Fixture::new();
    let good = fixture.store.commit(&fixture.commit(&commit_text(&[id(2), id(3)], 77))).unwrap().unwrap();
    assert_eq!((good.tree, good.parents, good.time), (id(0x11), vec![id(2), id(3)], 77));
    let odd = commit_text(&[id(2)], 77).replace("author A <a@b> 1 +0000\n", "author\n").replace("<c@d> 77 +0000", "<c> > x");
    let odd = fixture.store.commit(&fixture.commit(&odd)).unwrap().unwrap();
    assert_eq!((odd.parents, odd.time), (vec![id(2)], 0));
}

#[test]
fn a_line_of_the_message_is_no_header() {
    let fixture = Fixture::new();
    let text = format!("tree {}\n\ncommitter C <c@d> 5 +0000\n", id(1));
    assert_eq!(fixture.store.commit(&fixture.commit(&text)).unwrap().unwrap().time, 0);
}

#[test]
fn a_tag_is_followed_to_its_commit_and_endless_tags_are_malformed() {
    let fixture = Fixture::new();
    let commit = fixture.commit(&commit_text(&[], 1));
    let mut tag = commit;
    for _ in 1..MAX_TAGS {
        tag = fixture.tag(&tag);
    }
    assert_eq!(fixture.store.commit(&tag).unwrap().unwrap().id, commit);
    is_malformed(fixture.store.commit(&fixture.tag(&tag)), "tags of tags");
    assert!(fixture.store.commit(&fixture.tag(&fixture.blob(b"x"))).unwrap().is_none());
}

#[test]
fn a_size_is_known_without_the_content() {
    let fixture = Fixture::new();
    assert_eq!(fixture.store.size(&fixture.blob(&vec![0; 100_000])), Some(100_000));
    assert_eq!(fixture.store.size(&id(9)), None);
}

#[test]
fn a_cancelled_store_reads_no_commit_and_no_tree() {
    let fixture = Fixture::new();
    let (commit, tree) = (fixture.commit(&commit_text(&[], 1)), fixture.tree(&[]));
    fixture.cancel();
    assert!(matches!(fixture.store.commit(&commit), Err(GitError::Cancelled)));
    assert!(matches!(fixture.store.tree(&tree), Err(GitError::Cancelled)));
    assert!(matches!(fixture.store.listing(&tree), Err(GitError::Cancelled)));
}

#[test]
fn temporary_files_are_removed_once_nobody_can_be_writing_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let left = folder.path().join(".tmpAbCdEf");
    let pack = folder.path().join("pack-1.pack");
    for file in [&left, &pack] {
        std::fs::write(file, "x").expect("written");
    }
    super::sweep(folder.path(), std::time::SystemTime::now());
    assert!(left.exists(), "another process may be writing it");
    super::sweep(folder.path(), std::time::SystemTime::now() + 2 * super::ABANDONED);
    assert!(!left.exists() && pack.exists());
}
