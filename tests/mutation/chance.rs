//! Damage at random: in headers, blocks and the compressed stream. Whatever comes of it keeps to
//! the rule.

use super::model::BLOCK;
use super::mutant::Intent::Chance;
use super::mutant::Mutants;

pub(crate) fn add(m: &mut Mutants<'_>) {
    for _ in 0..4 {
        m.tar("header-byte", Chance, |model, random| {
            let at = random.below(model.entries.len());
            let byte = *random.pick(b"\0\x80\xff/.- 07\n\\xgLK");
            model.entries[at].set(random.below(BLOCK), &[byte]);
            Some(())
        });
    }
    for _ in 0..2 {
        m.tar("header-byte-under-the-checksum", Chance, |model, random| {
            let at = random.below(model.entries.len());
            let byte = random.byte();
            model.entries[at].set_unchecked(random.below(BLOCK), &[byte]);
            Some(())
        });
    }
    for _ in 0..3 {
        m.tar("type-flag", Chance, |model, random| {
            let at = random.below(model.entries.len());
            let flag = *random.pick(b"0123456757DgxLKNXSVMAI\0z\n\xff");
            model.entries[at].set(156, &[flag]);
            Some(())
        });
    }
    blocks(m);
    compressed(m);
}

fn blocks(m: &mut Mutants<'_>) {
    let tar = m.base.to_tar();
    let count = tar.len() / BLOCK;
    let block = |at: usize| at * BLOCK..(at + 1) * BLOCK;
    for _ in 0..2 {
        let (one, other) = (m.random.below(count), m.random.below(count));
        let mut without = tar.clone();
        without.drain(block(one));
        m.stream("block-removed", Chance, &without);
        let mut twice = tar.clone();
        twice.splice(one * BLOCK..one * BLOCK, tar[block(other)].to_vec());
        m.stream("block-copied", Chance, &twice);
        let mut zeroed = tar.clone();
        zeroed[block(one)].fill(0);
        m.stream("block-zeroed", Chance, &zeroed);
        let mut swapped = tar.clone();
        swapped[block(one)].copy_from_slice(&tar[block(other)]);
        swapped[block(other)].copy_from_slice(&tar[block(one)]);
        m.stream("blocks-swapped", Chance, &swapped);
        let mut flipped = tar.clone();
        let at = m.random.below(tar.len());
        flipped[at] ^= 1 << m.random.below(8);
        m.stream("bit-of-the-tar", Chance, &flipped);
    }
}

fn compressed(m: &mut Mutants<'_>) {
    let whole = super::tarball::gzip(&m.base.to_tar());
    for _ in 0..4 {
        let mut bytes = whole.clone();
        let at = m.random.below(bytes.len());
        bytes[at] ^= 1 << m.random.below(8);
        m.raw("bit-of-the-file", Chance, bytes);
    }
    let mut bytes = whole.clone();
    bytes.truncate(m.random.below(bytes.len()));
    m.raw("file-cut", Chance, bytes);
    let mut bytes = whole;
    let at = m.random.below(10);
    bytes[at] = m.random.byte();
    m.raw("gzip-header-byte", Chance, bytes);
}
