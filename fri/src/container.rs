//! Files: proofs, verifying keys and Merkle stores.
//!
//! ```text
//! offset  size  content
//! 0       8     magic "PLICA\r\n\x1a"
//! 8       2     kind: 1 proof, 2 verifying key, 3 Merkle store        (little endian, as all numbers)
//! 10      2     version of the format
//! 12      2     profile; 0 for a store
//! 14      2     zero
//! 16      8     length n of the payload, in bytes
//! 24      n     payload: postcard; pairs of words for a store
//! 24+n    32    BLAKE3 of all bytes before
//! ```
//!
//! The checksum finds accidents; it is no signature. A file has exactly one valid form: the payload must be what encoding the decoded
//! value gives, and nothing may follow the checksum. Lengths inside the payload cannot make the decoder allocate much more than the
//! file's own size: a sequence reserves at most 1 MiB before its elements are there.

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::instances::InstanceList;
use crate::key::{KeyError, KeyFields, VerifyingKey};
use crate::lifted::LiftedProof;
use crate::profile::{Format, Profile, ProfileId};
use crate::proof::{Proof, ProofBody};
use crate::types::BatchProof;

const MAGIC: [u8; 8] = *b"PLICA\r\n\x1a";
const FORMAT_VERSION: u16 = 1;
const HEADER: usize = 24;
const CHECKSUM: usize = 32;
/// Largest key file, in bytes: metadata and a few kilobytes.
const MAX_KEY_BYTES: usize = crate::key::MAX_METADATA + (1 << 20);

/// Largest store file, in bytes: four million nodes.
pub const MAX_STORE_BYTES: usize = 1 << 28;

/// What a file contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A [`Proof`].
    Proof,
    /// A [`VerifyingKey`].
    Key,
    /// A Merkle store, which has no profile.
    Store,
}

impl FileKind {
    const fn code(self) -> u16 {
        match self {
            Self::Proof => 1,
            Self::Key => 2,
            Self::Store => 3,
        }
    }
}

/// Why bytes are not a file.
#[derive(Debug, Error)]
pub enum FileError {
    /// Other magic bytes.
    #[error("not a Plica file")]
    NotAPlicaFile,
    /// A file of another kind.
    #[error("not a {expected:?} file (kind {got})")]
    WrongKind {
        /// What was asked for.
        expected: FileKind,
        /// The kind in the file.
        got: u16,
    },
    /// Another version of the format.
    #[error("format version {0}; this program reads version {FORMAT_VERSION}")]
    Version(u16),
    /// Shorter than its header says.
    #[error("truncated: {got} bytes of {expected}")]
    Truncated {
        /// Bytes that should be there.
        expected: u64,
        /// Bytes that are there.
        got: usize,
    },
    /// Bytes after the end.
    #[error("{0} bytes after the end of the file")]
    TrailingBytes(u64),
    /// Larger than any acceptable file of its kind.
    #[error("a payload of {got} bytes; at most {limit} are accepted")]
    TooLarge {
        /// The limit.
        limit: usize,
        /// Length in the header.
        got: u64,
    },
    /// The bytes have been damaged.
    #[error("the checksum does not match: the file is damaged")]
    Checksum,
    /// An unknown profile.
    #[error("unknown profile {0}")]
    UnknownProfile(u16),
    /// The payload is no encoding.
    #[error("malformed payload: {0}")]
    Malformed(#[from] postcard::Error),
    /// The payload is not the one encoding of its value.
    #[error("the payload is not in canonical form")]
    NonCanonical,
    /// The key in the file is none.
    #[error(transparent)]
    Key(#[from] KeyError),
}

#[derive(Serialize)]
struct ProofPayload<'a, B> {
    instances: &'a InstanceList,
    body: &'a B,
}

#[derive(Deserialize)]
struct ProofPayloadOwned<B> {
    instances: InstanceList,
    body: B,
}

/// A payload whose encoding is the one that it comes from.
fn decode_proof<B>(payload: &[u8]) -> Result<(InstanceList, ProofBody), FileError>
where
    B: Serialize + for<'a> Deserialize<'a> + Into<ProofBody>,
{
    let ProofPayloadOwned::<B> { instances, body } = decode_all(payload)?;
    let again = ProofPayload {
        instances: &instances,
        body: &body,
    };
    if encodes_to(&again, payload) {
        Ok((instances, body.into()))
    } else {
        Err(FileError::NonCanonical)
    }
}

pub(crate) fn seal(kind: FileKind, profile: ProfileId, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + payload.len() + CHECKSUM);
    out.extend(MAGIC);
    out.extend(kind.code().to_le_bytes());
    out.extend(FORMAT_VERSION.to_le_bytes());
    out.extend(profile.0.to_le_bytes());
    out.extend([0; 2]);
    out.extend((payload.len() as u64).to_le_bytes());
    out.extend(payload);
    let checksum = blake3::hash(&out);
    out.extend(checksum.as_bytes());
    out
}

/// The file of a Merkle store with this payload.
#[must_use]
pub fn seal_store(payload: &[u8]) -> Vec<u8> {
    seal(FileKind::Store, ProfileId(0), payload)
}

/// The payload of the file of a Merkle store.
///
/// # Errors
/// [`FileError`] for anything but what [`seal_store`] gives.
pub fn open_store(bytes: &[u8]) -> Result<&[u8], FileError> {
    match unseal(FileKind::Store, bytes)? {
        (0, payload) => Ok(payload),
        _ => Err(FileError::NonCanonical),
    }
}

/// The profile and the payload of the file of a proof or key.
fn open(kind: FileKind, bytes: &[u8]) -> Result<(Profile, &[u8]), FileError> {
    let (profile, payload) = unseal(kind, bytes)?;
    let known = Profile::by_id(ProfileId(profile));
    Ok((known.ok_or(FileError::UnknownProfile(profile))?, payload))
}

/// Checks everything but the payload's content; the profile's number and the payload.
fn unseal(kind: FileKind, bytes: &[u8]) -> Result<(u16, &[u8]), FileError> {
    if bytes.len() < MAGIC.len() || bytes[..MAGIC.len()] != MAGIC {
        return Err(FileError::NotAPlicaFile);
    }
    let (header, rest) = bytes.split_at_checked(HEADER).ok_or(FileError::Truncated {
        expected: (HEADER + CHECKSUM) as u64,
        got: bytes.len(),
    })?;
    let short = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    if short(8) != kind.code() {
        return Err(FileError::WrongKind {
            expected: kind,
            got: short(8),
        });
    }
    if short(10) != FORMAT_VERSION {
        return Err(FileError::Version(short(10)));
    }
    let profile = Profile::by_id(ProfileId(short(12)));
    let limit = match kind {
        FileKind::Proof => profile
            .as_ref()
            .map_or(MAX_KEY_BYTES, |p| p.max_proof_bytes),
        FileKind::Key => MAX_KEY_BYTES,
        FileKind::Store => MAX_STORE_BYTES,
    };
    let length = u64::from_le_bytes(header[16..24].try_into().expect("eight bytes"));
    if length > limit as u64 {
        return Err(FileError::TooLarge { limit, got: length });
    }
    let expected = length + CHECKSUM as u64;
    let got = rest.len() as u64;
    if got < expected {
        return Err(FileError::Truncated {
            expected: expected + HEADER as u64,
            got: bytes.len(),
        });
    }
    if got > expected {
        return Err(FileError::TrailingBytes(got - expected));
    }
    let end = bytes.len() - CHECKSUM;
    if blake3::hash(&bytes[..end]).as_bytes() != &bytes[end..] {
        return Err(FileError::Checksum);
    }
    if short(14) != 0 {
        return Err(FileError::NonCanonical);
    }
    Ok((short(12), &bytes[HEADER..end]))
}

impl Proof {
    /// The bytes of a proof file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        seal(FileKind::Proof, self.profile, &self.payload())
    }

    /// Reads a proof file.
    ///
    /// # Errors
    /// [`FileError`] for anything but exactly what [`Self::to_bytes`] writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        let (profile, payload) = open(FileKind::Proof, bytes)?;
        let (instances, body) = match profile.format {
            Format::Batch => decode_proof::<BatchProof>(payload)?,
            Format::Lifted => decode_proof::<LiftedProof>(payload)?,
        };
        Ok(Self {
            profile: profile.id,
            instances,
            body,
        })
    }

    fn payload(&self) -> Vec<u8> {
        let instances = &self.instances;
        match &self.body {
            ProofBody::Batch(body) => encode(&ProofPayload { instances, body }),
            ProofBody::Lifted(body) => encode(&ProofPayload { instances, body }),
        }
    }
}

impl VerifyingKey {
    /// The bytes of a key file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        seal(FileKind::Key, self.profile.id, &encode(&self.fields()))
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// [`FileError`] for anything but exactly what [`Self::to_bytes`] writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        let (profile, payload) = open(FileKind::Key, bytes)?;
        let fields: KeyFields = decode_all(payload)?;
        if !encodes_to(&fields, payload) {
            return Err(FileError::NonCanonical);
        }
        Ok(Self::from_fields(profile, fields)?)
    }
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("every length is known and memory is the only sink")
}

/// Whether a value's encoding is exactly these bytes. The encoding is compared as it is made, and not kept.
fn encodes_to(value: &impl Serialize, expected: &[u8]) -> bool {
    struct Comparison<'a> {
        rest: &'a [u8],
    }

    impl Flavor for Comparison<'_> {
        type Output = bool;

        fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
            self.try_extend(&[byte])
        }

        fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
            // An error ends the encoding at the first difference.
            self.rest = self
                .rest
                .strip_prefix(bytes)
                .ok_or(postcard::Error::SerializeBufferFull)?;
            Ok(())
        }

        fn finalize(self) -> postcard::Result<bool> {
            Ok(self.rest.is_empty())
        }
    }

    postcard::serialize_with_flavor(value, Comparison { rest: expected }).unwrap_or(false)
}

fn decode_all<'a, D: Deserialize<'a>>(payload: &'a [u8]) -> Result<D, FileError> {
    let (value, rest) = postcard::take_from_bytes::<D>(payload)?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(FileError::NonCanonical)
    }
}
