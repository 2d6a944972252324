use super::*;

fn signature(uid: IdField, user: &str) -> Signature {
    Signature { uid, gid: IdField::Number(20), user: user.into(), group: "staff".into(), accessed: Some(7), changed: None }
}

fn adopted() -> Adopted {
    let records = vec![("NODETAR.x".to_owned(), b"\xff".to_vec()), ("path".to_owned(), b"a".to_vec())];
    let pax = AdoptedPax { signature: Signature::default(), records };
    let entry = |mtime, mode, uid, pax| AdoptedEntry { mtime, mode, signature: signature(uid, "isaacs"), pax };
    let entries = [
        ("a.js".to_owned(), entry(Some(1), 0o644, IdField::Number(501), None)),
        ("b/".to_owned(), entry(None, 0o755, IdField::Raw([128, 0, 0, 0, 0, 1, 2, 3]), Some(pax.clone()))),
        ("c.js".to_owned(), entry(Some(2), 0o600, IdField::Number(501), Some(pax))),
    ];
    Adopted {
        root: Some("x".into()),
        order: ["c.js", "a.js", "b/"].map(str::to_owned).into(),
        entries: entries.into(),
        ..Adopted::default()
    }
}

fn through_json(taken: &Taken) -> Taken {
    serde_json::from_str(&serde_json::to_string(taken).unwrap()).unwrap()
}

#[test]
fn what_was_adopted_comes_back_from_json_as_it_was() {
    let taken = Taken::of(&adopted()).unwrap().unwrap();
    let read = through_json(&taken);
    assert_eq!(read.check(), Ok(()));
    assert_eq!(read.adopted(), adopted());
    assert_eq!((taken.owners.len(), taken.records.len()), (3, 2), "what entries share stands once");
}

#[test]
fn where_nothing_was_adopted_there_is_nothing() {
    assert_eq!(Taken::of(&Adopted { gzip_os: Some(3), ..Adopted::default() }), Ok(None));
}

#[test]
fn an_owner_that_no_client_wrote_is_not_written_down() {
    let entries = [("a".to_owned(), AdoptedEntry { mode: 0o644, mtime: Some(5), ..AdoptedEntry::default() })].into();
    let taken = Taken::of(&Adopted { entries, ..Adopted::default() }).unwrap().unwrap();
    let json = serde_json::to_string(&taken).unwrap();
    assert_eq!(json, r#"{"sequence":"packer","entries":[{"path":"a","mtime":5}]}"#);
}

#[test]
fn numbers_that_lead_nowhere_and_keywords_that_mean_something_are_refused() {
    let broken = |change: &dyn Fn(&mut Taken)| {
        let mut taken = Taken::of(&adopted()).unwrap().unwrap();
        change(&mut taken);
        through_json(&taken).check().unwrap_err()
    };
    assert!(broken(&|taken| taken.entries[0].owner = 3).contains("owner"));
    assert!(broken(&|taken| taken.entries[0].pax.as_mut().unwrap().records.push(2)).contains("record"));
    assert!(broken(&|taken| taken.entries[0].mode = Some("9".into())).contains("octal"));
    assert!(broken(&|taken| taken.records[0].0 = "GNU.sparse.name".into()).contains("keyword"));
    assert!(broken(&|taken| taken.root = Some("../..".into())).contains("root"));
}

#[test]
fn more_than_an_archive_has_is_refused_both_ways() {
    let path = "x".repeat(1000);
    let entries: std::collections::BTreeMap<_, _> = (0..5000).map(|at| (format!("{path}{at}"), AdoptedEntry::default())).collect();
    assert_eq!(Taken::of(&Adopted { entries, ..Adopted::default() }), Err(TooMuch));
    let entry = TakenEntry { path, ..TakenEntry::default() };
    assert!(Taken { entries: vec![entry; 5000], ..Taken::default() }.check().is_err());
}
