//! Files that say nothing: two packages have the same one because a compiler wrote it, not because
//! one copied the other.

/// Longest file that is looked at, in bytes.
pub(super) const MAX_TRIVIAL: u64 = 512;

/// What compilers write around a module that exports nothing (tsc, Babel, esbuild, rollup), and
/// what stands beside builds for two module systems; without white space and semicolons.
const PREAMBLES: [&str; 13] = [
    "\"usestrict\"",
    "'usestrict'",
    "export{}",
    "module.exports={}",
    "exports.__esModule=true",
    "exports.__esModule=!0",
    "exports.default=void0",
    "Object.defineProperty(exports,\"__esModule\",{value:true})",
    "Object.defineProperty(exports,\"__esModule\",{value:!0})",
    "Object.defineProperty(exports,'__esModule',{value:true})",
    "Object.defineProperty(exports,'__esModule',{value:!0})",
    "{\"type\":\"module\"}",
    "{\"type\":\"commonjs\"}",
];

/// `true` for a text that is empty, or made of the preambles alone.
pub(super) fn is_trivial(content: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content) else { return false };
    // The ends of lines that JavaScript has (ECMA-262, LineTerminator): a comment ends at each of
    // them.
    let lines = text.split(['\n', '\r', '\u{2028}', '\u{2029}']).filter(|line| !line.trim_start().starts_with("//# sourceMappingURL="));
    let all: String = lines.flat_map(str::chars).filter(|c| !c.is_whitespace() && *c != ';').collect();
    let mut rest = all.trim_start_matches('\u{feff}');
    while let Some(after) = PREAMBLES.iter().find_map(|known| rest.strip_prefix(known)) {
        rest = after;
    }
    matches!(rest, "" | "{}" | "[]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compilers_write_for_nothing_is_trivial() {
        for text in [
            "",
            "\n",
            "export {};\n",
            "export {};\n//# sourceMappingURL=types.js.map\n",
            "\"use strict\";\nObject.defineProperty(exports, \"__esModule\", { value: true });\n",
            "'use strict';\n\nObject.defineProperty(exports, '__esModule', { value: !0 });",
            "{ \"type\": \"module\" }\n",
            "{\"type\":\"commonjs\"}",
            "{}\n",
        ] {
            assert!(is_trivial(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_does_something_is_not() {
        for text in [
            "x",
            "export {};import 'x'",
            "\"use strict\";a()",
            "//# sourceMappingURL=a\nb()",
            "//# sourceMappingURL=a\rb()",
            "//# sourceMappingURL=a\u{2028}b()",
            "//# sourceMappingURL=a\u{2029}b()",
            "{\"type\":\"module\",\"main\":\"a\"}",
            "export{}; //a()",
        ] {
            assert!(!is_trivial(text.as_bytes()), "{text}");
        }
        assert!(!is_trivial(b"\xff"));
    }
}
