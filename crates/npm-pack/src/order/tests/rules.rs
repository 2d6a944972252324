use super::super::*;

fn sorted<'a>(rule: Order, paths: &[&'a str]) -> Vec<&'a str> {
    arrange(rule, paths).into_iter().map(|index| paths[index]).collect()
}

#[test]
fn extension_then_base_name_then_path() {
    let paths = ["README.md", "package.json", "lib/b.js", "lib/A.js", "a.js", "LICENSE", ".npmrc", "z/a.js"];
    let expected = [".npmrc", "LICENSE", "a.js", "lib/A.js", "z/a.js", "lib/b.js", "package.json", "README.md"];
    assert_eq!(sorted(Order::Extension, &paths), expected);
}

#[test]
fn punctuation_collates_before_digits_and_letters() {
    let paths = ["a/b-c.js", "a/b_c.js", "a/b.c.js", "a/B1.js", "a/b c.js"];
    assert_eq!(sorted(Order::Extension, &paths), ["a/b c.js", "a/b_c.js", "a/b-c.js", "a/b.c.js", "a/B1.js"]);
}

#[test]
fn lower_case_comes_before_upper_case() {
    assert_eq!(sorted(Order::Extension, &["A/x.js", "a/x.js"]), ["a/x.js", "A/x.js"]);
}

#[test]
fn package_json_then_root_files_then_the_rest_then_node_modules() {
    let paths = ["lib/a.js", "node_modules/a/index.js", "z.js", "README.md", "package.json", "a/b.js"];
    let expected = ["package.json", "README.md", "z.js", "a/b.js", "lib/a.js", "node_modules/a/index.js"];
    assert_eq!(sorted(Order::RootFilesFirst, &paths), expected);
}

#[test]
fn breadth_first_takes_directories_up_in_the_order_met() {
    let paths = ["", "a/x/1", "b", "a/", "a/x/", "a/y", "c/", "c/z"];
    assert_eq!(sorted(Order::BreadthFirst, &paths), ["", "a/", "b", "c/", "a/x/", "a/y", "c/z", "a/x/1"]);
}

#[test]
fn bun_writes_package_json_first() {
    assert_eq!(sorted(Order::PackageJsonFirst, &["a", "package.json", "B"]), ["package.json", "B", "a"]);
}

#[test]
fn pnpm_8_8_wrote_package_json_last() {
    let paths = ["a.md", "package.json", "z.ts", "lib/package.json"];
    assert_eq!(sorted(Order::PackageJsonLast, &paths), ["lib/package.json", "a.md", "z.ts", "package.json"]);
}

#[test]
fn berry_sorts_by_bytes() {
    assert_eq!(sorted(Order::Bytewise, &["a/b", "a-b", "B", "a"]), ["B", "a", "a-b", "a/b"]);
}

#[test]
fn fstream_meant_package_json_and_readme_first() {
    let paths = ["index.js", "a.txt", "README.md", "package.json", "lib/x.js", "LICENSE"];
    assert_eq!(sorted(Order::Fstream, &paths), ["package.json", "README.md", "LICENSE", "index.js", "a.txt", "lib/x.js"]);
}

#[test]
fn extname_is_nodes() {
    let cases = [("a.js", ".js"), (".npmrc", ""), ("a.", "."), ("..", ""), ("a.d.ts", ".ts"), ("...", "."), (".a.b", ".b"), ("a", "")];
    for (base, expected) in cases {
        assert_eq!(node_path::extname(base), expected, "{base}");
    }
}
