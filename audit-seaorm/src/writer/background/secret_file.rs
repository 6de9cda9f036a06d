//! A file that holds secrets, opened so that nobody else reads it, or has it written elsewhere.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
};

/// Opens a file for its lines to be added to, and makes it if there is none.
///
/// It has to be a regular file of the user who runs this, in a folder in which nobody else can put another one in its
/// place. Wider rights of a file are narrowed, and no reason to refuse it: what it holds is kept.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    let owner = platform::check_folder(path)?;
    let file = open_itself(path, options)?;
    platform::narrow(path, &file, owner)?;
    Ok(file)
}

/// Opens a file to be read whose lines nobody else can have written.
pub(super) fn read(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    let file = open_itself(path, options)?;
    platform::check_writers(path, &file)?;
    Ok(file)
}

/// Whether the path still leads to this file.
pub(super) fn is_at(path: &Path, file: &File) -> bool {
    let both = fs::symlink_metadata(path).and_then(|found| Ok((found, file.metadata()?)));
    both.is_ok_and(|(found, file)| platform::is_same(&found, &file))
}

/// Whether what is written to it can still be found under some name.
pub(super) fn has_a_name(file: &File) -> bool {
    file.metadata().is_ok_and(|file| platform::has_a_name(&file))
}

fn open_itself(path: &Path, mut options: OpenOptions) -> io::Result<File> {
    platform::follow_nothing(&mut options);
    let opened = options.open(path);
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        return Err(refused(path, "is a symbolic link: name the file that it leads to"));
    }
    let file = opened?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(refused(path, "is no regular file: name one, or a path where there is none yet"))
}

fn refused(path: &Path, why: &str) -> io::Error {
    let text = format!("{} {why}", path.display());
    io::Error::new(io::ErrorKind::PermissionDenied, text)
}

#[cfg(unix)]
mod platform {
    use std::{
        fs::{self, File, Metadata, OpenOptions, Permissions},
        io,
        os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
        path::Path,
    };

    use audit_core::Stamp;

    use super::refused;

    const OURS_ALONE: u32 = 0o600;
    const READ_OR_WRITTEN_BY_OTHERS: u32 = 0o077;
    const WRITTEN_BY_OTHERS: u32 = 0o022;
    /// Of what is in such a folder, everybody removes their own alone.
    const STICKY: u32 = 0o1000;
    const ROOT: u32 = 0;

    /// Nor wait for the other end of a pipe.
    pub(super) fn follow_nothing(options: &mut OpenOptions) {
        options.mode(OURS_ALONE).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }

    /// The user who runs this, if the folder is nobody else's to change.
    pub(super) fn check_folder(path: &Path) -> io::Result<u32> {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let found = fs::metadata(folder)?;
        let is_open = found.mode() & WRITTEN_BY_OTHERS != 0 && found.mode() & STICKY == 0;
        if is_open {
            return Err(refused(
                folder,
                "can be written to by others, who could put another file in place of this one: take that right \
                 from them (chmod go-w), or make a folder that is the application's own (chmod 700)",
            ));
        }
        let user = user(folder)?;
        if ![user, ROOT].contains(&found.uid()) {
            return Err(refused(
                folder,
                "belongs to another user, who could put another file in place of this one: make a folder that is \
                 the application's own (chmod 700)",
            ));
        }
        Ok(user)
    }

    /// Whose a new file is.
    fn user(folder: &Path) -> io::Result<u32> {
        let path = folder.join(format!(".audit-{}", Stamp::next().id));
        let mut options = OpenOptions::new();
        let probe = options.write(true).create_new(true).mode(OURS_ALONE).open(&path)?;
        fs::remove_file(&path)?;
        Ok(probe.metadata()?.uid())
    }

    pub(super) fn narrow(path: &Path, file: &File, owner: u32) -> io::Result<()> {
        let found = file.metadata()?;
        if found.uid() != owner {
            return Err(refused(
                path,
                "belongs to another user: give it to the one who runs the application (chown), or name another file",
            ));
        }
        if found.nlink() != 1 {
            return Err(refused(
                path,
                "has a second name (a hard link), where others may find it: name another file",
            ));
        }
        if found.mode() & READ_OR_WRITTEN_BY_OTHERS != 0 {
            file.set_permissions(Permissions::from_mode(OURS_ALONE))?;
            let path = path.display();
            tracing::warn!(%path, "audit: the file could be read or written by others, until now");
        }
        Ok(())
    }

    pub(super) fn check_writers(path: &Path, file: &File) -> io::Result<()> {
        if file.metadata()?.mode() & WRITTEN_BY_OTHERS == 0 {
            return Ok(());
        }
        Err(refused(
            path,
            "can be written to by others, so that its entries may be anybody's: look at them, and take that right \
             away (chmod go-w)",
        ))
    }

    pub(super) fn is_same(one: &Metadata, other: &Metadata) -> bool {
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    }

    pub(super) fn has_a_name(file: &Metadata) -> bool {
        file.nlink() > 0
    }
}

/// Who reads and writes a file is a matter of the folder's access control list, which is not looked at.
#[cfg(not(unix))]
mod platform {
    use std::{
        fs::{File, Metadata, OpenOptions},
        io,
        path::Path,
    };

    #[cfg(windows)]
    pub(super) fn follow_nothing(options: &mut OpenOptions) {
        use std::os::windows::fs::OpenOptionsExt;

        const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
        options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    }

    #[cfg(not(windows))]
    pub(super) fn follow_nothing(_: &mut OpenOptions) {}

    pub(super) fn check_folder(_: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn narrow(_: &Path, _: &File, _owner: ()) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn check_writers(_: &Path, _: &File) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn is_same(found: &Metadata, _: &Metadata) -> bool {
        found.is_file()
    }

    pub(super) fn has_a_name(_: &Metadata) -> bool {
        true
    }
}
