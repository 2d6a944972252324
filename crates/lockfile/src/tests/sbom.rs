//! What an SBOM says of a component is held, or left out: nothing of it is dropped.

use super::*;

/// A component, and a document of components.
fn component(more: &str) -> String {
    format!(r#"{{"type":"library","bom-ref":"a","name":"a","version":"1.0.0","purl":"pkg:npm/a@1.0.0"{more}}}"#)
}

fn cyclonedx(components: &str, more: &str) -> String {
    format!(r#"{{"bomFormat":"CycloneDX","components":[{components}]{more}}}"#)
}

/// The places of the only package, as addresses and hashes.
fn places(text: &str) -> Vec<(Option<String>, String)> {
    one("bom.json", text).places.into_iter().map(|place| (place.resolved, place.integrity.join(" "))).collect()
}

const B: &str = r#"{"bom-ref":"b","purl":"pkg:npm/b@1.0.0"}"#;
const HASH: &str = r#"[{"alg":"SHA-512","content":"000102"}]"#;

#[test]
fn what_the_document_is_about_is_the_project_and_its_components_are_read() {
    let about = format!(r#","metadata":{{"component":{{"purl":"pkg:npm/x@1.0.0","components":[{B}]}}}}"#);
    let (packages, left) = read("bom.json", &cyclonedx(&component(""), &about));
    assert_eq!(packages, ["a@1.0.0", "b@1.0.0"]);
    assert_eq!(left, ["pkg:npm/x@1.0.0 (project)"]);
    assert_eq!(code("bom.json", &cyclonedx("", r#","metadata":{"component":[]}"#)), "lockfile-malformed");
}

#[test]
fn each_address_of_a_component_is_a_place() {
    let at = |url: &str| format!(r#"{{"type":"distribution","url":"{url}"}}"#);
    let of = |more: &str| places(&cyclonedx(&component(more), ""));
    let (own, other) = ("https://reg.example/a/-/a-1.0.0.tgz", "https://evil.example/a.tgz");
    let both = format!(r#","externalReferences":[{},{},{}]"#, at(own), at(other), at(own));
    assert_eq!(of(&both), [(Some(own.to_owned()), String::new()), (Some(other.to_owned()), String::new())]);
    let purl = |text: &str| cyclonedx(&component("").replace("pkg:npm/a@1.0.0", text), "");
    let found = places(&purl("pkg:npm/a@1.0.0?download_url=https%3A%2F%2Fevil.example%2Fa+b.tgz"));
    assert_eq!(found, [(Some("https://evil.example/a+b.tgz".to_owned()), String::new())]);
    for (text, left) in [
        ("pkg:npm/a@1.0.0?vcs_url=git+ssh://git@code.example/a.git#01", "git"),
        ("pkg:npm/a@1.0.0?download_url=git+https://code.example/a.git", "git"),
        ("pkg:npm/a@1.0.0?download_url=x", "unreadable"),
        ("pkg:npm/a@1.0.0?repository_url=x.example&repository_url=y.example", "unreadable"),
        ("pkg:npm/a@1.0.0?Download_url=https://evil.example/a.tgz", "unreadable"),
        ("pkg:npm/a@1.0.1", "unreadable"),
    ] {
        let (packages, found) = read("bom.json", &purl(text));
        assert_eq!((packages.len(), found.len()), (0, 1), "{text}");
        assert!(found[0].ends_with(&format!("({left})")), "{text}: {found:?}");
    }
    // A hash says which tarball it is, and the repository where its source is.
    let hashed = format!(r#"{{"purl":"pkg:npm/a@1.0.0?vcs_url=https://code.example/a","hashes":{HASH}}}"#);
    assert_eq!(places(&cyclonedx(&hashed, "")), [(None, "sha512-AAEC".to_owned())]);
    let nowhere = cyclonedx(&component(r#","externalReferences":[{"type":"distribution"}]"#), "");
    assert_eq!(read("bom.json", &nowhere).1, ["pkg:npm/a@1.0.0 (unreadable)"]);
    assert_eq!(code("bom.json", &cyclonedx(&component(r#","externalReferences":{}"#), "")), "lockfile-malformed");
}

#[test]
fn each_hash_of_a_component_counts_and_what_is_none_is_told() {
    let of = |more: &str| places(&cyclonedx(&component(more), "")).remove(0).1;
    for (hashes, integrity) in [
        (HASH, "sha512-AAEC"),
        (r#"[{"alg":"SHA3-512","content":"ab"}]"#, "sha3-512-ab"),
        (r#"[{"alg":"BLAKE3","content":"ab"},{"alg":"SHA-1","content":"00"}]"#, "blake3-ab sha1-AA=="),
        (r#"[{"alg":"BLAKE3","content":"ab"},{"alg":"SHA-512","content":"000102"}]"#, "sha512-AAEC"),
        (r#"[{"alg":"SHA-512","content":"zz"}]"#, "sha512-unreadable"),
        (r#"[{"alg":"SHA-512"},{"alg":"SHA-512","content":"000102"}]"#, "sha512-AAEC unreadable"),
        (r#"["sha512-00"]"#, "unreadable"),
        (r#"{"alg":"SHA-512","content":"000102"}"#, "unreadable"),
    ] {
        assert_eq!(of(&format!(r#","hashes":{hashes}"#)), integrity, "{hashes}");
    }
    let of_reference =
        r#","externalReferences":[{"type":"distribution","url":"https://x.example/a.tgz","hashes":[{"alg":"SHA-512","content":"03"}]}]"#;
    assert_eq!(of(&format!(r#","hashes":{HASH}{of_reference}"#)), "sha512-AAEC sha512-Aw==");
    let many = r#"{"alg":"SHA-512","content":"00"},"#.repeat(100);
    assert_eq!(of(&format!(r#","hashes":[{many}{{"alg":"MD5","content":"00"}}]"#)), "sha512-AA==");
}

#[test]
fn a_component_that_is_not_as_it_was_published_is_left_out() {
    for more in [r#","modified":true"#, r#","modified":"true""#, r#","pedigree":{"patches":[{"type":"unofficial"}]}"#, r#","pedigree":[]"#]
    {
        assert_eq!(read("bom.json", &cyclonedx(&component(more), "")).1, ["pkg:npm/a@1.0.0 (file)"], "{more}");
    }
    for more in [r#","modified":false"#, r#","pedigree":{"patches":[],"notes":"x"}"#] {
        assert_eq!(read("bom.json", &cyclonedx(&component(more), "")).0, ["a@1.0.0"], "{more}");
    }
}

#[test]
fn who_needs_a_component_under_another_name_is_known_and_what_is_missing_is_told() {
    let alias = component("").replace(r#""name":"a""#, r#""name":"z""#);
    assert_eq!(one("bom.json", &cyclonedx(&alias, "")).places[0].in_place_of.as_deref(), Some("z"));
    let grouped = component("").replace(r#""name":"a""#, r#""group":"@s","name":"a""#);
    assert_eq!(one("bom.json", &cyclonedx(&grouped, "")).places[0].in_place_of.as_deref(), Some("@s/a"));
    let needs = |more: &str| {
        let rows = format!(r#","dependencies":[{{"ref":"b","dependsOn":["a"{more}]}}],"services":[{{"bom-ref":"s"}}]"#);
        Lockfile::read("bom.json", cyclonedx(&format!("{alias},{B}"), &rows).as_bytes()).unwrap()
    };
    let lockfile = needs(r#","s""#);
    let place = &lockfile.entries[0].places[0];
    assert_eq!((place.in_place_of.as_ref(), place.aliases.as_slice()), (None, &[("b@1.0.0".to_owned(), "z".to_owned())][..]));
    assert_eq!(lockfile.gaps, []);
    let gaps = needs(r#","pkg:npm/evil@1.0.0""#).gaps;
    assert_eq!((gaps.len(), gaps[0].by.as_str(), gaps[0].wanted.as_str()), (1, "b", "pkg:npm/evil@1.0.0"));
}

#[test]
fn other_documents_are_told_and_one_of_two_formats_is_refused() {
    let linked = cyclonedx(&component(""), r#","externalReferences":[{"type":"bom","url":"urn:cdx:x"},{"type":"website","url":"x"}]"#);
    assert_eq!(read("bom.json", &linked).1, ["urn:cdx:x (file)"]);
    let spdx = r#"{"spdxVersion":"SPDX-2.3","packages":[],"externalDocumentRefs":[{"externalDocumentId":"DocumentRef-x","spdxDocument":"https://x.example/y"}]}"#;
    assert_eq!(read("bom.json", spdx).1, ["DocumentRef-x (file)"]);
    assert_eq!(code("bom.json", &cyclonedx("", r#","spdxVersion":"SPDX-2.3","packages":[]"#)), "lockfile-malformed");
}

#[test]
fn spdx_has_one_project_and_each_name_of_a_package_is_one() {
    let of = |kind: &str, locator: &str| format!(r#"{{"referenceType":"{kind}","referenceLocator":"{locator}"}}"#);
    let package = |head: &str, references: &[String]| format!(r#"{{{head},"externalRefs":[{}]}}"#, references.join(","));
    let spdx =
        |packages: &[String]| format!(r#"{{"spdxVersion":"SPDX-2.3","documentDescribes":["root"],"packages":[{}]}}"#, packages.join(","));
    let (a, b) = (of("purl", "pkg:npm/a@1.0.0"), of("purl", "pkg:npm/b@1.0.0"));
    let root = package(r#""SPDXID":"root""#, &[]);
    let both = package(r#""SPDXID":"x""#, &[a.clone(), b.clone(), a.clone(), of("npm", "@s/c@1.0.0")]);
    assert_eq!(read("x.json", &spdx(&[root.clone(), both])).0, ["@s/c@1.0.0", "a@1.0.0", "b@1.0.0"]);
    for head in [r#""SPDXID":"root""#, r#""name":"root""#] {
        let (packages, left) = read("x.json", &spdx(&[root.clone(), package(head, std::slice::from_ref(&a))]));
        assert_eq!((packages, left), (vec!["a@1.0.0".to_owned()], vec!["root (project)".to_owned()]), "{head}");
    }
    let hash = r#""SPDXID":"x","checksums":[{"algorithm":"SHA3-512","checksumValue":"ab"}]"#;
    assert_eq!(one("x.json", &spdx(&[package(hash, std::slice::from_ref(&a))])).places[0].integrity, ["sha3-512-ab"]);
    let place = |head: &str| one("x.json", &spdx(&[package(head, std::slice::from_ref(&a))])).places.remove(0);
    assert_eq!(place(r#""name":"npm:a","versionInfo":"1.0.0""#).in_place_of, None);
    assert_eq!(place(r#""name":"b""#).in_place_of.as_deref(), Some("b"));
    let other = package(r#""SPDXID":"x","versionInfo":"2.0.0""#, std::slice::from_ref(&a));
    assert_eq!(read("x.json", &spdx(&[other])).1, ["pkg:npm/a@1.0.0 (unreadable)"]);
}

#[test]
fn what_npm_gives_no_address_and_no_hash_is_a_folder_of_the_project() {
    let out = |text: &str| {
        Lockfile::read("bom.json", text.as_bytes()).unwrap().left_out.iter().filter(|left| left.reason == Reason::Workspace).count()
    };
    let cyclonedx = |vendor: &str, more: &str| {
        format!(
            r#"{{"bomFormat":"CycloneDX","metadata":{{"tools":[{{"vendor":"{vendor}","name":"cli","version":"11.0.0"}}]}},"components":[{{"bom-ref":"w@1.0.0","name":"w","version":"1.0.0","purl":"pkg:npm/w@1.0.0"{more}}}]}}"#
        )
    };
    let address = r#","externalReferences":[{"type":"distribution","url":"https://registry.npmjs.org/w/-/w-1.0.0.tgz"}]"#;
    assert_eq!((out(&cyclonedx("npm", "")), out(&cyclonedx("other", "")), out(&cyclonedx("npm", address))), (1, 0, 0));
    let spdx = |tool: &str, path: &str| {
        format!(
            r#"{{"spdxVersion":"SPDX-2.3","creationInfo":{{"creators":["Tool: {tool}"]}},"packages":[{{"SPDXID":"w","name":"w","versionInfo":"1.0.0","packageFileName":"{path}","downloadLocation":"NOASSERTION","externalRefs":[{{"referenceType":"purl","referenceLocator":"pkg:npm/w@1.0.0"}}]}}]}}"#
        )
    };
    assert_eq!((out(&spdx("npm/cli-11.0.0", "node_modules/w")), out(&spdx("npm/cli-11.0.0", "w"))), (1, 1));
    assert_eq!((out(&spdx("other-1.0.0", "w")), out(&spdx("npm/cli-11.0.0", "node_modules/a/node_modules/w"))), (0, 0));
}

#[test]
fn what_the_project_asks_for_under_another_name_nobody_else_must() {
    let aliases = |by: &str| {
        let text = format!(
            r#"{{"bomFormat":"CycloneDX","metadata":{{"component":{{"bom-ref":"x","name":"x"}}}},"components":[{{"bom-ref":"a","name":"al","purl":"pkg:npm/a@1.0.0"}},{{"bom-ref":"b","name":"b","purl":"pkg:npm/b@1.0.0"}}],"dependencies":[{{"ref":"{by}","dependsOn":["a","b"]}},{{"ref":"b","dependsOn":["a"]}}]}}"#
        );
        Lockfile::read("bom.json", text.as_bytes()).unwrap().entries[0].places[0].aliases.len()
    };
    assert_eq!((aliases("x"), aliases("z")), (0, 1));
}
