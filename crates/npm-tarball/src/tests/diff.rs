//! The difference as text.

use super::super::{Diff, DiffLimits, compare, diff};
use super::read;
use super::tarball::{Head, Tar};

fn diff_with(published: Tar, rebuilt: Tar, change: impl FnOnce(&mut DiffLimits)) -> Diff {
    let (published, rebuilt) = (read(&published.end()), read(&rebuilt.end()));
    let mut limits = DiffLimits::default();
    change(&mut limits);
    diff(&published, &rebuilt, &compare(&published, &rebuilt), &limits).unwrap()
}

fn text(published: &str, rebuilt: &str) -> String {
    let file = |content| Tar::default().file("package/x.js", content);
    diff_with(file(published), file(rebuilt), |_| {}).text
}

#[test]
fn a_changed_file_is_shown_as_npm_diff_shows_it() {
    assert_eq!(
        text("one\ntwo\nthree\n", "one\n2\nthree\n"),
        "diff --git published/x.js rebuilt/x.js\nindex 4cb29ea..f04eb26 100644\n--- published/x.js\n+++ rebuilt/x.js\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
    );
}

#[test]
fn the_same_entries_make_no_text() {
    assert_eq!(text("same", "same"), "");
}

#[test]
fn added_and_removed_files_have_all_their_lines() {
    let removed = diff_with(Tar::default().file("package/a", "1\n2\n").dir("package/"), Tar::default().dir("package/"), |_| {});
    assert_eq!(
        removed.text,
        "diff --git published/a rebuilt/a\ndeleted file mode 100644\nindex 1191247..0000000\n--- published/a\n+++ rebuilt/a\n@@ -1,2 +0,0 @@\n-1\n-2\n"
    );
    let added = diff_with(Tar::default().dir("package/"), Tar::default().put(Head::file("package/a").mode(0o755), b"1\n2\n"), |_| {});
    assert_eq!(
        added.text,
        "diff --git published/a rebuilt/a\nnew file mode 100755\nindex 0000000..1191247\n--- published/a\n+++ rebuilt/a\n@@ -0,0 +1,2 @@\n+1\n+2\n"
    );
}

#[test]
fn a_mode_alone_needs_no_lines() {
    let with = |mode| Tar::default().put(Head::file("package/a").mode(mode), b"1\n");
    let diff = diff_with(with(0o644), with(0o755), |_| {});
    assert_eq!(diff.text, "diff --git published/a rebuilt/a\nold mode 100644\nnew mode 100755\nindex d00491f..d00491f\n");
}

#[test]
fn a_missing_last_newline_is_said() {
    assert!(text("one\n", "one").ends_with("-one\n+one\n\\ No newline at end of file\n"));
}

#[test]
fn line_endings_that_differ_are_said_instead_of_every_line() {
    assert_eq!(
        text("one\r\ntwo\r\n", "one\ntwo\n").lines().skip(4).collect::<Vec<_>>(),
        ["Line endings differ: CRLF in published/x.js, LF in rebuilt/x.js"]
    );
    let both = text("one\r\ntwo\r\n", "one\n2\n");
    assert!(both.ends_with("@@ -1,2 +1,2 @@\n one\n-two\n+2\n"), "{both}");
}

#[test]
fn binary_files_are_named() {
    let file = |content: &[u8]| Tar::default().put(Head::file("package/x.bin"), content);
    let diff = diff_with(file(b"a\0b"), file(b"a\0cd"), |_| {});
    assert!(diff.text.ends_with("\nBinary files published/x.bin and rebuilt/x.bin differ: 3 and 4 bytes\n"), "{}", diff.text);
}

#[test]
fn text_that_is_not_utf8_is_shown_as_far_as_it_goes() {
    let file = |content: &[u8]| Tar::default().put(Head::file("package/x"), content);
    let diff = diff_with(file(b"caf\xe9\n"), file(b"cafe\n"), |_| {});
    assert!(diff.text.ends_with("-caf\u{fffd}\n+cafe\n"));
}

#[test]
fn of_a_long_line_the_part_that_differs_is_shown() {
    let line = |middle: &str| format!("{}{middle}{}\n", "a".repeat(5000), "z".repeat(5000));
    let file = |middle| Tar::default().file("package/x.min.js", &line(middle));
    let diff = diff_with(file("ONE"), file("TWO"), |_| {});
    assert!(diff.capped);
    assert!(diff.text.contains("-[4900 bytes…]aaa") && diff.text.contains("ONEzz") && diff.text.contains("TWOzz"));
    assert!(diff.text.len() < 1200, "{}", diff.text.len());
}

#[test]
fn a_long_line_is_never_cut_inside_a_character() {
    let file = |content: String| Tar::default().file("package/x", &content);
    for shift in 0..4 {
        let diff = diff_with(file("a".repeat(shift) + &"é".repeat(900)), file("日".repeat(900)), |_| {});
        assert!(diff.capped);
    }
}

#[test]
fn a_file_with_many_changes_is_cut() {
    let lines = |step: usize| (0..20_000).map(|at| (at * step).to_string()).collect::<Vec<_>>().join("\n");
    let file = |step| Tar::default().file("package/x", &lines(step));
    let diff = diff_with(file(1), file(2), |limits| limits.file = 2000);
    assert!(diff.capped);
    assert!(diff.text.ends_with("The rest of this difference is not shown\n"));
    assert!(diff.text.len() < 2200);
}

#[test]
fn a_file_that_is_too_large_is_only_named() {
    let file = |content: &str| Tar::default().file("package/x", &content.repeat(1000));
    let diff = diff_with(file("1"), file("2"), |limits| limits.input = 999);
    assert!(diff.capped);
    assert!(diff.text.ends_with("Files published/x and rebuilt/x differ: 1000 and 1000 bytes are too many to show\n"));
}

#[test]
fn a_file_of_too_many_lines_is_only_named() {
    let file = |content: &str| Tar::default().file("package/x", &content.repeat(100));
    let diff = diff_with(file("1\n"), file("2\n"), |limits| limits.lines = 99);
    assert!(diff.capped);
    assert!(diff.text.ends_with("100 and 100 lines are too many to show\n"));
}

#[test]
fn the_whole_is_cut_and_the_rest_counted() {
    let files = |content: &str| (0..100).fold(Tar::default(), |tar, at| tar.file(format!("package/{at:03}"), content));
    let diff = diff_with(files("1\n"), files("2\n"), |limits| limits.total = 1000);
    assert!(diff.capped);
    assert!(diff.text.ends_with("more files differ and are not shown\n"));
    assert!(diff.text.len() < 1200);
}

#[test]
fn a_symbolic_link_is_shown_by_its_target() {
    let link = |target| Tar::default().file("package/a", "1").symlink("package/x", target);
    let diff = diff_with(link("a"), link("b"), |_| {});
    assert!(diff.text.contains(" 120000\n") && diff.text.contains("-a\n") && diff.text.contains("+b\n"), "{}", diff.text);
}

#[test]
fn a_name_cannot_break_out_of_its_line() {
    let file = |content: &str| Tar::default().file("package/a\n+++ b\x1b", content);
    let diff = diff_with(file("1\n"), file("2\n"), |_| {});
    assert!(diff.text.starts_with("diff --git \"published/a\\n+++ b\\033\" \"rebuilt/a\\n+++ b\\033\"\n"), "{}", diff.text);
}

#[test]
fn control_characters_in_content_pass_through() {
    assert!(text("\x1b[31mred\n", "plain\n").contains("-\x1b[31mred\n"));
}
