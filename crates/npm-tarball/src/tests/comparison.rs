//! Two archives, entry by entry.

use super::super::{ChangeKind, Comparison, compare, read_alike};
use super::read;
use super::tarball::{Head, Tar};

fn compared(published: Tar, rebuilt: Tar) -> Comparison {
    compare(&read(&published.end()), &read(&rebuilt.end()))
}

fn base() -> Tar {
    Tar::default().file("package/a", "1").file("package/b", "2")
}

#[test]
fn order_times_owners_and_the_first_component_do_not_count() {
    let other = Tar::default()
        .dir("other/")
        .put(Head::file("other/b").field(136, b"00000000001\0").field(108, b"0001750\0").mode(0o664), b"2")
        .file("other/a", "1");
    let comparison = compared(base(), other);
    assert!(comparison.same_content());
    assert_eq!(comparison.identical, ["a", "b"]);
}

#[test]
fn entries_of_one_side_are_listed() {
    let comparison = compared(base().file("package/c", "3"), base().file("package/0", "0"));
    assert_eq!((comparison.only_published.as_slice(), comparison.only_rebuilt.as_slice()), (&["c".to_owned()][..], &["0".to_owned()][..]));
    assert!(!comparison.same_content());
}

#[test]
fn a_change_says_in_what() {
    let kind_of = |published: Tar, rebuilt: Tar| compared(published, rebuilt).changed.first().map(|change| change.kind);
    let file = || Tar::default().file("package/x", "1");
    assert_eq!(kind_of(file(), Tar::default().file("package/x", "2")), Some(ChangeKind::Bytes));
    assert_eq!(kind_of(file(), Tar::default().put(Head::file("package/x").mode(0o755), b"1")), Some(ChangeKind::Mode));
    assert_eq!(kind_of(file(), Tar::default().symlink("package/x", "1")), Some(ChangeKind::Type));
    let link = |target| Tar::default().file("package/y", "1").symlink("package/x", target);
    assert_eq!(kind_of(link("y"), link("z")), Some(ChangeKind::Link));
    assert_eq!(kind_of(file(), file()), None);
}

#[test]
fn setuid_is_a_difference() {
    let with = |mode| Tar::default().put(Head::file("package/x").mode(mode), b"1");
    assert!(!compared(with(0o755), with(0o4755)).same_entries());
    assert!(!compared(with(0o755), with(0o744)).same_entries());
    assert!(compared(with(0o775), with(0o755)).same_content());
}

#[test]
fn what_is_not_plain_is_never_the_same_content() {
    let odd = || base().file("package/../c", "3");
    let comparison = compared(odd(), base());
    assert!(comparison.same_entries());
    assert!(!comparison.same_content());
    assert!(!compared(base(), odd()).same_content());
    assert!(!compared(odd(), odd()).same_content());
}

#[test]
fn archives_are_read_alike_where_entries_and_oddities_are_the_same() {
    let alike = |one: Tar, other: Tar| read_alike(&read(&one.end()), &read(&other.end()));
    let odd = |count: u32| (0..count).fold(base(), |tar, nth| tar.file(format!("package/../{nth}"), "3"));
    assert!(alike(base(), base()));
    assert!(!alike(base(), Tar::default().file("package/a", "1").file("package/b", "3")), "other entries");
    assert!(alike(odd(1), odd(1)));
    assert!(!alike(base(), odd(1)) && !alike(odd(2), odd(1)), "other oddities");
    // The list of oddities has an end, and what is above it counts too.
    assert!(alike(odd(300), odd(300)) && !alike(odd(300), odd(301)), "other oddities that were not listed");
}

#[test]
fn the_json_has_camel_case_names_and_both_sides() {
    let comparison = compared(base(), Tar::default().file("package/a", "1").file("package/b", "3"));
    let json = serde_json::to_value(&comparison).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "identical": ["a"],
            "changed": [{
                "path": "b",
                "kind": "bytes",
                "published": {
                    "type": "file", "mode": "644", "size": 1, "linkTarget": null,
                    "sha256": "d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35"
                },
                "rebuilt": {
                    "type": "file", "mode": "644", "size": 1, "linkTarget": null,
                    "sha256": "4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce"
                }
            }],
            "onlyPublished": [],
            "onlyRebuilt": []
        })
    );
}
