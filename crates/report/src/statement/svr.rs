//! The same result as in-toto's Simple Verification Result, version 0.2: who looked, by which
//! policies, and which properties hold.
//!
//! It is for consumers that ask for a property by its name and for nothing else. What was done
//! stands in the verification summary.

use serde_json::{Value, json};

use verdict::Verdict;

use super::read::Stated;
use super::{EXTENSION, STATEMENT};
use crate::json::Report;
use crate::product::Product;

/// in-toto's simple verification result.
pub const RESULT: &str = "https://in-toto.io/attestation/svr/v0.2";

/// The bytes are the same.
const IDENTICAL: &str = "REPRODUCED_IDENTICAL";
/// What npm writes to disk is the same; identical bytes are that too.
const SAME_CONTENT: &str = "REPRODUCED_SAME_CONTENT";

/// The properties that hold. What was not reproduced has none of them, whatever it lacks.
fn properties(verdict: Verdict, reproduced: bool) -> &'static [&'static str] {
    match (reproduced, verdict) {
        (false, _) => &[],
        (true, Verdict::Identical) => &[IDENTICAL, SAME_CONTENT],
        (true, _) => &[SAME_CONTENT],
    }
}

/// The result beside a summary: about the same subject, of the same time, by the same policy.
pub fn result(summary: &Value, report: &Report, product: &Product) -> Value {
    let of = |path: &str| summary.pointer(path).cloned().unwrap_or_default();
    json!({
        "_type": STATEMENT,
        "subject": of("/subject"),
        "predicateType": RESULT,
        "predicate": {
            "verifier": { "id": of("/predicate/verifier/id"), "policies": [of("/predicate/policy")] },
            "timeCreated": of("/predicate/timeVerified"),
            "properties": properties(report.verdict, report.reproduced),
            // What a list of properties does not say of one that failed.
            (product.uri(EXTENSION)): {
                "verdict": report.verdict,
                "code": report.code,
                "source": report.source.spec,
                "sourceNamedByVerifier": report.options.source.is_some(),
            },
        },
    })
}

/// What such a statement says; `None` if it is none of this program's, or does not agree with
/// itself.
pub(super) fn stated(statement: &Value) -> Option<Stated> {
    let predicate = statement.get("predicate")?;
    let extension = format!("{}/{EXTENSION}", predicate.pointer("/verifier/id")?.as_str()?);
    let details = predicate.get(extension)?;
    let verdict: Verdict = serde_json::from_value(details.get("verdict")?.clone()).ok()?;
    let said: Vec<&str> = predicate.get("properties")?.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?;
    let reproduced = !said.is_empty();
    // Two fields that say the same: where they do not, it says nothing.
    let same = matches!(verdict, Verdict::Identical | Verdict::SameContent);
    (said == properties(verdict, reproduced) && (same || !reproduced)).then_some(())?;
    let subjects = statement.get("subject")?.as_array().filter(|subjects| subjects.len() == 1)?;
    let subject = subjects.first()?;
    Some(Stated {
        subject: subject.get("name")?.as_str()?.to_owned(),
        digest: subject.get("digest").filter(|digest| digest.is_object())?.clone(),
        key_id: None,
        signer: None,
        verdict,
        code: details.get("code").and_then(Value::as_str).map(str::to_owned),
        reproduced,
        time_verified: predicate.get("timeCreated").and_then(Value::as_str).map(str::to_owned),
        source: details.get("source").and_then(Value::as_str).map(str::to_owned),
        named: details.get("sourceNamedByVerifier").and_then(Value::as_bool).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use verdict::Accept;

    use super::super::statement;
    use super::*;
    use crate::json::Report;

    fn of(verdict: Verdict, accept: Accept) -> Value {
        let mut report: Report = crate::test_support::report("@s/a", verdict, Vec::new());
        report.options.accept = accept;
        report.reproduced = verdict.reproduced(accept);
        let product = Product::default();
        result(&statement(&report, &product).expect("a statement"), &report, &product)
    }

    #[test]
    fn a_result_has_the_properties_that_hold_and_is_read_again() {
        for (verdict, accept, properties) in [
            (Verdict::Identical, Accept::Identical, &[IDENTICAL, SAME_CONTENT][..]),
            (Verdict::SameContent, Accept::SameContent, &[SAME_CONTENT]),
            // Under the user's policy it is not reproduced, and the summary says that it failed.
            (Verdict::SameContent, Accept::Identical, &[]),
            (Verdict::Differs, Accept::SameContent, &[]),
            (Verdict::BuildFailed, Accept::SameContent, &[]),
        ] {
            let result = of(verdict, accept);
            assert_eq!(result.pointer("/predicate/properties"), Some(&json!(properties)), "{verdict:?}");
            let said = stated(&result).expect("a statement");
            assert_eq!((said.verdict, said.reproduced, said.subject.as_str()), (verdict, !properties.is_empty(), "pkg:npm/%40s/a@1.0.0"));
        }
    }

    #[test]
    fn a_result_that_does_not_agree_with_itself_says_nothing() {
        let good = of(Verdict::Differs, Accept::SameContent);
        let details = format!("/predicate/{}", Product::default().uri(EXTENSION).replace('~', "~0").replace('/', "~1"));
        for (path, value) in [
            ("/predicate/properties".to_owned(), json!([SAME_CONTENT])),
            ("/predicate/properties".to_owned(), json!(["ANOTHER"])),
            ("/predicate/properties".to_owned(), json!([1])),
            ("/predicate/verifier/id".to_owned(), json!("https://other.example")),
            ("/subject".to_owned(), json!([])),
            (details.clone(), json!({})),
            (format!("{details}/verdict"), json!("fine")),
        ] {
            let mut edited = good.clone();
            *edited.pointer_mut(&path).expect("there") = value;
            assert!(stated(&edited).is_none(), "{path}");
        }
    }
}
