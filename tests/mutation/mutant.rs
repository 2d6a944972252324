//! What a mutant is, and how mutants are made.

use super::model::{Entry, Model};
use super::random::Random;
use super::tarball::gzip;

/// What a change is meant to do; the oracle checks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Intent {
    /// npm writes something else.
    Content,
    /// npm writes the same, other clients do not: never reproduced either.
    OtherClients,
    /// No reader sees a change: plain, and reproduced.
    Encoding,
    /// Readers in use differ: not plain, and never reproduced.
    Odd,
    /// Damage at random: whatever comes of it must keep to the rule.
    Chance,
}

pub(crate) struct Mutant {
    pub(crate) kind: &'static str,
    pub(crate) intent: Intent,
    pub(crate) bytes: Vec<u8>,
}

/// The mutants of one tarball in the making.
pub(crate) struct Mutants<'a> {
    pub(crate) base: &'a Model,
    pub(crate) random: &'a mut Random,
    pub(crate) list: Vec<Mutant>,
}

impl<'a> Mutants<'a> {
    pub(crate) fn new(base: &'a Model, random: &'a mut Random) -> Self {
        Self { base, random, list: Vec::new() }
    }

    /// A compressed file as given.
    pub(crate) fn raw(&mut self, kind: &'static str, intent: Intent, bytes: Vec<u8>) {
        self.list.push(Mutant { kind, intent, bytes });
    }

    /// A tar stream as given.
    pub(crate) fn stream(&mut self, kind: &'static str, intent: Intent, tar: &[u8]) {
        self.raw(kind, intent, gzip(tar));
    }

    /// The archive after a change; none where it has no place for it.
    pub(crate) fn tar(&mut self, kind: &'static str, intent: Intent, change: impl FnOnce(&mut Model, &mut Random) -> Option<()>) {
        let mut model = self.base.clone();
        if change(&mut model, self.random).is_some() {
            self.stream(kind, intent, &model.to_tar());
        }
    }

    /// The archive after a change to one of its files.
    pub(crate) fn file(&mut self, kind: &'static str, intent: Intent, change: impl FnOnce(&mut Entry, &mut Random) -> Option<()>) {
        self.tar(kind, intent, |model, random| {
            let files = model.files();
            let at = *random.pick((!files.is_empty()).then_some(&files)?);
            change(&mut model.entries[at], random)
        });
    }

    /// The archive with one more entry behind all others.
    pub(crate) fn added(&mut self, kind: &'static str, intent: Intent, entry: impl FnOnce(&Model, &mut Random) -> Entry) {
        self.tar(kind, intent, |model, random| {
            let entry = entry(model, random);
            model.entries.push(entry);
            Some(())
        });
    }
}

/// The first component that this archive's entries have.
pub(crate) fn root(model: &Model) -> String {
    model.entries.iter().find(|entry| entry.is_file()).unwrap().root()
}
