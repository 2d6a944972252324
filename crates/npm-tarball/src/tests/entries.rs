//! What becomes of a header.

use super::super::{Archive, EntryKind, Limits};
use super::tarball::{Head, Tar};
use super::{codes, read};

#[test]
fn entries_come_in_byte_order_of_path_and_remember_the_archives_order() {
    let archive = read(&Tar::default().file("package/b", "1").file("package/a/b", "2").file("package/a-b", "3").end());
    let paths: Vec<&str> = archive.entries().iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["a-b", "a/b", "b"]);
    let order: Vec<&str> = archive.in_archive_order().iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(order, ["b", "a/b", "a-b"]);
}

#[test]
fn a_file_has_the_hashes_of_its_content() {
    let archive = read(&Tar::default().file("package/a", "hello world\n").end());
    let entry = archive.get("a").unwrap();
    assert_eq!(hex::encode(entry.sha256), "a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447");
    // git hash-object
    assert_eq!(hex::encode(entry.blob_id), "3b18e512dba79e4c8300dd08aeb37f8e728b8dad");
    assert_eq!(entry.size, 12);
}

#[test]
fn an_empty_file_has_gits_empty_blob() {
    let archive = read(&Tar::default().file("package/a", "").end());
    assert_eq!(hex::encode(archive.get("a").unwrap().blob_id), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

#[test]
fn the_mode_on_disk_is_npms_minimum_under_the_usual_umask() {
    let on_disk = |mode: u32| {
        let archive = read(&Tar::default().put(Head::file("package/a").mode(mode), b"").end());
        archive.get("a").unwrap().mode_on_disk
    };
    for (mode, expected) in [
        (0, 0o644),
        (0o600, 0o644),
        (0o666, 0o644),
        (0o744, 0o744),
        (0o755, 0o755),
        (0o775, 0o755),
        (0o777, 0o755),
        (0o4755, 0o4755),
        (0o1644, 0o1644),
        (0o7777, 0o7755),
    ] {
        assert_eq!(on_disk(mode), expected, "{mode:o}");
    }
}

#[test]
fn directories_are_not_entries() {
    let archive = read(&Tar::default().dir("package/").dir("package/lib/").file("package/lib/a", "1").end());
    assert_eq!(archive.entries().len(), 1);
    assert!(archive.is_plain());
}

#[test]
fn links_and_devices_are_entries_of_their_own() {
    let archive = read(
        &Tar::default()
            .file("package/a", "1")
            .symlink("package/s", "a")
            .hardlink("package/h", "package/a")
            .put(Head::new("package/d", b'3'), b"")
            .end(),
    );
    assert!(archive.is_plain(), "{:?}", codes(&archive));
    let symlink = archive.get("s").unwrap();
    assert_eq!((symlink.kind, symlink.link_target.as_deref()), (EntryKind::Symlink, Some("a")));
    let hardlink = archive.get("h").unwrap();
    assert_eq!((hardlink.kind, hardlink.link_target.as_deref()), (EntryKind::Hardlink, Some("a")));
    assert_eq!(archive.get("d").unwrap().kind, EntryKind::Other(b'3'));
}

#[test]
fn duplicates_with_the_same_bytes_and_mode_are_one() {
    let archive = read(&Tar::default().file("package/a", "1").file("package/./a", "1").end());
    assert_eq!(archive.entries().len(), 1);
    assert!(archive.is_plain());
}

#[test]
fn of_duplicates_that_differ_npm_keeps_the_first_mode_and_the_last_bytes() {
    let archive = read(&Tar::default().put(Head::file("package/a").mode(0o755), b"first").file("package/a", "last").end());
    assert_eq!(codes(&archive), ["duplicate-differs"]);
    let entry = archive.get("a").unwrap();
    assert_eq!((entry.mode_on_disk, archive.content(entry).unwrap().as_slice()), (0o755, b"last".as_slice()));
}

/// npm writes over a file, replaces it where the entry says so, and makes no links.
#[test]
fn of_a_file_and_something_else_under_one_path_the_file_stays() {
    let (file, link, contiguous) = ((b'0', ""), (b'2', "target"), (b'7', ""));
    for (first, second, mode, content) in [
        (file, link, 0o755, "first"),
        (link, file, 0o644, "second"),
        (link, contiguous, 0o644, "second"),
        (file, contiguous, 0o644, "second"),
    ] {
        let put = |tar: Tar, (flag, target): (u8, &str), mode, content: &str| {
            let content = if target.is_empty() { content } else { "" };
            tar.put(Head::new("package/a", flag).link(target).mode(mode), content.as_bytes())
        };
        let archive = read(&put(put(Tar::default(), first, 0o755, "first"), second, 0o644, "second").end());
        assert!(codes(&archive).contains(&"duplicate-differs"), "{first:?}, {second:?}");
        let entry = archive.get("a").unwrap();
        let found = (entry.kind, entry.mode_on_disk, archive.content(entry).unwrap());
        assert_eq!(found, (EntryKind::File, mode, content.as_bytes().to_vec()), "{first:?}, {second:?}");
    }
}

#[test]
fn the_content_digest_covers_mode_type_content_and_path() {
    let digest = |tar: Tar| read(&tar.end()).content_digest();
    let base = digest(Tar::default().file("package/a", "1"));
    // printf '644 file 6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b a\0' |
    // sha256sum
    assert_eq!(base, "5339bc27f4a40d6caa2aea3264a684138379a11e4f55e42c9ca8fbdd7303c399");
    assert_eq!(base, digest(Tar::default().dir("x/").put(Head::new("x/a", 0).mode(0o600), b"1")));
    for other in [
        Tar::default().file("package/b", "1"),
        Tar::default().file("package/a", "2"),
        Tar::default().put(Head::file("package/a").mode(0o755), b"1"),
        Tar::default().symlink("package/a", "1"),
        Tar::default().put(Head::new("package/a", b'Z'), b"1"),
        Tar::default().file("package/a", "1").file("package/b", "1"),
        Tar::default(),
    ] {
        assert_ne!(base, digest(other.dir("package/")));
    }
}

#[test]
fn a_tar_that_was_never_compressed_is_read_alike() {
    let tar = Tar::default().file("package/a", "1").end();
    let bare = Archive::read_tar(tar.0.as_slice(), &Limits::default()).unwrap();
    assert!(bare.is_plain());
    assert_eq!(bare.content_digest(), read(&tar).content_digest());
    assert!(bare.gzip_header().is_none());
}

#[test]
fn an_oddity_carries_its_code_and_path_in_json() {
    let archive = read(&Tar::default().file("package/../a", "1").end());
    let json = serde_json::to_value(archive.oddities()).unwrap();
    assert_eq!(json, serde_json::json!([{"code": "parent-segment", "path": "package/../a", "message": "the path has '..' in it"}]));
}

#[test]
fn the_list_of_oddities_has_an_end() {
    let tar = (0..1000).fold(Tar::default(), |tar, at| tar.file(format!("package/../{at}"), ""));
    let archive = read(&tar.end());
    assert_eq!(archive.oddities().len(), 256);
    assert_eq!(archive.oddities_omitted(), 1000 - 256);
}

#[test]
fn the_path_of_an_oddity_has_an_end() {
    let name = format!("package/{}", "é".repeat(100_000));
    let refused = Head::file("package/a").checksum(b"0000000\0");
    let archive = read(&Tar::default().pax(b'x', &[("path", &name)]).with(refused, b"").end());
    assert_eq!(archive.oddities()[0].path.as_deref().unwrap().chars().count(), 1024);
}
