//! What a result says against its own verdict: somebody changed it after it was written, and what
//! it says of the published package does not count.

use serde_json::Value;

use verdict::{Accept, Verdict};

/// Why the parts of a result, or of an attempt by itself, cannot all be true; `None` if nothing
/// speaks against it.
pub(super) fn contradiction(result: &Value) -> Option<&'static str> {
    let stated = result.get("verdict")?;
    let Some(verdict) = verdict_of(stated) else { return Some("its verdict is none of this program's") };
    if !verdict.reproduced(Accept::SameContent) {
        let says_so = result.get("reproduced").is_some_and(|said| *said != Value::Bool(false));
        return says_so.then_some("by one field the package was reproduced, and by its verdict it was not");
    }
    if result.get("code").is_some_and(|code| !code.is_null()) {
        return Some("it was reproduced, and has a code that says why it was not");
    }
    let attempts = result.get("attempts").and_then(Value::as_array)?;
    if result.get("reproduced") != Some(&Value::Bool(verdict.reproduced(accepted(result)))) {
        return Some("by its verdict the package was reproduced, and by another field it was not");
    }
    // What decided is the attempt that has its tarball, in the few whose archive a recipe can hold.
    let decided = attempts.iter().find(|attempt| attempt.pointer("/recipe/tarball").is_some());
    if decided.is_some_and(|attempt| attempt.get("verdict").and_then(verdict_of) != Some(verdict)) {
        return Some("its verdict is not the one of the attempt that decided");
    }
    of_files(result).or_else(|| of_hashes(result, verdict, decided))
}

/// What its files say against a result that says "reproduced".
fn of_files(result: &Value) -> Option<&'static str> {
    // What is there and is no list is none of this program's, whatever is in it.
    let is_none = |field: &&str| result.pointer(field).is_none_or(|value| value.is_null() || value.as_array().is_some_and(Vec::is_empty));
    let lists = ["/comparison/changed", "/comparison/onlyPublished", "/comparison/onlyRebuilt", "/comparison/explanations"];
    let is_explained = ["diff", "likely"].iter().any(|field| result.get(*field).is_some_and(|value| !value.is_null()));
    (!lists.iter().all(is_none) || is_explained).then_some("it says that all files are the same, and names some that are not")
}

/// What its hashes say against a result that says "reproduced".
fn of_hashes(result: &Value, verdict: Verdict, decided: Option<&Value>) -> Option<&'static str> {
    // A registry may give another kind of hash.
    let strong = |text: Option<&Value>| text.and_then(Value::as_str).filter(|text| text.starts_with("sha512-")).map(str::to_owned);
    let made = strong(decided.and_then(|attempt| attempt.pointer("/recipe/tarball/integrity")));
    let other = |field: &str| made.clone().zip(strong(result.pointer(field))).map(|(made, stated)| made != stated);
    if other("/source/integrity") == Some(true) {
        return Some("the recipe makes another tarball than the result says");
    }
    match (verdict, other("/package/integrity")) {
        (Verdict::Identical, Some(true)) => Some("it says identical, and the recipe makes another tarball than was published"),
        (Verdict::SameContent, Some(false)) => Some("it says same-content, and the recipe makes the very tarball that was published"),
        _ => None,
    }
}

fn verdict_of(stated: &Value) -> Option<Verdict> {
    serde_json::from_value(stated.clone()).ok()
}

/// The weakest verdict that the result counts as reproduced.
fn accepted(result: &Value) -> Accept {
    let stated = result.pointer("/options/accept").cloned();
    stated.and_then(|stated| serde_json::from_value(stated).ok()).unwrap_or_default()
}
