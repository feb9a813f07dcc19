//! The writing of a context's archive.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use bytes::{Bytes, BytesMut};
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc::Sender;

use super::{ContextError, Prepared, utf8};

/// Where an archive goes: in pieces, to who reads it.
pub(super) struct Chunks {
    sender: Sender<io::Result<Bytes>>,
    piece: BytesMut,
}

impl Chunks {
    pub(super) fn new(sender: Sender<io::Result<Bytes>>) -> Self {
        Self { sender, piece: BytesMut::with_capacity(PIECE) }
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = self.piece.split().freeze();
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.sender.blocking_send(Ok(piece)).map_err(gone)
    }
}

/// Writes the whole archive.
pub(super) fn pack(prepared: &Prepared, chunks: Chunks) -> Result<(), ContextError> {
    let mut archive = Builder::new(chunks);
    let mut packing = Packing { prepared, archive: &mut archive, folders: Vec::new() };
    packing.folder(&prepared.folder, "", false)?;
    for (name, content) in &prepared.added {
        packing.added(name, content)?;
    }
    let written = archive.into_inner().and_then(|mut chunks| chunks.flush());
    written.map_err(|source| ContextError::Unreadable { path: prepared.folder.clone(), source })
}

struct Packing<'a> {
    prepared: &'a Prepared,
    archive: &'a mut Builder<Chunks>,
    /// Folders that are left out, unless something in them is not: then they come before it.
    folders: Vec<(String, Metadata)>,
}

impl Packing<'_> {
    /// Packs what is in a folder, in the order of names.
    fn folder(&mut self, folder: &Path, name: &str, excluded: bool) -> Result<(), ContextError> {
        let unreadable = |source| ContextError::Unreadable { path: folder.to_owned(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            names.push(entry.map_err(unreadable)?.file_name());
        }
        names.sort();
        for file_name in names {
            let path = folder.join(&file_name);
            if path == self.prepared.hidden {
                continue;
            }
            let own =
                utf8(Path::new(&file_name)).map_err(|_| ContextError::Name { path: path.clone() });
            let own = match own {
                Ok(own) => own,
                // What is not sent may be called anything.
                Err(_) if excluded && !self.prepared.ignore.takes_back() => continue,
                Err(error) => return Err(error),
            };
            let name = if name.is_empty() { own } else { format!("{name}/{own}") };
            self.entry(&path, &name)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: &str) -> Result<(), ContextError> {
        if self.prepared.added.iter().any(|(added, _)| added == name) {
            return Ok(());
        }
        let unreadable = |source| ContextError::Unreadable { path: path.to_owned(), source };
        let always = self.prepared.always.iter().any(|wanted| wanted == name);
        let excluded = !always && self.prepared.ignore.excludes(name);
        // Of a link itself, never of what it points to: nothing is followed out of the folder.
        let metadata = fs::symlink_metadata(path).map_err(unreadable)?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            let leads = |wanted: &String| {
                wanted.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
            };
            let leads_to_wanted = self.prepared.always.iter().any(leads);
            if excluded && !self.prepared.ignore.takes_back() && !leads_to_wanted {
                return Ok(());
            }
            self.folders.push((name.to_owned(), metadata));
            if !excluded {
                self.write_folders(path)?;
            }
            self.folder(path, name, excluded)?;
            self.folders.retain(|(waiting, _)| waiting != name);
            return Ok(());
        }
        if excluded || kind.is_socket() || kind.is_fifo() {
            return Ok(());
        }
        self.write_folders(path)?;
        if kind.is_symlink() {
            let target = fs::read_link(path).map_err(unreadable)?;
            let mut header = header(&metadata, EntryType::Symlink, 0);
            return self.archive.append_link(&mut header, name, target).map_err(unreadable);
        }
        if kind.is_file() {
            return self.file(path, name);
        }
        Ok(())
    }

    /// Writes the folders that what comes next lies in.
    fn write_folders(&mut self, path: &Path) -> Result<(), ContextError> {
        for (name, metadata) in std::mem::take(&mut self.folders) {
            let mut header = header(&metadata, EntryType::Directory, 0);
            let written = self.archive.append_data(&mut header, format!("{name}/"), io::empty());
            written.map_err(|source| ContextError::Unreadable { path: path.to_owned(), source })?;
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: &str) -> Result<(), ContextError> {
        let unreadable = |source| ContextError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        // Of what was opened: the name may mean something else by now.
        let metadata = file.metadata().map_err(unreadable)?;
        let size = metadata.len();
        let mut content = Counted { file: file.take(size), read: 0 };
        let mut header = header(&metadata, EntryType::Regular, size);
        self.archive.append_data(&mut header, name, &mut content).map_err(unreadable)?;
        if content.read == size {
            Ok(())
        } else {
            Err(ContextError::Changed { path: path.to_owned() })
        }
    }

    fn added(&mut self, name: &str, content: &[u8]) -> Result<(), ContextError> {
        let mut header = plain(EntryType::Regular, content.len() as u64);
        let written = self.archive.append_data(&mut header, name, content);
        let path = || self.prepared.folder.join(name);
        written.map_err(|source| ContextError::Unreadable { path: path(), source })
    }
}

struct Counted {
    file: io::Take<File>,
    read: u64,
}

impl io::Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        Ok(count)
    }
}

/// An entry with the mode and the time of a file.
fn header(metadata: &Metadata, kind: EntryType, size: u64) -> Header {
    let mut header = plain(kind, size);
    header.set_mode(metadata.mode() & 0o7777);
    header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
    header
}

/// Whoever owns the files here, in the image they are root's, as Docker has it.
fn plain(kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_size(size);
    header
}

const PIECE: usize = 64 * 1024;
