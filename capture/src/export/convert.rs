//! Packets whose file is pcap, or is to be.

use std::path::{Path, PathBuf};

use super::ExportError;
use super::blocks::Order;
use super::blocks::{Edit, put_block, put_section, with_comment};
use super::choice::Chosen;
use super::frames::FrameSet;
use super::input::Kind;
use super::output::Output;
use crate::packet::{LinkType, PacketMeta};
use crate::source::file::{FileSource, Numbering};

const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const IF_TSRESOL: u16 = 9;
const IF_FCSLEN: u16 = 13;
/// Magic numbers of pcap files (draft-ietf-opsawg-pcap, section 4).
const MAGIC_US: u32 = 0xa1b2_c3d4;
const MAGIC_NS: u32 = 0xa1b2_3c4d;
/// Of Alexey Kuznetzov's patch, whose records have eight more bytes.
const MAGIC_MODIFIED: u32 = 0xa1b2_cd34;
/// What tcpdump writes as the longest packet.
const SNAP_LEN: u32 = 262_144;
/// Packets that are taken from a file at once.
const READ: usize = 1024;

/// Hands the chosen packets of a file to `take`: what is known of one, its record with so many bytes in
/// front of it, its bytes. Gives the number of the next frame.
fn packets(
    path: &Path,
    mut number: u64,
    (chosen, frames): (&FrameSet, u64),
    header_len: usize,
    mut take: impl FnMut(u64, &PacketMeta, &[u8], &[u8]) -> Result<(), ExportError>,
) -> Result<u64, ExportError> {
    let mut source = FileSource::open(path, Numbering::default())?;
    let mut slots = Vec::with_capacity(READ);
    // Damage was told of by the first reading.
    while let Ok(Some(block)) = source.next_batch(&mut slots, READ) {
        for slot in slots.drain(..) {
            if number > frames {
                return Ok(number);
            }
            if chosen.has(number) {
                let packet = slot.packet(&block);
                let start = slot.offset.saturating_sub(header_len);
                let record = &block[start..slot.offset + packet.data.len()];
                take(number, &packet.meta, record, packet.data)?;
            }
            number += 1;
        }
    }
    Ok(number)
}

/// A pcap file as a section of a pcapng file.
pub(super) fn section(
    path: &Path,
    header: &[u8; 24],
    number: u64,
    frames: (&FrameSet, u64),
    edit: &mut Edit<'_>,
    output: &mut Output,
) -> Result<u64, ExportError> {
    let source = FileSource::open(path, Numbering::default())?;
    let Some(iface) = source.ifaces().first().cloned() else {
        return Ok(number);
    };
    let mut bytes = Vec::new();
    put_section(edit.comment.take(), &mut bytes);
    let resolution = [iface.decimals];
    let mut options: Vec<(u16, &[u8])> = vec![(IF_TSRESOL, &resolution)];
    // Upper half of the link type: a bit, and the length in 16 bit words (section 4, "FCS len").
    let order = order(header);
    let upper = number_at(header, 20, order) >> 26;
    let fcs_len = [((upper >> 2) * 2) as u8];
    if upper & 1 != 0 {
        options.push((IF_FCSLEN, &fcs_len));
    }
    let (link, snap_len) = (iface.link.0.to_le_bytes(), iface.snap_len.to_le_bytes());
    put_block(
        INTERFACE_DESCRIPTION,
        &[&link, &[0, 0], &snap_len],
        &options,
        &mut bytes,
    );
    output.write(&bytes)?;
    let unit_ns = if iface.decimals == 9 { 1 } else { 1000 };
    let mark = edit.mark;
    packets(path, number, frames, 0, |_, meta, _, data| {
        bytes.clear();
        let ts = meta.ts.0 / unit_ns;
        let fixed = [
            0,
            (ts >> 32) as u32,
            ts as u32,
            data.len() as u32,
            meta.wire_len,
        ];
        let fixed = fixed.map(u32::to_le_bytes);
        put_block(
            ENHANCED_PACKET,
            &[fixed.as_flattened(), data],
            &[],
            &mut bytes,
        );
        if let Some(mark) = mark {
            let plain = std::mem::take(&mut bytes);
            with_comment(&plain, Order::Little, plain.len() - 4, mark, &mut bytes);
        }
        output.write(&bytes)
    })
}

/// Files of any format as a pcap file.
pub(super) fn to_pcap(
    files: &[PathBuf],
    kinds: &[Option<Kind>],
    chosen: &Chosen,
    frames: u64,
    output: &mut Output,
) -> Result<(), ExportError> {
    let mut first = None;
    let mut alike = true;
    for kind in kinds.iter().flatten() {
        match kind {
            Kind::Pcapng => alike = false,
            Kind::Pcap(header) => alike &= is_alike(first.get_or_insert(*header), header),
        }
    }
    let verbatim = first.filter(|_| alike);
    let mut number = 1;
    if let Some(header) = verbatim {
        output.write(&header)?;
        let len = match number_at(&header, 0, order(&header)) {
            MAGIC_MODIFIED => 24,
            _ => 16,
        };
        for path in files {
            if number > frames {
                break;
            }
            number = packets(
                path,
                number,
                (&chosen.frames, frames),
                len,
                |_, _, record, _| output.write(record),
            )?;
        }
        return Ok(());
    }
    let link = match &*chosen.links {
        [] => LinkType::ETHERNET,
        [link] => *link,
        several => {
            let names: Vec<_> = several.iter().map(ToString::to_string).collect();
            return Err(ExportError::LinkTypes(names.join(" and ")));
        }
    };
    if let Some(late) = chosen.late {
        return Err(ExportError::Time(late));
    }
    let (magic, unit_ns) = if chosen.needs_ns {
        (MAGIC_NS, 1)
    } else {
        (MAGIC_US, 1000)
    };
    let header = [magic, 0x0004_0002, 0, 0, SNAP_LEN, link.0.into()].map(u32::to_le_bytes);
    output.write(header.as_flattened())?;
    for path in files {
        if number > frames {
            break;
        }
        number = packets(
            path,
            number,
            (&chosen.frames, frames),
            0,
            |_, meta, _, data| {
                let fraction = meta.ts.subsec_ns() / unit_ns;
                let header = [
                    meta.ts.secs() as u32,
                    fraction,
                    data.len() as u32,
                    meta.wire_len,
                ];
                output.write(header.map(u32::to_le_bytes).as_flattened())?;
                output.write(data)
            },
        )?;
    }
    Ok(())
}

/// Whether records of both files can lie behind one header: all is equal but the snap length.
fn is_alike(one: &[u8; 24], other: &[u8; 24]) -> bool {
    one[..8] == other[..8] && one[20..] == other[20..]
}

fn order(header: &[u8; 24]) -> Order {
    let magic = number_at(header, 0, Order::Little);
    match magic {
        MAGIC_US | MAGIC_NS | MAGIC_MODIFIED => Order::Little,
        _ => Order::Big,
    }
}

fn number_at(header: &[u8; 24], at: usize, order: Order) -> u32 {
    order.u32(header, at).unwrap_or(0)
}
