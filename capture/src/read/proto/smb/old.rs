//! What a command of the first SMB is about ([MS-CIFS] 2.2.4), as Wireshark's list says it behind its name: paths,
//! numbers of files, how much is read or written where; and the commands that come along in the same message.

use super::names::{old_command_name, status_name};
use super::transactions as asked;
use crate::read::proto::brief::ntlmssp;
use crate::read::proto::text::{Escaped, plural};
use crate::read::region::Region;
use crate::read::walk::Walk;

const HEADER_LEN: usize = 32;
/// Flags of the header.
const STATUS_OF_NT: u16 = 0x4000;
const UNICODE: u16 = 0x8000;

const CLOSE: u8 = 0x04;
const LOCKING: u8 = 0x24;
const READ: u8 = 0x2e;
const WRITE: u8 = 0x2f;
const TRANSACTION: u8 = 0x32;
const SESSION_SETUP: u8 = 0x73;
const LOGOFF: u8 = 0x74;
const TREE_CONNECT: u8 = 0x75;
const CREATE: u8 = 0xa2;
const NOTHING: u8 = 0xff;

/// Commands that come along with others.
const MOST_COMMANDS: usize = 16;

/// A command in a message: where its parameters begin.
struct Command<'r, 'b> {
    message: &'r Region<'b>,
    kind: u8,
    at: usize,
    is_response: bool,
    /// The message: stream, process and number.
    asked: (u32, u64),
}

/// Adds what the commands of a message are about to the list, as far as it is there.
pub(super) fn tell(walk: &mut Walk<'_, '_>, message: &Region<'_>, stream: u32) {
    let (Ok(mut kind), Ok(flags)) = (message.u8(4), message.u8(9)) else {
        return;
    };
    let number = |at: usize| message.array(at).map_or(0, u16::from_le_bytes);
    let mut at = HEADER_LEN;
    for place in 0..MOST_COMMANDS {
        if place > 0 {
            match old_command_name(kind.into()) {
                Some(name) => walk.columns.append_info(format_args!("; {name}")),
                None => walk
                    .columns
                    .append_info(format_args!("; Unknown (0x{kind:02x})")),
            }
        }
        let command = Command {
            message,
            kind,
            at,
            is_response: flags & 0x80 != 0,
            asked: (stream, u64::from(number(26)) << 16 | u64::from(number(30))),
        };
        // What is missing or cut off is not told of.
        let _told = command.tell(walk);
        let Some((next, next_at)) = command.next().filter(|(_, next)| *next > at) else {
            break;
        };
        (kind, at) = (next, next_at);
    }
}

/// Adds the error that a response ends with.
pub(super) fn tell_error(walk: &mut Walk<'_, '_>, message: &Region<'_>) {
    const SEVERE: u32 = 0xc000_0000;
    let flags = message.array(10).map_or(0, u16::from_le_bytes);
    let status = message.array(5).map_or(0, u32::from_le_bytes);
    if message.u8(9).is_ok_and(|flags| flags & 0x80 == 0) || flags & STATUS_OF_NT == 0 {
        return;
    }
    if status & SEVERE == SEVERE {
        match status_name(status) {
            Some(name) => walk.columns.append_info(format_args!(", Error: {name}")),
            None => walk
                .columns
                .append_info(format_args!(", Error: Unknown (0x{status:08X})")),
        }
    }
}

fn tell_path(walk: &mut Walk<'_, '_>, path: &str) {
    let path = Escaped(path.as_bytes());
    walk.columns.append_info(format_args!(", Path: {path}"));
}

fn tell_file(walk: &mut Walk<'_, '_>, file: u16) {
    walk.columns
        .append_info(format_args!(", FID: 0x{file:04x}"));
}

impl Command<'_, '_> {
    /// How many words its parameters have.
    fn words(&self) -> usize {
        self.message.u8(self.at).map_or(0, usize::from)
    }

    /// A number in the parameters.
    fn short(&self, at: usize) -> Option<u16> {
        let is_inside = at + 2 <= self.words() * 2;
        let bytes = self.message.array(self.at + 1 + at).ok();
        bytes.filter(|_| is_inside).map(u16::from_le_bytes)
    }

    fn word(&self, at: usize) -> Option<u32> {
        let (low, high) = (self.short(at)?, self.short(at + 2)?);
        Some(u32::from(high) << 16 | u32::from(low))
    }

    /// Where its bytes begin, behind their number.
    fn bytes_at(&self) -> usize {
        self.at + 1 + self.words() * 2 + 2
    }

    fn is_unicode(&self) -> bool {
        let flags = self.message.array(10).map_or(0, u16::from_le_bytes);
        flags & UNICODE != 0
    }

    /// The text at `at`, up to a zero, and where it ends.
    fn text(&self, mut at: usize) -> Option<(String, usize)> {
        if !self.is_unicode() {
            let rest = self.message.captured().get(at..)?;
            let len = rest.iter().position(|byte| *byte == 0)?;
            let text = String::from_utf8_lossy(&rest[..len]).into_owned();
            return Some((text, at + len + 1));
        }
        at = at.next_multiple_of(2);
        let pairs = self.message.captured().get(at..)?.chunks_exact(2);
        let units = pairs.map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let units: Vec<_> = units.take_while(|unit| *unit != 0).collect();
        let text = String::from_utf16_lossy(&units);
        Some((text, at + units.len() * 2 + 2))
    }

    /// The command that comes along, and where it begins.
    fn next(&self) -> Option<(u8, usize)> {
        let goes_on = matches!(
            self.kind,
            LOCKING | 0x2d | READ | WRITE | SESSION_SETUP | LOGOFF | TREE_CONNECT | CREATE
        );
        let kind = self.short(0)? as u8;
        let at = usize::from(self.short(2)?);
        (goes_on && kind != NOTHING && at > 0).then_some((kind, at))
    }

    /// A file with its stream and tree.
    fn place(&self, file: u16) -> (u32, u16, u16) {
        let tree = self.message.array(24).map_or(0, u16::from_le_bytes);
        (self.asked.0, tree, file)
    }

    fn tell(&self, walk: &mut Walk<'_, '_>) -> Option<()> {
        if self.is_response {
            if let Some(file) = walk.memory.brief.smb.asked_file(self.asked) {
                tell_file(walk, file);
            }
            return self.response(walk);
        }
        let file = match self.kind {
            CLOSE => Some(self.short(0)?),
            LOCKING | READ | WRITE => Some(self.short(4)?),
            _ => None,
        };
        if let Some(file) = file {
            tell_file(walk, file);
        }
        if self.kind == TRANSACTION {
            return self.transaction(walk);
        }
        if self.at == HEADER_LEN || file.is_some() {
            let file = file.map(|file| self.place(file));
            walk.memory.brief.smb.ask_file(self.asked, file);
        }
        self.request(walk)
    }

    fn request(&self, walk: &mut Walk<'_, '_>) -> Option<()> {
        match self.kind {
            READ | WRITE => {
                let is_long = self.words() == if self.kind == READ { 12 } else { 14 };
                let (high_at, len) = if self.kind == READ {
                    let high = self.word(14)?;
                    // So many bytes mean that there is no high part.
                    let high = if high == u32::MAX { 0 } else { high };
                    (20, high << 16 | u32::from(self.short(10)?))
                } else {
                    let high = u32::from(self.short(18)?);
                    (24, high << 16 | u32::from(self.short(20)?))
                };
                let high = if is_long { self.word(high_at)? } else { 0 };
                let from = u64::from(high) << 32 | u64::from(self.word(6)?);
                let s = plural(len as usize);
                walk.columns
                    .append_info(format_args!(", {len} byte{s} at offset {from}"));
            }
            SESSION_SETUP => self.session(walk)?,
            TREE_CONNECT => {
                let password_len = usize::from(self.short(6)?);
                let (path, _) = self.text(self.bytes_at() + password_len)?;
                tell_path(walk, &path);
            }
            CREATE => {
                let (path, _) = self.text(self.bytes_at())?;
                tell_path(walk, &path);
            }
            _ => {}
        }
        Some(())
    }

    /// What is asked of files and volumes.
    fn transaction(&self, walk: &mut Walk<'_, '_>) -> Option<()> {
        let kind = self.short(28)?;
        match asked::name(kind) {
            Some(name) => walk.columns.append_info(format_args!(", {name}")),
            None => walk
                .columns
                .append_info(format_args!(", Unknown (0x{kind:02x})")),
        }
        walk.memory.brief.smb.ask_file(self.asked, None);
        walk.memory.brief.smb.ask_transaction(self.asked, kind);
        let at = usize::from(self.short(20)?);
        let number = |from: usize| {
            let bytes = self.message.array(at + from).ok();
            bytes.map(u16::from_le_bytes)
        };
        let (what, text_at) = match kind {
            asked::FIND_FIRST => ("Pattern", 12),
            asked::FIND_NEXT => ("Continue", 12),
            asked::QUERY_PATH | asked::SET_PATH => ("Path", 6),
            asked::REFERRAL => ("File", 2),
            asked::QUERY_FILE | asked::SET_FILE => {
                let file = number(0)?;
                tell_file(walk, file);
                walk.memory
                    .brief
                    .smb
                    .ask_file(self.asked, Some(self.place(file)));
                ("", 0)
            }
            _ => ("", 0),
        };
        let level_at = match kind {
            asked::QUERY_VOLUME | asked::QUERY_PATH => Some(0),
            asked::QUERY_FILE => Some(2),
            _ => None,
        };
        if let Some(level_at) = level_at {
            let level = asked::level(kind, number(level_at)?);
            walk.columns.append_info(format_args!(", {level}"));
        }
        if !what.is_empty() {
            let (text, _) = self.text(at + text_at)?;
            let text = Escaped(text.as_bytes());
            walk.columns.append_info(format_args!(", {what}: {text}"));
        }
        Some(())
    }

    /// Who opens a session.
    fn session(&self, walk: &mut Walk<'_, '_>) -> Option<()> {
        const EXTENDED: usize = 12;
        const PLAIN: usize = 13;
        const OLD: usize = 10;
        let passwords = match self.words() {
            EXTENDED => {
                let len = usize::from(self.short(14)?);
                let blob = self.message.slice(self.bytes_at(), len).ok()?;
                ntlmssp::tell(walk, blob);
                return Some(());
            }
            PLAIN => usize::from(self.short(14)?) + usize::from(self.short(16)?),
            OLD => usize::from(self.short(14)?),
            _ => return None,
        };
        let (user, at) = self.text(self.bytes_at() + passwords)?;
        let (domain, _) = self.text(at)?;
        if user.is_empty() && domain.is_empty() {
            walk.columns.append_info(format_args!(", User: anonymous"));
        } else {
            let (domain, user) = (Escaped(domain.as_bytes()), Escaped(user.as_bytes()));
            walk.columns
                .append_info(format_args!(", User: {domain}\\{user}"));
        }
        Some(())
    }

    fn response(&self, walk: &mut Walk<'_, '_>) -> Option<()> {
        match self.kind {
            TRANSACTION => {
                let Some(kind) = walk.memory.brief.smb.asked_transaction(self.asked) else {
                    walk.columns.append_info(format_args!("<unknown>"));
                    return Some(());
                };
                match asked::name(kind) {
                    Some(name) => walk.columns.append_info(format_args!(", {name}")),
                    None => walk
                        .columns
                        .append_info(format_args!(", <unknown (0x{kind:02x})>")),
                }
            }
            // An error is told with a file, too.
            CREATE if self.words() == 0 => tell_file(walk, 0),
            CREATE => {
                let low = self.short(4)?.to_le_bytes()[1];
                let high = self.short(6)?.to_le_bytes()[0];
                let file = u16::from_le_bytes([low, high]);
                tell_file(walk, file);
                walk.memory.brief.smb.open_file(self.place(file));
            }
            READ | WRITE => {
                let (low, high) = if self.kind == READ {
                    (self.short(10)?, self.word(14)?)
                } else {
                    (self.short(4)?, u32::from(self.short(8)?))
                };
                let len = high << 16 | u32::from(low);
                let s = plural(len as usize);
                walk.columns.append_info(format_args!(", {len} byte{s}"));
            }
            SESSION_SETUP if self.words() == 4 => {
                let len = usize::from(self.short(6)?);
                let blob = self.message.slice(self.bytes_at(), len).ok()?;
                ntlmssp::tell(walk, blob);
            }
            _ => {}
        }
        Some(())
    }
}
