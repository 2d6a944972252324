//! What is data and can be no program, for files of which a source has no more than a hash.
//!
//! In: a file's name, the package's own package.json, and its bytes, all from strangers. Out:
//! whether anything that installs or loads packages could run it. Names alone do not tell: Node
//! takes a file of any extension for a script, the system loads a library of any name, and a
//! picture can be a script besides. What cannot be told is no data.

use std::io::Read;

use serde_json::Value;

use crate::media::is_whole;
use crate::opening::{has_part, is_refused};
use crate::shell::has_command;
use crate::table::{is_json, is_table};

/// Extensions of pictures, sounds, films, fonts, models and tables: what projects keep in Git LFS,
/// and nothing runs.
const DATA: [&str; 66] = [
    "png",
    "jpg",
    "jpeg",
    "gif",
    "webp",
    "avif",
    "heic",
    "ico",
    "bmp",
    "tif",
    "tiff",
    "psd",
    "tga",
    "dds",
    "ktx",
    "ktx2",
    "hdr",
    "exr",
    "basis",
    "mp3",
    "m4a",
    "aac",
    "wav",
    "ogg",
    "oga",
    "opus",
    "flac",
    "mid",
    "mp4",
    "m4v",
    "mov",
    "webm",
    "mkv",
    "avi",
    "woff",
    "woff2",
    "ttf",
    "otf",
    "ttc",
    "eot",
    "bin",
    "dat",
    "data",
    "csv",
    "tsv",
    "txt",
    "md",
    "db",
    "sqlite",
    "sqlite3",
    "mmdb",
    "onnx",
    "tflite",
    "pb",
    "pbf",
    "safetensors",
    "gguf",
    "glb",
    "stl",
    "ply",
    "npy",
    "parquet",
    "arrow",
    "pdf",
    "geojson",
    "topojson",
];
/// Bytes of a file's beginning that are looked at.
const HEAD: usize = 4096;
/// Bytes in which a format says what it is.
const MAGIC: usize = 12;
/// Longest text that is looked through, in bytes.
const LARGEST_TEXT: u64 = 4 << 20;
/// Fields of package.json that name what is run or loaded.
const RUN: [&str; 8] = ["scripts", "bin", "directories", "main", "exports", "imports", "browser", "module"];

/// How surely a file is data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// It may be run or loaded.
    Run,
    /// A text that does nothing where it is taken for JavaScript, or bytes that JavaScript refuses.
    /// A shell or another language may find something to do in it.
    Text,
    /// Bytes of no format that is known to its end: byte code, a code cache, a text in another
    /// encoding, or just data.
    Unknown,
    /// A picture, a sound, a film, a font or a model by the whole of its structure, in which no
    /// language finds anything to run, or a text that is plainly data: JSON or a table.
    Data,
}

/// How a file looks: by its name one of the kinds that nothing runs, by its bytes no program and no
/// script, named by package.json in no place that runs or loads it. `open` gives its content, of
/// `size` bytes, from its beginning.
pub fn looks<R: Read>(path: &str, size: u64, manifest: &Value, open: impl Fn() -> R) -> Looks {
    let path = path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    let end = name.rsplit_once('.').map(|(_, end)| end).filter(|end| DATA.contains(end));
    let Some(end) = end.filter(|_| !is_run(manifest, &path)) else { return Looks::Run };
    let mut content = open();
    let mut head = Vec::new();
    // Linux asks for no more of a program's head than its four letters. The header of a program for
    // Windows may stand anywhere behind its first two.
    let is_run = |head: &[u8]| is_program(head) || head.starts_with(b"\x7fELF") || head.starts_with(b"MZ");
    if content.by_ref().take(HEAD as u64).read_to_end(&mut head).is_err() || is_run(&head) {
        return Looks::Run;
    }
    if is_no_script(&head) {
        let is_text = !head.contains(&0) && cut_text(&head).is_some();
        // A format's own letters are no program, unless they are made the name of a variable.
        let before: &[u8] = if head.iter().take(MAGIC).any(|byte| *byte == b'=') { b"" } else { b"\x01" };
        let has_command = || has_command(before.chain(head.as_slice()).chain(content));
        return if is_archive(&head) {
            Looks::Run
        } else if is_text || !is_refused(&head) || has_command() || has_part(open()) {
            Looks::Text
        } else if is_whole(size, open()) {
            Looks::Data
        } else {
            Looks::Unknown
        };
    }
    let mut text = head;
    let whole = size <= LARGEST_TEXT && content.take(LARGEST_TEXT).read_to_end(&mut text).is_ok();
    match std::str::from_utf8(&text) {
        Ok(text) if whole && is_known_format(end, text) => Looks::Data,
        Ok(text) if whole && does_nothing(text) => Looks::Text,
        _ => Looks::Run,
    }
}

/// The text of a head that may end within a character; `None` where it is none.
fn cut_text(head: &[u8]) -> Option<&str> {
    match std::str::from_utf8(head) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => std::str::from_utf8(head.get(..error.valid_up_to())?).ok(),
        Err(_) => None,
    }
}

/// Whether a text is plainly data, of a format that its bytes show.
fn is_known_format(end: &str, text: &str) -> bool {
    is_json(text)
        || match end {
            "csv" => does_nothing(text) && is_table(text, ','),
            "tsv" => does_nothing(text) && is_table(text, '\t'),
            _ => false,
        }
}

/// Whether package.json names a file, or the folder that it lies in, where it says what is run or
/// loaded.
fn is_run(manifest: &Value, path: &str) -> bool {
    let mut left: Vec<&Value> = RUN.iter().filter_map(|field| manifest.get(*field)).collect();
    let name = path.rsplit('/').next().unwrap_or(path);
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) => {
                let text = text.to_ascii_lowercase();
                let folder = text.trim_start_matches("./").trim_end_matches('/');
                if text.contains(name)
                    || is_in_pattern(&text, path, name)
                    || (!folder.is_empty() && path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
                {
                    return true;
                }
            }
            Value::Array(list) => left.extend(list),
            Value::Object(map) => left.extend(map.values()),
            _ => {}
        }
    }
    false
}

/// Whether one of a text's words is a pattern that a file fits by its first and last letters
/// (`./data/*.csv`, `sh mod*`).
fn is_in_pattern(text: &str, path: &str, name: &str) -> bool {
    const SIGNS: [char; 4] = ['*', '?', '[', '{'];
    text.split_whitespace().any(|word| {
        let word = word.trim_matches(['"', '\'']).trim_start_matches("./");
        let Some((start, rest)) = word.split_once(SIGNS) else { return false };
        let end = rest.rsplit(['*', '?', ']', '}']).next().unwrap_or_default();
        (path.starts_with(start) || name.starts_with(start)) && path.ends_with(end)
    })
}

/// Whether a file begins as a program for a processor does, or as WebAssembly: ELF, Mach-O for one
/// processor or several, PE behind its stub for DOS. A script may begin with the same letters, and
/// is none of them.
pub fn is_program(head: &[u8]) -> bool {
    let has_header = match head {
        // ELF has class, order of bytes and version.
        [0x7f, b'E', b'L', b'F', 1 | 2, 1 | 2, 1, ..]
        | [0, b'a', b's', b'm', 1, 0, 0, 0, ..]
        | [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..]
        | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..]
        | [0xca, 0xfe, 0xba, 0xbe | 0xbf, ..]
        | [0xbe | 0xbf, 0xba, 0xfe, 0xca, ..] => true,
        [b'M', b'Z', ..] => {
            let at = head.get(0x3c..0x40).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).map(u32::from_le_bytes);
            let at = at.and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX);
            at.checked_add(4).and_then(|end| head.get(at..end)) == Some(b"PE\0\0")
        }
        _ => false,
    };
    has_header && is_no_script(head)
}

/// Archives in which loaders look for code: zip (jar, wheel), gzip, xz, bzip2, zstd.
fn is_archive(head: &[u8]) -> bool {
    const HEADERS: [&[u8]; 5] = [b"PK", &[0x1f, 0x8b], &[0xfd, b'7', b'z', b'X', b'Z'], b"BZh", &[0x28, 0xb5, 0x2f, 0xfd]];
    HEADERS.iter().any(|header| head.starts_with(header))
}

/// Whether JavaScript refuses a file for its first bytes: before anything in which such a byte may
/// stand (a comment, a text, a regular expression, the line of `#!`) there is a control character,
/// or one that is no UTF-8.
///
/// Outside of those, source text has white space, names, numbers and punctuators:
/// <https://tc39.es/ecma262/#sec-ecmascript-language-source-code>.
pub fn is_no_script(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(_) => head,
        Err(error) => head.get(..error.valid_up_to()).unwrap_or_default(),
    };
    // What follows may be the first half of a character that the head cuts.
    let is_broken = head.len() > valid.len() + 3;
    for byte in valid {
        match byte {
            b'/' | b'\'' | b'"' | b'`' | b'#' | b'<' | b'-' => return false,
            b'\t' | b'\n' | 0x0b | 0x0c | b'\r' => {}
            0..=0x1f | 0x7f => return true,
            _ => {}
        }
    }
    is_broken
}

/// Whether a text does nothing where it is taken for JavaScript: it is JSON, or has neither a sign
/// nor a word by which a script calls, sets, loads, defines or takes apart. Operators call too, by
/// `Symbol.hasInstance` and the like; without brackets nobody can say whom.
pub(crate) fn does_nothing(text: &str) -> bool {
    const DOES: [&str; 8] = ["--", "import", "export", "extends", "static", "delete", "new", "instanceof"];
    let is_plain = |c: char| c.is_alphanumeric() || c.is_whitespace() || ",.;:-_#%'\"".contains(c) || !c.is_ascii();
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    !text.starts_with("#!") && ((text.chars().all(is_plain) && !DOES.iter().any(|word| text.contains(word))) || is_json())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::png::tests::picture;
    use serde_json::json;

    fn data(path: &str, content: &[u8]) -> bool {
        looks(path, content.len() as u64, &json!({}), || content) == Looks::Data
    }

    #[test]
    fn pictures_and_tables_are_data() {
        let picture = picture(b"abc");
        for (path, content) in [
            ("a.png", picture.as_slice()),
            ("A.PNG", &picture),
            ("a.csv", b"1,2,-3\nname,other,\xc3\xa9\n"),
            ("a.tsv", b"1\t2\n3\t4\n"),
            ("a.geojson", b"{\"type\":\"Feature\",\"name\":\"a (b)\"}"),
        ] {
            assert!(data(path, content), "{path}");
        }
    }

    #[test]
    fn bytes_of_no_known_format_are_no_data_and_pictures_with_commands_inside_are_none() {
        let wide: Vec<u8> = [0xfeff_u16].into_iter().chain("alert(1)//".encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for (path, content) in [
            ("m/model.bin", &b"hello\0world"[..]),
            ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
            ("core.dat", b"\xa7\r\r\n\0\0\0\0\xe3"),
            ("words.txt", &wide),
            ("core.dat", b"\x01\xff\n#!perl\nprint 1;\n__END__\n"),
            ("a.png", &picture(b"\n#!perl\nprint 1;\n__END__\n")),
            ("a.png", &picture(b"\ncurl -s x | sh\n")),
        ] {
            assert!(!data(path, content), "{path} {:?}", String::from_utf8_lossy(content));
        }
    }

    #[test]
    fn what_could_be_run_is_none_whatever_its_name() {
        let mut long = vec![b' '; HEAD * 2];
        long.extend(b"f()");
        for (path, content) in [
            ("a.js", picture(b"abc").as_slice()),
            ("a", &picture(b"abc")),
            ("LICENSE", b"hello world"),
            ("a.wasm", &picture(b"abc")),
            ("lib.so.1", &picture(b"abc")),
            ("a.bin", b"console.log(1)"),
            ("a.bin", b"require `x`"),
            ("a.csv", b"0,'a'+[eval+''][0][13]+'b' instanceof { [Symbol.hasInstance]: eval }\n"),
            ("a.csv", b"0,a instanceof b\n"),
            ("a.bin", b"process.exitCode++"),
            ("a.bin", b"#!/bin/sh\nrm x"),
            ("a.bin", b"im\\u0070ort 'x'"),
            ("a.bin", b"\x7fELF\x02\x01\x01\0"),
            ("a.bin", b"\x7fELF\0\0\0\0"),
            ("a.bin", b"\0asm\x01\0\0\0"),
            ("a.dat", b"PK\x03\x04"),
            ("a.dat", b"\x1f\x8b\x08\0"),
            // A picture that is a script.
            ("a.gif", b"GIF89a/*\0\0*/=1;f()"),
            ("a.wav", b"RIFF/*\0\0WAVE*/=1;f()"),
            ("a.bmp", b"BM='\0\0';f()"),
            ("a.txt", &long),
        ] {
            assert!(!data(path, content), "{path} {:?}", String::from_utf8_lossy(content));
        }
    }

    #[test]
    fn what_a_shell_takes_for_commands_is_no_data() {
        for (path, content) in [
            ("words.txt", &b"curl -s x | sh\n"[..]),
            ("words.txt", b"rm x\n"),
            ("words.txt", b"first\nnpx other\n"),
            ("words.txt", b"first\n. other\n"),
            ("words.txt", b"curl.exe example.org\n"),
            ("words.txt", b"python3 x\n"),
            ("words.txt", b"touch x/y\n"),
            ("a.bin", b"\x01\ncurl -s x | sh\n"),
            ("a.csv", b"curl -s x | sh\n"),
            ("a.csv", b"curl x,1\n"),
            ("a.csv", b"a,b\n1,2|sh\n"),
            ("a.csv", b"a,b\nsh\n"),
            ("a.tsv", b"curl\tx\n"),
            ("a.bin", b"\x01\necho x\nexit\n\0"),
            ("words.txt", b"first\ntouch x\n"),
            ("a.bin", b"\x01x\ncurl example.org | sh\n\0"),
            ("a.png", b"\x89PNG\r\n\x1a\n\0\0\ntrue; ./x\n"),
            ("a.png", b"\x89PNG\r\n\x1a\n\0\0\nA=1 node x\n"),
            ("a.png", b"\x89PNG\r\n\x1a\n\0\0PK\x05\x06\0\0"),
            ("a.geojson", b"[\"$(curl x)\"]"),
            ("a.geojson", b"\"./x\""),
        ] {
            assert!(!data(path, content), "{path} {:?}", String::from_utf8_lossy(content));
        }
    }

    #[test]
    fn programs_of_other_systems_are_none_wherever_their_header_stands() {
        let mut exe = vec![0; 3 * HEAD];
        exe[..2].copy_from_slice(b"MZ");
        exe[0x3c..0x40].copy_from_slice(&u32::try_from(2 * HEAD).unwrap().to_le_bytes());
        exe[2 * HEAD..2 * HEAD + 4].copy_from_slice(b"PE\0\0");
        assert!(!data("tool.bin", &exe));
        for magic in [0xcafe_babe_u32, 0xcafe_babf, 0xfeed_face, 0xfeed_facf] {
            for head in [magic.to_be_bytes(), magic.to_le_bytes()] {
                let library = [&head[..], &[0; 60]].concat();
                assert!(!data("tool.bin", &library) && is_program(&library), "{head:x?}");
            }
        }
    }

    #[test]
    fn what_package_json_runs_or_loads_is_none() {
        let content = picture(b"abc");
        let seen = |path: &str, manifest: &Value| looks(path, content.len() as u64, manifest, || content.as_slice());
        for manifest in [
            json!({"main": "./model.png"}),
            json!({"scripts": {"postinstall": "sh Model.png"}}),
            json!({"bin": {"a": "model.png"}}),
            json!({"exports": {".": {"import": "./model.png"}}}),
        ] {
            assert_eq!(seen("model.png", &manifest), Looks::Run, "{manifest}");
        }
        assert_eq!(seen("model.png", &json!({"files": ["model.png"], "scripts": {"build": "x"}})), Looks::Data);
        assert_eq!(seen("cmd/a.png", &json!({"directories": {"bin": "./cmd"}})), Looks::Run);
        assert_eq!(seen("a\"b.png", &json!({"bin": {"c": "a\"b.png"}})), Looks::Run);
    }

    #[test]
    fn a_program_is_one_by_more_than_its_first_letters() {
        let mut exe = vec![0; 0x100];
        exe[..2].copy_from_slice(b"MZ");
        exe[0x3c] = 0x80;
        assert!(!is_program(&exe), "a stub alone");
        exe[0x80..0x84].copy_from_slice(b"PE\0\0");
        assert!(is_program(&exe));
        exe[..7].copy_from_slice(b"MZ=1;/*");
        assert!(!is_program(&exe), "a script around the header");
        assert!(is_program(b"\x7fELF\x02\x01\x01\0") && is_program(b"\0asm\x01\0\0\0") && is_program(b"\xcf\xfa\xed\xfe\x07\0\0\x01"));
        for script in [&b"MZ=1;require('child_process')"[..], b"MZ", b"\x7fELF", b"\0asm", b"#!/bin/sh", b""] {
            assert!(!is_program(script), "{script:?}");
        }
    }

    #[test]
    fn a_character_that_the_head_cuts_says_nothing() {
        let mut head = vec![b'a'; HEAD - 1];
        head.push(0xc3);
        assert!(!is_no_script(&head));
        head.extend(b"aaaaaa");
        assert!(is_no_script(&head));
    }

    #[test]
    fn what_a_pattern_names_is_run() {
        for manifest in [
            json!({"exports": {"./*": "./data/*.csv"}}),
            json!({"scripts": {"start": "sh mod*"}}),
            json!({"scripts": {"start": "sh data/m?del.csv"}}),
            json!({"imports": {"#x/*": {"default": "./*"}}}),
        ] {
            assert_eq!(looks("data/model.csv", 4, &manifest, || &b"1,2\n"[..]), Looks::Run, "{manifest}");
        }
        let other = json!({"exports": {"./*": "./lib/*.js"}, "scripts": {"test": "mocha test/**/*.js"}});
        assert_eq!(looks("data/model.csv", 4, &other, || &b"1,2\n"[..]), Looks::Data);
    }
}
