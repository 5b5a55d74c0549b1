//! ONC RPC (RFC 5531): calls and replies of the port mapper, of mounts and of NFS (RFC 1833, 1813).

use super::{name, names};
use crate::read::FieldId;
use crate::read::memory::Pass;
use crate::read::proto::tcp::applications::{Application, Outcome, Payload, each_message};
use crate::read::proto::text::Escaped;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// RPC in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[111, 2049],
    recognizes: Some(recognizes),
    dissect,
};

const MARK_LEN: usize = 4;
/// Transaction, kind, RPC's version, program, its version, procedure.
const CALL_LEN: usize = 24;
const REPLY: u32 = 1;

/// A call that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    program: u32,
    version: u32,
    procedure: u32,
    frame: u64,
}

const PORTMAP: u32 = 100_000;
const NFS: u32 = 100_003;
const MOUNT: u32 = 100_005;

const fn protocol(program: u32) -> Option<FieldId> {
    Some(match program {
        PORTMAP => names::portmap::THIS,
        NFS => names::nfs::THIS,
        MOUNT => names::mount::THIS,
        _ => return None,
    })
}

const fn procedures(program: u32, version: u32) -> &'static [&'static str] {
    match (program, version) {
        (PORTMAP, 2) => &["NULL", "SET", "UNSET", "GETPORT", "DUMP", "CALLIT"],
        (PORTMAP, 3) => &[
            "NULL",
            "SET",
            "UNSET",
            "GETADDR",
            "DUMP",
            "CALLIT",
            "GETTIME",
            "UADDR2TADDR",
            "TADDR2UADDR",
        ],
        (PORTMAP, _) => &[
            "NULL",
            "SET",
            "UNSET",
            "GETADDR",
            "DUMP",
            "BCAST",
            "GETTIME",
            "UADDR2TADDR",
            "TADDR2UADDR",
            "GETVERSADDR",
            "INDIRECT",
            "GETADDRLIST",
            "GETSTAT",
        ],
        (MOUNT, _) => &[
            "NULL",
            "MNT",
            "DUMP",
            "UMNT",
            "UMNTALL",
            "EXPORT",
            "EXPORTALL",
        ],
        (NFS, 2) => &[
            "NULL",
            "GETATTR",
            "SETATTR",
            "ROOT",
            "LOOKUP",
            "READLINK",
            "READ",
            "WRITECACHE",
            "WRITE",
            "CREATE",
            "REMOVE",
            "RENAME",
            "LINK",
            "SYMLINK",
            "MKDIR",
            "RMDIR",
            "READDIR",
            "STATFS",
        ],
        (NFS, 3) => &[
            "NULL",
            "GETATTR",
            "SETATTR",
            "LOOKUP",
            "ACCESS",
            "READLINK",
            "READ",
            "WRITE",
            "CREATE",
            "MKDIR",
            "SYMLINK",
            "MKNOD",
            "REMOVE",
            "RMDIR",
            "RENAME",
            "LINK",
            "READDIR",
            "READDIRPLUS",
            "FSSTAT",
            "FSINFO",
            "PATHCONF",
            "COMMIT",
        ],
        (NFS, 4) => &["NULL", "COMPOUND"],
        _ => &[],
    }
}

/// Whether this begins a call of a program that is told here.
fn is_call(region: &Region<'_>) -> bool {
    const RPC_VERSION: u32 = 2;
    region.u32(4) == Ok(0)
        && region.u32(8) == Ok(RPC_VERSION)
        && region
            .u32(12)
            .is_ok_and(|program| protocol(program).is_some())
}

/// The call that this is the reply to.
fn call_of(walk: &Walk<'_, '_>, region: &Region<'_>) -> Option<Call> {
    let is_reply = region.u32(4) == Ok(REPLY) && region.u32(8).is_ok_and(|state| state <= 1);
    let xid = region.u32(0).ok().filter(|_| is_reply)?;
    walk.memory.brief.call(xid)
}

fn recognizes(region: &Region<'_>, _: &Payload) -> bool {
    let mark = region.u32(0).unwrap_or(0);
    mark & 0x8000_0000 != 0 && is_call(&region.rest(MARK_LEN))
}

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    const LENGTH: u32 = 0x7fff_ffff;
    let rest = region.rest(MARK_LEN);
    let is_mine = is_call(&rest) || call_of(walk, &rest).is_some();
    if !is_mine && !walk.memory.tcp.is_of(payload, &APPLICATION) {
        return Ok(Outcome::NotMine);
    }
    walk.memory.tcp.belongs_to(payload, &APPLICATION);
    let len_of = |region: &Region<'_>| Ok(Some((region.u32(0)? & LENGTH) as usize + MARK_LEN));
    each_message(walk, region, payload, MARK_LEN, len_of, |walk, message| {
        let message = message.rest(MARK_LEN);
        if is_call(&message) {
            call(walk, &message)?;
        } else if let Some(found) = call_of(walk, &message) {
            reply(walk, &message, found)?;
        }
        Ok(())
    })
}

/// Dissects a datagram that is a call, or the reply to one that was seen.
pub(super) fn datagram(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Option<Result<(), Stop>> {
    // A kind of 0 or 1: what most datagrams do not have there.
    if !matches!(region.captured().get(4..8), Some([0, 0, 0, 0 | 1])) {
        return None;
    }
    if is_call(region) {
        return Some(call(walk, region));
    }
    let found = call_of(walk, region)?;
    Some(reply(walk, region, found))
}

/// What both are called.
fn title(walk: &mut Walk<'_, '_>, region: &Region<'_>, call: Call, word: &str) {
    let Some(protocol) = protocol(call.program) else {
        return;
    };
    name(walk, protocol, region);
    let Call {
        version, procedure, ..
    } = call;
    let names = procedures(call.program, version);
    match names.get(procedure as usize) {
        Some(text) => walk
            .columns
            .set_info(format_args!("V{version} {text} {word}")),
        None => walk
            .columns
            .set_info(format_args!("V{version} proc-{procedure} {word}")),
    }
}

/// What is behind credentials, or a verifier: a kind, a length, and so many bytes.
fn after_opaque(region: &Region<'_>, at: usize) -> Result<usize, Stop> {
    let len = region.u32(at + 4)? as usize;
    Ok(at.saturating_add(8).saturating_add(len.next_multiple_of(4)))
}

fn call(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let found = Call {
        program: region.u32(12)?,
        version: region.u32(16)?,
        procedure: region.u32(20)?,
        frame: walk.frame.number,
    };
    walk.memory.brief.remember_call(region.u32(0)?, found);
    title(walk, region, found, "Call");
    if walk.memory.pass == Pass::Second
        && let Some(reply) = walk.memory.brief.reply_to(found.frame)
    {
        walk.columns
            .append_info(format_args!(" (Reply In {reply})"));
    }
    let at = after_opaque(region, after_opaque(region, CALL_LEN)?)?;
    let rest = region.from(at)?;
    match (found.program, found.version, found.procedure) {
        (PORTMAP, 2, 3) => {
            let (program, version, over) = (rest.u32(0)?, rest.u32(4)?, rest.u32(8)?);
            let over = match over {
                6 => "TCP",
                17 => "UDP",
                _ => "Unknown",
            };
            let name = protocol(program).map_or("Unknown", |this| this.protocol_info().short);
            walk.columns
                .append_info(format_args!(" {name}({program}) V:{version} {over}"));
        }
        (MOUNT, _, 1 | 3) => {
            let (path, _) = counted(&rest, 0)?;
            walk.columns.append_info(format_args!(" {}", Escaped(path)));
        }
        (NFS, 3, 1 | 2 | 5 | 16..=20) => {
            let (handle, _) = counted(&rest, 0)?;
            walk.columns
                .append_info(format_args!(", FH: {:#010x}", checksum(handle)));
        }
        (NFS, 3, 6 | 7) => {
            let (handle, at) = counted(&rest, 0)?;
            let (offset, len) = (rest.u64(at)?, rest.u32(at + 8)?);
            walk.columns.append_info(format_args!(
                ", FH: {:#010x} Offset: {offset} Len: {len}",
                checksum(handle)
            ));
            if found.procedure == 7 {
                stability(walk, rest.u32(at + 12)?);
            }
        }
        (NFS, 3, 3 | 8 | 9 | 12 | 13) => {
            let (handle, at) = counted(&rest, 0)?;
            let (file, _) = counted(&rest, at)?;
            walk.columns.append_info(format_args!(
                ", DH: {:#010x}/{}",
                checksum(handle),
                Escaped(file)
            ));
        }
        (NFS, 3, 14) => {
            let (from, at) = counted(&rest, 0)?;
            let (file, at) = counted(&rest, at)?;
            let (to, at) = counted(&rest, at)?;
            let (other, _) = counted(&rest, at)?;
            walk.columns.append_info(format_args!(
                ", From DH: {:#010x}/{} To DH: {:#010x}/{}",
                checksum(from),
                Escaped(file),
                checksum(to),
                Escaped(other)
            ));
        }
        _ => {}
    }
    Ok(())
}

fn stability(walk: &mut Walk<'_, '_>, how: u32) {
    let text = match how {
        0 => "UNSTABLE",
        1 => "DATA_SYNC",
        2 => "FILE_SYNC",
        _ => "Unknown",
    };
    walk.columns.append_info(format_args!(" {text}"));
}

fn reply(walk: &mut Walk<'_, '_>, region: &Region<'_>, call: Call) -> Result<(), Stop> {
    const ACCEPTED: u32 = 0;
    title(walk, region, call, "Reply");
    if walk.memory.pass == Pass::First {
        let frame = walk.frame.number;
        walk.memory.brief.remember_reply(call.frame, frame);
    }
    walk.columns
        .append_info(format_args!(" (Call In {})", call.frame));
    if region.u32(8)? != ACCEPTED {
        return Ok(());
    }
    let at = after_opaque(region, 12)?;
    if (call.program, call.version, call.procedure) == (PORTMAP, 2, 3) {
        match region.u32(at + 4)? {
            0 => walk
                .columns
                .append_info(format_args!(" PROGRAM_NOT_AVAILABLE")),
            port => walk.columns.append_info(format_args!(" Port:{port}")),
        }
        return Ok(());
    }
    if region.u32(at)? != ACCEPTED || call.program != NFS || call.version != 3 {
        return Ok(());
    }
    if call.procedure == 0 {
        return Ok(());
    }
    let status = region.u32(at + 4)?;
    if status != 0 {
        match nfs_error(status) {
            Some(text) => walk.columns.append_info(format_args!(" Error: {text}")),
            None => walk
                .columns
                .append_info(format_args!(" Error: Unknown error: {status}")),
        }
        return Ok(());
    }
    if call.procedure == 3 {
        let (handle, _) = counted(region, at + 8)?;
        walk.columns
            .append_info(format_args!(", FH: {:#010x}", checksum(handle)));
    }
    Ok(())
}

/// Bytes behind their length, and where what follows them begins.
fn counted<'b>(region: &Region<'b>, at: usize) -> Result<(&'b [u8], usize), Stop> {
    let len = region.u32(at)? as usize;
    let bytes = region.slice(at + 4, len)?;
    Ok((bytes, at + 4 + len.next_multiple_of(4)))
}

/// File handles are shown as their checksum (CRC-32).
fn checksum(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 0 {
                sum >> 1
            } else {
                sum >> 1 ^ POLYNOMIAL
            }
        })
    })
}

const fn nfs_error(status: u32) -> Option<&'static str> {
    Some(match status {
        1 => "NFS3ERR_PERM",
        2 => "NFS3ERR_NOENT",
        5 => "NFS3ERR_IO",
        6 => "NFS3ERR_NXIO",
        13 => "NFS3ERR_ACCES",
        17 => "NFS3ERR_EXIST",
        18 => "NFS3ERR_XDEV",
        19 => "NFS3ERR_NODEV",
        20 => "NFS3ERR_NOTDIR",
        21 => "NFS3ERR_ISDIR",
        22 => "NFS3ERR_INVAL",
        27 => "NFS3ERR_FBIG",
        28 => "NFS3ERR_NOSPC",
        30 => "NFS3ERR_ROFS",
        31 => "NFS3ERR_MLINK",
        63 => "NFS3ERR_NAMETOOLONG",
        66 => "NFS3ERR_NOTEMPTY",
        69 => "NFS3ERR_DQUOT",
        70 => "NFS3ERR_STALE",
        10001 => "NFS3ERR_BADHANDLE",
        10002 => "NFS3ERR_NOT_SYNC",
        10003 => "NFS3ERR_BAD_COOKIE",
        10004 => "NFS3ERR_NOTSUPP",
        10005 => "NFS3ERR_TOOSMALL",
        10006 => "NFS3ERR_SERVERFAULT",
        10008 => "NFS3ERR_JUKEBOX",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The check value of CRC-32.
    #[test]
    fn the_checksum_is_that_of_everyone() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
    }

    // RFC 4506 section 4.10.
    #[test]
    fn opaque_data_fills_words() {
        let bytes = [0, 0, 0, 3, b'a', b'b', b'c', 0, 9];
        let region = Region::new(0, &bytes, 9);
        assert_eq!(counted(&region, 0), Ok((&b"abc"[..], 8)));
        assert_eq!(
            counted(&Region::new(0, &bytes[..6], 6), 0),
            Err(Stop::Malformed)
        );
    }
}
