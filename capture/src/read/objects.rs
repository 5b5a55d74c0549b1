//! What HTTP carried, a file for each body: tshark's `--export-objects` (Wireshark's
//! `ui/cli/tap-exportobject.c`, `epan/export_object.c` and `http_eo_packet` in `packet-http.c`).
//!
//! A body is named by the last part of what the last request of its stream asked for, so that no name
//! leads out of the folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Columns;
use super::proto::http;
use super::proto::tcp::fields as tcp;
use super::statistics::Statistic;
use super::tree::{Node, Tree, Value, Wanted};
use super::walk::Frame;

/// The only kind that there is.
const HTTP: &str = "http";

/// Most bytes of a name (`EXPORT_OBJECT_MAXFILELEN`).
const NAME_LEN: usize = 255;

/// Files of one name (`gui.max_export_objects`).
const SAME_NAMES: u32 = 1000;

/// Streams whose last request is known.
const STREAMS: usize = 65_536;

/// Characters that stand in names by their number alone.
const REJECTED: &[u8] = b"<>:\"/\\|?*";

/// A folder that bodies are written to.
#[derive(Debug)]
pub struct Objects {
    folder: PathBuf,
    /// What the last request of a stream asked for.
    asked: BTreeMap<u64, String>,
    written: u64,
    error: Option<ObjectsError>,
}

/// Why bodies are not written.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// Not what was expected of the option.
    #[error(
        "{0:?} is not http,FOLDER; of the kinds of objects, http is the one that is known here"
    )]
    Words(String),
    /// The folder cannot be made.
    #[error("cannot make the folder {}", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    /// A file cannot be written; those before it were.
    #[error("cannot write the object {}", .0.display())]
    File(PathBuf, #[source] io::Error),
}

impl Objects {
    /// Of `http,FOLDER`. The folder is made if it is not there.
    ///
    /// # Errors
    ///
    /// When the words are others, or the folder cannot be made.
    pub fn parse(words: &str) -> Result<Self, ObjectsError> {
        let folder = match words.split_once(',') {
            Some((HTTP, folder)) if !folder.is_empty() => PathBuf::from(folder),
            _ => return Err(ObjectsError::Words(words.to_owned())),
        };
        fs::create_dir_all(&folder).map_err(|error| ObjectsError::Folder(folder.clone(), error))?;
        Ok(Self {
            folder,
            asked: BTreeMap::new(),
            written: 0,
            error: None,
        })
    }

    /// How many were written.
    ///
    /// # Errors
    ///
    /// Why the first one that is missing could not be.
    pub fn finish(self) -> Result<u64, ObjectsError> {
        self.error.map_or(Ok(self.written), Err)
    }

    fn ask(&mut self, stream: u64, uri: &str) {
        if self.asked.len() == STREAMS && !self.asked.contains_key(&stream) {
            // The oldest stream.
            self.asked.pop_first();
        }
        self.asked.insert(stream, uri.to_owned());
    }

    fn write(&mut self, bytes: &[u8], name: &str) {
        if self.error.is_some() {
            return;
        }
        match write(&self.folder, name, bytes) {
            Ok(()) => self.written += 1,
            Err((path, error)) => self.error = Some(ObjectsError::File(path, error)),
        }
    }
}

impl Statistic for Objects {
    fn want(&self, wanted: &mut Wanted) {
        for field in [
            tcp::STREAM,
            http::THIS,
            http::URI,
            http::CONTENT_TYPE,
            http::FILE_DATA,
        ] {
            wanted.add(field);
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        let mut stream = None;
        let mut kind = String::new();
        for node in tree.nodes() {
            let text = || text(node, tree);
            match (node.field, node.value) {
                (tcp::STREAM, Value::Uint(number)) => stream = Some(number),
                (http::THIS, _) => kind.clear(),
                (http::URI, _) => {
                    if let Some(stream) = stream {
                        self.ask(stream, text());
                    }
                }
                (http::CONTENT_TYPE, _) => {
                    let end = |letter: char| matches!(letter, ';' | ' ' | '\t');
                    let whole = text().split(end).next().unwrap_or_default();
                    kind = whole.to_ascii_lowercase();
                }
                (http::FILE_DATA, _) => {
                    let asked = stream.and_then(|stream| self.asked.get(&stream));
                    let name = match (asked, kind.as_str()) {
                        (Some(uri), _) => last_part(uri).to_owned(),
                        (None, "") => format!("object{}", frame.number),
                        (None, kind) => format!("object{}.{kind}", frame.number),
                    };
                    self.write(tree.bytes(node.place, frame.packet.data), &name);
                }
                _ => {}
            }
        }
    }

    fn print(&mut self, _out: &mut String) {}
}

fn text<'t>(node: &Node, tree: &'t Tree) -> &'t str {
    match node.value {
        Value::Text(range) => tree.text(range),
        _ => "",
    }
}

/// What is behind the last slash, as `basename(1)` has it.
fn last_part(uri: &str) -> &str {
    let whole = uri.trim_end_matches('/');
    match whole.rsplit('/').next() {
        Some("") | None => "/",
        Some(part) => part,
    }
}

/// A name for a file, the `count`th of that name if that is not 0.
fn safe(name: &str, count: u32) -> String {
    let mut safe = String::with_capacity(name.len());
    for letter in name.chars() {
        match u8::try_from(letter) {
            Ok(byte) if byte < b' ' || REJECTED.contains(&byte) => {
                // Writing to a string does not fail.
                let _infallible = write!(safe, "%{byte:02x}");
            }
            _ => safe.push(letter),
        }
    }
    if count == 0 && safe.len() <= NAME_LEN {
        // What the folder itself and the one above it are called is no file's name.
        return if matches!(safe.as_str(), "." | "..") {
            safe.replace('.', "%2e")
        } else {
            safe
        };
    }
    let number = if count == 0 {
        String::new()
    } else {
        format!("({count})")
    };
    let (front, ending) = match safe.rfind('.') {
        Some(at) if safe.len() - at + number.len() < NAME_LEN => safe.split_at(at),
        _ => (safe.as_str(), ""),
    };
    let room = NAME_LEN - number.len() - ending.len();
    let front = &front[..front.floor_char_boundary(room)];
    format!("{front}{number}{ending}")
}

/// Writes a new file, under the first name that is free.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), (PathBuf, io::Error)> {
    let mut count = 0;
    loop {
        let path = folder.join(safe(name, count));
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        match file.and_then(|mut file| file.write_all(bytes)) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && count < SAME_NAMES => {
                count += 1;
            }
            Err(error) => return Err((path, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_the_folder() {
        for (uri, name) in [
            ("/a/b.html", "b.html"),
            ("/a/b/", "b"),
            ("/", "%2f"),
            ("", "%2f"),
            ("/a?x=1&y=../../etc/passwd", "passwd"),
            ("/x/..", "%2e%2e"),
            ("/x/..%2f..", "..%2f.."),
            ("http://h/c d?e:f", "c d%3fe%3af"),
            ("/\u{1}\\", "%01%5c"),
        ] {
            assert_eq!(safe(last_part(uri), 0), name, "{uri}");
        }
    }

    #[test]
    fn the_same_name_again_gets_a_number_before_its_ending() {
        assert_eq!(safe("b.html", 2), "b(2).html");
        assert_eq!(safe("b", 1), "b(1)");
        let long = "x".repeat(300);
        assert_eq!(safe(&long, 0).len(), NAME_LEN);
        assert!(safe(&format!("{long}.png"), 12).ends_with("x(12).png"));
        assert_eq!(safe(&format!("{long}.png"), 12).len(), NAME_LEN);
    }

    #[test]
    fn nothing_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        for bytes in [b"one", b"two"] {
            write(folder.path(), "a.txt", bytes).unwrap();
        }
        assert_eq!(fs::read(folder.path().join("a.txt")).unwrap(), b"one");
        assert_eq!(fs::read(folder.path().join("a(1).txt")).unwrap(), b"two");
        let (path, error) = write(Path::new("/proc/nothing"), "a", b"x").unwrap_err();
        assert_eq!(path, Path::new("/proc/nothing/a"));
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn other_kinds_are_refused_with_the_one_that_there_is() {
        for words in ["http", "smb,/tmp/x", "http,", ""] {
            let error = Objects::parse(words).unwrap_err();
            assert!(error.to_string().contains("http,FOLDER"), "{words}");
        }
    }
}
