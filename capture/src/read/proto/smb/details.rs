//! What a command of SMB2 is about ([MS-SMB2] 2.2), as Wireshark's list says it behind its name: who opens a
//! session, which tree, which file. Files have names where they are opened, and numbers from there on.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{device, find_level, function, information};
use crate::read::proto::brief::ntlmssp;
use crate::read::proto::text::Escaped;
use crate::read::region::Region;
use crate::read::walk::Walk;

const HEADER_LEN: usize = 64;
/// Requests and files that are remembered; the first ones make room.
const MOST: usize = 4096;
/// Names that are longer are not remembered.
const LONGEST: usize = 1024;

const SESSION_SETUP: u16 = 1;
const TREE_CONNECT: u16 = 3;
const CREATE: u16 = 5;
const CLOSE: u16 = 6;
const FLUSH: u16 = 7;
const READ: u16 = 8;
const WRITE: u16 = 9;
const LOCK: u16 = 10;
const IOCTL: u16 = 11;
const FIND: u16 = 14;
const NOTIFY: u16 = 15;
const GET_INFO: u16 = 16;
const SET_INFO: u16 = 17;
const BREAK: u16 = 18;

/// Bytes that an error's body says that it has.
const ERROR_LEN: u16 = 9;
/// There is more than there was room for, which functions of devices tell with their data.
const BUFFER_OVERFLOW: u32 = 0x8000_0005;

/// A file: session, tree and the number that the server gave it.
type File = (u64, u32, [u8; 16]);

/// What is remembered of requests and files.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The name that a request asks for, by stream and number of the message.
    asked: BTreeMap<(u32, u64), String>,
    files: BTreeMap<File, String>,
    /// The file of a request of the first SMB, by stream and number of the message.
    old: BTreeMap<(u32, u64), u16>,
    /// What a transaction there asks for.
    transactions: BTreeMap<(u32, u64), u16>,
    /// Files that were seen being opened there, by stream and tree.
    opened: BTreeSet<(u32, u16, u16)>,
}

impl Memory {
    /// In the first SMB, a file of this stream and tree was opened.
    pub(super) fn open_file(&mut self, file: (u32, u16, u16)) {
        if self.opened.len() >= MOST {
            self.opened.pop_first();
        }
        self.opened.insert(file);
    }

    /// A request asks for this file, or for none.
    pub(super) fn ask_file(&mut self, message: (u32, u64), file: Option<(u32, u16, u16)>) {
        if self.old.len() >= MOST {
            self.old.pop_first();
        }
        match file.filter(|file| self.opened.contains(file)) {
            Some((_, _, file)) => self.old.insert(message, file),
            None => self.old.remove(&message),
        };
    }

    /// A transaction asks for this.
    pub(super) fn ask_transaction(&mut self, message: (u32, u64), kind: u16) {
        if self.transactions.len() >= MOST {
            self.transactions.pop_first();
        }
        self.transactions.insert(message, kind);
    }

    /// What was asked for.
    pub(super) fn asked_transaction(&self, message: (u32, u64)) -> Option<u16> {
        self.transactions.get(&message).copied()
    }

    /// The file that was asked for.
    pub(super) fn asked_file(&self, message: (u32, u64)) -> Option<u16> {
        self.old.get(&message).copied().filter(|file| *file != 0)
    }

    fn ask(&mut self, message: (u32, u64), name: String) {
        if self.asked.len() >= MOST {
            self.asked.pop_first();
        }
        self.asked.insert(message, name);
    }

    fn open(&mut self, file: File, name: String) {
        if self.files.len() >= MOST {
            self.files.pop_first();
        }
        self.files.insert(file, name);
    }
}

/// The header and body of a message.
struct Message<'r, 'b> {
    region: &'r Region<'b>,
    stream: u32,
}

/// The name of a message that is neither a request nor a response.
pub(super) fn title(message: &Region<'_>, command: u16, is_response: bool) -> Option<&'static str> {
    const OPLOCK_LEN: u16 = 24;
    const LEASE_LEN: u16 = 36;
    const NOTICE_LEN: u16 = 44;
    /// Nobody asked.
    const UNASKED: [u8; 8] = [0xff; 8];
    if command != BREAK {
        return None;
    }
    let len = u16::from_le_bytes(message.array(HEADER_LEN).ok()?);
    Some(match (len, is_response) {
        (OPLOCK_LEN, true) if message.array(24) == Ok(UNASKED) => "Oplock Break Notification",
        (OPLOCK_LEN, true) => "Oplock Break Response",
        (NOTICE_LEN, true) => "Lease Break Notification",
        (LEASE_LEN, true) => "Lease Break Response",
        (OPLOCK_LEN, false) => "Oplock Break Acknowledgment",
        (LEASE_LEN, false) => "Lease Break Acknowledgment",
        _ => return None,
    })
}

/// Adds what a message is about to the list, as far as it is there.
pub(super) fn tell(walk: &mut Walk<'_, '_>, region: &Region<'_>, stream: u32) {
    let message = Message { region, stream };
    let flags = message.region.array(16).map_or(0, u32::from_le_bytes);
    // What is missing or cut off is not told of.
    let _told = if flags & 1 == 0 {
        message.request(walk)
    } else {
        message.response(walk)
    };
}

impl Message<'_, '_> {
    fn command(&self) -> Option<u16> {
        self.region.array(12).ok().map(u16::from_le_bytes)
    }

    fn id(&self) -> Option<(u32, u64)> {
        let id = self.region.array(24).ok().map(u64::from_le_bytes)?;
        Some((self.stream, id))
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.region.u8(HEADER_LEN + at).ok()
    }

    fn short(&self, at: usize) -> Option<u16> {
        let bytes = self.region.array(HEADER_LEN + at).ok();
        bytes.map(u16::from_le_bytes)
    }

    fn word(&self, at: usize) -> Option<u32> {
        let bytes = self.region.array(HEADER_LEN + at).ok();
        bytes.map(u32::from_le_bytes)
    }

    fn long(&self, at: usize) -> Option<u64> {
        let bytes = self.region.array(HEADER_LEN + at).ok();
        bytes.map(u64::from_le_bytes)
    }

    /// Bytes of which the body tells place and length in two numbers of 16 bits.
    fn blob(&self, at: usize) -> Option<&[u8]> {
        let (from, len) = (self.short(at)?, self.short(at + 2)?);
        self.region.slice(from.into(), len.into()).ok()
    }

    /// Text in such bytes.
    fn text(&self, at: usize) -> Option<String> {
        self.blob(at).map(utf16)
    }

    /// The file whose number stands there.
    fn file(&self, at: usize) -> Option<File> {
        let tree = self.region.array(36).ok().map(u32::from_le_bytes)?;
        let session = self.region.array(40).ok().map(u64::from_le_bytes)?;
        Some((session, tree, self.region.array(HEADER_LEN + at).ok()?))
    }

    /// Names the file whose number stands there, if it was seen being opened.
    fn name_file(&self, walk: &mut Walk<'_, '_>, at: usize) -> Option<()> {
        let name = walk.memory.brief.smb.files.get(&self.file(at)?)?;
        let name = Escaped(name.as_bytes());
        walk.columns.append_info(format_args!(" File: {name}"));
        Some(())
    }

    fn request(&self, walk: &mut Walk<'_, '_>) -> Option<()> {
        match self.command()? {
            SESSION_SETUP => ntlmssp::tell(walk, self.blob(12)?),
            TREE_CONNECT => {
                let tree = self.text(4)?;
                let tree = Escaped(tree.as_bytes());
                walk.columns.append_info(format_args!(" Tree: {tree}"));
            }
            CREATE => {
                let name = self.text(44)?;
                let shown = Escaped(name.as_bytes());
                walk.columns.append_info(format_args!(" File: {shown}"));
                if usize::from(self.short(46)?) < LONGEST {
                    walk.memory.brief.smb.ask(self.id()?, name);
                }
            }
            CLOSE => {
                self.name_file(walk, 8);
                walk.memory.brief.smb.files.remove(&self.file(8)?);
            }
            FLUSH | LOCK | NOTIFY => self.name_file(walk, 8)?,
            READ | WRITE => {
                let (len, from) = (self.word(4)?.cast_signed(), self.long(8)?);
                walk.columns
                    .append_info(format_args!(" Len:{len} Off:{from}"));
                self.name_file(walk, 16)?;
            }
            IOCTL => {
                self.function(walk);
                self.function_data(walk)?;
            }
            FIND => {
                let level = self.byte(2)?;
                self.name_file(walk, 8);
                let pattern = self.text(24)?;
                let found = format!("{} Pattern: {}", find_level(level), pattern);
                let shown = Escaped(found.as_bytes());
                walk.columns.append_info(format_args!(" {shown}"));
                if !pattern.is_empty() {
                    walk.memory.brief.smb.ask(self.id()?, found);
                }
            }
            GET_INFO | SET_INFO => self.information(walk)?,
            BREAK => self.name_file(walk, 8)?,
            _ => {}
        }
        Some(())
    }

    fn response(&self, walk: &mut Walk<'_, '_>) -> Option<()> {
        let status = self.region.array(8).ok().map(u32::from_le_bytes)?;
        let command = self.command()?;
        let has_failed = status != 0 && self.short(0)? == ERROR_LEN;
        match command {
            // The answer of the server is in an error, too.
            SESSION_SETUP => ntlmssp::tell(walk, self.blob(4)?),
            CREATE if !has_failed => {
                let asked = walk.memory.brief.smb.asked.get(&self.id()?).cloned();
                let name = asked.unwrap_or_else(|| "[unknown]".to_owned());
                walk.memory.brief.smb.open(self.file(64)?, name);
                self.name_file(walk, 64)?;
            }
            FIND => {
                let found = walk.memory.brief.smb.asked.remove(&self.id()?)?;
                let found = Escaped(found.as_bytes());
                walk.columns.append_info(format_args!(" {found}"));
            }
            IOCTL if !has_failed || status == BUFFER_OVERFLOW => self.function(walk)?,
            BREAK if !has_failed => self.name_file(walk, 8)?,
            _ => {}
        }
        Some(())
    }

    /// What a device is asked to do.
    fn function(&self, walk: &mut Walk<'_, '_>) -> Option<()> {
        let code = self.word(4)?;
        if let Some(name) = function(code) {
            walk.columns.append_info(format_args!(" {name}"));
        } else if code != 0 {
            let (kind, number) = (code >> 16, code >> 2 & 0xfff);
            match device(kind) {
                Some(name) => walk.columns.append_info(format_args!(" {name}")),
                None => walk
                    .columns
                    .append_info(format_args!(" Unknown (0x{kind:08X})")),
            }
            walk.columns
                .append_info(format_args!(" Function:0x{number:04x}"));
        }
        self.name_file(walk, 8)
    }

    /// What comes with what a device is asked to do.
    fn function_data(&self, walk: &mut Walk<'_, '_>) -> Option<()> {
        const REFERRALS: u32 = 0x0006_0194;
        const WAIT: u32 = 0x0011_0018;
        let (at, len) = (self.word(24)? as usize, self.word(28)? as usize);
        let data = self.region.slice(at, len).ok()?;
        match self.word(4)? {
            REFERRALS => {
                let path = utf16(data.get(2..)?);
                let path = Escaped(path.as_bytes());
                walk.columns.append_info(format_args!(", File: {path}"));
            }
            WAIT => {
                let len = u32::from_le_bytes(*data.get(8..)?.first_chunk()?) as usize;
                let pipe = utf16(data.get(14..)?.get(..len)?);
                let pipe = Escaped(pipe.as_bytes());
                walk.columns.append_info(format_args!(" Pipe: {pipe}"));
            }
            _ => {}
        }
        Some(())
    }

    /// What is asked of a file, or told it.
    fn information(&self, walk: &mut Walk<'_, '_>) -> Option<()> {
        const OF_FILE: u8 = 1;
        const RENAME: u8 = 10;
        const NAME_AT: usize = 20;
        let (class, level) = (self.byte(2)?, self.byte(3)?);
        let kind = information(class, level);
        walk.columns.append_info(format_args!(" {kind}"));
        if self.command()? == GET_INFO {
            return self.name_file(walk, 24);
        }
        self.name_file(walk, 16);
        if (class, level) == (OF_FILE, RENAME) {
            let at = usize::from(self.short(8)?) + NAME_AT;
            let len = self.region.array(at.checked_sub(4)?).ok();
            let len = len.map(u16::from_le_bytes).filter(|len| *len > 0)?;
            let name = utf16(self.region.slice(at, len.into()).ok()?);
            let name = Escaped(name.as_bytes());
            walk.columns.append_info(format_args!(" NewName:{name}"));
        }
        Some(())
    }
}

/// Text in UTF-16, the low byte first, up to a zero.
fn utf16(bytes: &[u8]) -> String {
    let pairs = bytes.chunks_exact(2);
    let units = pairs.map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let units: Vec<_> = units.take_while(|unit| *unit != 0).collect();
    String::from_utf16_lossy(&units)
}
