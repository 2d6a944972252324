use super::super::integrity::{Algorithm, Hasher, Integrity};

const SHA1: &str = "sha1-qvTGHdzF6KLavt4PO0gs2a6pQ00=";
const SHA256: &str = "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
const SHA384: &str = "sha384-WeF0h3dEjGnpA0ZeYXQ/n1+0LNfHeYEw3HBd/AYfE1d4uSbqJfAb8T8aqbxHeD4+";
const SHA512: &str = "sha512-m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==";

/// Whether `hello` is what was promised.
fn fits(promised: &str) -> Option<bool> {
    let promised = Integrity::parse(promised)?;
    let mut hasher = Hasher::new(Some(&promised));
    hasher.update(b"hel");
    hasher.update(b"lo");
    Some(hasher.finish().mismatch(&promised).is_none())
}

#[test]
fn every_algorithm_is_checked() {
    let other = "sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb";
    for own in [SHA1, SHA256, SHA512] {
        assert_eq!(fits(own), Some(true), "{own}");
    }
    assert_eq!(fits(other), Some(false));
    assert!(Integrity::parse(SHA384).is_some());
}

#[test]
fn only_the_strongest_algorithm_counts_and_any_of_its_hashes_will_do() {
    let wrong512 = format!("sha512-{}", "A".repeat(86) + "==");
    let wrong1 = format!("sha1-{}=", "A".repeat(27));
    assert_eq!(fits(&format!("{wrong1} {SHA512}")), Some(true));
    assert_eq!(fits(&format!("{SHA1} {wrong512}")), Some(false));
    assert_eq!(fits(&format!("{wrong512} {SHA512}")), Some(true));
    assert_eq!(Integrity::parse(&format!("{SHA1} {SHA512}")).unwrap().algorithm(), Algorithm::Sha512);
}

#[test]
fn options_and_blanks_are_passed_over() {
    assert_eq!(fits(&format!("  {SHA512}?foo=bar\n ")), Some(true));
}

#[test]
fn what_promises_nothing_is_none() {
    for text in ["", "md5-XUFAKrxLKna5cZ2REBfFkg==", "sha512-short", "sha512-", "sha1", "sha1-!!!!", "sha512-qvTGHdzF6KLavt4PO0gs2a6pQ00="]
    {
        assert!(Integrity::parse(text).is_none(), "{text}");
    }
}

#[test]
fn a_shasum_is_sha1_in_hex() {
    assert_eq!(Integrity::from_shasum("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"), Integrity::parse(SHA1));
    assert_eq!(Integrity::from_shasum("AAF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434D"), Integrity::parse(SHA1));
    for text in ["", "aaf4", "zaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d00"] {
        assert!(Integrity::from_shasum(text).is_none(), "{text}");
    }
}

#[test]
fn a_mismatch_tells_what_came_in_the_promised_algorithm() {
    let promised = Integrity::from_shasum(&"0".repeat(40)).unwrap();
    let mut hasher = Hasher::new(Some(&promised));
    hasher.update(b"hello");
    let digests = hasher.finish();
    assert_eq!(digests.mismatch(&promised).as_deref(), Some(SHA1));
    assert_eq!(digests.sha512(), SHA512);
    assert_eq!(digests.shasum(), "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
}
