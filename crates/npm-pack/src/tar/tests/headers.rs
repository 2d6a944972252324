//! The header fields of each era, against what the clients themselves wrote.

use super::*;

/// mode, uid, gid, size, mtime and checksum; flag and device fields; the file is `package/a` with
/// five bytes.
fn fields(era: &str) -> [String; 3] {
    let stream = written(era, &[file("a", b"12345")]);
    let header = match headers_of(&stream).first().unwrap().2 {
        '5' => &stream[512..1024],
        _ => &stream[..512],
    };
    assert_eq!(text(&header[..100]), "package/a");
    assert_eq!(&header[257..265], b"ustar\x0000");
    [shown(&header[100..148]), shown(&header[148..156]), shown(&header[329..345])]
}

#[test]
fn npm_up_to_5_3_gives_owner_and_time_of_the_file() {
    let [numbers, _, device] = fields("npm-2");
    assert_eq!(numbers, "000644_~000000_~000000_~0000000005_~13132027407~");
    assert_eq!(device, "000000_~000000_~");
}

#[test]
fn npm_5_4_gives_the_time_only() {
    assert_eq!(fields("npm-5-4")[0], "000644_~~~~~~~~~~~~~~~~~0000000005_~13132027407~");
}

#[test]
fn npm_5_7_gives_no_time() {
    assert_eq!(fields("npm-5-7")[0], "000644_~~~~~~~~~~~~~~~~~0000000005_~~~~~~~~~~~~~");
}

#[test]
fn npm_since_5_8_gives_a_fixed_time() {
    for era in ["npm-5-8", "npm-6-10", "npm-7-0", "npm-7-7", "npm-7-20", "lerna-4"] {
        let [numbers, _, device] = fields(era);
        assert_eq!(numbers, "000644_~~~~~~~~~~~~~~~~~0000000005_~3560116604_~", "{era}");
        assert_eq!(device, "000000_~000000_~");
    }
}

#[test]
fn vlt_gives_the_time_and_no_owner() {
    assert_eq!(fields("vlt-1")[0], "000644_~~~~~~~~~~~~~~~~~0000000005_~13132027407~");
}

#[test]
fn yarn_1_gives_the_time_and_owner_zero() {
    let [numbers, _, device] = fields("yarn-1");
    assert_eq!(numbers, "000644_~000000_~000000_~00000000005_13132027407_");
    assert_eq!(device, "000000_~000000_~");
}

#[test]
fn berry_gives_its_own_fixed_times() {
    assert_eq!(fields("berry-2")[0], "000644_~000000_~000000_~00000000005_02263523000_");
    assert_eq!(fields("berry-3")[0], "000644_~000000_~000000_~00000000005_03316406010_");
}

#[test]
fn pnpm_gives_npms_time_in_tar_streams_form() {
    for era in ["pnpm-6-20", "pnpm-7", "pnpm-8-8", "pnpm-11-28"] {
        assert_eq!(fields(era)[0], "000644_~000000_~000000_~00000000005_03560116604_", "{era}");
    }
}

#[test]
fn pnpm_12_writes_with_the_tar_crate() {
    for era in ["pnpm-12-0", "pnpm-12-21"] {
        let [numbers, checksum, device] = fields(era);
        assert_eq!(numbers, "0000644~~~~~~~~~~~~~~~~~00000000005~03560116604~", "{era}");
        assert!(checksum.ends_with('~') && !checksum.contains('_'));
        assert_eq!(device, "~~~~~~~~~~~~~~~~");
    }
}

#[test]
fn bun_ends_the_checksum_in_nul_and_space() {
    let [numbers, checksum, device] = fields("bun-1");
    assert_eq!(numbers, "000644_~000000_~000000_~00000000005_03560116604_");
    assert!(checksum.ends_with("~_"), "{checksum}");
    assert_eq!(device, "000000_~000000_~");
}

#[test]
fn the_checksum_counts_its_own_field_as_spaces() {
    let stream = written("npm-7-20", &[file("a", b"12345")]);
    let mut header: Vec<u8> = stream[..512].to_vec();
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    assert_eq!(shown(&stream[148..156]), format!("{sum:06o}_~"));
}

#[test]
fn node_tar_2_widens_the_largest_short_number_and_node_tar_4_does_not() {
    let mut block = block::Block::new();
    assert!(block.number(block::UID, crate::era::Octal::SpaceNulEager, 0o777_777));
    assert!(block.number(block::GID, crate::era::Octal::SpaceNul, 0o777_777));
    let sealed = block.seal(crate::era::Octal::SpaceNul);
    assert_eq!(shown(&sealed[108..124]), "0777777~777777_~");
}

#[test]
fn a_number_that_fills_the_field_loses_its_space() {
    let mut block = block::Block::new();
    assert!(block.number(block::SIZE, crate::era::Octal::SpaceNul, 0o77_777_777_777));
    assert!(!block.number(block::SIZE, crate::era::Octal::SpaceNul, 0o100_000_000_000));
    assert_eq!(shown(&block.seal(crate::era::Octal::SpaceNul)[124..136]), "77777777777~");
}
