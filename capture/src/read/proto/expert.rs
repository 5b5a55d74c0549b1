//! Expert information: what a dissector finds remarkable (Wireshark's `epan/expert.c`).

use std::fmt;

use crate::read::field::{FieldId, protocol};
use crate::read::tree::{Added, Place, Value};
use crate::read::walk::Walk;

protocol! {
    3, "_ws.expert", "Expert", "Expert Info";
    MESSAGE: "_ws.expert.message", "Message", String;
    SEVERITY: "_ws.expert.severity", "Severity level", Uint(32), Dec, names = severity_name;
    GROUP: "_ws.expert.group", "Group", Uint(32), Dec, names = group_name;
}

/// How remarkable something is; the numbers are Wireshark's `PI_COMMENT` and following.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub(crate) enum Severity {
    /// A comment of a packet.
    Comment = 0x0010_0000,
    /// Usual.
    Chat = 0x0020_0000,
    /// Worth a look.
    Note = 0x0040_0000,
    /// Unusual.
    Warning = 0x0060_0000,
    /// A fault of a sender, or a packet that cannot be understood.
    Error = 0x0080_0000,
}

/// What sort of thing it is; the numbers are Wireshark's `PI_CHECKSUM` and following.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub(crate) enum Group {
    /// A checksum.
    Checksum = 0x0100_0000,
    /// What came when.
    Sequence = 0x0200_0000,
    /// An answer.
    Response = 0x0300_0000,
    /// A question.
    Request = 0x0400_0000,
    /// What is not dissected.
    Undecoded = 0x0500_0000,
    /// What is put together.
    Reassemble = 0x0600_0000,
    /// What contradicts itself.
    Malformed = 0x0700_0000,
    /// What helps to find errors of dissectors.
    Debug = 0x0800_0000,
    /// What the protocol does not allow.
    Protocol = 0x0900_0000,
    /// What endangers.
    Security = 0x0a00_0000,
    /// A comment of a packet.
    Comments = 0x0b00_0000,
    /// What is encrypted.
    Decryption = 0x0c00_0000,
    /// What is guessed.
    Assumption = 0x0d00_0000,
    /// What should not be used any more.
    Deprecated = 0x0e00_0000,
}

impl Severity {
    /// Its name in the tree.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Comment => "Comment",
            Self::Chat => "Chat",
            Self::Note => "Note",
            Self::Warning => "Warning",
            Self::Error => "Error",
        }
    }
}

impl Group {
    /// Its name in the tree.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Checksum => "Checksum",
            Self::Sequence => "Sequence",
            Self::Response => "Response",
            Self::Request => "Request",
            Self::Undecoded => "Undecoded",
            Self::Reassemble => "Reassemble",
            Self::Malformed => "Malformed",
            Self::Debug => "Debug",
            Self::Protocol => "Protocol",
            Self::Security => "Security",
            Self::Comments => "Comment",
            Self::Decryption => "Decryption",
            Self::Assumption => "Assumption",
            Self::Deprecated => "Deprecated",
        }
    }
}

fn severity_name(value: u64) -> Option<&'static str> {
    use Severity::{Chat, Comment, Error, Note, Warning};
    [Comment, Chat, Note, Warning, Error]
        .into_iter()
        .find(|severity| *severity as u64 == value)
        .map(Severity::name)
}

fn group_name(value: u64) -> Option<&'static str> {
    use Group::{
        Assumption, Checksum, Comments, Debug, Decryption, Deprecated, Malformed, Protocol,
        Reassemble, Request, Response, Security, Sequence, Undecoded,
    };
    [
        Checksum, Sequence, Response, Request, Undecoded, Reassemble, Malformed, Debug, Protocol,
        Security, Comments, Decryption, Assumption, Deprecated,
    ]
    .into_iter()
    .find(|group| *group as u64 == value)
    .map(Group::name)
}

/// Wireshark cuts a message behind so many bytes.
const LONGEST: usize = 239;

impl Walk<'_, '_> {
    /// Says that something is remarkable, as the last thing below `parent` (the node of the field that
    /// it is about, which need not be the last one added). `field` is the name by which it can be
    /// asked for, a field of kind [`Kind::None`](crate::read::Kind::None) of the dissector's own
    /// (`tcp.connection.syn`); its title is the message that Wireshark's field list shows.
    #[inline]
    pub(crate) fn expert(
        &mut self,
        parent: Added,
        field: FieldId,
        (severity, group): (Severity, Group),
        message: fmt::Arguments<'_>,
    ) {
        let tree = &*self.tree;
        if tree.labels() || tree.wants(field) || tree.wants_any_of(THIS.protocol) {
            self.add_expert(parent, field, (severity, group), message);
        }
    }

    #[inline(never)]
    fn add_expert(
        &mut self,
        parent: Added,
        field: FieldId,
        (severity, group): (Severity, Group),
        message: fmt::Arguments<'_>,
    ) {
        let tree = &mut *self.tree;
        let back = tree.under(parent);
        let (severity_word, group_word) = (severity.name(), group.name());
        let added = tree.add_generated(THIS, Value::None);
        tree.label(
            added,
            format_args!("Expert Info ({severity_word}/{group_word}): {message}"),
        );
        tree.open();
        let added = tree.add_generated(field, Value::None);
        tree.label(added, message);
        if tree.wants(MESSAGE) {
            let mut text = message.to_string();
            text.truncate(text.floor_char_boundary(LONGEST));
            let added = tree.add_text(MESSAGE, Place::default(), &text);
            tree.set_generated(added);
            tree.set_hidden(added);
        }
        let added = tree.add_generated(SEVERITY, Value::Uint(severity as u64));
        tree.label(added, format_args!("Severity level: {severity_word}"));
        let added = tree.add_generated(GROUP, Value::Uint(group as u64));
        tree.label(added, format_args!("Group: {group_word}"));
        tree.close();
        tree.back(back);
    }
}
