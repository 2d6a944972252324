//! Signatures by keys that the user trusts, as far as Node's releases need them: detached ones, and
//! text that is signed in the clear.
//!
//! A signature counts if one of the keys made it, with a digest that nobody can forge today, while
//! the key was valid. Keys that expired since then still speak for what they signed before: the
//! keys of those who no longer release are such. A key that was revoked speaks only where the
//! revocation says that it was retired or replaced, and only for what it signed before.

use std::io::Cursor;

use pgp::composed::{CleartextSignedMessage, Deserializable, DetachedSignature, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{RevocationCode, Signature, SignatureType, SignatureVersion, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails as _, PublicParams, Tag, Timestamp};
use sha2::{Digest as _, Sha256};

/// Largest file of keys, in bytes. All of Node's together have some 200 kB.
pub const MAX_KEYS: u64 = 4 << 20;
/// Most keys that are read.
const MAX_COUNT: usize = 1_000;
/// Most signatures of one document that are looked at.
const MAX_SIGNATURES: usize = 16;
/// Smallest RSA key: 2048 bits, as its two numbers are written.
const MIN_RSA: usize = 2 + 256 + 2 + 1;
/// How far the clocks of two machines may differ, in seconds.
const TOLERANCE: u32 = 24 * 60 * 60;
/// Longest name of a key's owner that is passed on, in characters.
const MAX_NAME: usize = 120;
const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// Keys that the user trusts.
pub struct KeyRing {
    keys: Vec<SignedPublicKey>,
    digest: String,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("keys", &self.keys.len()).field("digest", &self.digest).finish()
    }
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The fingerprint of the (primary) key, in upper-case hex.
    pub key: String,
    /// Its owner, as the key says.
    pub name: Option<String>,
}

impl KeyRing {
    /// Reads keys: binary, or any number of armored blocks. The error says what is wrong with them.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let unreadable = |error: pgp::errors::Error| format!("it has a key that cannot be read: {error}");
        let mut keys = Vec::new();
        if bytes.first().is_some_and(|first| first & 0x80 != 0) {
            for key in SignedPublicKey::from_bytes_many(Cursor::new(bytes)).map_err(unreadable)?.take(MAX_COUNT + 1) {
                keys.push(key.map_err(unreadable)?);
            }
        } else {
            let text = std::str::from_utf8(bytes).map_err(|_| "it is neither text nor a key ring".to_owned())?;
            for block in text.split(BEGIN).skip(1).take(MAX_COUNT + 1) {
                let block = format!("{BEGIN}{block}");
                for key in SignedPublicKey::from_string_many(&block).map_err(unreadable)?.0.take(MAX_COUNT + 1) {
                    keys.push(key.map_err(unreadable)?);
                }
            }
        }
        if keys.is_empty() {
            return Err("there is no public key in it".to_owned());
        }
        if keys.len() > MAX_COUNT {
            return Err(format!("it has more than {MAX_COUNT} keys"));
        }
        let digest = hex::encode(Sha256::digest(bytes));
        Ok(Self { keys, digest })
    }

    /// sha256 of what was read, in hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Who signed a text by a signature beside it, binary or armored; `now` in seconds since 1970.
    /// The error says why nobody did.
    pub fn detached(&self, signature: &[u8], text: &[u8], now: u32) -> Result<Signer, String> {
        let (signatures, _) =
            DetachedSignature::from_reader_many(Cursor::new(signature)).map_err(|error| format!("it cannot be read: {error}"))?;
        let mut all = Vec::new();
        for one in signatures.take(MAX_SIGNATURES) {
            all.push(one.map_err(|error| format!("it cannot be read: {error}"))?.signature);
        }
        self.any_of(&all, text, now)
    }

    /// The text of a document that is signed in the clear, and who signed it. Nothing may stand
    /// before or behind it: what is not signed is not read by anybody.
    pub fn clear(&self, document: &str, now: u32) -> Result<(String, Signer), String> {
        if !document.starts_with("-----BEGIN PGP SIGNED MESSAGE-----") {
            return Err("it does not begin as a signed text".to_owned());
        }
        let (message, _) = CleartextSignedMessage::from_string(document).map_err(|error| format!("it cannot be read: {error}"))?;
        let text = message.signed_text();
        let signer = self.any_of(message.signatures(), text.as_bytes(), now)?;
        Ok((text, signer))
    }

    /// Who made the first of these that counts; else why the last does not.
    fn any_of(&self, signatures: &[Signature], text: &[u8], now: u32) -> Result<Signer, String> {
        let mut why = "there is no signature in it".to_owned();
        for signature in signatures.iter().take(MAX_SIGNATURES) {
            match self.signer(signature, text, now) {
                Ok(signer) => return Ok(signer),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    fn signer(&self, signature: &Signature, text: &[u8], now: u32) -> Result<Signer, String> {
        let strong =
            [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512, HashAlgorithm::Sha3_256, HashAlgorithm::Sha3_512];
        match signature.hash_alg() {
            Some(hash) if strong.contains(&hash) => {}
            Some(hash) => return Err(format!("its digest, {hash}, can be forged")),
            None => return Err("it is of an unknown version".to_owned()),
        }
        if !matches!(signature.version(), SignatureVersion::V4 | SignatureVersion::V6) {
            return Err("it is of an old version".to_owned());
        }
        if !matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text)) {
            return Err("it is not one over a document".to_owned());
        }
        let made = signature.created().ok_or("it does not say when it was made")?.as_secs();
        if made > now.saturating_add(TOLERANCE) {
            return Err("it was made in the future".to_owned());
        }
        if ends(made, signature.signature_expiration_time()).is_some_and(|end| end <= now) {
            return Err("it has expired".to_owned());
        }
        for key in &self.keys {
            let by_subkey = key.public_subkeys.iter().find(|subkey| signature.verify(&subkey.key, text).is_ok());
            if by_subkey.is_none() && signature.verify(&key.primary_key, text).is_err() {
                continue;
            }
            let name = key.details.users.iter().find_map(|user| user.id.as_str());
            let name = name.map(|name| name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect::<String>());
            let signer = Signer { key: format!("{:X}", key.fingerprint()), name };
            stands(key, by_subkey, made).map_err(|why| format!("the key {} {why}", signer.key))?;
            return Ok(signer);
        }
        Err("none of the keys made it over this text".to_owned())
    }
}

/// Whether a key could sign at a time: by itself, or by a key below it.
fn stands(key: &SignedPublicKey, by: Option<&SignedPublicSubKey>, made: u32) -> Result<(), String> {
    let primary = &key.primary_key;
    let own = key.details.users.iter().flat_map(|user| {
        let valid = move |signature: &&Signature| signature.verify_certification(primary, Tag::UserId, &user.id).is_ok();
        user.signatures.iter().filter(|signature| signature.typ() != Some(SignatureType::CertRevocation)).filter(valid)
    });
    let direct = key.details.direct_signatures.iter();
    let direct = direct.filter(|signature| signature.typ() == Some(SignatureType::Key) && signature.verify_key(primary).is_ok());
    let newest = own.chain(direct).max_by_key(|signature| signature.created().map(Timestamp::as_secs));
    let newest = newest.ok_or("is not signed by itself")?;
    alive(primary.created_at().as_secs(), newest, made)?;
    let revoked = key.details.revocation_signatures.iter().filter(|signature| signature.verify_key(primary).is_ok());
    unrevoked(revoked, made)?;
    let Some(subkey) = by else {
        // A key that does not say what it is for is for everything.
        let says =
            newest.config().is_some_and(|config| config.hashed_subpackets().any(|one| matches!(one.data, SubpacketData::KeyFlags(_))));
        if says && !newest.key_flags().sign() {
            return Err("is not one that signs".to_owned());
        }
        return strong(primary.public_params());
    };
    let valid = |signature: &&Signature| signature.verify_subkey_binding(primary, &subkey.key).is_ok();
    let of = |kind: SignatureType| subkey.signatures.iter().filter(move |signature| signature.typ() == Some(kind)).filter(valid);
    let bound = of(SignatureType::SubkeyBinding).max_by_key(|signature| signature.created().map(Timestamp::as_secs));
    let bound = bound.ok_or("does not own the key that signed")?;
    // Without the key's own word somebody could claim another's key as a part of his.
    let agreed = bound.embedded_signature().is_some_and(|back| back.verify_primary_key_binding(&subkey.key, primary).is_ok());
    if !bound.key_flags().sign() || !agreed {
        return Err("has a part that signed and may not".to_owned());
    }
    alive(subkey.key.created_at().as_secs(), bound, made)?;
    unrevoked(of(SignatureType::SubkeyRevocation), made)?;
    strong(subkey.key.public_params())
}

/// Whether a key lived at a time, as the signature that makes it a key says.
fn alive(created: u32, by: &Signature, made: u32) -> Result<(), String> {
    if made < created {
        return Err("is younger than the signature".to_owned());
    }
    match ends(created, by.key_expiration_time()) {
        Some(end) if made >= end => Err("had expired when it signed".to_owned()),
        _ => Ok(()),
    }
}

/// The end of a time that begins at a moment; none where there is none.
fn ends(from: u32, time: Option<pgp::types::Duration>) -> Option<u32> {
    time.map(pgp::types::Duration::as_secs).filter(|time| *time > 0).map(|time| from.saturating_add(time))
}

fn unrevoked<'s>(revocations: impl Iterator<Item = &'s Signature>, made: u32) -> Result<(), String> {
    for revocation in revocations {
        let mild = matches!(revocation.revocation_reason_code(), Some(RevocationCode::KeySuperseded | RevocationCode::KeyRetired));
        let before = revocation.created().is_some_and(|at| made < at.as_secs());
        if !(mild && before) {
            return Err("was revoked".to_owned());
        }
    }
    Ok(())
}

/// Whether a key is of a kind and size that nobody can break today.
fn strong(params: &PublicParams) -> Result<(), String> {
    match params {
        PublicParams::RSA(rsa) if rsa.write_len() >= MIN_RSA => Ok(()),
        PublicParams::EdDSALegacy(_) | PublicParams::Ed25519(_) | PublicParams::Ed448(_) | PublicParams::ECDSA(_) => Ok(()),
        _ => Err("is of a kind or size that can be broken".to_owned()),
    }
}
