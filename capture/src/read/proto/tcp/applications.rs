//! Which dissector takes what a TCP stream carries, and how it asks for more.
//!
//! A dissector above TCP has an [`Application`] in [`APPLICATIONS`]. It is given bytes that begin where
//! one of its messages begins: a segment's payload, or several segments' put together. It dissects all
//! messages that are whole. If the last one is not, it says from where on and how much is missing
//! ([`Outcome::More`]); the stream is then put together in `reassembly.rs`, and it is called again with
//! everything from there on. [`each_message`] does this for messages that tell their length.

use super::fields::PDU_SIZE;
use super::header::Header;
use super::streams::Memory;
use crate::read::memory::Direction;
use crate::read::proto::{
    bgp, brief, data, dns, ftp, http, imap, modbus, mqtt, pop, smb, smtp, ssh, stun, telnet, tls,
};
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;

/// All applications; of those for the same port, the first one wins.
pub(super) static APPLICATIONS: &[&Application] = &[
    &dns::APPLICATION,
    &ssh::APPLICATION,
    &tls::APPLICATION,
    &http::APPLICATION,
    &ftp::APPLICATION,
    &imap::APPLICATION,
    &pop::APPLICATION,
    &smtp::APPLICATION,
    &telnet::APPLICATION,
    &bgp::APPLICATION,
    &modbus::APPLICATION,
    &mqtt::APPLICATION,
    &smb::APPLICATION,
    &stun::APPLICATION,
    &brief::vnc::APPLICATION,
    &brief::bittorrent::APPLICATION,
    &brief::lines::SIP,
    &brief::openflow::APPLICATION,
    &brief::resp::APPLICATION,
    &brief::dnp3::APPLICATION,
    &brief::tunnel::PPTP,
    &brief::tunnel::OPENVPN,
    &brief::lines::WHOIS,
    &brief::lines::FINGER,
    &brief::lines::NNTP,
    &brief::lines::RTSP,
    &brief::lines::IRC,
    &brief::database::PGSQL,
    &brief::database::MYSQL,
    &brief::iso::APPLICATION,
    &brief::iso::DESKTOP,
    &brief::asn1::KERBEROS,
    &brief::ldap::APPLICATION,
    &brief::rpc::APPLICATION,
    &brief::x11::APPLICATION,
    &brief::transfer::APPLICATION,
    &brief::dcerpc::APPLICATION,
    &brief::socks::APPLICATION,
    &brief::streams::AJP13,
    &brief::streams::AMQP,
    &brief::streams::BITCOIN,
    &brief::streams::CHARGEN,
    &brief::streams::CQL,
    &brief::streams::CVSPSERVER,
    &brief::streams::DAYTIME,
    &brief::streams::DIAMETER,
    &brief::streams::DSI,
    &brief::streams::ECHO,
    &brief::streams::EDONKEY,
    &brief::streams::ELASTICSEARCH,
    &brief::streams::ENIP,
    &brief::streams::EXEC,
    &brief::streams::GEARMAN,
    &brief::streams::GIT,
    &brief::streams::GNUTELLA,
    &brief::streams::GOPHER,
    &brief::streams::ICAP,
    &brief::streams::IEC104,
    &brief::streams::KAFKA,
    &brief::streams::LDP,
    &brief::streams::LPD,
    &brief::streams::MEMCACHE,
    &brief::streams::MSDP,
    &brief::streams::MSNMS,
    &brief::streams::OPCUA,
    &brief::streams::RLOGIN,
    &brief::streams::RMI,
    &brief::streams::RSH,
    &brief::streams::RSYNC,
    &brief::streams::RPKI_RTR,
    &brief::streams::RTMP,
    &brief::streams::SKINNY,
    &brief::streams::SMPP,
    &brief::streams::TACPLUS,
    &brief::streams::TDS,
    &brief::streams::TIME,
    &brief::streams::TNS,
    &brief::streams::XMPP,
];

/// By port: the place in [`APPLICATIONS`] of the first one for it, from 1.
static BY_PORT: [u8; 1 << 16] = by_port();

#[expect(clippy::large_stack_arrays, reason = "the compiler makes it")]
const fn by_port() -> [u8; 1 << 16] {
    let mut table = [0; 1 << 16];
    let mut place = APPLICATIONS.len();
    while place > 0 {
        let ports = APPLICATIONS[place - 1].ports;
        let mut at = 0;
        while at < ports.len() {
            table[ports[at] as usize] = place as u8;
            at += 1;
        }
        place -= 1;
    }
    table
}

/// The application of a port.
pub(crate) fn of_port(port: u16) -> Option<ApplicationId> {
    let place = usize::from(BY_PORT[usize::from(port)]).checked_sub(1)?;
    APPLICATIONS.get(place).copied()
}

/// Whether bytes look like an application's own.
type Recognizes = fn(&Region<'_>, &Payload) -> bool;

/// Those of [`APPLICATIONS`] that look at bytes on any port, in the same order.
static RECOGNIZING: [(Recognizes, ApplicationId); count_recognizing()] = recognizing();

const fn count_recognizing() -> usize {
    let (mut count, mut place) = (0, 0);
    while place < APPLICATIONS.len() {
        count += APPLICATIONS[place].recognizes.is_some() as usize;
        place += 1;
    }
    count
}

const fn recognizing() -> [(Recognizes, ApplicationId); count_recognizing()] {
    let mut table: [(Recognizes, ApplicationId); count_recognizing()] =
        [(|_, _| false, APPLICATIONS[0]); count_recognizing()];
    let (mut count, mut place) = (0, 0);
    while place < APPLICATIONS.len() {
        if let Some(recognizes) = APPLICATIONS[place].recognizes {
            table[count] = (recognizes, APPLICATIONS[place]);
            count += 1;
        }
        place += 1;
    }
    table
}

/// A dissector above TCP.
#[derive(Debug)]
pub(crate) struct Application {
    /// The ports on which it is tried.
    pub(crate) ports: &'static [u16],
    /// Whether bytes on other ports look like its own. Tried in the order of the table, after the ports.
    pub(crate) recognizes: Option<Recognizes>,
    /// Dissects.
    pub(crate) dissect: Dissect,
}

/// A dissector: takes a payload, and says what became of it.
pub(crate) type Dissect = fn(&mut Walk<'_, '_>, Region<'_>, &Payload) -> Result<Outcome, Stop>;

/// An application in the table.
pub(crate) type ApplicationId = &'static Application;

/// What became of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    dead_code,
    clippy::allow_attributes,
    reason = "which of them occur depends on the applications in the table"
)]
pub(crate) enum Outcome {
    /// It is dissected.
    Done,
    /// It belongs to another protocol; nothing was added to the tree or the columns.
    NotMine,
    /// It is dissected up to `at`; what begins there is not whole.
    More {
        /// Offset in the region.
        at: usize,
        /// What is missing.
        need: Need,
    },
}

/// What is missing of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    dead_code,
    clippy::allow_attributes,
    reason = "which of them occur depends on the applications in the table"
)]
pub(crate) enum Need {
    /// So many bytes.
    Bytes(u32),
    /// At least another segment; how much cannot be told yet. Long messages are not looked at with each of
    /// them.
    Segment,
    /// The same, where a look takes next to nothing however long the message is.
    Chunk,
    /// Segments until a line ends. Whoever asks for it has said nothing in the columns, and would ask
    /// again as long as neither CR nor LF comes: so it is not asked until then, and a line may be long.
    Line,
    /// Everything until the sender closes.
    UntilFin,
}

/// Whether a dissector can ask for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// It can.
    Possible,
    /// Not this time: the segment was cut off, its checksum is wrong, or the preference says so. It
    /// dissects what there is.
    Pointless,
}

/// What a dissector is told of its bytes.
#[derive(Clone, Copy, Debug)]
#[allow(
    dead_code,
    clippy::allow_attributes,
    reason = "for the applications in the table"
)]
pub(crate) struct Payload {
    /// Number of the stream (`tcp.stream`): what an application remembers of a connection, it keeps by
    /// this.
    pub(crate) stream: u32,
    /// Which way the segment goes.
    pub(crate) direction: Direction,
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
    /// The port that the SYN went to; 0 if none was seen.
    pub(crate) server_port: u16,
    /// Relative sequence number of the first byte: its place in the stream, from 1.
    pub(crate) seq: u32,
    /// Whether more can be asked for.
    pub(crate) asking: Asking,
    /// The segment has a FIN: nothing follows it.
    pub(crate) is_last: bool,
    /// Where the stream is remembered.
    pub(super) place: u32,
    /// The node of the TCP header.
    pub(super) node: Added,
}

impl Payload {
    /// Tells below the TCP header how long a message is.
    pub(crate) fn tell_len(&self, walk: &mut Walk<'_, '_>, len: usize) {
        let back = walk.tree.under(self.node);
        walk.tree.add_generated(PDU_SIZE, Value::Uint(len as u64));
        walk.tree.back(back);
    }
}

impl Memory {
    /// The stream belongs to this application from now on, whatever its ports are.
    #[allow(
        dead_code,
        clippy::allow_attributes,
        reason = "for the applications in the table"
    )]
    pub(crate) fn belongs_to(&mut self, payload: &Payload, application: ApplicationId) {
        self.streams.at(payload.place).application = Some(application);
    }

    /// The same, and the next segment counts as the first of another stream, as in Wireshark where a
    /// dissector makes a conversation of its own.
    pub(crate) fn belongs_anew_to(&mut self, payload: &Payload, application: ApplicationId) {
        self.belongs_to(payload, application);
        self.streams.at(payload.place).rare_mut().begins_anew = true;
    }

    /// The application that the stream is known to belong to.
    pub(crate) fn owner(&mut self, payload: &Payload) -> Option<ApplicationId> {
        self.streams.at(payload.place).application
    }

    /// The next stream does not get the number that it would.
    pub(crate) fn skip_number(&mut self) {
        self.streams.skip_number();
    }

    /// Whether the stream is known to belong to this application.
    pub(crate) fn is_of(&mut self, payload: &Payload, application: ApplicationId) -> bool {
        let bound = self.streams.at(payload.place).application;
        bound.is_some_and(|bound| std::ptr::eq(bound, application))
    }

    /// What the application of the stream remembers of it; 0 at first.
    pub(crate) fn state(&mut self, payload: &Payload) -> &mut u64 {
        &mut self.streams.at(payload.place).state
    }
}

/// Dissects messages that begin with a header of `header_len` bytes that tells their length.
///
/// `len_of` gives the length of the message at the beginning of a region, header included; `None` if
/// it needs more than the header to tell. `dissect` takes one message.
///
/// # Errors
///
/// [`Stop::Malformed`] if a message is said to be shorter than its header, and what `dissect` gives.
pub(crate) fn each_message(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
    header_len: usize,
    len_of: impl Fn(&Region<'_>) -> Result<Option<usize>, Stop>,
    mut dissect: impl FnMut(&mut Walk<'_, '_>, Region<'_>) -> Result<(), Stop>,
) -> Result<Outcome, Stop> {
    each_with_len(
        walk,
        region,
        payload,
        header_len,
        len_of,
        |walk, message, _| dissect(walk, message),
    )
}

/// The same, with the length of each message below the TCP header: what Wireshark's `tcp_dissect_pdus`
/// does, which not all of its dissectors call.
///
/// # Errors
///
/// Those of [`each_message`].
pub(crate) fn each_pdu(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
    header_len: usize,
    len_of: impl Fn(&Region<'_>) -> Result<Option<usize>, Stop>,
    mut dissect: impl FnMut(&mut Walk<'_, '_>, Region<'_>) -> Result<(), Stop>,
) -> Result<Outcome, Stop> {
    each_with_len(
        walk,
        region,
        payload,
        header_len,
        len_of,
        |walk, message, len| {
            payload.tell_len(walk, len);
            dissect(walk, message)
        },
    )
}

fn each_with_len(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
    header_len: usize,
    len_of: impl Fn(&Region<'_>) -> Result<Option<usize>, Stop>,
    mut dissect: impl FnMut(&mut Walk<'_, '_>, Region<'_>, usize) -> Result<(), Stop>,
) -> Result<Outcome, Stop> {
    let can_ask = payload.asking == Asking::Possible;
    let mut at = 0;
    while at < region.reported() {
        let rest = region.rest(at);
        if can_ask && rest.reported() < header_len {
            let need = Need::Segment;
            return Ok(Outcome::More { at, need });
        }
        let Some(len) = len_of(&rest)? else {
            if can_ask {
                let need = Need::Segment;
                return Ok(Outcome::More { at, need });
            }
            return Ok(Outcome::Done);
        };
        if len < header_len {
            return Err(Stop::Malformed);
        }
        if can_ask && rest.reported() < len {
            let missing = (len - rest.reported()) as u32;
            let need = Need::Bytes(missing);
            return Ok(Outcome::More { at, need });
        }
        dissect(walk, rest.part(0, len), len)?;
        at += len;
    }
    Ok(Outcome::Done)
}

/// Names of the applications that `-d` can choose.
pub(crate) const DECODABLE: &[&str] = &[
    "bgp", "data", "dns", "ftp", "http", "imap", "modbus", "mqtt", "pop", "smtp", "ssh", "telnet",
    "tls",
];

/// What `-d` calls by this name; `None` for bytes that nobody takes apart.
fn named(name: &str) -> Option<ApplicationId> {
    Some(match name {
        "bgp" => &bgp::APPLICATION,
        "dns" => &dns::APPLICATION,
        "ftp" => &ftp::APPLICATION,
        "http" => &http::APPLICATION,
        "imap" => &imap::APPLICATION,
        "modbus" => &modbus::APPLICATION,
        "mqtt" => &mqtt::APPLICATION,
        "pop" => &pop::APPLICATION,
        "smtp" => &smtp::APPLICATION,
        "telnet" => &telnet::APPLICATION,
        "ssh" => &ssh::APPLICATION,
        "tls" => &tls::APPLICATION,
        _ => return None,
    })
}

/// Hands a payload to whoever takes it.
pub(super) fn dispatch(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let ports = [payload.source_port, payload.destination_port];
    if let Some(name) = walk.preferences.decode_as.tcp(ports) {
        let outcome = match named(name) {
            Some(application) => (application.dissect)(walk, region, payload)?,
            None => Outcome::NotMine,
        };
        if outcome == Outcome::NotMine {
            data::dissect(walk, region)?;
            return Ok(Outcome::Done);
        }
        return Ok(outcome);
    }
    let stream = walk.memory.tcp.streams.at(payload.place);
    let (bound, server) = (stream.application, stream.server_port);
    if let Some(application) = bound {
        let outcome = (application.dissect)(walk, region, payload)?;
        if outcome != Outcome::NotMine {
            return Ok(outcome);
        }
    }
    if brief::transfer::is_announced(walk, payload) {
        return brief::transfer::dissect(walk, region, payload);
    }
    let (from, to) = (payload.source_port, payload.destination_port);
    for port in [server, from.min(to), from.max(to)] {
        let place = usize::from(BY_PORT[usize::from(port)]).wrapping_sub(1);
        if let Some(application) = APPLICATIONS.get(place).filter(|_| port != 0) {
            let outcome = (application.dissect)(walk, region, payload)?;
            if outcome != Outcome::NotMine {
                return Ok(outcome);
            }
        }
    }
    for (recognizes, application) in RECOGNIZING {
        if recognizes(&region, payload) {
            let outcome = (application.dissect)(walk, region, payload)?;
            if outcome != Outcome::NotMine {
                return Ok(outcome);
            }
        }
    }
    // Wireshark's dissector of Spice reads four bytes of whatever comes so far.
    const WORD: usize = 4;
    if region.reported() >= WORD && region.captured().len() < WORD {
        walk.protocols.push(brief::names::spice::THIS.protocol);
        return Err(Stop::Snapped);
    }
    data::dissect(walk, region)?;
    Ok(Outcome::Done)
}

impl Payload {
    /// The payload of a segment.
    pub(super) const fn new(
        (stream, place): (u32, u32),
        direction: Direction,
        header: &Header,
        seq: u32,
        asking: Asking,
        node: Added,
    ) -> Self {
        Self {
            stream,
            direction,
            source_port: header.source_port,
            destination_port: header.destination_port,
            server_port: 0,
            seq,
            asking,
            is_last: header.flags.has(super::header::Flags::FIN),
            place,
            node,
        }
    }
}
