//! What NTLM says of itself wherever it is spoken ([MS-NLMP] 2.2): the kind of its message, and who asks.

use super::names;
use crate::read::proto::text::Escaped;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// What every message begins with.
const SIGNATURE: &[u8] = b"NTLMSSP\0";
const NEGOTIATE: u32 = 1;
const CHALLENGE: u32 = 2;
const AUTHENTICATE: u32 = 3;
/// Bit of the flags: text is UTF-16.
const UNICODE: u32 = 1;

/// Adds the message somewhere in these bytes to the list, and the protocol to those of the frame, if there is
/// one.
pub(crate) fn tell(walk: &mut Walk<'_, '_>, bytes: &[u8]) {
    if tell_only(walk, bytes) {
        walk.protocols.push(names::ntlmssp::THIS.protocol);
    }
}

/// Adds the message to the list alone; whether there is one.
pub(crate) fn tell_only(walk: &mut Walk<'_, '_>, bytes: &[u8]) -> bool {
    let found = bytes
        .windows(SIGNATURE.len())
        .position(|at| at == SIGNATURE);
    let Some(message) = found.and_then(|at| bytes.get(at..)) else {
        return false;
    };
    let message = Region::new(0, message, message.len() as u32);
    let Ok(kind) = little(&message, 8) else {
        return true;
    };
    let name = match kind {
        NEGOTIATE => "NTLMSSP_NEGOTIATE",
        CHALLENGE => "NTLMSSP_CHALLENGE",
        AUTHENTICATE => "NTLMSSP_AUTH",
        _ => "Unknown NTLMSSP message type",
    };
    walk.columns.append_text_after(", ", name);
    if kind == AUTHENTICATE
        && let Ok((domain, user)) = who(&message)
    {
        let (domain, user) = (Escaped(domain.as_bytes()), Escaped(user.as_bytes()));
        walk.columns
            .append_info_after(", ", format_args!("User: {domain}\\{user}"));
    }
    true
}

/// Domain and name of who asks.
fn who(message: &Region<'_>) -> Result<(String, String), Stop> {
    let flags = little(message, 60).unwrap_or(UNICODE);
    let text = |at: usize| {
        let [low, high] = message.array(at)?;
        let len = usize::from(u16::from_le_bytes([low, high]));
        let bytes = message.slice(little(message, at + 4)? as usize, len)?;
        Ok(if flags & UNICODE == 0 {
            String::from_utf8_lossy(bytes).into_owned()
        } else {
            let pairs = bytes.chunks_exact(2);
            let units: Vec<_> = pairs
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .collect();
            String::from_utf16_lossy(&units)
        })
    };
    Ok((text(28)?, text(36)?))
}

fn little(message: &Region<'_>, at: usize) -> Result<u32, Stop> {
    message.array(at).map(u32::from_le_bytes)
}
