//! A reader of pcapng that knows nothing but the draft (draft-ietf-opsawg-pcapng), so that what the
//! program writes is not read by the program's own code.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const STATISTICS: u32 = 5;
const PACKET: u32 = 6;

/// Options of a block: code and value.
#[derive(Clone, Debug)]
pub(crate) struct Options(Vec<(u16, Vec<u8>)>);

impl Options {
    /// Value of an option that is there at most once.
    pub(crate) fn get(&self, code: u16) -> Option<&[u8]> {
        let mut found = self.0.iter().filter(|(known, _)| *known == code);
        let value = found.next().map(|(_, value)| value.as_slice());
        assert!(found.next().is_none(), "option {code} twice");
        value
    }

    /// Values of an option that can be there several times.
    pub(crate) fn texts(&self, code: u16) -> Vec<&str> {
        let found = self.0.iter().filter(|(known, _)| *known == code);
        found
            .map(|(_, value)| str::from_utf8(value).unwrap())
            .collect()
    }

    pub(crate) fn text(&self, code: u16) -> Option<&str> {
        self.get(code).map(|value| str::from_utf8(value).unwrap())
    }

    pub(crate) fn number(&self, code: u16) -> Option<u64> {
        self.get(code).map(|value| match value.len() {
            1 => value[0].into(),
            2 => u16::from_le_bytes(value.try_into().unwrap()).into(),
            4 => u32::from_le_bytes(value.try_into().unwrap()).into(),
            _ => u64::from_le_bytes(value.try_into().unwrap()),
        })
    }
}

/// Interface description block.
#[derive(Clone, Debug)]
pub(crate) struct Interface {
    pub(crate) link_type: u16,
    pub(crate) options: Options,
}

/// Enhanced packet block.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) interface: u32,
    pub(crate) ts: u64,
    pub(crate) wire_len: u32,
    pub(crate) data: Vec<u8>,
    pub(crate) options: Options,
}

/// Interface statistics block.
#[derive(Clone, Debug)]
pub(crate) struct Statistics {
    pub(crate) interface: u32,
    pub(crate) options: Options,
}

/// A file of one section.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) section: Options,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) packets: Vec<Packet>,
    pub(crate) statistics: Vec<Statistics>,
}

impl File {
    /// Reads a file, which must end with a whole block.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Self::parse(&fs::read(path)?)
    }

    pub(crate) fn parse(mut bytes: &[u8]) -> Result<Self> {
        let mut file = Self {
            section: Options(Vec::new()),
            interfaces: Vec::new(),
            packets: Vec::new(),
            statistics: Vec::new(),
        };
        let mut sections = 0;
        while !bytes.is_empty() {
            let len = u32_at(bytes, 4)? as usize;
            ensure!(len >= 12 && len.is_multiple_of(4), "a block of {len} bytes");
            let block = bytes.get(..len).context("the last block is cut")?;
            ensure!(u32_at(block, len - 4)? as usize == len, "second length");
            let body = &block[8..len - 4];
            match u32_at(block, 0)? {
                SECTION => {
                    ensure!(u32_at(body, 0)? == 0x1a2b_3c4d, "byte order");
                    sections += 1;
                    file.section = options(&body[16..])?;
                }
                INTERFACE => file.interfaces.push(Interface {
                    link_type: u16::from_le_bytes([body[0], body[1]]),
                    options: options(&body[8..])?,
                }),
                PACKET => {
                    let cap_len = u32_at(body, 12)? as usize;
                    file.packets.push(Packet {
                        interface: u32_at(body, 0)?,
                        ts: u64::from(u32_at(body, 4)?) << 32 | u64::from(u32_at(body, 8)?),
                        wire_len: u32_at(body, 16)?,
                        data: body.get(20..20 + cap_len).context("packet")?.to_vec(),
                        options: options(&body[20 + cap_len.next_multiple_of(4)..])?,
                    });
                }
                STATISTICS => file.statistics.push(Statistics {
                    interface: u32_at(body, 0)?,
                    options: options(&body[12..])?,
                }),
                other => bail!("a block of type {other:#x}"),
            }
            bytes = &bytes[len..];
        }
        ensure!(sections == 1, "{sections} sections");
        Ok(file)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    let field = bytes.get(at..at + 4).context("a cut field")?;
    Ok(u32::from_le_bytes(field.try_into()?))
}

fn options(mut bytes: &[u8]) -> Result<Options> {
    let mut options = Vec::new();
    while !bytes.is_empty() {
        let head = u32_at(bytes, 0)?;
        let (code, len) = (head as u16, (head >> 16) as usize);
        if code == 0 {
            ensure!(len == 0 && bytes.len() == 4, "options after their end");
            break;
        }
        let value = bytes.get(4..4 + len).context("a cut option")?;
        options.push((code, value.to_vec()));
        bytes = bytes
            .get(4 + len.next_multiple_of(4)..)
            .context("an option without its padding")?;
    }
    Ok(Options(options))
}
