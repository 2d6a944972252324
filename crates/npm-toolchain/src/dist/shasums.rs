//! SHASUMS256.txt: a hash and a name on each line.

/// The sha256 of a file, in lower-case hex, by a text that was verified. The file is named once, by
/// exactly this name; the error says what is wrong.
pub fn of<'t>(text: &'t str, file: &str) -> Result<Option<&'t str>, String> {
    let mut found = None;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (hash, name) = line.split_once("  ").or_else(|| line.split_once(" *")).ok_or("it has a line that is no hash and a name")?;
        if hash.len() != 64 || !hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err("it has a line that is no hash and a name".to_owned());
        }
        if name == file && found.replace(hash).is_some() {
            return Err(format!("it names {file} twice"));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    #[test]
    fn a_file_is_named_exactly_and_once() {
        assert_eq!(of(&format!("{A}  node-v1.tar.gz\n{A} *x\r\n"), "node-v1.tar.gz"), Ok(Some(A)));
        for other in ["./node-v1.tar.gz", "../node-v1.tar.gz", "node-v1.tar.gz.sig", "node-vv1.tar.gz", "NODE-v1.tar.gz"] {
            assert_eq!(of(&format!("{A}  {other}\n"), "node-v1.tar.gz"), Ok(None), "{other}");
        }
        assert!(of(&format!("{A}  a\n{A}  a\n"), "a").is_err(), "twice, though it is the same");
    }

    #[test]
    fn a_text_of_another_kind_is_refused() {
        for text in ["abc  a\n".to_owned(), format!("{A} a\n"), format!("{}  a\n", A.to_uppercase()), format!("# note\n{A}  a\n")] {
            assert!(of(&text, "a").is_err(), "{text}");
        }
    }
}
