//! `.netrc`, as curl reads it: machines with a login and a password.

use npmrc::Secret;

/// One machine. `default`, which would be for any host, is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The host.
    pub host: String,
    /// The user's name.
    pub login: String,
    /// The password or token.
    pub password: Secret,
}

/// The machines of a file that have both a login and a password.
pub fn machines(text: &str) -> Vec<Machine> {
    let mut found = Vec::new();
    let mut open: Option<(String, Option<String>, Option<String>)> = None;
    let mut words = words(text).into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "machine" => {
                found.extend(open.take().and_then(closed));
                open = words.next().map(|host| (host, None, None));
            }
            "default" => found.extend(open.take().and_then(closed)),
            "login" => {
                let login = words.next();
                open = open.map(|(host, _, password)| (host, login, password));
            }
            "password" => {
                let password = words.next();
                open = open.map(|(host, login, _)| (host, login, password));
            }
            // A word that says nothing here, with its value; what is unknown has none.
            "account" => drop(words.next()),
            _ => {}
        }
    }
    found.extend(open.and_then(closed));
    found
}

fn closed((host, login, password): (String, Option<String>, Option<String>)) -> Option<Machine> {
    Some(Machine { host, login: login?, password: Secret::new(password?) })
}

/// The words, without comments and macros. A word in quotes may hold blanks, and a quote behind a
/// backslash.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut in_macro = false;
    for line in text.lines() {
        // A macro ends with an empty line.
        in_macro = in_macro && !line.trim().is_empty();
        if in_macro {
            continue;
        }
        let mut rest = line.trim_start();
        while !rest.is_empty() && !rest.starts_with('#') {
            let (word, after) = next_word(rest);
            if word == "macdef" {
                in_macro = true;
                break;
            }
            words.push(word);
            rest = after.trim_start();
        }
    }
    words
}

fn next_word(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        return (word.to_owned(), rest);
    };
    let mut word = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (word, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => word.extend(chars.next().map(|(_, escaped)| match escaped {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            })),
            other => word.push(other),
        }
    }
    (word, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String, String)> {
        machines(text).into_iter().map(|one| (one.host, one.login, one.password.expose().to_owned())).collect()
    }

    fn row(host: &str, login: &str, password: &str) -> (String, String, String) {
        (host.into(), login.into(), password.into())
    }

    #[test]
    fn words_may_stand_on_one_line_or_on_several() {
        let text = "machine a.example login me password p1\nmachine b.example\n  password p2\n  account x\n\tlogin you\n";
        assert_eq!(read(text), [row("a.example", "me", "p1"), row("b.example", "you", "p2")]);
    }

    #[test]
    fn what_is_not_whole_and_what_is_for_any_host_does_not_count() {
        assert_eq!(read("machine a login me\nmachine b password p\ndefault login me password p\nmachine"), []);
        assert_eq!(read("default login me password p machine c login x password y"), [row("c", "x", "y")]);
    }

    #[test]
    fn comments_and_macros_are_no_words_and_quotes_hold_blanks() {
        let text = "# machine no login a password b\nmachine a # me\nlogin \"two words\" password \"a\\\"b\"\nmacdef init\nmachine no login a password b\n\nmachine c login d password e#f\n";
        assert_eq!(read(text), [row("a", "two words", "a\"b"), row("c", "d", "e#f")]);
    }
}
