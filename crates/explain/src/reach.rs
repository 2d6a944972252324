//! Words by which code reaches beyond itself: what a file loads, runs, sends or takes from its
//! surroundings.
//!
//! A compiler of another version writes its helpers otherwise, and none of these words more often.
//! Who hides something in a helper needs one.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// Each is counted by itself.
const WORDS: [&str; 15] = [
    r"\brequire\b",
    r"\bimport\s*[(.]",
    r"\beval\b",
    r"\bFunction\s*[(`]",
    r"\bprocess\b|\bglobalThis\b|\bglobal\b|\bDeno\b|\bBun\b",
    r"\bchild_process\b|\bspawn(?:Sync)?\b|\bexec(?:Sync|File|FileSync)\b|\bfork\b",
    r"\bfetch\b|\bXMLHttpRequest\b|\bWebSocket\b|\bsendBeacon\b|\bEventSource\b",
    r"\batob\b|\bbtoa\b|\bBuffer\b|\bfromCharCode\b|\bfromCodePoint\b|\bunescape\b|\bdecodeURI(?:Component)?\b",
    r"\bmodule\b",
    r"\bdocument\b|\bnavigator\b|\blocalStorage\b|\bsessionStorage\b|\bwindow\b",
    r"\bconstructor\b",
    r"\bset(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b",
    r"https?:",
    r"\bWebAssembly\b|\bWorker\b|\bimportScripts\b",
    r"\bgetBuiltinModule\b|\bcreateRequire\b|\b_load\b|\bdlopen\b|\bbinding\b",
];
/// Loading a compiler's own library, in place of helpers in the file.
const LIBRARIES: &str =
    r#"\brequire\(\s*["'](?:@babel/runtime(?:-corejs[23])?/|@swc/helpers|tslib|regenerator-runtime|core-js)[\w./@-]*["']\s*\)"#;
/// A load in whose place another path of a machine would stand.
const LOADED_PATH: &str =
    r#"(?:\brequire|\bimport|\bfrom|\bimportScripts|\bWorker|\bfork|\bspawn|\bexecFile)\s*\(?\s*["'`](?:file:)?(?:[/\\]|[A-Za-z]:)"#;

static PATTERNS: LazyLock<Option<Vec<Regex>>> =
    LazyLock::new(|| WORDS.iter().map(|word| Regex::new(&format!("(?-u){word}")).ok()).collect());
static LIBRARY: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!("(?-u){LIBRARIES}")).ok());
static PATH: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!("(?-u){LOADED_PATH}")).ok());

/// Whether the published text has any of the words more often than the rebuilt one.
pub(super) fn is_wider(published: &[u8], rebuilt: &[u8]) -> bool {
    let (Some(words), Some(library)) = (PATTERNS.as_ref(), LIBRARY.as_ref()) else { return true };
    let bare = |text: &[u8]| library.replace_all(text, regex::bytes::NoExpand(b"")).into_owned();
    let [ours, theirs] = [bare(published), bare(rebuilt)];
    words.iter().any(|word| word.find_iter(&ours).count() > word.find_iter(&theirs).count())
}

/// Whether a text loads something by an absolute path.
pub(super) fn loads_a_path(text: &[u8]) -> bool {
    PATH.as_ref().is_none_or(|path| path.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(PATTERNS.is_some() && LIBRARY.is_some() && PATH.is_some());
    }

    #[test]
    fn a_word_more_is_wider_and_a_compilers_library_is_not() {
        let helper = "function __importDefault(m) { return m && m.__esModule ? m : { default: m } }";
        assert!(!is_wider(helper.as_bytes(), b"var x = 1"));
        assert!(!is_wider(b"var a = require('@babel/runtime/helpers/extends'), b = require(\"tslib\")", b""));
        for text in [
            "require('fs')",
            "eval(x)",
            "new Function(x)",
            "process.env",
            "fetch(x)",
            "atob(x)",
            "x.constructor(y)",
            "import('x')",
            "require('tslib').x; require(x)",
        ] {
            assert!(is_wider(text.as_bytes(), b"a(b)"), "{text}");
        }
        assert!(!is_wider(b"require('a')", b"require('b')"));
    }

    #[test]
    fn a_load_by_an_absolute_path_is_told() {
        for text in ["require('/tmp/a.js')", "import x from \"/opt/x.mjs\"", "import('file:///x')", "require(`C:\\\\x`)"] {
            assert!(loads_a_path(text.as_bytes()), "{text}");
        }
        assert!(!loads_a_path(b"require('./tmp/a.js'); at('/tmp/a.js'); // /home/me/x.js"));
    }
}
