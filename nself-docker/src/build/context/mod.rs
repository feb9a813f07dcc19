//! The context of a build as an archive: what `.dockerignore` leaves, in the order of names, with modes
//! and symbolic links as they are. It is packed while it is read, and never whole in memory; the same
//! files give the same bytes.

mod ignore;
mod pack;

use std::io;
use std::path::{Path, PathBuf};

use futures::stream::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::ignore::{BadPattern, Ignore};
use super::dockerfile::{self, UnsupportedDockerfile};
use crate::compose;
use crate::engine::Context;

/// Why a context cannot be packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError {
    /// A file of it cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file changed while it was packed.
    #[error("{} changed while it was packed: build again when nothing writes to it", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A name that cannot be written into the archive.
    #[error("the name of {} is not UTF-8: rename it, or name its folder in .dockerignore", path.display())]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// A line of `.dockerignore` is no pattern.
    #[error("{}:{message}", path.display())]
    Ignore {
        /// The `.dockerignore`.
        path: PathBuf,
        /// Which line, and why not.
        message: String,
    },
    /// The Dockerfile asks for what the builder within an engine cannot do.
    #[error(transparent)]
    Unsupported(#[from] UnsupportedDockerfile),
}

/// A context that can be packed: its Dockerfile and its `.dockerignore` have been read.
#[derive(Debug)]
pub(super) struct Prepared {
    folder: PathBuf,
    ignore: Ignore,
    /// Folders of ours, which hold secrets and are nobody's business.
    hidden: PathBuf,
    /// The Dockerfile's path in the archive.
    pub(super) dockerfile: String,
    /// Files that are in the archive and not in the folder, or there with another content.
    added: Vec<(String, Vec<u8>)>,
    /// Paths that are sent whatever `.dockerignore` says: the builder reads them, and leaves them out of
    /// the image itself.
    always: Vec<String>,
}

/// Reads what says how to pack. `hidden` is left out.
pub(super) fn prepare(build: &compose::Build, hidden: &Path) -> Result<Prepared, ContextError> {
    let read = |path: &Path| {
        std::fs::read(path)
            .map_err(|source| ContextError::Unreadable { path: path.to_owned(), source })
    };
    let recipe = read(&build.dockerfile)?;
    dockerfile::check(&build.dockerfile, &String::from_utf8_lossy(&recipe))?;

    let ignore_path = build.context.join(IGNORE_FILE);
    let mut ignore_text = match std::fs::read_to_string(&ignore_path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(ContextError::Unreadable { path: ignore_path, source }),
    };
    let ignore = Ignore::parse(&ignore_text).map_err(|error: BadPattern| ContextError::Ignore {
        path: ignore_path,
        message: format!("{}: {error}", error.line),
    })?;
    let mut added = Vec::new();
    let dockerfile = if let Ok(inside) = build.dockerfile.strip_prefix(&build.context) {
        utf8(inside)?
    } else {
        // From outside it comes under a name of its own, which is not to be copied into the image.
        let digest = Sha256::digest(&recipe);
        let name = format!(".dockerfile.{}", hex::encode(digest.get(..8).unwrap_or(&digest)));
        ignore_text.extend(["\n", &name, "\n"]);
        added.push((IGNORE_FILE.to_owned(), ignore_text.into_bytes()));
        added.push((name.clone(), recipe));
        name
    };
    let always = vec![IGNORE_FILE.to_owned(), dockerfile.clone()];
    let (folder, hidden) = (build.context.clone(), hidden.to_owned());
    Ok(Prepared { folder, ignore, hidden, dockerfile, added, always })
}

impl Prepared {
    /// Packs it as the archive is read. What goes wrong is an error of the stream, whose inner error is
    /// a [`ContextError`]. Dropping the stream ends the packing.
    pub(super) fn archive(self) -> Context {
        let (chunks, received) = mpsc::channel(CHUNKS_AHEAD);
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = pack::pack(&self, pack::Chunks::new(chunks.clone()))
                && !stop.is_cancelled()
            {
                // Nobody reads on: nothing to tell.
                let _ = chunks.blocking_send(Err(io::Error::other(error)));
            }
        });
        let archive = futures::stream::unfold((received, guard), async |(mut received, guard)| {
            Some((received.recv().await?, (received, guard)))
        });
        archive.boxed()
    }
}

fn utf8(path: &Path) -> Result<String, ContextError> {
    let text = path.to_str().ok_or_else(|| ContextError::Name { path: path.to_owned() });
    text.map(str::to_owned)
}

const IGNORE_FILE: &str = ".dockerignore";

/// How many pieces of an archive wait for the engine, at most.
const CHUNKS_AHEAD: usize = 8;

#[cfg(test)]
mod tests;
