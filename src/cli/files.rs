//! Reading and writing files.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use plica::aggregate::ClaimTree;
use plica::{
    Claim, DirectoryModules, Error, FileError, Inputs, Joint, KernelFile, MAX_STORE_BYTES,
    MerkleStore, ModuleLoader, Plica, Proof, SecurityTarget, VerifierModule, VerifyingKey,
};

/// Largest source text or input file that is read, in bytes.
const MAX_TEXT: u64 = 256 << 20;
/// Largest store file that is read, in bytes, with what is around its payload.
const MAX_STORE: u64 = MAX_STORE_BYTES as u64 + (1 << 10);
/// Largest proof or key file that is read, in bytes; decoding has tighter limits of its own.
pub(super) const MAX_BINARY: u64 = 1 << 27;

pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let failed = |reason| Error::Io {
        action: "read",
        path: path.to_owned(),
        reason,
    };
    let file = fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(failed(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            format!("the file is larger than {limit} bytes"),
        )));
    }
    Ok(bytes)
}

fn read_text(path: &Path) -> Result<String, Error> {
    String::from_utf8(read(path, MAX_TEXT)?).map_err(|_| Error::NotText {
        path: path.to_owned(),
    })
}

/// The files in a folder with an extension, by name.
pub(super) fn with_extension(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Error> {
    let failed = |reason| Error::Io {
        action: "read",
        path: folder.to_owned(),
        reason,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|e| e == extension) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Makes a folder if it is not there.
pub(super) fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|reason| Error::Io {
        action: "write",
        path: path.to_owned(),
        reason,
    })
}

/// Writes a file completely or not at all: first under another name in the same folder.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |reason| Error::Io {
        action: "write",
        path: path.to_owned(),
        reason,
    };
    // Devices and pipes cannot be renamed over.
    if fs::metadata(path).is_ok_and(|m| !m.is_file()) {
        return fs::write(path, bytes).map_err(failed);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let result = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&temporary, path));
    result.map_err(|reason| {
        let _ = fs::remove_file(&temporary);
        failed(reason)
    })
}

/// Reads and assembles a program; modules are looked for in its folder.
///
/// `verifies` is the target of the proofs that the program may verify.
pub(super) fn program(
    path: &Path,
    kernel: Option<&Path>,
    verifies: SecurityTarget,
) -> Result<Plica, Error> {
    let loader = modules(path, kernel, verifies);
    Plica::assemble_with(&read_text(path)?, &path.display().to_string(), &loader)
}

/// The same for joint proofs, which have no kernel.
pub(super) fn joint(path: &Path, verifies: SecurityTarget) -> Result<Joint, Error> {
    let loader = modules(path, None, verifies);
    Joint::assemble_with(&read_text(path)?, &path.display().to_string(), &loader)
}

/// The modules that a program finds.
fn modules(
    path: &Path,
    kernel: Option<&Path>,
    verifies: SecurityTarget,
) -> Vec<Box<dyn ModuleLoader>> {
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut loader: Vec<Box<dyn ModuleLoader>> = vec![
        Box::new(DirectoryModules::new(folder)),
        Box::new(VerifierModule { target: verifies }),
    ];
    if let Some(kernel) = kernel {
        loader.push(Box::new(KernelFile(kernel.to_owned())));
    }
    loader
}

/// The inputs from `given`, or from the file beside the program, or none.
pub(super) fn inputs(given: Option<&Path>, program: &Path) -> Result<Inputs, Error> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => {
            let beside = program.with_extension("inputs");
            if !beside.exists() {
                return Ok(Inputs::default());
            }
            beside
        }
    };
    let text = read_text(&path)?;
    Inputs::from_json(&text).map_err(|reason| Error::InputFile { path, reason })
}

pub(super) fn proof(path: &Path) -> Result<Proof, Error> {
    let bytes = read(path, MAX_BINARY)?;
    Proof::from_bytes(&bytes).map_err(|reason| Error::File {
        path: path.to_owned(),
        reason,
    })
}

pub(super) fn key(path: &Path) -> Result<VerifyingKey, Error> {
    let bytes = read(path, MAX_BINARY)?;
    VerifyingKey::from_bytes(&bytes).map_err(|reason| Error::File {
        path: path.to_owned(),
        reason,
    })
}

/// Writes a store, but none that could not be read again.
pub(super) fn write_store(path: &Path, store: &MerkleStore) -> Result<(), Error> {
    let bytes = store.to_bytes();
    if bytes.len() > MAX_STORE_BYTES {
        let (limit, got) = (MAX_STORE_BYTES, bytes.len() as u64);
        let reason = FileError::TooLarge { limit, got };
        return Err(Error::File {
            path: path.to_owned(),
            reason,
        });
    }
    write(path, &bytes)
}

/// The store in a file, or a new one.
pub(super) fn store(path: &Path) -> Result<MerkleStore, Error> {
    let exists = path.try_exists().map_err(|reason| Error::Io {
        action: "read",
        path: path.to_owned(),
        reason,
    })?;
    if !exists {
        return Ok(MerkleStore::default());
    }
    let bytes = read(path, MAX_STORE)?;
    MerkleStore::from_bytes(&bytes).map_err(|reason| Error::File {
        path: path.to_owned(),
        reason,
    })
}

pub(super) fn tree(path: &Path) -> Result<ClaimTree, Error> {
    let bytes = read(path, MAX_TEXT)?;
    ClaimTree::from_json(&bytes).map_err(|reason| Error::Tree {
        path: path.to_owned(),
        reason,
    })
}

pub(super) fn claim(path: &Path) -> Result<Claim, Error> {
    let bytes = read(path, 1 << 16)?;
    Claim::from_json(&bytes).map_err(|reason| Error::Claim {
        path: path.to_owned(),
        reason,
    })
}

/// `X.claims.json` beside an aggregate `X.proof`.
pub(super) fn claims_path(proof: &Path) -> PathBuf {
    proof.with_extension("claims.json")
}

/// `X.claim.json` beside `X.proof`.
pub(super) fn claim_path(proof: &Path) -> PathBuf {
    proof.with_extension("claim.json")
}
